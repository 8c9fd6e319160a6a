package keyframe

import "time"

// clock makes media time that never goes back of PTS, which are out of order with B pictures and may step.
type clock struct {
	started bool
	newest  time.Duration // highest PTS since the last step
	offset  time.Duration
	now     time.Duration
}

// Bounds of what is no step: B pictures are less than back out of order, and a stream that paused longer than ahead is
// reported as stalled.
const (
	back  = 2 * time.Second
	ahead = 20 * time.Second
)

// tick takes the PTS of the next unit and says whether time stepped.
func (c *clock) tick(pts time.Duration) (stepped bool) {
	switch {
	case !c.started:
		*c = clock{started: true, newest: pts, now: pts}
	case pts < c.newest-back || pts > c.newest+ahead:
		c.newest, c.offset = pts, c.now-pts
		return true
	case pts > c.newest:
		c.newest = pts
		c.now = pts + c.offset
	}
	return false
}

// at turns a PTS into the time of this clock.
func (c *clock) at(pts time.Duration) time.Duration { return pts + c.offset }
