// Package tail keeps the newest events of the case log decoded, so that all who follow the log in one process read it once.
//
// In: the log of the store, and what the store says it just committed. Out: the same answers as the store's, see [Log]. It follows nothing itself: what is not remembered is read when
// somebody asks. What it answers is shared and must not be changed. An event that retention deletes may be answered for a while longer.
package tail

import (
	"context"
	"slices"
	"sync"

	"gridgate/central/cases"
)

// Bounds.
const (
	keep = 8192 // events, a few MB
	read = 1000 // events of one read of the store, at least what is asked for
)

// Log is the part of the store that is read.
type Log interface {
	Events(ctx context.Context, after int64, limit int) ([]cases.Event, error)
}

// Tail is a [Log] before another. Make it with [New]; safe for concurrent use.
type Tail struct {
	log        Log
	keep, read int // see the constants

	mu     sync.Mutex // held while the store is read: who comes meanwhile finds what was read
	events []cases.Event
	from   int64 // events holds all of the log after from, up to its own last
}

// New returns a tail of log.
func New(log Log) *Tail { return &Tail{log: log, keep: keep, read: read} }

// Events returns at most limit case events after position, in order, like [Log.Events].
func (t *Tail) Events(ctx context.Context, after int64, limit int) ([]cases.Event, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if after < t.from {
		return t.log.Events(ctx, after, limit) // whoever is far behind reads for himself
	}
	if after > t.end() {
		t.events, t.from = nil, after // the others will come to it: or they read for themselves
	}
	at := t.index(after)
	if missing := limit - (len(t.events) - at); missing > 0 {
		more, err := t.log.Events(ctx, t.end(), max(missing, t.read))
		if err != nil {
			return nil, err
		}
		t.events = append(t.events, more...)
	}
	found := t.events[at:min(at+limit, len(t.events)):min(at+limit, len(t.events))]
	t.trim()
	return found, nil
}

// Offer takes over events that were just committed, if they are those that come next: they are then not read. Whatever is not taken is read
// when somebody asks. It never waits.
func (t *Tail) Offer(events []cases.Event) {
	if len(events) == 0 || !t.mu.TryLock() {
		return
	}
	defer t.mu.Unlock()
	if events[0].Position != t.end()+1 {
		return
	}
	t.events = append(t.events, events...)
	t.trim()
}

// index is the first remembered event after a position.
func (t *Tail) index(after int64) int {
	at, _ := slices.BinarySearchFunc(t.events, after+1, func(e cases.Event, position int64) int {
		switch {
		case e.Position < position:
			return -1
		case e.Position > position:
			return 1
		}
		return 0
	})
	return at
}

// end is the position up to which the log is remembered.
func (t *Tail) end() int64 {
	if len(t.events) == 0 {
		return t.from
	}
	return t.events[len(t.events)-1].Position
}

// trim forgets the oldest events, half at a time. What was answered stays as it is: the rest moves to a new place.
func (t *Tail) trim() {
	if len(t.events) <= t.keep {
		return
	}
	cut := len(t.events) - t.keep/2
	t.from = t.events[cut-1].Position
	t.events = slices.Clone(t.events[cut:])
}
