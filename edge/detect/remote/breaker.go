package remote

import (
	"sync"
	"time"

	"gridgate/protocols/kit/backoff"
)

// When a detector rests.
const (
	failures = 5 // in a row
	restMin  = 10 * time.Second
	restMax  = 5 * time.Minute
)

// breaker keeps a failing detector from being asked: after some failures in a row nobody asks for a while, then one question is
// let through, and its answer decides. It is safe for concurrent use.
type breaker struct {
	now func() time.Time

	mu     sync.Mutex
	failed int
	until  time.Time // no question before
	trial  bool      // one question is under way that decides
	rest   *backoff.Backoff
}

func newBreaker() *breaker {
	return &breaker{now: time.Now, rest: backoff.New(restMin, restMax)}
}

// allow says whether a question may be put; [breaker.note] or [breaker.release] must follow.
func (b *breaker) allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.failed < failures:
		return true
	case b.trial || b.now().Before(b.until):
		return false
	}
	b.trial = true
	return true
}

// note tells how a question ended.
func (b *breaker) note(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trial = false
	if err == nil {
		b.failed = 0
		b.rest.Reset()
		return
	}
	if b.failed++; b.failed >= failures {
		b.until = b.now().Add(b.rest.Next())
	}
}

// release tells that the question was not put after all.
func (b *breaker) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trial = false
}
