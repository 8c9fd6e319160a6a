package orders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/backoff"
)

// ErrOver is what Send returns once nobody wants another picture.
var ErrOver = errors.New("the look is over")

// LookOptions are what [Looks] needs. Shoot and Send are demanded.
type LookOptions struct {
	// Shoot makes a redacted picture of a camera as it is now, as JPEG, at most width pixels wide (0: as pictures of alerts are).
	Shoot func(ctx context.Context, camera string, width int) ([]byte, error)
	Send  func(ctx context.Context, look string, jpeg []byte) error
	Now   func() time.Time // central's clock, as far as it is known; default [time.Now]
	Log   *slog.Logger
	// Changed is told when the trouble of a camera is another one. It must not block.
	Changed func()
}

// Looks sends pictures of cameras while central wants to see them. One picture of the edge is made and sent at a time: it is made when its
// turn has come, so that none waits and all are of now.
type Looks struct {
	o    LookOptions
	slot chan struct{} // held by whoever makes and sends
	wake chan struct{} // the list is another one; capacity 1

	mu      sync.Mutex
	wanted  []ingest.Look
	trouble map[string]string // by camera
}

// The waits after a picture that was not made or not taken.
const minLookRetry, maxLookRetry = time.Second, 10 * time.Second

// NewLooks returns Looks at nothing.
func NewLooks(o LookOptions) (*Looks, error) {
	if o.Shoot == nil || o.Send == nil {
		return nil, errors.New("looks: Shoot and Send are demanded")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	return &Looks{o: o, slot: make(chan struct{}, 1), wake: make(chan struct{}, 1), trouble: map[string]string{}}, nil
}

// Set says what is to be looked at instead of what was. A look that goes on goes on; one that is over does not begin again.
func (l *Looks) Set(looks []ingest.Look) {
	l.mu.Lock()
	l.wanted = looks
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Trouble says why pictures of a camera that are wanted do not come; empty if they do or none are.
func (l *Looks) Trouble(camera string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.trouble[camera]
}

func (l *Looks) tell(camera string, err error) {
	why := ""
	if err != nil {
		why = fmt.Sprintf("no picture for a look: %v", err)
	}
	l.mu.Lock()
	was := l.trouble[camera]
	l.trouble[camera] = why
	if why == "" {
		delete(l.trouble, camera)
	}
	l.mu.Unlock()
	if was == why {
		return
	}
	if err != nil {
		l.o.Log.Warn("central looks at a camera and gets no picture", "camera", camera, "error", err)
	}
	l.o.Changed()
}

// looking is a look that goes on, or is over.
type looking struct {
	look ingest.Look
	stop context.CancelFunc
	sent *atomic.Int64
}

// Run serves looks until ctx ends; it returns nil.
func (l *Looks) Run(ctx context.Context) error {
	var serving sync.WaitGroup
	defer serving.Wait()
	going := map[string]looking{} // by id, at most [ingest.MaxLooks]
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.wake:
		}
		l.mu.Lock()
		wanted := l.wanted
		l.mu.Unlock()
		next := map[string]looking{}
		for _, look := range wanted {
			was, known := going[look.ID]
			if known && same(was.look, look) {
				next[look.ID] = was
				delete(going, look.ID)
				continue
			}
			next[look.ID] = l.begin(ctx, &serving, look, was)
		}
		for _, gone := range going {
			gone.stop()
		}
		going = next
	}
}

// same says whether b asks for what a asked for; when they end apart from what an edge adds by itself.
func same(a, b ingest.Look) bool {
	near := a.Until.Sub(b.Until).Abs() < ingest.MaxLookFor/10
	a.Until, b.Until = time.Time{}, time.Time{}
	return a == b && near
}

// begin serves a look, going on with the count of what it was.
func (l *Looks) begin(ctx context.Context, serving *sync.WaitGroup, look ingest.Look, was looking) looking {
	if was.stop != nil {
		was.stop()
	}
	sent := was.sent
	if sent == nil {
		sent = new(atomic.Int64)
	}
	ctx, stop := context.WithTimeout(ctx, min(look.Until.Sub(l.o.Now()), ingest.MaxLookFor))
	serving.Go(func() {
		defer stop()
		l.serve(ctx, look, sent)
		l.tell(look.Camera, nil)
	})
	return looking{look: look, stop: stop, sent: sent}
}

func (l *Looks) serve(ctx context.Context, look ingest.Look, sent *atomic.Int64) {
	retry := backoff.New(minLookRetry, maxLookRetry)
	every := time.Duration(look.EveryMs) * time.Millisecond
	for look.Count == 0 || sent.Load() < int64(look.Count) {
		if !look.Until.After(l.o.Now()) {
			return
		}
		begun := time.Now()
		err := l.once(ctx, look)
		wait := every - time.Since(begun)
		switch {
		case ctx.Err() != nil || errors.Is(err, ErrOver):
			return
		case err != nil:
			wait = max(wait, retry.Next())
		default:
			sent.Add(1)
			retry.Reset()
		}
		l.tell(look.Camera, err)
		if !backoff.Wait(ctx, max(wait, 0)) {
			return
		}
	}
}

// once makes and sends one picture when its turn has come.
func (l *Looks) once(ctx context.Context, look ingest.Look) error {
	select {
	case l.slot <- struct{}{}:
		defer func() { <-l.slot }()
	case <-ctx.Done():
		return ctx.Err()
	}
	jpeg, err := l.o.Shoot(ctx, look.Camera, look.MaxSide)
	if err != nil {
		return err
	}
	if len(jpeg) == 0 || len(jpeg) > ingest.MaxLookPicture {
		return fmt.Errorf("the picture has %d bytes (1 to %d)", len(jpeg), ingest.MaxLookPicture)
	}
	return l.o.Send(ctx, look.ID, jpeg)
}
