package forward

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"gridgate/protocols/kit/backoff"
)

// waiter is how a stream or a loop waits: for work, or after a failure.
type waiter struct {
	f            *Forwarder
	name         string
	wake, urgent chan struct{}
	backoff      *backoff.Backoff
}

func (f *Forwarder) newWaiter(name string) waiter {
	return waiter{
		f: f, name: name, wake: make(chan struct{}, 1), urgent: make(chan struct{}, 1),
		backoff: backoff.New(f.o.MinRetry, f.o.MaxRetry),
	}
}

func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// rest waits for work, or until it is time to look again.
func (w *waiter) rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-w.wake:
	case <-w.urgent:
	case <-t.C:
	}
}

// pause waits out a back-off, or what central asked for if that is longer. Urgent work ends it early, but never sooner
// than MinRetry after the failure and without making the next wait shorter.
func (w *waiter) pause(ctx context.Context, err error) {
	wait := asked(err, w.backoff.Next())
	least := min(wait, w.f.o.MinRetry)
	if !backoff.Wait(ctx, least) || wait == least {
		return
	}
	t := time.NewTimer(wait - least)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-w.urgent:
	case <-t.C:
	}
}

// asked is how long to wait after err: what central asked for, and a little longer, so that not all edges come back at once, or wait.
func asked(err error, wait time.Duration) time.Duration {
	var status *StatusError
	if !errors.As(err, &status) || status.RetryAfter <= 0 {
		return wait
	}
	return max(wait, status.RetryAfter+rand.N(min(status.RetryAfter, maxJitter)))
}

// maxJitter is how much longer that may be.
const maxJitter = 10 * time.Second

// loop repeats a step: at once while it finds work, after a wake or a while when it finds none, after a back-off when it fails.
type loop struct {
	waiter
	step func(context.Context) (worked bool, err error)
}

func (f *Forwarder) newLoop(name string, step func(context.Context) (bool, error)) *loop {
	return &loop{waiter: f.newWaiter(name), step: step}
}

// run repeats until ctx ends. A step is made only while no life-safety alert waits.
func (l *loop) run(ctx context.Context) {
	for ctx.Err() == nil {
		worked, err := l.f.mayGo(ctx)
		if worked && err == nil {
			worked, err = l.step(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			l.f.failed(l.name, err)
			l.pause(ctx, err)
		case worked:
			l.backoff.Reset()
		default:
			l.rest(ctx, l.f.o.Idle)
		}
	}
}
