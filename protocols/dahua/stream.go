package dahua

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/vendor"
)

// Options are what a [Stream] needs. URL is demanded.
type Options struct {
	URL      string // of the device: http://camera or https://recorder:8443
	Client   vendor.Client
	Location *time.Location // of the device, for devices whose UTC is local time
}

// Stream attaches to a device's events. It is a [vendor.Stream]; Run is called by one goroutine at a time.
type Stream struct {
	o       Options
	address string
}

var _ vendor.Stream = (*Stream)(nil)

// heartbeat that is asked for, and how long without one a device is gone.
const (
	attach  = "/cgi-bin/eventManager.cgi?action=attach&codes=[All]&heartbeat=5"
	silence = 15 * time.Second
)

// NewStream checks o.
func NewStream(o Options) (*Stream, error) {
	u, err := vendor.Base(o.URL)
	if err != nil {
		return nil, fmt.Errorf("dahua: %w", err)
	}
	// The brackets are not escaped: firmware compares the bytes.
	return &Stream{o: o, address: u.Scheme + "://" + u.Host + strings.TrimSuffix(u.EscapedPath(), "/") + attach}, nil
}

// Run reads until ctx ends or the connection fails.
func (s *Stream) Run(ctx context.Context, emit vendor.Emit) error {
	guard := vendor.NewGuard(ctx, vendor.Opening)
	defer guard.Stop()
	res, err := s.o.Client.Open(guard.Context(), s.address)
	if err == nil {
		err = vendor.Multipart(res)
	}
	if err != nil {
		return guard.Refused(ctx, fmt.Errorf("attach to events: %w", err))
	}
	defer res.Body.Close()
	guard.Wait(silence)
	parts, dialect, windows := vendor.NewParts(res.Body, nil), Dialect{Location: s.o.Location}, begun{}
	for {
		part, err := parts.Next()
		if err != nil {
			return guard.Cause(ctx, fmt.Errorf("read events: %w", vendor.ErrUnreachable))
		}
		guard.Pause()
		if !part.Skipped {
			t := dialect.Translate("", part.Body, false)
			t.Observations = windows.pair(t.Observations)
			emit(t)
		}
		guard.Wait(silence)
	}
}

// begun remembers in which rules and windows a state began, since its end may not tell.
type begun map[state][]string

type state struct {
	channel string
	kind    alert.Kind
}

// maxBegun bounds the memory of one connection.
const maxBegun = 1024

// pair gives an end without a window to all windows in which the state began.
func (b begun) pair(obs []observation.Observation) []observation.Observation {
	out := obs[:0:0]
	for _, o := range obs {
		key := state{o.Device, o.Kind}
		open := b[key]
		switch {
		case o.Phase == observation.Active:
			if o.Zone != "" && !slices.Contains(open, o.Zone) && len(b) < maxBegun && len(open) < vendor.MaxObservations {
				b[key] = append(open, o.Zone)
			}
		case o.Phase == observation.Inactive && o.Zone == "":
			for _, zone := range open {
				ended := o
				ended.Zone = zone
				out = append(out, ended)
			}
			delete(b, key)
		case o.Phase == observation.Inactive:
			if open = slices.DeleteFunc(open, func(zone string) bool { return zone == o.Zone }); len(open) == 0 {
				delete(b, key)
			} else {
				b[key] = open
			}
		}
		out = append(out, o)
	}
	return out
}
