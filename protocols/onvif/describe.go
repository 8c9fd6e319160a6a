package onvif

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Description is what an installer needs to know of a device. Its serial number, its name and where it says that it hangs are not asked.
type Description struct {
	Manufacturer, Model string
	Profiles            []Profile // the largest picture first, by video source
	Events              bool      // it says that it has an event service, which may be untrue either way
}

// Profile is one stream of a device.
type Profile struct {
	Token, Source string // the device's tokens: of the profile and of the video source
	Encoding      string // H264, H265, JPEG, MPEG4 or empty
	Columns, Rows int
	Stream        string // rtsp address without a user's name and password
	Snapshot      string // http address, without them; empty: it has none
	// Secret: an address holds credentials elsewhere, as some firmware writes them. It must not be shown.
	Secret bool
}

// maxProfiles bounds the streams that are asked for, of a recorder for example.
const maxProfiles = 64

// describable is what may be shown of a device's make.
var describable = regexp.MustCompile(`^[A-Za-z0-9 ._/()+-]{1,64}$`)

// Describe asks for the make, the streams and the addresses of a device. What it does not answer stays empty; an error means that
// nothing could be asked.
func (d *Device) Describe(ctx context.Context) (Description, error) {
	if err := d.syncClock(ctx); err != nil {
		return Description{}, err
	}
	services, err := d.services(ctx)
	if err != nil {
		return Description{}, err
	}
	out := Description{Events: services[nsEvents] != ""}
	body, err := d.ask(ctx, call{to: d.base, body: `<GetDeviceInformation xmlns="` + nsDevice + `"/>`})
	if fatal(err) {
		return Description{}, err
	}
	out.Manufacturer, out.Model = shown(body.first("Manufacturer").value()), shown(body.first("Model").value())
	out.Profiles, err = d.profiles(ctx, services)
	return out, err
}

func shown(s string) string {
	if describable.MatchString(s) {
		return s
	}
	return ""
}

// profiles are the streams by Media2, which alone tells of H.265, or by Media1.
func (d *Device) profiles(ctx context.Context, services map[string]string) ([]Profile, error) {
	for _, m := range []media{media2, media1} {
		for _, at := range d.mediaAddresses(services[m.namespace], m) {
			found, err := d.profilesAt(ctx, m, at)
			if fatal(err) {
				return nil, err
			}
			if len(found) > 0 {
				return d.withAddresses(ctx, m, at, found)
			}
		}
	}
	return nil, nil
}

// media is how one of the two media services is asked.
type media struct {
	namespace, profiles, stream string // bodies, with % for the token
	paths                       []string
}

var (
	media1 = media{
		namespace: nsMedia,
		profiles:  `<GetProfiles xmlns="` + nsMedia + `"/>`,
		stream: `<GetStreamUri xmlns="` + nsMedia + `"><StreamSetup><Stream xmlns="http://www.onvif.org/ver10/schema">RTP-Unicast</Stream>` +
			`<Transport xmlns="http://www.onvif.org/ver10/schema"><Protocol>RTSP</Protocol></Transport></StreamSetup><ProfileToken>%</ProfileToken></GetStreamUri>`,
		paths: []string{"/onvif/media_service", "/onvif/Media", "/onvif/media"},
	}
	media2 = media{
		namespace: nsMedia2,
		profiles:  `<GetProfiles xmlns="` + nsMedia2 + `"><Type>VideoSource</Type><Type>VideoEncoder</Type></GetProfiles>`,
		stream:    `<GetStreamUri xmlns="` + nsMedia2 + `"><Protocol>RTSP</Protocol><ProfileToken>%</ProfileToken></GetStreamUri>`,
	}
)

// mediaAddresses are where a media service may be. Media2 is asked only where a device says that it has it.
func (d *Device) mediaAddresses(told string, m media) []*url.URL {
	at := d.addresses(told)
	for _, path := range m.paths {
		u := *d.base
		if u.Path = path; !slices.ContainsFunc(at, func(k *url.URL) bool { return *k == u }) {
			at = append(at, &u)
		}
	}
	return at
}

func (d *Device) profilesAt(ctx context.Context, m media, at *url.URL) (found []Profile, err error) {
	body, err := d.ask(ctx, call{to: at, body: m.profiles})
	if err != nil {
		return nil, err
	}
	for _, e := range body.all("Profiles") {
		p := readProfile(e)
		if p.Token != "" && (p.Encoding != "" || p.Columns > 0) && len(found) < maxProfiles {
			found = append(found, p)
		}
	}
	slices.SortStableFunc(found, func(a, b Profile) int {
		if c := strings.Compare(a.Source, b.Source); c != 0 {
			return c
		}
		return b.Columns*b.Rows - a.Columns*a.Rows
	})
	return found, nil
}

// readProfile reads a profile of either service.
func readProfile(e *element) Profile {
	source, encoder := e.child("VideoSourceConfiguration"), e.child("VideoEncoderConfiguration")
	if c := e.child("Configurations"); c != nil {
		source, encoder = c.child("VideoSource"), c.child("VideoEncoder")
	}
	p := Profile{Token: e.attr("token"), Source: source.child("SourceToken").value()}
	if len(p.Token) > 64 {
		p.Token = ""
	}
	if !token.MatchString(p.Source) {
		p.Source = ""
	}
	for _, known := range []string{"H264", "H265", "JPEG", "MPEG4"} {
		if strings.EqualFold(encoder.child("Encoding").value(), known) {
			p.Encoding = known
		}
	}
	p.Columns, p.Rows = size(encoder.child("Resolution", "Width")), size(encoder.child("Resolution", "Height"))
	return p
}

func size(e *element) int {
	n, err := strconv.Atoi(e.value())
	if err != nil || n < 0 || n > 1<<15 {
		return 0
	}
	return n
}

// withAddresses asks for the addresses of each stream.
func (d *Device) withAddresses(ctx context.Context, m media, at *url.URL, found []Profile) ([]Profile, error) {
	for i := range found {
		p := &found[i]
		body, err := d.ask(ctx, call{to: at, body: strings.Replace(m.stream, "%", escape(p.Token), 1)})
		if fatal(err) {
			return nil, err
		}
		p.Stream = d.address(p, body, "rtsp", "rtsps")
		body, err = d.ask(ctx, call{to: at, body: `<GetSnapshotUri xmlns="` + m.namespace + `"><ProfileToken>` + escape(p.Token) + `</ProfileToken></GetSnapshotUri>`})
		if fatal(err) {
			return nil, err
		}
		p.Snapshot = d.address(p, body, "http", "https")
	}
	return found, nil
}

// passwords are the words by which firmware writes credentials into addresses.
var passwords = regexp.MustCompile(`(?i)(pass(word|wd)?|pwd|psw)[=_:]`)

// address reads an address of a stream, at the host by which we know the device.
func (d *Device) address(p *Profile, body *element, schemes ...string) string {
	u, err := url.Parse(body.first("Uri").value())
	if err != nil || !slices.Contains(schemes, u.Scheme) || u.Host == "" {
		return ""
	}
	u.User = nil
	u.Host = hostPort(d.base.Hostname(), u.Port())
	if passwords.MatchString(u.String()) {
		p.Secret = true
	}
	return u.String()
}

// Streams are the profiles for looking closely and for detection: of a video source, the largest picture and the smallest that is at
// least 240 rows high. Sub is nil if there is but one. An empty source is the first.
func (d Description) Streams(source string) (main, sub *Profile) {
	for i := range d.Profiles {
		p := &d.Profiles[i]
		if source == "" {
			source = p.Source
		}
		if p.Source != source || p.Stream == "" || p.Encoding == "JPEG" {
			continue
		}
		switch {
		case main == nil:
			main = p
		case p.Rows >= 240 && p.Stream != main.Stream && p.Columns*p.Rows < main.Columns*main.Rows:
			sub = p
		}
	}
	return main, sub
}
