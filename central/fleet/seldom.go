package fleet

import (
	"sync"
	"time"
)

// tellEvery is how often the same complaint may be told: thousands of edges report in a minute, and all may have the same trouble.
const tellEvery = time.Minute

// seldom lets one complaint through in a while.
type seldom struct {
	mu    sync.Mutex
	next  time.Time // before it nothing is told
	times int       // since the last that was told
}

// may says whether to tell a complaint now, and how many there were since the last that was told, this one among them.
func (s *seldom) may(now time.Time) (times int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times++
	if now.Before(s.next) {
		return 0, false
	}
	times, s.times, s.next = s.times, 0, now.Add(tellEvery)
	return times, true
}
