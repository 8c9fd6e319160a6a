package evidence

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"gridgate/edge/source"
)

const (
	// linger is how long the main stream stays connected after the last picture of a filmstrip: one alert seldom comes alone, and the
	// picture of the next onset is taken from it, too.
	linger = 5 * time.Second
	// mainPatience is how long the main stream may take to its first keyframe.
	mainPatience = 5 * time.Second
	// What is kept of it.
	mainSpan  = 8 * time.Second
	mainBytes = 16 << 20
)

// mainStream is the second connection of a camera, there only while evidence is wanted.
type mainStream struct {
	src    source.Source
	now    func() time.Time
	log    *slog.Logger
	wanted chan struct{} // until has changed; capacity 1

	mu      sync.Mutex
	until   time.Time
	units   []source.AccessUnit // from one that begins a stream; only appended to, so that a snapshot stays as it is
	bytes   int
	waiting bool // drop until the next one that begins
}

func newMainStream(opt Options) *mainStream {
	return &mainStream{src: opt.Main, now: opt.Now, log: opt.Log, wanted: make(chan struct{}, 1)}
}

// want keeps the stream connected until then, and connects it if it is not. It returns at once.
func (s *mainStream) want(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until.After(s.until) {
		s.until = until
	}
	select {
	case s.wanted <- struct{}{}:
	default:
	}
}

// run connects when the stream is wanted. One that fails is not tried again before it is wanted again.
func (s *mainStream) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wanted:
			s.session(ctx)
		case <-s.expired():
			s.forget()
		}
	}
}

// session is one connection.
func (s *mainStream) session(ctx context.Context) {
	s.forget()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.src.Run(ctx, s.put) }()
	patience := time.NewTimer(mainPatience)
	defer patience.Stop()
	for {
		select {
		case err := <-ended:
			if ctx.Err() == nil {
				s.log.Info("the main stream ended; pictures come from the other one", "error", err)
			}
			return
		case <-patience.C:
			if len(s.snapshot()) == 0 {
				s.log.Info("the main stream has no keyframe; pictures come from the other one", "after", mainPatience)
				cancel()
			}
		case <-s.expired():
			if s.over() {
				cancel()
			}
		case <-s.wanted: // for longer
		}
		if ctx.Err() != nil {
			<-ended
			s.forget()
			return
		}
	}
}

// expired receives a value when the stream is not wanted any more, nothing if it was not.
func (s *mainStream) expired() <-chan time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until.IsZero() {
		return nil
	}
	return time.After(max(s.until.Sub(s.now()), 0))
}

func (s *mainStream) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.now().Before(s.until)
}

// forget drops what is kept; a want that is still open stays.
func (s *mainStream) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.units, s.bytes, s.waiting = nil, 0, true
	if !s.now().Before(s.until) {
		s.until = time.Time{}
	}
}

// put implements [source.Emit].
func (s *mainStream) put(u source.AccessUnit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.Begins() {
		s.waiting = false
		s.dropOld(u)
	}
	if s.waiting {
		return
	}
	if s.bytes+u.Bytes() > mainBytes {
		s.waiting = true
		return
	}
	s.units = append(s.units, u)
	s.bytes += u.Bytes()
}

// dropOld drops whole groups from the front: those that ended long ago, and as many as u needs room.
func (s *mainStream) dropOld(u source.AccessUnit) {
	keep := 0
	for i, old := range s.units {
		if i == 0 || !old.Begins() {
			continue
		}
		if old.At.Before(u.At.Add(-mainSpan)) || size(s.units[keep:])+u.Bytes() > mainBytes {
			keep = i
		}
	}
	if size(s.units[keep:])+u.Bytes() > mainBytes {
		keep = len(s.units)
	}
	if keep > 0 {
		s.units = append([]source.AccessUnit(nil), s.units[keep:]...)
		s.bytes = size(s.units)
	}
}

// snapshot is what is kept.
func (s *mainStream) snapshot() []source.AccessUnit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.units[:len(s.units):len(s.units)]
}
