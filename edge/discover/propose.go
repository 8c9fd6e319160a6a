package discover

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gridgate/protocols/ingest"
)

func pathf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// MaxAddress is how long the address of a stream may be, in bytes.
const MaxAddress = 512

// account finds what looks like an account in an address: some devices put the one that asked into the address of a stream.
var account = regexp.MustCompile(`(?i)(user|usr|login|pass|pwd|psw|auth|token|credential|secret)`)

// maxServices is how many addresses of one device are tried.
const maxServices = 4

// HoldsAccount says whether an address may have an account written into it, before the host or elsewhere: it must not be shown.
func HoldsAccount(address string) bool {
	u, err := url.Parse(address)
	return err != nil || u.User != nil || account.MatchString(u.Path+"?"+u.RawQuery)
}

// servicesOf chooses, of the addresses that a device announces, those where it answered from: a list may begin with a link-local address
// or one of another network. If there is none, the standard one where the answer came from. Plain http comes first, since most
// certificates of cameras are their own.
func servicesOf(a Announced) []string {
	var plain, secure []string
	for _, text := range a.Addresses {
		u, err := url.Parse(text)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || len(text) > MaxAddress {
			continue
		}
		host, err := netip.ParseAddr(u.Hostname())
		if err != nil || host.Unmap().WithZone("") != a.From.Unmap().WithZone("") {
			continue
		}
		u.RawQuery, u.Fragment = "", ""
		if u.Scheme == "https" {
			secure = append(secure, u.String())
		} else {
			plain = append(plain, u.String())
		}
	}
	all := slices.Concat(plain, secure)
	if len(all) == 0 {
		return []string{"http://" + hostOf(a.From) + "/onvif/device_service"}
	}
	return all[:min(len(all), maxServices)]
}

// hostOf writes an address as it stands in a URL.
func hostOf(a netip.Addr) string {
	a = a.Unmap()
	if a.Is4() {
		return a.String()
	}
	return "[" + strings.ReplaceAll(a.String(), "%", "%25") + "]"
}

// stream reads the address of a stream: where the device answered, whatever host it names itself, and without an account.
func (f *Found) stream(text string) (address, why string) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || text == "" || len(text) > MaxAddress || u.Scheme != "rtsp" && u.Scheme != "rtsps" {
		return "", "the device gave no address of this stream"
	}
	u.User, u.Fragment = nil, ""
	if HoldsAccount(u.String()) {
		return "", "the device writes an account into the address of this stream; that cannot stand here"
	}
	u.Host = hostOf(f.addr)
	if port := portOf(text); port != "" {
		u.Host += ":" + port
	}
	return u.String(), ""
}

func portOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err != nil || n == 0 {
		return ""
	}
	return u.Port()
}

// idsOf are the names of devices in a configuration, from their addresses. Two of another port or zone do not occur: an address has one
// entry.
func idsOf(found []Found) []string {
	ids := make([]string, len(found))
	for i, f := range found {
		ids[i] = "cam-" + strings.Trim(idForm.ReplaceAllString(f.addr.String(), "-"), "-")
	}
	return ids
}

var idForm = regexp.MustCompile(`[^0-9a-z]+`)

// propose writes the entries of a device.
func (f *Found) propose(id string, a Account) {
	channels := f.Channels
	conventional := false
	if len(channels) == 0 {
		channels = []Channel{f.usual()}
		conventional = channels[0].Main != ""
	}
	var b strings.Builder
	for i, c := range channels {
		name := id
		if len(channels) > 1 {
			name += "-" + strconv.Itoa(i+1)
		}
		e := entry{id: name, channel: channelOf(c, i), conventional: conventional, several: len(channels) > 1, a: a}
		e.main, e.why = f.stream(c.Main)
		if c.Sub != "" && c.Sub != c.Main {
			e.sub, _ = f.stream(c.Sub)
		}
		b.WriteString(e.yaml(f))
	}
	if conventional {
		f.note(ingest.NoteConventional, "maker", f.Manufacturer)
	}
	if f.events() == ONVIF && len(channels) > 1 {
		f.note(ingest.NoteWhichEvents)
	}
	if f.events() == "" {
		f.note(ingest.NoteEvents)
	}
	f.Proposal = b.String()
}

// usual is the first channel by the manufacturer's documentation, if that is known.
func (f *Found) usual() (c Channel) {
	if f.vendor.paths == nil {
		return c
	}
	host := "rtsp://" + hostOf(f.addr) + ":554"
	main, sub := f.vendor.paths(1)
	return Channel{Main: host + main, Sub: host + sub}
}

func channelOf(c Channel, i int) string {
	if n, err := strconv.ParseUint(c.Number, 10, 16); err == nil {
		return strconv.FormatUint(n, 10)
	}
	return strconv.Itoa(i + 1)
}

// events is the protocol of its own events; the manufacturer's own tells more than ONVIF.
func (f *Found) events() string {
	for _, p := range f.Protocols {
		if p == Hikvision || p == Dahua {
			return p
		}
	}
	for _, p := range f.Protocols {
		if p == ONVIF {
			return p
		}
	}
	return f.vendor.events
}

// eventsURL is the address of the device for its events: its scheme and host; the rest is known to the protocol.
func (f *Found) eventsURL() string {
	service := f.service
	if service == "" && len(f.services) > 0 {
		service = f.services[0]
	}
	if u, err := url.Parse(service); f.events() == ONVIF && err == nil && u.Host != "" {
		if u.Path == "/onvif/device_service" || u.Path == "" {
			return u.Scheme + "://" + u.Host
		}
		return service
	}
	return "http://" + hostOf(f.addr)
}

// entry is one camera.
type entry struct {
	id, main, sub, why, channel string
	conventional                bool
	several                     bool // the device has more channels
	a                           Account
}

// yaml writes an entry. What the law demands, and what is not known, is left out as a comment, so that `check` names it.
func (e entry) yaml(f *Found) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("  - id: %s", e.id)
	line("    # %s", f.Title())
	switch {
	case e.main == "":
		line("    # demanded: url: rtsp://%s:554/... (%s)", hostOf(f.addr), e.why)
	case e.conventional:
		line("    url: %s # as %s documents it; not tried", strconv.Quote(e.main), f.Manufacturer)
	default:
		line("    url: %s", strconv.Quote(e.main))
	}
	if e.sub != "" {
		line("    sub: %s", strconv.Quote(e.sub))
	}
	e.account(line, "    ", e.id)
	if protocol := f.events(); protocol != "" {
		line("    events:")
		line("      protocol: %s", protocol)
		line("      url: %s", strconv.Quote(f.eventsURL()))
		e.account(line, "      ", e.id)
		switch channel := eventsChannel(protocol, e.channel); {
		case channel != "":
			line("      channel: %s", strconv.Quote(channel))
		case e.several:
			line("      # channel: ... # of this picture; without it, all events of the recorder are taken for this camera's: see probe --onvif")
		}
	}
	line("    # demanded: place: {grid: \"...\", kind: ...} # where it is, and what kind of place that is")
	line("    # demanded: owner: ... # the unit that is responsible for the camera")
	line("    # demanded: purpose: ... # what it is for")
	line("    # demanded: legal_basis: ... # the rule that allows it")
	return b.String()
}

// eventsChannel is the channel as a protocol numbers it: Dahua's events count from 0. One that ONVIF tells by token is left open.
func eventsChannel(protocol, number string) string {
	switch n, err := strconv.Atoi(number); {
	case err != nil || protocol == ONVIF:
		return ""
	case protocol == Dahua:
		return strconv.Itoa(n - 1)
	}
	return number
}

// account writes how the password is found; never the password.
func (e entry) account(line func(string, ...any), indent, id string) {
	if e.a.Username == "" {
		line("%s# username: ... # of an account at the device that may look and do nothing else", indent)
	} else {
		line("%susername: %s", indent, strconv.Quote(e.a.Username))
	}
	switch {
	case e.a.File != "":
		line("%spassword: {file: %s}", indent, strconv.Quote(e.a.File))
	case e.a.Env != "":
		line("%spassword: {env: %s}", indent, strconv.Quote(e.a.Env))
	default:
		line("%spassword: {env: %s}", indent, "GRIDGATE_"+strings.ToUpper(strings.ReplaceAll(id, "-", "_")))
	}
}

// Title says what a device is and where, as far as it is known, in one line.
func (f *Found) Title() string {
	what := strings.TrimSpace(f.Manufacturer + " " + f.Model)
	if what == "" {
		what = "a device of an unknown manufacturer"
	}
	return fmt.Sprintf("%s at %s (%s)", what, f.Address, strings.Join(f.Protocols, ", "))
}

// Usual are the addresses of a channel's streams as the manufacturer of a protocol documents them, empty if it documents none. host may
// have a port, which is not that of streams.
func Usual(protocol, host string, channel int) (main, sub string) {
	for _, v := range vendors {
		if v.events == protocol && v.paths != nil {
			if name, _, err := net.SplitHostPort(host); err == nil {
				host = name
			}
			if strings.Contains(host, ":") {
				host = "[" + strings.Trim(host, "[]") + "]"
			}
			main, sub = v.paths(channel)
			return "rtsp://" + host + ":554" + main, "rtsp://" + host + ":554" + sub
		}
	}
	return "", ""
}
