package keyframe

import (
	"time"

	"gridgate/edge/source"
)

// steadyGaps is how many short keyframe intervals in a row end rare: cameras that stretch their groups when nothing moves have
// short ones now and then.
const steadyGaps = 3

// spacing knows whether keyframes come often enough to do alone.
type spacing struct {
	rare  bool
	any   bool // last counts
	last  time.Duration
	short int // short intervals in a row
}

// observe takes each unit. Streams that are refreshed by slices have no keyframes.
func (s *spacing) observe(u source.AccessUnit, now, maxGap time.Duration) {
	if !s.any {
		s.any, s.last, s.rare = true, now, !u.Key
		return
	}
	gap := now - s.last
	if gap > maxGap {
		s.rare, s.short = true, 0
	}
	if !u.Key {
		return
	}
	s.last = now
	if gap > maxGap {
		return
	}
	if s.short++; s.short >= steadyGaps {
		s.rare = false
	}
}

// resume goes on after a step of the clock.
func (s *spacing) resume(now time.Duration) { s.last = now }
