package source

import "time"

// ClockRate of RTP and program stream timestamps, in ticks a second: the same for all video (RFC 6184 section 8.2.1, RFC 7798,
// RFC 2435; ISO/IEC 13818-1 clause 2.4.3.7).
const ClockRate = 90000

// Bounds of a media clock.
const (
	maxReorder = 2 * time.Second        // by which a picture may come before one that is shown earlier
	maxJump    = 10 * time.Second       // beyond the time that passed here
	maxDrift   = 15 * time.Second       // from the time that passed here, since the first unit
	slewDrift  = 500 * time.Millisecond // beyond which a clock is drawn towards the time that passed here
	maxBehind  = 32                     // units on end that may be shown before one that came earlier
)

// mediaClock turns RTP timestamps into media time. Pictures may come in another order than they are shown. A jump that the time
// which passed here cannot explain is replaced by that time, and a clock that runs too fast or too slow is held near to it.
type mediaClock struct {
	started bool
	begun   time.Time // arrival of the first unit
	stamp   uint32
	arrived time.Time
	pts     time.Duration
	front   time.Duration // latest so far
	behind  int           // units since then
	jumps   int
}

// at returns the media time of a unit. It is never below zero.
func (c *mediaClock) at(stamp uint32, now time.Time) time.Duration {
	if !c.started {
		*c = mediaClock{started: true, begun: now, stamp: stamp, arrived: now}
		return 0
	}
	elapsed := now.Sub(c.arrived)
	step := time.Duration(int32(stamp-c.stamp)) * time.Second / ClockRate
	if step < -maxReorder || step > elapsed+maxJump {
		step = elapsed
		c.jumps++
	}
	c.stamp, c.arrived = stamp, now
	c.pts += step + c.pull(step, now)
	c.hold(now)
	return max(0, c.pts)
}

// pull is what draws the clock towards the time here: a fiftieth of a step, so that nobody sees it.
func (c *mediaClock) pull(step time.Duration, now time.Time) time.Duration {
	switch ahead := c.pts + step - now.Sub(c.begun); {
	case ahead > slewDrift:
		return -step.Abs() / 50
	case ahead < -slewDrift:
		return step.Abs() / 50
	}
	return 0
}

// hold sets the clock anew if it went back for good or has come too far from the time here.
func (c *mediaClock) hold(now time.Time) {
	if c.pts > c.front {
		c.front, c.behind = c.pts, 0
	} else {
		c.behind++
	}
	if here := now.Sub(c.begun); (c.pts - here).Abs() > maxDrift {
		c.pts, c.front, c.behind = here, here, 0
		c.jumps++
	} else if c.behind > maxBehind {
		c.pts = max(here, c.front+time.Millisecond)
		c.front, c.behind = c.pts, 0
		c.jumps++
	}
}
