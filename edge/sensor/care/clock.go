package care

import (
	"slices"
	"time"
)

// Limits of what is believed of a device's clock.
const (
	// exact is how far a clock may be off and be called right, and how far messages of a wrong one may lie apart.
	exact = 2 * time.Minute
	// unknownSkew is how far a clock may be off of which nothing is learnt yet.
	unknownSkew = 24 * time.Hour
	// maxLate is how old what a device kept for us may be, once its clock is learnt.
	maxLate = 7 * 24 * time.Hour
	// Messages of slotLength count as one, so that a device that sends all that it kept at once does not look as if its clock were wrong.
	slotLength  = 30 * time.Second
	clockSlots  = 16
	enoughSlots = 8
	enoughSpan  = 10 * time.Minute
)

// clock learns how far a device's clock is off: by the least delay between what it told and when that came, as long as most messages agree.
type clock struct {
	Slots []slot `json:"slots,omitempty"` // oldest first, clockSlots at most
	// Behind is what has to be added to what it tells; Known says that this is learnt.
	Behind time.Duration `json:"behind,omitempty"`
	Known  bool          `json:"known,omitempty"`
}

// slot is what came within slotLength.
type slot struct {
	At    time.Time     `json:"at"` // received
	Delay time.Duration `json:"delay"`
}

// note learns from a message that is no retained one.
func (c *clock) note(told, received time.Time) {
	delay := received.Sub(told)
	n := len(c.Slots)
	if n > 0 && received.Sub(c.Slots[n-1].At) < slotLength {
		if delay >= c.Slots[n-1].Delay {
			return
		}
		c.Slots[n-1].Delay = delay
	} else {
		c.Slots = append(c.Slots, slot{received.UTC(), delay})
		c.Slots = c.Slots[max(0, len(c.Slots)-clockSlots):]
	}
	c.learn()
}

// learn takes the least delay of which most others are within exact. Without one, what was known stays: a device sends what it kept.
func (c *clock) learn() {
	n := len(c.Slots)
	if n < enoughSlots || c.Slots[n-1].At.Sub(c.Slots[0].At) < enoughSpan {
		return
	}
	delays := make([]time.Duration, n)
	for i, s := range c.Slots {
		delays[i] = s.Delay
	}
	slices.Sort(delays)
	most := n/2 + 1
	for i := 0; i+most <= n; i++ {
		if delays[i+most-1]-delays[i] > exact {
			continue
		}
		c.Known, c.Behind = true, 0
		if delays[i].Abs() > exact {
			c.Behind = delays[i]
		}
		return
	}
}

// time is when happened what the device says happened at told, or false if that cannot be known.
func (c *clock) time(told, received time.Time) (time.Time, bool) {
	late := received.Sub(told)
	switch {
	case late.Abs() <= exact: // right, or set right since: better one old message of a wrong clock at the wrong time than a new one eight hours ago
		return told, true
	case !c.Known:
		return told, late.Abs() <= unknownSkew
	}
	if late -= c.Behind; late < -exact || late > maxLate {
		return time.Time{}, false // an odd time, or a clock that was set anew
	}
	return received.Add(-max(0, late)), true
}
