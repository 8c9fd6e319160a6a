package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"gridgate/edge/config"
	"gridgate/edge/discover"
	"gridgate/edge/probe"
	"gridgate/protocols/gb28181"
	"gridgate/protocols/onvif"
	protocol "gridgate/protocols/vendor"
)

// deviceLine is what probe prints of a device itself.
type deviceLine struct {
	Device        string        `json:"device"` // its protocol
	Error         string        `json:"error,omitempty"`
	Manufacturer  string        `json:"manufacturer,omitempty"`
	Model         string        `json:"model,omitempty"`
	ClockOffMs    *int64        `json:"clockOffMs,omitempty"`    // its clock minus ours
	Authenticated *bool         `json:"authenticated,omitempty"` // the account was accepted, or none is needed
	Profiles      []profileLine `json:"profiles,omitempty"`
	Events        bool          `json:"saysItHasEvents,omitempty"`
}

type profileLine struct {
	Source   string `json:"source,omitempty"`
	Encoding string `json:"encoding,omitempty"`
	Width    int    `json:"width,omitempty"`
	Height   int    `json:"height,omitempty"`
	Stream   string `json:"stream,omitempty"` // empty: it gave none, or one with an account in it
}

// eventsLine is what probe prints of a device's own events.
type eventsLine struct {
	Events     string      `json:"events"` // the protocol
	Error      string      `json:"error,omitempty"`
	Seconds    float64     `json:"seconds"`
	Messages   int         `json:"messages"`
	Heartbeats int         `json:"heartbeats"`
	ClockOffMs *int64      `json:"clockOffMs,omitempty"`
	Kinds      []kindLine  `json:"kinds"`
	Ignored    []aboutLine `json:"ignored,omitempty"`
}

type kindLine struct {
	Kind    string `json:"kind"`
	Channel string `json:"channel,omitempty"`
	Region  string `json:"region,omitempty"`
	Raised  int    `json:"wouldRaise"`
	Held    int    `json:"heldAtStart"`
	Ended   int    `json:"ended"`
}

type aboutLine struct {
	Event string `json:"event,omitempty"`
	Why   string `json:"why"`
	Times int    `json:"times"`
}

// maxListen is how long events may be listened to.
const maxListen = 10 * time.Minute

// asksDevice says whether more than streams is looked at.
func (o ProbeOptions) asksDevice() bool { return o.Protocol != "" || o.ONVIF != "" }

// device looks at a device: itself, its streams, its events. It returns 1 if none of them could be looked at.
func (o ProbeOptions) device(ctx context.Context, stdout, stderr io.Writer) int {
	if o.Protocol == "" {
		o.Protocol = onvif.Name
	}
	if o.Protocol == gbName {
		return o.explainGB(stdout, stderr)
	}
	d, err := o.target()
	if err != nil {
		fmt.Fprintln(stderr, "probe:", err)
		return ExitUsage
	}
	out := json.NewEncoder(stdout)
	out.SetEscapeHTML(false)
	line, advice := o.describe(ctx, d)
	_ = out.Encode(line) // standard output is all there is to tell
	looked := line.Error == "" && line.Authenticated != nil
	final := adviceLine{}
	if o.URL != "" {
		pool, streams, err := o.prepare(stderr)
		if err != nil {
			fmt.Fprintln(stderr, "probe:", err)
			return ExitUsage
		}
		report, err := o.look(ctx, pool, streams, out)
		looked = looked || err == nil
		final.Detect = report.Detect
		if err != nil {
			advice = append(advice, "no stream could be looked at: "+err.Error())
		}
		advice = append(advice, report.Advice...)
	}
	if o.Events > 0 && ctx.Err() == nil {
		heard, err := o.listen(ctx, d)
		if err != nil {
			fmt.Fprintln(stderr, "probe:", err)
			return ExitUsage
		}
		_ = out.Encode(eventsLineOf(o.Protocol, heard))
		looked = looked || heard.Err == nil
		advice = append(advice, heard.Advice(o.Protocol)...)
	}
	final.Advice = append([]string{}, slices.Compact(advice)...)
	_ = out.Encode(final)
	if !looked {
		fmt.Fprintln(stderr, "probe: nothing of the device could be looked at")
		return ExitFailed
	}
	return ExitOK
}

// target checks the request.
func (o *ProbeOptions) target() (d ownDevice, err error) {
	switch {
	case o.ONVIF != "" && o.Device != "" || o.ONVIF != "" && o.Protocol != onvif.Name:
		return d, errors.New("--onvif: it names protocol and device; give --protocol and --device instead for another one")
	case o.ONVIF != "":
		o.Device = o.ONVIF
	}
	u, err := url.Parse(o.Device)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return d, errors.New("--device: write http://host[:port], and the account as --username and --password-file")
	}
	if o.Events < 0 || o.Events > maxListen {
		return d, fmt.Errorf("--events: listen for up to %s, or 0", maxListen)
	}
	if d.password, err = o.password(); err != nil {
		return d, err
	}
	trust, err := trusted(o.CA, o.Fingerprint)
	if err != nil {
		return d, err
	}
	d.url, d.username, d.ca, d.fingerprint, d.zone = o.Device, o.Username, o.CA, o.Fingerprint, time.Local
	d.http = &http.Client{
		Transport:     &http.Transport{TLSClientConfig: trust.Config(), ResponseHeaderTimeout: 30 * time.Second, MaxConnsPerHost: 4},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return d, nil
}

// describe asks a device about itself, and fills in the addresses of its streams if none was given.
func (o *ProbeOptions) describe(ctx context.Context, d ownDevice) (line deviceLine, advice []string) {
	line.Device = o.Protocol
	if o.Protocol != onvif.Name {
		if o.URL == "" {
			u, _ := url.Parse(d.url) // target parsed it
			o.URL, o.Sub = discover.Usual(o.Protocol, u.Hostname(), 1)
			advice = append(advice, "the streams were looked at where the manufacturer documents them, of channel 1: give the address of another")
		}
		return line, advice
	}
	device, err := onvif.NewDevice(onvif.Options{URL: d.url, Username: d.username, Password: d.password, Client: d.http})
	if err != nil {
		line.Error = err.Error()
		return line, advice
	}
	told, err := device.Describe(ctx)
	line.tell(device, told, err)
	if main, sub := told.Streams(""); o.URL == "" && main != nil && !discover.HoldsAccount(main.Stream) {
		if o.URL = main.Stream; sub != nil && !discover.HoldsAccount(sub.Stream) {
			o.Sub = sub.Stream
		}
	}
	return line, append(advice, adviseOnDevice(line, told, err)...)
}

func (l *deviceLine) tell(device *onvif.Device, told onvif.Description, err error) {
	if offset, known := device.ClockOffset(); known {
		ms := offset.Milliseconds()
		l.ClockOffMs = &ms
	}
	if err == nil || errors.Is(err, protocol.ErrAuth) {
		accepted := err == nil
		l.Authenticated = &accepted
	}
	if err != nil {
		l.Error = err.Error()
	}
	l.Manufacturer, l.Model, l.Events = told.Manufacturer, told.Model, told.Events
	for _, p := range told.Profiles {
		line := profileLine{Source: p.Source, Encoding: p.Encoding, Width: p.Columns, Height: p.Rows, Stream: p.Stream}
		if discover.HoldsAccount(p.Stream) {
			line.Stream = ""
		}
		l.Profiles = append(l.Profiles, line)
	}
}

// muchClock is how far off a clock of a device may be before somebody should set it; some refuse an account 20 seconds off.
const muchClock = 5 * time.Second

func adviseOnDevice(l deviceLine, told onvif.Description, err error) (advice []string) {
	if l.ClockOffMs == nil && err == nil {
		advice = append(advice, "the device does not tell its clock: give it a time server")
	}
	if l.ClockOffMs != nil && (time.Duration(*l.ClockOffMs)*time.Millisecond).Abs() > muchClock {
		off := discover.About(time.Duration(*l.ClockOffMs) * time.Millisecond)
		advice = append(advice, fmt.Sprintf("the device's clock is %v off: give it a time server, or it may refuse the account", off))
	}
	if err == nil && len(told.Profiles) == 0 {
		advice = append(advice, "it told no stream: make a media profile on the device, or give the address of the stream")
	}
	if slices.ContainsFunc(told.Profiles, func(p onvif.Profile) bool { return discover.HoldsAccount(p.Stream) }) {
		advice = append(advice, "it writes an account into the addresses of its streams: write the address by hand, and the account as username and password")
	}
	return append(advice, probe.EventReport{Err: authOnly(err)}.Advice(onvif.Name)[:adviceOn(err)]...)
}

// authOnly is an error if it says something to do about the account or the certificate.
func authOnly(err error) error {
	if adviceOn(err) > 0 {
		return err
	}
	return nil
}

func adviceOn(err error) int {
	if errors.Is(err, protocol.ErrAuth) || errors.Is(err, protocol.ErrBlocked) || errors.Is(err, protocol.ErrCertificate) {
		return 1
	}
	return 0
}

func (o ProbeOptions) listen(ctx context.Context, d ownDevice) (probe.EventReport, error) {
	stream, err := protocols()[o.Protocol].stream(d)
	if err != nil {
		return probe.EventReport{}, err
	}
	return probe.Listen(ctx, stream, o.Events, time.Now), nil
}

func eventsLineOf(name string, r probe.EventReport) eventsLine {
	line := eventsLine{Events: name, Seconds: r.For.Seconds(), Messages: r.Messages, Heartbeats: r.Heartbeats, Kinds: []kindLine{}}
	if r.Err != nil {
		line.Error = r.Err.Error()
	}
	if r.SkewKnown {
		ms := r.Skew.Milliseconds()
		line.ClockOffMs = &ms
	}
	for _, k := range r.Kinds {
		line.Kinds = append(line.Kinds, kindLine{Kind: string(k.Kind), Channel: k.Channel, Region: k.Zone, Raised: k.Raises, Held: k.Held, Ended: k.Ends})
	}
	for _, i := range r.Ignored {
		line.Ignored = append(line.Ignored, aboutLine{Event: i.Topic, Why: i.Why, Times: i.Times})
	}
	return line
}

// explainGB says what to set at devices of GB/T 28181, which call the edge that runs: there is nobody to be asked.
func (o ProbeOptions) explainGB(stdout, stderr io.Writer) int {
	if o.Config == "" {
		fmt.Fprintln(stderr, "probe: a device of GB/T 28181 calls us: give --config FILE, and see on the status page of the running edge whether it registered")
		return ExitUsage
	}
	cfg, err := config.Load(o.Config)
	if err != nil {
		fmt.Fprintln(stderr, "probe:", err)
		return ExitFailed
	}
	g := cfg.GB28181
	advice := []string{"a device of GB/T 28181 calls us; whether it registered stands on the status page of the running edge, as the state of its cameras"}
	if g.Listen == "" {
		advice = append(advice, "the file has no section gb28181: write listen, id and devices")
	} else {
		advice = append(advice,
			fmt.Sprintf("set at each device: SIP server %s (listening on %s), server id %s, keep-alive 60 s, three missed", orElse(g.Address, "the address of listen"), g.Listen, g.ID),
			fmt.Sprintf("the file knows %d devices: each has its own 20-digit id as its user name, and the password of its entry", len(g.Devices)))
	}
	out := json.NewEncoder(stdout)
	out.SetEscapeHTML(false)
	_ = out.Encode(deviceLine{Device: gb28181.Name})
	_ = out.Encode(adviceLine{Advice: advice})
	return ExitOK
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
