package vendor

import (
	"context"
	"time"

	"gridgate/protocols/kit/backoff"
	"gridgate/protocols/observation"
)

// store pairs what was heard and hands it on, all from one goroutine, in order.
func (l *Line) store(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case h := <-l.told:
			l.began(h)
			l.hand(ctx, l.held.Expire(h.at), h.at)
			l.hand(ctx, l.held.Take(h.Observations, h.at), h.at)
		case <-tick.C:
			if len(l.told) > 0 {
				continue // what waits may say that a state goes on
			}
			now := l.o.Now()
			l.hand(ctx, l.held.Expire(now), now)
			l.settleIfDue(ctx, now)
		}
	}
}

// began notes that a connection gave its first sign of life: from now on the device may say what holds.
func (l *Line) began(h heard) {
	if !h.opened.Equal(l.opening) {
		l.opening, l.settle = h.opened, h.at.Add(settling)
	}
}

// settleIfDue ends what the device did not tell again after it was lost, or after this process began.
func (l *Line) settleIfDue(ctx context.Context, now time.Time) {
	if l.settle.IsZero() || now.Before(l.settle) || l.Status().State != Connected {
		return
	}
	l.hand(ctx, l.held.Stale(l.opening, now), now)
	for _, t := range l.o.Targets {
		l.insist(ctx, func() error { return t.Teller.Settle(ctx) })
	}
	l.settle = time.Time{}
}

// hand gives each camera what is its own.
func (l *Line) hand(ctx context.Context, told []observation.Observation, received time.Time) {
	if len(told) == 0 {
		return
	}
	for _, t := range l.o.Targets {
		if own := t.own(told); len(own) > 0 {
			l.insist(ctx, func() error { return t.Teller.Tell(ctx, own, received) })
		}
	}
}

// own are the observations of the target's channel. An observation without a channel is of the device as a whole, and so of every
// camera behind it.
func (t Target) own(told []observation.Observation) []observation.Observation {
	var out []observation.Observation
	for _, o := range told {
		if t.Channel == "" || o.Device == "" || o.Device == t.Channel {
			out = append(out, o)
		}
	}
	return out
}

// Waits between tries to store.
const (
	storeRetryMin = 100 * time.Millisecond
	storeRetryMax = 5 * time.Second
)

// insist does f until it succeeds or ctx ends: a device does not tell twice.
func (l *Line) insist(ctx context.Context, f func() error) {
	wait := backoff.New(storeRetryMin, storeRetryMax)
	for told := false; ; told = true {
		err := f()
		if err == nil || ctx.Err() != nil {
			return
		}
		if !told {
			l.o.Log.Error("what a device told could not be stored; trying again", "device", l.o.Name, "error", err)
		}
		if !backoff.Wait(ctx, wait.Next()) {
			return
		}
	}
}
