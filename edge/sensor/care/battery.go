package care

import (
	"math"
	"slices"
	"time"
)

// Limits of the forecast.
const (
	chargeDays = 60  // samples, one a day
	enoughDrop = 5.  // percent that a battery must have lost before its end is foreseen
	enoughTerm = 14  // days over which, at least
	replaced   = 20. // percent more than before: a new battery, or a charged one
	lowEnds    = 10. // percent above low at which a battery is no longer low
	soonDays   = 14  // days left at which to say so
	farDays    = 28  // and at which no longer
)

// charge is what is known of a device's battery.
type charge struct {
	Days []charged `json:"days,omitempty"` // oldest first, chargeDays at most
	Low  bool      `json:"low,omitempty"`  // by percent
	Soon bool      `json:"soon,omitempty"` // by forecast
	Said bool      `json:"said,omitempty"` // by the device's own flag

	left    int       // days; -1: nobody knows
	settled bool      // its end was told since the start, if it had ended
	ended   time.Time // when it was low no more
}

// charged is the last percentage of a day.
type charged struct {
	Day     int64   `json:"day"`
	Percent float64 `json:"percent"`
}

func (c *charge) holds() bool { return c.Low || c.Soon }

// known is the last percentage.
func (c *charge) known() (percent float64, ok bool) {
	if len(c.Days) == 0 {
		return 0, false
	}
	return c.Days[len(c.Days)-1].Percent, true
}

// note takes a percentage, and judges.
func (c *charge) note(percent, low float64, at time.Time) {
	before, known := c.known()
	if known && percent >= before+replaced {
		c.Days, c.Low, c.Soon = nil, false, false
	}
	day := dayOf(at)
	n := len(c.Days)
	switch {
	case n > 0 && c.Days[n-1].Day >= day:
		c.Days[n-1].Percent = percent
	default:
		c.Days = append(c.Days, charged{day, percent})
		c.Days = c.Days[max(0, len(c.Days)-chargeDays):]
	}
	if n != len(c.Days) || before != percent {
		c.left = forecast(c.Days)
	}
	c.Low = percent <= low || c.Low && percent < low+lowEnds
	c.Soon = c.left >= 0 && (c.left < soonDays || c.Soon && c.left < farDays)
}

// forecast is how many days are left, by the median of the slopes between all days (Theil 1950, Sen 1968), which a few odd days do not move;
// -1 if the battery did not lose enough to say.
func forecast(days []charged) int {
	n := len(days)
	if n < 3 || days[n-1].Day-days[0].Day < enoughTerm {
		return -1
	}
	slopes := make([]float64, 0, n*(n-1)/2)
	for i := range days {
		for k := i + 1; k < n; k++ {
			slopes = append(slopes, (days[k].Percent-days[i].Percent)/float64(days[k].Day-days[i].Day))
		}
	}
	slices.Sort(slopes)
	slope := slopes[len(slopes)/2]
	term := float64(days[n-1].Day - days[0].Day)
	if -slope*term < enoughDrop {
		return -1
	}
	return int(math.Floor(days[n-1].Percent / -slope))
}
