// Package indicators counts what becomes of cases: opened, closed, in time, reworked, overdue, by area, unit, class and day.
//
// In: case events, one by one, with the case before and after each. Out: what to add to the figures of a day, and, on asking, sums with
// their rates. Counting is incremental and pure: the same log gives the same figures. Drills are counted apart and shown only when asked
// for. It counts cases, places and devices, never staff: nobody's work is measured here by name.
package indicators

import (
	"slices"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
)

// The measures that are counted.
const (
	Opened       = "opened"
	Closed       = "closed"
	ClosedInTime = "closed-in-time" // no milestone was passed
	Cleared      = "cleared"        // closed by its own clear, before anybody was sent
	FalseAlarms  = "false-alarm"
	Reopened     = "reopened"
	Overdue      = "overdue" // cases of which a milestone turned red, each once
	Extended     = "extended"
	SentBack     = "sent-back"
	Reworked     = "reworked"
	Supervised   = "supervised"
	Parked       = "parked"
	Rated        = "rated"
	Stars        = "stars" // sum
	Merged       = "merged"

	reached = "reached:" // + step: how many cases came to it
	seconds = "seconds:" // + step: sum of the time from opening to it
)

// byEffect are the measures of a step's effect.
var byEffect = map[cases.Effect]string{
	cases.Extends: Extended, cases.SendsBack: SentBack, cases.Reworks: Reworked, cases.Supervises: Supervised,
}

// Of says what an event adds: before and after are the case around it. Days are of zone.
func Of(before, after cases.Case, e cases.Event, zone *time.Location) []store.Count {
	if e.Type == cases.EventUndone {
		return takenBack(before, after, e, zone)
	}
	c := counter{c: after, at: e.At.In(zone)}
	switch {
	case e.Type == cases.EventOpened:
		c.add(Opened, 1)
	case before.State == cases.Closed && after.State != cases.Closed:
		c.add(Reopened, 1)
	case before.State != cases.Closed && after.State == cases.Closed:
		c.closed()
	}
	if e.Type == cases.EventMerged {
		c.add(Merged, 1)
	}
	if e.Type == cases.EventTold && e.Stage == cases.Red && !anyRed(before) {
		c.add(Overdue, 1)
	}
	if measure := byEffect[e.Effect]; measure != "" {
		c.add(measure, 1)
	}
	if before.ParkedAt.IsZero() && !after.ParkedAt.IsZero() {
		c.add(Parked, 1)
	}
	if e.Type == cases.EventStepped && e.Rating != 0 && before.Rating == 0 {
		c.add(Rated, 1)
		c.add(Stars, int64(e.Rating))
	}
	if before.Step != after.Step {
		c.add(reached+after.Step, 1)
		c.add(seconds+after.Step, int64(max(0, e.At.Sub(after.OpenedAt))/time.Second))
	}
	return c.out
}

// takenBack is what the step added that e takes back, as less: before is the case as that step left it, after the one before it. A day's
// figures are then as if the step had not been taken.
func takenBack(before, after cases.Case, e cases.Event, zone *time.Location) []store.Count {
	step := cases.Event{Type: cases.EventStepped, At: e.From, Effect: e.Effect}
	if after.Rating == 0 {
		step.Rating = before.Rating
	}
	out := Of(after, before, step, zone)
	for i := range out {
		out[i].N = -out[i].N
	}
	return out
}

// counter gathers what one event adds.
type counter struct {
	c   cases.Case
	at  time.Time
	out []store.Count
}

// add names the device for the measures that are told by device; the store sums them over all devices as well.
func (k *counter) add(measure string, n int64) {
	c := store.Count{Day: k.at.Format(time.DateOnly), Grid: k.c.Grid, Unit: k.c.Unit, Class: k.c.Class, Measure: measure, Exercise: k.c.Exercise, N: n}
	if slices.Contains(ByDevice(), measure) {
		c.Source = k.c.Source
	}
	k.out = append(k.out, c)
}

// ByDevice are the measures that are told by device: enough to find a bad camera.
func ByDevice() []string { return []string{Opened, FalseAlarms} }

func (k *counter) closed() {
	k.add(Closed, 1)
	if !late(k.c) {
		k.add(ClosedInTime, 1)
	}
	switch k.c.Reason {
	case cases.ReasonCleared:
		k.add(Cleared, 1)
	case cases.ReasonFalseAlarm:
		k.add(FalseAlarms, 1)
	}
}

// late says whether a milestone of a closed case was passed.
func late(c cases.Case) bool {
	for _, d := range c.Deadlines {
		done := d.Met
		if done.IsZero() {
			done = c.ClosedAt
		}
		if !d.Due.IsZero() && done.After(d.Due) {
			return true
		}
	}
	return false
}

func anyRed(c cases.Case) bool {
	for _, d := range c.Deadlines {
		if d.Told == cases.Red {
			return true
		}
	}
	return false
}
