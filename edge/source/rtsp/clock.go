package rtsp

import (
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"

	"gridgate/edge/source"
)

// clockRate of RTP timestamps.
const clockRate = source.ClockRate

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
