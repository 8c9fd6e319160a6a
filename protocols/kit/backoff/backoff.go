// Package backoff spaces out retries: exponential, capped, with full jitter, so that a hundred clients that lost the same
// peer do not return in step.
//
// In: a minimum and a maximum. Out: how long to wait. It never sleeps by itself; [Wait] does, and ends with its context.
package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff counts failures. The zero value is not usable; see [New]. It is for one goroutine.
type Backoff struct {
	min, max time.Duration
	ceiling  time.Duration
}

// New returns a Backoff whose first wait lies in [min/2, min] and whose later ones grow twofold up to max.
func New(min, max time.Duration) *Backoff {
	return &Backoff{min: min, max: max, ceiling: min}
}

// Next returns the next wait, uniform in [ceiling/2, ceiling], and doubles the ceiling up to the maximum.
func (b *Backoff) Next() time.Duration {
	c := b.ceiling
	b.ceiling = min(2*c, b.max)
	return c/2 + rand.N(c/2+1)
}

// Reset starts anew after a success.
func (b *Backoff) Reset() { b.ceiling = b.min }

// Wait sleeps for d or until ctx ends; false means that ctx ended.
func Wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
