package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"gridgate/edge/config"
	"gridgate/edge/fuse"
	"gridgate/edge/vendor"
	"gridgate/protocols/alert"
	"gridgate/protocols/dahua"
	"gridgate/protocols/gb28181"
	"gridgate/protocols/hikvision"
	"gridgate/protocols/onvif"
	protocol "gridgate/protocols/vendor"
)

// ownDevice is a camera, recorder or platform that tells its own events, as a protocol needs it.
type ownDevice struct {
	url                string
	username, password string
	ca, fingerprint    string       // of its certificate: a file, and a digest
	http               *http.Client // with the device's certificate checked, and no limit on how long an answer takes
	zone               *time.Location
	log                *slog.Logger
	callers            callers
	secret             string // by which one that pushes is known; empty: it is called
}

// callers are the doors for devices that call us; url is the code of one at gb.
type callers struct {
	gb   *gbServer
	push *pushDoor
}

// eventProtocol is a way in which cameras tell by themselves.
type eventProtocol struct {
	kinds  []alert.Kind // all that it may tell
	stream func(d ownDevice) (protocol.Stream, error)
}

const gbName = gb28181.Name

// protocols is the table of them.
func protocols() map[string]eventProtocol {
	return map[string]eventProtocol{
		onvif.Name: {kinds: onvif.Kinds, stream: func(d ownDevice) (protocol.Stream, error) {
			if strings.HasPrefix(d.url, "rtsp") {
				return metadataStream(d)
			}
			return onvif.NewStream(onvif.Options{URL: d.url, Username: d.username, Password: d.password, Client: d.http})
		}},
		hikvision.Name: {kinds: hikvision.Kinds(), stream: func(d ownDevice) (protocol.Stream, error) {
			if d.secret != "" {
				return d.callers.push.Stream(d.secret)
			}
			return hikvision.NewStream(hikvision.Options{URL: d.url, Client: d.client(), Location: d.zone})
		}},
		dahua.Name: {kinds: dahua.Kinds(), stream: func(d ownDevice) (protocol.Stream, error) {
			return dahua.NewStream(dahua.Options{URL: d.url, Client: d.client(), Location: d.zone})
		}},
		gbName: {kinds: gb28181.Kinds, stream: func(d ownDevice) (protocol.Stream, error) { return d.callers.gb.events(d.url) }},
	}
}

func (d ownDevice) client() protocol.Client {
	return protocol.Client{HTTP: d.http, Username: d.username, Password: d.password}
}

// eventSet are the connections to devices that tell their own events.
type eventSet struct {
	lines    []*vendor.Line
	byCamera map[string]*vendor.Line
}

// newEvents opens one connection to each device, however many cameras hang on it.
func newEvents(cfg *config.Config, callers callers, cs *cameraSet, notify func(), log *slog.Logger) (*eventSet, error) {
	set := &eventSet{byCamera: map[string]*vendor.Line{}}
	targets, first := map[eventKey][]vendor.Target{}, map[eventKey]config.Camera{}
	var order []eventKey
	for _, c := range cfg.Cameras {
		k, target, ok := eventsOf(cfg, c)
		if !ok {
			continue
		}
		if targets[k] == nil {
			order, first[k] = append(order, k), c
		}
		target.Teller = cs.byID[c.ID].Camera
		targets[k] = append(targets[k], target)
	}
	for _, k := range order {
		line, err := newLine(cfg, callers, first[k], targets[k], notify, log)
		if err != nil {
			return nil, fmt.Errorf("events of camera %s: %w", first[k].ID, err)
		}
		set.lines = append(set.lines, line)
		for _, c := range cfg.Cameras {
			if of, _, ok := eventsOf(cfg, c); ok && of == k {
				set.byCamera[c.ID] = line
			}
		}
	}
	return set, nil
}

func newLine(cfg *config.Config, callers callers, c config.Camera, targets []vendor.Target, notify func(), log *slog.Logger) (*vendor.Line, error) {
	d, err := deviceOf(cfg, c.Events, log)
	if err != nil {
		return nil, err
	}
	if d.callers = callers; c.Events.Protocol == gbName {
		d.url = cfg.GBDeviceOf(c)
	}
	stream, err := protocols()[c.Events.Protocol].stream(d)
	if err != nil {
		return nil, err
	}
	return vendor.New(vendor.Options{Name: c.ID, Stream: stream, Targets: targets, OnChange: notify, Log: log})
}

func deviceOf(cfg *config.Config, e *config.Events, log *slog.Logger) (d ownDevice, err error) {
	d = ownDevice{url: e.URL, username: e.Username, ca: cfg.Path(e.CA), fingerprint: e.Fingerprint, log: log}
	if e.Password.Set() {
		if d.password, err = cfg.Secret(e.Password); err != nil {
			return d, err
		}
	}
	if e.Push.Set() {
		if d.secret, err = cfg.Secret(e.Push); err != nil {
			return d, err
		}
	}
	trust, err := trusted(d.ca, d.fingerprint)
	if err != nil {
		return d, err
	}
	if d.zone, err = cfg.Location(); err != nil {
		return d, err
	}
	d.http = &http.Client{
		Transport:     &http.Transport{TLSClientConfig: trust.Config(), ResponseHeaderTimeout: 30 * time.Second, MaxConnsPerHost: 4},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return d, nil
}

func (s *eventSet) start(ctx context.Context, parts *errgroup.Group) {
	for _, line := range s.lines {
		parts.Go(func() error { return line.Run(ctx) })
	}
}

// newFuser stands before step 4 and joins what a camera tells with what we find on it.
func newFuser(cfg *config.Config, next fuse.Raiser) (*fuse.Fuser, error) {
	trust := map[string]fuse.Trusts{}
	for _, c := range cfg.Cameras {
		if c.Events != nil {
			trust[c.ID] = fuse.Trusts{Events: fuse.Trust(c.Events.Trust), Detectors: fuse.Trust(c.Trust)}
		}
	}
	known := protocols()
	return fuse.New(fuse.Options{Next: next, Trust: trust, Events: func(origin string) bool {
		_, ok := known[origin]
		return ok
	}})
}
