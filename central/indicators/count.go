// Package indicators counts what becomes of cases: opened, closed, in time, reworked, overdue, by area, unit, class and day.
//
// In: case events, one by one, with the case before and after each. Out: what to add to the figures of a day, and, on asking, sums with
// their rates. Counting is incremental and pure: the same log gives the same figures. Drills are counted apart and shown only when asked
// for. It counts cases, places and devices, never staff: nobody's work is measured here by name.
package indicators

import (
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
	c := counter{c: after, at: e.At.In(zone)}
	switch {
	case e.Type == cases.EventOpened:
		c.add(Opened, 1)
		c.device(Opened)
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

// counter gathers what one event adds.
type counter struct {
	c   cases.Case
	at  time.Time
	out []store.Count
}

func (k *counter) add(measure string, n int64) {
	k.out = append(k.out, store.Count{
		Day: k.at.Format(time.DateOnly), Grid: k.c.Grid, Unit: k.c.Unit, Class: k.c.Class, Measure: measure, Exercise: k.c.Exercise, N: n,
	})
}

// device counts by the device that reported, by months: a bad camera shows over weeks, and a row for each day would be many.
func (k *counter) device(measure string) {
	k.out = append(k.out, store.Count{Day: k.at.Format("2006-01") + "-01", Source: k.c.Source, Measure: measure, Exercise: k.c.Exercise, N: 1})
}

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
		k.device(FalseAlarms)
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
