package forward

import (
	"context"
	"io"
	"sync"
	"time"

	"gridgate/protocols/kit/backoff"
)

// budget spaces out what evidence sends, so that it takes no more of the link than it may. It saves nothing up.
type budget struct {
	rate func(time.Time) int64 // bytes a second; 0: no bound

	mu   sync.Mutex
	free time.Time // when all that was taken has had its time
}

// take takes n bytes and tells how long to wait until they may be sent.
func (b *budget) take(n int, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	rate := b.rate(now)
	if rate <= 0 {
		b.free = now
		return 0
	}
	start := now
	if b.free.After(now) {
		start = b.free
	}
	b.free = start.Add(time.Duration(n) * time.Second / time.Duration(rate))
	return start.Sub(now)
}

// upload reads an object no faster than the budget allows, and not at all while a life-safety alert waits.
type upload struct {
	f      *Forwarder
	ctx    context.Context
	object io.Reader
}

// maxPiece is how many bytes of an object go at once: what is on its way already cannot be held back.
const maxPiece = 4 << 10

// Read implements [io.Reader].
func (u *upload) Read(p []byte) (int, error) {
	for u.f.waits.Load() && u.ctx.Err() == nil {
		u.f.evidence.rest(u.ctx, time.Second)
	}
	if err := context.Cause(u.ctx); err != nil {
		return 0, err
	}
	n, err := u.object.Read(p[:min(len(p), maxPiece)])
	if wait := u.f.budget.take(n, time.Now()); wait > 0 && !backoff.Wait(u.ctx, wait) {
		return 0, context.Cause(u.ctx)
	}
	return n, err
}
