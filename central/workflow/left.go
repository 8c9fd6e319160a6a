package workflow

import (
	"time"

	"gridgate/central/calendar"
	"gridgate/central/cases"
)

// TimeLeft is how much time a deadline that runs has left, counted as the deadline counts.
type TimeLeft struct {
	Name    string        // of the deadline
	Working bool          // working time; else time by the clock
	Left    time.Duration // negative since the deadline passed
	Day     time.Duration // how long a working day is; 0 where time counts by the clock
	Running bool          // whether that time passes at this moment
}

// Left tells the time left of the deadlines of c that run. One that the calendar does not cover is left out.
func (l Loop) Left(c cases.Case, now time.Time) []TimeLeft {
	out := []TimeLeft{}
	for _, d := range c.Deadlines {
		if !d.Runs() {
			continue
		}
		t := TimeLeft{Name: d.Name, Working: l.unit(d.Name) != calendar.Clock, Running: true}
		span, err := l.Calendar.Left(now, d.Due, l.unit(d.Name))
		if err != nil {
			continue
		}
		if t.Left = span.Time; t.Working {
			t.Day = l.Calendar.Day(now)
			t.Running, err = l.Calendar.Open(now)
		}
		if err == nil {
			out = append(out, t)
		}
	}
	return out
}
