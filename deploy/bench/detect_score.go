package main

import (
	"slices"
	"time"

	"gridgate/deploy/testkit/scenes"
)

// How detection is scored, the same for all detectors.
const (
	detectEarly  = 500 * time.Millisecond // before an entry: an alarm that rises from here on is for it; one that was on is not
	detectWithin = 5 * time.Second        // after an entry: until then the alarm must have risen
	detectTail   = time.Second            // after an event: what rises here still belongs to it
	detectGhost  = 2 * time.Second        // after an event: until then, and the detector's own hold, the alarm must be off
	detectSettle = 5 * time.Second        // at the beginning: nothing that rises counts, unless it stays
)

// lit is a stretch of media time in which a detector's alarm was on.
type lit struct{ On, Off time.Duration }

// verdict is what one detector made of one scene.
type verdict struct {
	Events int
	Missed []time.Duration // entries without an alarm of their own
	False  []time.Duration // alarms that rose while nothing was there
	Ghosts []time.Duration // ends of events that the alarm outlived
	Delays []time.Duration // from entry to alarm, of those found
}

func (v verdict) found() int { return v.Events - len(v.Missed) }
func (v verdict) wrong() int { return len(v.False) + len(v.Ghosts) }

// and adds up two scenes.
func (v verdict) and(w verdict) verdict {
	return verdict{
		Events: v.Events + w.Events, Missed: slices.Concat(v.Missed, w.Missed), False: slices.Concat(v.False, w.False),
		Ghosts: slices.Concat(v.Ghosts, w.Ghosts), Delays: slices.Concat(v.Delays, w.Delays),
	}
}

// score compares a detector's alarms, in order, with what happened. hold is how long the detector keeps its alarm on by design
// after it saw the last motion.
func score(events []scenes.Span, alarms []lit, hold time.Duration) verdict {
	v := verdict{Events: len(events)}
	for i, e := range events {
		if rise, ok := rises(alarms, e.From-detectEarly, e.From+detectWithin); ok && !burns(alarms, e.From-detectEarly) {
			v.Delays = append(v.Delays, max(0, rise-e.From))
		} else {
			v.Missed = append(v.Missed, e.From)
		}
		by := e.To + detectGhost + hold
		nextIsLater := i+1 == len(events) || events[i+1].From-detectEarly > by
		if nextIsLater && outlives(alarms, e.To+detectTail, by) {
			v.Ghosts = append(v.Ghosts, e.To)
		}
	}
	for _, a := range alarms {
		switch {
		case a.On < detectSettle && a.Off > detectSettle+hold && !covered(events, detectSettle):
			v.False = append(v.False, a.On)
		case a.On >= detectSettle && !covered(events, a.On):
			v.False = append(v.False, a.On)
		}
	}
	return v
}

// rises is the first alarm that begins from..to.
func rises(alarms []lit, from, to time.Duration) (time.Duration, bool) {
	for _, a := range alarms {
		if a.On >= from && a.On <= to {
			return a.On, true
		}
	}
	return 0, false
}

// burns says whether an alarm that began before t is on at t.
func burns(alarms []lit, t time.Duration) bool {
	return slices.ContainsFunc(alarms, func(a lit) bool { return a.On < t && a.Off > t })
}

// outlives says whether an alarm that rose no later than tail is still on at by.
func outlives(alarms []lit, tail, by time.Duration) bool {
	return slices.ContainsFunc(alarms, func(a lit) bool { return a.On <= tail && a.Off > by })
}

// covered says whether an alarm that rises at t belongs to an event.
func covered(events []scenes.Span, t time.Duration) bool {
	return slices.ContainsFunc(events, func(e scenes.Span) bool {
		return t >= e.From-detectEarly && t <= max(e.To+detectTail, e.From+detectWithin)
	})
}

// joinMarks makes alarms of single moments at which motion was seen: an alarm ends hold after the last of them.
func joinMarks(marks []time.Duration, hold time.Duration) (out []lit) {
	for _, m := range marks {
		if n := len(out); n > 0 && m <= out[n-1].Off {
			out[n-1].Off = m + hold
			continue
		}
		out = append(out, lit{m, m + hold})
	}
	return out
}

// joinSwitches makes alarms of switches in the order of their time; what is never switched off stays on until end.
func joinSwitches(switches []lightSwitch, end time.Duration) (out []lit) {
	burning := false
	for _, s := range switches {
		switch {
		case s.On && !burning:
			out = append(out, lit{s.At, end})
		case !s.On && burning:
			out[len(out)-1].Off = s.At
		}
		burning = s.On
	}
	return out
}

// lightSwitch is one change of an alarm.
type lightSwitch struct {
	At time.Duration // media time
	On bool
}
