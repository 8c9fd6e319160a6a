package gate

import "time"

// clock follows media time, which is not in order with B pictures and may step.
type clock struct {
	started bool
	newest  time.Duration // highest PTS since the last step
	offset  time.Duration // makes now go on over a step
	now     time.Duration // never goes back
	step    time.Duration // from picture to picture, smoothed
}

const (
	leap      = 2 * time.Second // by which pictures are never out of order nor apart
	leastStep = time.Millisecond
	mostStep  = time.Second
)

// tick takes the PTS of the next picture and says whether time stepped.
func (c *clock) tick(pts time.Duration) (stepped bool) {
	switch {
	case !c.started:
		*c = clock{started: true, newest: pts, now: pts, step: 66 * time.Millisecond}
		return false
	case pts < c.newest-leap || pts > c.newest+10*leap:
		c.offset = c.now - pts
		c.newest = pts
		return true
	case pts > c.newest:
		c.step += (min(pts-c.newest, mostStep) - c.step) / 16
		c.newest = pts
		c.now = c.newest + c.offset
	default:
		c.step -= c.step / 16
	}
	c.step = max(c.step, leastStep)
	return false
}

// at turns a PTS into the time of this clock.
func (c *clock) at(pts time.Duration) time.Duration { return pts + c.offset }
