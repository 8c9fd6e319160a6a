package audit

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Store keeps entries. Record gives them position and hash in one transaction, and returns once they are on stable storage.
type Store interface {
	Record(ctx context.Context, entries []Entry) error
}

// Bounds of a [Log].
const (
	maxBatch   = 256
	maxWaiting = 1024
	// recordWithin is how long the store may take for a batch.
	recordWithin = 10 * time.Second
)

// Log puts entries of concurrent requests into common transactions: while one is under way, the next gather. Run must be running.
type Log struct {
	store Store
	queue chan waiting
	ended chan struct{} // closed once Run is over: nobody writes any more
	now   func() time.Time

	failed atomic.Int64
}

// Failed is how many entries could not be recorded since the start.
func (l *Log) Failed() int64 { return l.failed.Load() }

type waiting struct {
	entry Entry
	done  chan error // holds one
}

// NewLog returns a log over a store; now is time.Now if nil.
func NewLog(s Store, now func() time.Time) *Log {
	if now == nil {
		now = time.Now
	}
	return &Log{store: s, queue: make(chan waiting, maxWaiting), ended: make(chan struct{}), now: now}
}

// Record returns nil once e is on stable storage, at the present time. It never waits for room: too many at once is an error, as is a store
// that does not answer before ctx ends (the entry may then be written or not).
func (l *Log) Record(ctx context.Context, e Entry) error {
	err := l.record(ctx, e)
	if err != nil {
		l.failed.Add(1)
	}
	return err
}

func (l *Log) record(ctx context.Context, e Entry) error {
	e.At = l.now().UTC()
	w := waiting{entry: e, done: make(chan error, 1)}
	select {
	case l.queue <- w:
	default:
		return errFull
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("wait for the audit log: %w", ctx.Err())
	case <-l.ended:
	}
	select {
	case err := <-w.done: // it was in the last batch
		return err
	default:
		return errEnded
	}
}

// Run writes until ctx ends, and returns nil; it is called once. What waits then or comes later is not written, and its callers are told so.
func (l *Log) Run(ctx context.Context) error {
	defer close(l.ended)
	for {
		select {
		case <-ctx.Done():
			return nil
		case first := <-l.queue:
			l.write(ctx, l.gather(first))
		}
	}
}

// gather takes what waits, without waiting.
func (l *Log) gather(first waiting) []waiting {
	batch := []waiting{first}
	for len(batch) < maxBatch {
		select {
		case w := <-l.queue:
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

func (l *Log) write(ctx context.Context, batch []waiting) {
	entries := make([]Entry, 0, len(batch))
	for _, w := range batch {
		entries = append(entries, w.entry)
	}
	ctx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	err := l.store.Record(ctx, entries)
	if err != nil {
		err = fmt.Errorf("write the audit log: %w", err)
	}
	for _, w := range batch {
		w.done <- err
	}
}
