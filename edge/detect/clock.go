package detect

import "time"

// Clock is the media time of one stream: it never goes back, though PTS are out of order with B pictures and may step. The zero
// Clock has seen nothing. It is for one goroutine.
type Clock struct {
	started bool
	newest  time.Duration // highest PTS since the last step
	offset  time.Duration // makes now go on over a step
	now     time.Duration
	step    time.Duration
}

// Bounds of what is no step: B pictures are less than back out of order, and a stream that paused longer than ahead is
// reported as stalled.
const (
	back  = 2 * time.Second
	ahead = 20 * time.Second
)

// Bounds of [Clock.Step], and what it is before anything is known: that of 15 pictures a second.
const (
	firstStep = 66 * time.Millisecond
	leastStep = time.Millisecond
	mostStep  = time.Second
)

// Tick takes the PTS of the next unit in decoding order and says whether time stepped. The clock stands still over a step.
func (c *Clock) Tick(pts time.Duration) (stepped bool) {
	switch {
	case !c.started:
		*c = Clock{started: true, newest: pts, now: pts, step: firstStep}
		return false
	case pts < c.newest-back || pts > c.newest+ahead:
		c.newest, c.offset = pts, c.now-pts
		return true
	case pts > c.newest:
		c.step += (min(pts-c.newest, mostStep) - c.step) / 16
		c.newest = pts
		c.now = pts + c.offset
	default:
		c.step -= c.step / 16
	}
	c.step = max(c.step, leastStep)
	return false
}

// Now is the time of the newest unit.
func (c *Clock) Now() time.Duration { return c.now }

// Step is the time from picture to picture, smoothed over about 16.
func (c *Clock) Step() time.Duration { return c.step }

// At turns a PTS into the time of this clock.
func (c *Clock) At(pts time.Duration) time.Duration { return pts + c.offset }
