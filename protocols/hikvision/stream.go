package hikvision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"gridgate/protocols/vendor"
)

// Options are what a [Stream] needs. URL is demanded.
type Options struct {
	URL      string // of the device: http://camera or https://recorder:8443
	Client   vendor.Client
	Location *time.Location // of the device's clock, for times without a zone
	Now      func() time.Time
}

// Stream reads a device's alertStream. It is a [vendor.Stream]; Run is called by one goroutine at a time.
type Stream struct {
	o    Options
	base *url.URL
}

var _ vendor.Stream = (*Stream)(nil)

// NewStream checks o.
func NewStream(o Options) (*Stream, error) {
	u, err := vendor.Base(o.URL)
	if err != nil {
		return nil, fmt.Errorf("hikvision: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Stream{o: o, base: u}, nil
}

// paths are where firmware has its stream: ISAPI, and PSIA and HIKCGI before it.
var paths = []string{"/ISAPI/Event/notification/alertStream", "/Event/notification/alertStream"}

// How long a device may be silent. Firmware sends a heartbeat every 0.3 to 60 s, and none while an event repeats; the newest sends
// none at all, and nobody can tell such a device from one that hangs except by connecting anew.
const (
	quietLeast = 75 * time.Second
	quietMost  = 5 * time.Minute
)

// Run reads the stream until ctx ends or the connection fails. Every part is a sign of life, pictures too.
func (s *Stream) Run(ctx context.Context, emit vendor.Emit) error {
	guard := vendor.NewGuard(ctx, vendor.Opening)
	defer guard.Stop()
	body, err := s.open(guard.Context())
	if err != nil {
		return guard.Refused(ctx, err)
	}
	defer body.Close()
	guard.Wait(quietMost)
	parts, dialect := vendor.NewParts(body, rootEnd), Dialect{Location: s.o.Location}
	pulse, hearts := vendor.NewPulse(quietLeast, quietMost), false
	for {
		part, err := parts.Next()
		if err != nil {
			return guard.Cause(ctx, fmt.Errorf("read alertStream: %w", vendor.ErrUnreachable))
		}
		pulse.Beat(s.o.Now())
		guard.Pause()
		if !part.Skipped {
			t := dialect.Translate("", part.Body, false)
			hearts = hearts || t.Quiet
			emit(t)
		}
		patience := quietMost
		if hearts {
			patience = pulse.Patience()
		}
		guard.Wait(patience)
	}
}

func (s *Stream) open(ctx context.Context) (io.ReadCloser, error) {
	var err error
	for _, path := range paths {
		res, failed := s.o.Client.Open(ctx, s.base.JoinPath(path).String())
		if failed == nil {
			if err := vendor.Multipart(res); err != nil {
				return nil, fmt.Errorf("open alertStream: %w", err)
			}
			return res.Body, nil
		}
		err = fmt.Errorf("open alertStream: %w", failed)
		if !errors.Is(failed, vendor.ErrUnsupported) {
			break
		}
	}
	return nil, err
}
