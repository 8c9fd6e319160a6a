package courier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gridgate/central/cases"
	"gridgate/central/notify"
	"gridgate/central/store"
	"gridgate/protocols/kit/backoff"
)

const (
	page     = 500
	maxBatch = 1000 // notices of one transaction, and a few more of its last event
	// A cursor that passes events of which nobody is told need not be stored at once: to read them again makes nothing.
	lazyEvents = 5000
	lazyTime   = 10 * time.Second
	pace       = 100 * time.Millisecond // the log is read so often at most while something is committed all the time
)

// follower reads the log.
type follower struct {
	c      *Courier
	known  bool
	stored int64 // cursor in the store
	read   int64 // position up to which events were read
	at     time.Time
}

// follow turns events into notices until ctx ends. What fails is logged and tried again.
func (c *Courier) follow(ctx context.Context) {
	f := &follower{c: c}
	retry := backoff.New(poll, maxTrouble)
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for ctx.Err() == nil {
		changed := c.o.Changed() // before the log is read: what comes meanwhile closes it
		more, err := f.step(ctx)
		if err != nil && ctx.Err() == nil {
			c.o.Logger.Warn("the case-event log cannot be followed for notices and is read again", "error", err)
			f.known = false
			backoff.Wait(ctx, retry.Next())
			continue
		}
		retry.Reset()
		if more {
			continue
		}
		select {
		case <-ctx.Done():
		case <-changed:
			backoff.Wait(ctx, pace)
		case <-tick.C:
		}
	}
}

// step reads a page and says whether there may be more.
func (f *follower) step(ctx context.Context) (more bool, err error) {
	if err := f.begin(ctx); err != nil {
		return false, err
	}
	events, err := f.c.o.Store.Events(ctx, f.read, page)
	if err != nil {
		return false, err
	}
	notices, to, err := f.plan(ctx, events)
	if err != nil {
		return false, err
	}
	if err := f.advance(ctx, notices, to); err != nil {
		return false, err
	}
	return len(events) > 0, nil
}

func (f *follower) begin(ctx context.Context) (err error) {
	if f.known {
		return nil
	}
	if f.stored, err = f.c.o.Store.Cursor(ctx, Job); err != nil {
		return err
	}
	f.read, f.at, f.known = f.stored, f.c.o.Now(), true
	return nil
}

// plan returns the notices of events, and the position up to which they were planned.
func (f *follower) plan(ctx context.Context, events []cases.Event) (notices []store.Notice, to int64, err error) {
	to = f.read
	if len(events) == 0 {
		return nil, to, nil
	}
	desk, now := f.c.o.Desk(), f.c.o.Now()
	for _, e := range events {
		if now.Sub(e.At) < Stale && desk.Tells(e) {
			made, err := f.of(ctx, desk, e, now)
			if err != nil {
				return nil, to, err
			}
			notices = append(notices, made...)
		}
		if to = e.Position; len(notices) >= maxBatch {
			break
		}
	}
	return notices, to, nil
}

func (f *follower) of(ctx context.Context, desk *notify.Desk, e cases.Event, now time.Time) ([]store.Notice, error) {
	c, err := f.c.o.Store.Case(ctx, e.CaseID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil // retention took it
	}
	if err != nil {
		return nil, fmt.Errorf("read the case of an event: %w", err)
	}
	return desk.Plan(c, e, f.c.o.Silenced(c, now)), nil
}

// advance stores what came of the events up to position to.
func (f *follower) advance(ctx context.Context, notices []store.Notice, to int64) error {
	f.read = to
	idle := to-f.stored < lazyEvents && f.c.o.Now().Sub(f.at) < lazyTime
	if to == f.stored || len(notices) == 0 && idle {
		return nil
	}
	_, err := f.c.o.Store.Advance(ctx, store.Advance{Job: Job, From: f.stored, To: to, Notices: notices})
	if errors.Is(err, store.ErrConflict) {
		f.known = false // another one was here: look again
		return nil
	}
	if err != nil {
		return err
	}
	f.stored, f.at = to, f.c.o.Now()
	if len(notices) > 0 {
		ring(f.c.due)
	}
	return nil
}
