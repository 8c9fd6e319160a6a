package decode

import (
	"fmt"
	"sync"
	"time"
)

// How long a stream that stopped a worker is refused: twice as long each time, from the first on, until it was fine for a while.
const (
	blockMin    = 10 * time.Second
	blockMax    = 5 * time.Minute
	blockForget = 10 * time.Minute // without another death
	maxBlocked  = 1024
)

// blocklist remembers which streams stopped a worker. A stream without a name is never refused: it stands for many cameras.
type blocklist struct {
	now     func() time.Time
	mu      sync.Mutex
	streams map[string]block
}

type block struct {
	until time.Time
	wait  time.Duration
}

func newBlocklist(now func() time.Time) *blocklist {
	return &blocklist{now: now, streams: map[string]block{}}
}

// check says whether stream is refused, and for how long.
func (l *blocklist) check(stream string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := l.streams[stream].until.Sub(l.now())
	if left <= 0 {
		return nil
	}
	return fmt.Errorf("%w: it stopped a decoder worker, not tried again for %s", ErrBadStream, left.Round(time.Second))
}

// add refuses stream from now on.
func (l *blocklist) add(stream string) {
	if stream == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for name, b := range l.streams {
		if now.Sub(b.until) > blockForget {
			delete(l.streams, name)
		}
	}
	b, known := l.streams[stream]
	if !known && len(l.streams) >= maxBlocked {
		return
	}
	b.wait = min(blockMax, max(blockMin, 2*b.wait))
	b.until = now.Add(b.wait)
	l.streams[stream] = b
}
