package care

import (
	"math"
	"slices"
	"time"
)

// Limits of what is learnt of how often a device speaks. They are cautious: a false alarm of silence is worse than a late one.
const (
	// burst is how long messages count as one.
	burst = time.Minute
	// A device is judged after enoughGaps pauses and on more than enoughDays days: a weekend among them.
	enoughGaps = 100
	enoughDays = 8
	// patience is how many of its usual longest pauses a device may be silent.
	patience = 4
	// No learnt silence is shorter than leastSilence, that of a device with a battery no shorter than passiveSilence, and one that would be
	// longer than mostSilence is none.
	leastSilence   = time.Hour
	passiveSilence = 25 * time.Hour
	mostSilence    = 72 * time.Hour
	maxGaps        = 1024
)

// cadence learns how often a device speaks. In a histogram of pauses, each bucket is twice as wide as the one before.
type cadence struct {
	Pauses  [gapBuckets]uint16 `json:"pauses"`
	Longest peaks              `json:"longest"` // by day
	last    time.Time          // when a burst began that was heard since the start
}

// gapBuckets of half octaves from a minute reach two months.
const gapBuckets = 34

func bucketOf(gap time.Duration) int {
	return min(gapBuckets-1, max(0, int(2*math.Log2(gap.Minutes()))))
}

// upper is the longest pause of a bucket.
func upper(bucket int) time.Duration {
	return time.Duration(math.Exp2(float64(bucket+1)/2) * float64(time.Minute))
}

// note learns from a message. What lies before linked was not the device's silence: we could not hear it.
func (c *cadence) note(at, linked time.Time) {
	gap := at.Sub(c.last)
	if gap < burst && !c.last.IsZero() {
		return
	}
	known := !c.last.IsZero() && !c.last.Before(linked)
	c.last = at
	if !known {
		return
	}
	b := bucketOf(gap)
	if c.Pauses[b] < math.MaxUint16 {
		c.Pauses[b]++
	}
	c.Longest.note(at, gap)
	if c.count() > maxGaps {
		for i := range c.Pauses {
			c.Pauses[i] /= 2
		}
	}
}

func (c *cadence) count() (n int) {
	for _, k := range c.Pauses {
		n += int(k)
	}
	return n
}

// quantile is the pause that a share of all pauses does not exceed.
func (c *cadence) quantile(share float64) time.Duration {
	need := int(math.Ceil(share * float64(c.count())))
	for i, k := range c.Pauses {
		if need -= int(k); need <= 0 {
			return upper(i)
		}
	}
	return 0
}

// silence is how long the device may be silent, or 0 if it speaks too irregularly to say. In a home only what speaks like a clock is judged:
// the silence of another would tell that nobody moved.
func (c *cadence) silence(battery, home bool) time.Duration {
	if c.count() < enoughGaps || c.Longest.days() < enoughDays {
		return 0
	}
	usual := c.quantile(0.95)
	longest := c.Longest.most()
	if longest > patience*usual || home && (longest > 2*usual || usual > 2*c.quantile(0.5)) {
		return 0
	}
	learnt := max(patience*usual, 2*longest, leastSilence)
	if battery {
		learnt = max(learnt, passiveSilence)
	}
	if learnt > mostSilence {
		return 0
	}
	return learnt
}

// peaks are the longest durations of the last days on which there were any.
type peaks []peak

type peak struct {
	Day  int64         `json:"day"` // since 1970, UTC
	Most time.Duration `json:"most"`
}

// peakDays hold a week and the day that is not over.
const peakDays = 9

func dayOf(t time.Time) int64 { return t.Unix() / 86400 }

func (p *peaks) note(at time.Time, d time.Duration) {
	day := dayOf(at)
	i := slices.IndexFunc(*p, func(k peak) bool { return k.Day == day })
	if i >= 0 {
		(*p)[i].Most = max((*p)[i].Most, d)
		return
	}
	*p = append(*p, peak{day, d})
	*p = (*p)[max(0, len(*p)-peakDays):]
}

func (p peaks) most() (d time.Duration) {
	for _, k := range p {
		d = max(d, k.Most)
	}
	return d
}

func (p peaks) days() int { return len(p) }
