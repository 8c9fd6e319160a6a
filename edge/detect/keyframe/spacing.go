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
	any   bool          // last counts
	last  time.Duration // keyframe
	seen  time.Duration // unit
	short int           // short intervals in a row
}

// pause is how long nothing may come, at the least, before that is the network's doing and not the camera's: the wait for the
// next keyframe is then not longer than it was. A stall behind which many cameras went over to decoding everything would
// make the next one.
const pause = 150 * time.Millisecond

// observe takes each unit; step is the usual time from unit to unit. Streams that are refreshed by slices have no keyframes.
func (s *spacing) observe(u source.AccessUnit, now, step, maxGap time.Duration) {
	if !s.any {
		s.any, s.last, s.seen, s.rare = true, now, now, !u.Key
		return
	}
	if d := now - s.seen; d > max(pause, 3*step) {
		s.last += d - step
	}
	s.seen = now
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
func (s *spacing) resume(now time.Duration) { s.last, s.seen = now, now }
