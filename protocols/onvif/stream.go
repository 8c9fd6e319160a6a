package onvif

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gridgate/protocols/sensors"
	"gridgate/protocols/vendor"
)

// Stream reads the events of one device by a pull point. It implements [vendor.Stream].
type Stream struct {
	device *Device
	// pause is the least time between two questions that were answered at once and with nothing.
	pause time.Duration
}

var _ vendor.Stream = (*Stream)(nil)

// NewStream checks o.
func NewStream(o Options) (*Stream, error) {
	d, err := NewDevice(o)
	if err != nil {
		return nil, err
	}
	return &Stream{device: d, pause: time.Second}, nil
}

// goodbye is how long a device may take to hear that we go.
const goodbye = 2 * time.Second

// maxFailures is how many pull points in a row may fail before they told anything.
const maxFailures = 3

// Run implements [vendor.Stream]. A pull point that is gone is made anew, with all states told again as Retained.
func (s *Stream) Run(ctx context.Context, emit vendor.Emit) error {
	if err := s.device.syncClock(ctx); err != nil {
		return ended(ctx, err)
	}
	for failures := 0; ; {
		told, err := s.session(ctx, emit)
		if err != nil && !gone(err) || ctx.Err() != nil {
			return ended(ctx, err)
		}
		if failures++; told {
			failures = 0
		}
		if failures == maxFailures {
			return fmt.Errorf("%w: its pull points are gone at once", vendor.ErrUnsupported)
		}
	}
}

// ended is nil if we were asked to end.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("reading ONVIF events: %w", err)
}

// gone says that a pull point is no more, although the device is there. Devices say so in many ways.
func gone(err error) bool {
	var f fault
	return errors.As(err, &f) && !errors.Is(err, vendor.ErrAuth) && !errors.Is(err, vendor.ErrBlocked)
}

// session makes a pull point and reads it until it must be made anew (nil), or until it fails. told: it answered at least once.
func (s *Stream) session(ctx context.Context, emit vendor.Emit) (told bool, err error) {
	point, err := s.device.create(ctx)
	if err != nil {
		if gone(err) {
			err = fmt.Errorf("making a pull point: %v", err) // another try would not do better
		}
		return false, err
	}
	defer s.leave(ctx, point)
	if err := s.device.sync(ctx, point); fatal(err) && !errors.Is(err, vendor.ErrAuth) {
		return false, err
	}
	states := &states{}
	for {
		asked := s.device.o.Now()
		body, err := s.device.pull(ctx, point)
		if err != nil {
			return told, err
		}
		told = true
		n := 0
		s.keeping(ctx, point, func() { n = s.tell(body, states, emit) })
		if n == 0 && s.device.o.Now().Sub(asked) < s.pause && !wait(ctx, s.pause) {
			return told, nil
		}
		if s.expires(point) && s.device.renew(ctx, point) != nil {
			return told, nil
		}
	}
}

// keeping does what may block for long, as storing does, and keeps the pull point alive meanwhile: the device keeps what happens.
func (s *Stream) keeping(ctx context.Context, p *subscription, do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	tick := time.NewTicker(lifetime / 3)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			_ = s.device.renew(ctx, p) // best effort: if it is gone, the next question says so
		}
	}
}

// expires says that a pull point ends before the answer after next may have come.
func (s *Stream) expires(p *subscription) bool {
	return p.until.Sub(s.device.o.Now()) < s.device.o.PullTimeout+s.device.o.AnswerTimeout/2
}

// tell emits each message of an answer, in order, and an empty answer as a sign of life. It returns how many messages there were.
func (s *Stream) tell(body *element, states *states, emit vendor.Emit) int {
	found := statementsOf(body)
	for _, one := range found {
		states.take(&one)
		emit(join([]statement{one}, false))
	}
	if len(found) == 0 {
		emit(sensors.Learnt("", "no event"))
	}
	return len(found)
}

func (s *Stream) leave(ctx context.Context, p *subscription) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	_ = s.device.unsubscribe(ctx, p)
}

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
