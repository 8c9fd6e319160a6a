package rtsp

import (
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
)

// clockRate of RTP timestamps, in ticks a second: the same for all video (RFC 6184 section 8.2.1, RFC 7798, RFC 2435).
const clockRate = 90000

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
	step := time.Duration(int32(stamp-c.stamp)) * time.Second / clockRate
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

// cameraClock is what a camera's sender reports say (RFC 3550 clause 6.4.1): which time belongs to which RTP timestamp. The
// reports may come from another goroutine than the packets.
type cameraClock struct {
	last  atomic.Pointer[clockReport]
	jumps int // of the media clock when a unit was last timed
}

type clockReport struct {
	ntp   time.Time
	stamp uint32
}

// note takes a packet of reports.
func (c *cameraClock) note(pkt rtcp.Packet) {
	if sr, ok := pkt.(*rtcp.SenderReport); ok {
		if at := ntpTime(sr.NTPTime); plausible(at) {
			c.last.Store(&clockReport{ntp: at, stamp: sr.RTPTime})
			return
		}
		c.last.Store(nil)
	}
}

// at is the camera's time of a unit, or zero if it told none, or its timestamps jumped since.
func (c *cameraClock) at(stamp uint32, jumps int) time.Time {
	if jumps != c.jumps {
		c.jumps = jumps
		c.last.Store(nil)
	}
	r := c.last.Load()
	if r == nil {
		return time.Time{}
	}
	return r.ntp.Add(time.Duration(int32(stamp-r.stamp)) * time.Second / clockRate)
}

// ntpTime reads 64 bits of seconds since 1900 (RFC 5905 section 6); the era ends in 2036.
func ntpTime(v uint64) time.Time {
	const to1970 = 2208988800
	seconds := int64(v>>32) - to1970
	return time.Unix(seconds, int64((v&0xffffffff)*1_000_000_000>>32)).UTC()
}

// plausible refuses the clock of a camera that was never set: 1970 and its time since then.
func plausible(t time.Time) bool { return t.Year() >= 2010 }
