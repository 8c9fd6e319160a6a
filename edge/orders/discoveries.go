package orders

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/backoff"
)

// DiscoveryOptions are what [Discoveries] needs. Find and Answer are demanded.
type DiscoveryOptions struct {
	Find   func(context.Context, ingest.Discovery) ingest.DiscoveryResult
	Answer func(ctx context.Context, id string, r ingest.DiscoveryResult) error // [ErrOver] if nobody waits for it
	Log    *slog.Logger
}

// Discoveries answers discoveries, one after the other and each once.
type Discoveries struct {
	o    DiscoveryOptions
	wake chan struct{} // there are others; capacity 1

	mu     sync.Mutex
	wanted []ingest.Discovery
	done   map[string]bool // of those wanted
}

// NewDiscoveries returns Discoveries without one.
func NewDiscoveries(o DiscoveryOptions) (*Discoveries, error) {
	if o.Find == nil || o.Answer == nil {
		return nil, errors.New("discoveries: Find and Answer are demanded")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Discoveries{o: o, wake: make(chan struct{}, 1), done: map[string]bool{}}, nil
}

// Set says which discoveries are wanted instead of those before.
func (d *Discoveries) Set(wanted []ingest.Discovery) {
	d.mu.Lock()
	defer d.mu.Unlock()
	done := map[string]bool{}
	for _, w := range wanted {
		done[w.ID] = d.done[w.ID]
	}
	d.wanted, d.done = wanted, done
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run answers until ctx ends; it returns nil.
func (d *Discoveries) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.wake:
		}
		for w, ok := d.next(); ok && ctx.Err() == nil; w, ok = d.next() {
			result := d.o.Find(ctx, w)
			if ctx.Err() != nil {
				return nil
			}
			if err := d.answer(ctx, w.ID, result); err != nil && ctx.Err() == nil {
				d.o.Log.Warn("a search for cameras stays without an answer", "error", err)
			}
		}
	}
}

// next takes a discovery that was not answered.
func (d *Discoveries) next() (ingest.Discovery, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.wanted {
		if !d.done[w.ID] {
			d.done[w.ID] = true
			return w, true
		}
	}
	return ingest.Discovery{}, false
}

// answer sends a result. One that nobody waits for any more is dealt with.
func (d *Discoveries) answer(ctx context.Context, id string, r ingest.DiscoveryResult) (err error) {
	retry := backoff.New(time.Second, 10*time.Second)
	for range tries {
		if err = d.o.Answer(ctx, id, r); err == nil || errors.Is(err, ErrOver) {
			return nil
		}
		if !backoff.Wait(ctx, retry.Next()) {
			return ctx.Err()
		}
	}
	return err
}

func (j *judge) discovery(d ingest.Discovery) {
	switch {
	case !taskID.MatchString(d.ID) || strings.Contains(d.ID, ".."):
		j.refuse("", "a search for cameras has an id that cannot stand in an address")
	case slices.ContainsFunc(j.out.Discoveries, func(o ingest.Discovery) bool { return o.ID == d.ID }):
		j.refuse("", "two searches for cameras have one id")
	case !validTime(d.Until):
		j.refuse("", "a search for cameras has no end")
	case d.Until.After(j.now):
		d.ForSec = min(max(d.ForSec, 1), int64(ingest.MaxDiscoveryFor/time.Second))
		j.out.Discoveries = append(j.out.Discoveries, d)
	}
}
