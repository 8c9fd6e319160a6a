package notify

import (
	"slices"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
)

// Standing is what is known of a case when a notice of it is due.
type Standing struct {
	Case     cases.Case
	Event    cases.Event    // that the notice tells of
	Later    []cases.Event  // what came after it
	Fellows  []store.Notice // all notices of the case
	Silenced bool
	Now      time.Time
}

// Needless says whether what n would tell is over: the case is closed, part of another or silenced; the deadline was met, moved or stands
// still; the step was taken back; or, for a step of a chain, somebody answered.
func (d *Desk) Needless(n store.Notice, s Standing) bool {
	what, step := TemplateOf(n.Template)
	switch {
	case d.hushed(s.Case, what, s.Silenced):
		return true
	case s.Case.State == cases.Closed && what != Closed && what != Merged:
		return true
	case slices.ContainsFunc(s.Later, func(e cases.Event) bool { return e.Type == cases.EventUndone && e.Undoes == s.Event.Position }):
		return true
	case (what == DeadlineRed || what == DeadlineYellow) && settled(s.Case, s.Event, s.Now):
		return true
	}
	return step > 0 && (Answered(s.Later) || acknowledged(n, s.Fellows))
}

// settled says whether the deadline of e is no longer what e says.
func settled(c cases.Case, e cases.Event, now time.Time) bool {
	for _, deadline := range c.Deadlines {
		if deadline.Name == e.Deadline {
			return !deadline.Runs() || e.Stage == cases.Red && deadline.Due.After(now) || e.Stage == cases.Yellow && deadline.Warn.After(now)
		}
	}
	return true
}

// Answered says whether somebody took up the case by one of the events. To press it (supervise) is no answer, nor is what was taken back.
func Answered(later []cases.Event) bool {
	undone := map[int64]bool{}
	for _, e := range later {
		undone[e.Undoes] = e.Undoes != 0
	}
	return slices.ContainsFunc(later, func(e cases.Event) bool {
		if undone[e.Position] {
			return false
		}
		switch e.Type {
		case cases.EventAcknowledged, cases.EventClosed, cases.EventMerged:
			return true
		case cases.EventStepped:
			return e.Actor != "" && e.Effect != cases.Supervises
		}
		return false
	})
}

// acknowledged says whether a notice of the same event was.
func acknowledged(n store.Notice, fellows []store.Notice) bool {
	return slices.ContainsFunc(fellows, func(f store.Notice) bool {
		return f.Position == n.Position && f.State == store.NoticeAcknowledged
	})
}
