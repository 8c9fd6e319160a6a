package trace

import (
	"fmt"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// decide says what became of the alert, and why.
func (t *Trace) decide(f Facts, own int) {
	switch {
	case f.Alert == nil:
		t.missing(f)
	case t.CaseID == "" && t.State == alert.Cleared:
		t.Outcome, t.Why = NoCase, "it is the end of a situation whose beginning central had not got: it is remembered, and a late beginning counts as over"
	case t.CaseID == "":
		t.Outcome, t.Why = NoCase, "it joined no case"
	case own < 0:
		t.Outcome, t.Why = Joined, "it is counted in the case, by an event that is not among the newest of its history"
	default:
		t.Outcome, t.Why = outcomeOf(f.Events[own])
	}
	if t.Exercise {
		t.Why += "; it is a drill, which never mixes with the real thing"
	}
}

func (t *Trace) missing(f Facts) {
	switch {
	case f.Lines.Outcome == "rejected":
		t.Outcome, t.Why = Rejected, "central refused it: it is a dead letter of the edge (gridgate-edge outbox dead)"
	case f.Lines.Outcome != "":
		t.Outcome, t.Why = Forgot, "central answered for it and no longer has it: retention deleted it, or the database is an older copy"
	default:
		t.Outcome, t.Why = Held, "the edge committed it and central does not have it: it waits, or it was given up for want of room (gridgate-edge outbox status), or the log is cut off"
	}
}

func outcomeOf(e cases.Event) (Outcome, string) {
	switch e.Type {
	case cases.EventOpened:
		if e.Opening != nil && e.Opening.Previous != "" {
			return Opened, "no case of its key was open: it opened one, which follows " + e.Opening.Previous
		}
		return Opened, "no case of its key was open: it opened one"
	case cases.EventReopened:
		return Reopened, "the case of its key had closed by itself less than 30 minutes before"
	case cases.EventCleared:
		return Ended, "it is the end of a situation: noted in the case of its key"
	}
	return Joined, fmt.Sprintf("a case of its key was open: joined with %d others by one event", max(e.Count-1, 0))
}

// follow lists what happened to the case after the alert's event, and who was told of that event.
func (t *Trace) follow(f Facts, own int) {
	after := int64(0)
	if own >= 0 {
		after = f.Events[own].Position
	}
	for _, e := range f.Events {
		if e.Position <= after || e.Type == cases.EventJoined || len(t.Later) == MaxLater {
			continue
		}
		t.Later = append(t.Later, Change{At: e.At.UTC(), Position: e.Position, Type: e.Type, By: by(e), Rule: e.Rule, Into: e.Into, Step: e.Step})
	}
	for _, n := range f.Notices {
		if n.Position == after && after != 0 {
			t.Told = append(t.Told, toldOf(n))
		}
	}
}

// by says what sort of actor it was, never which.
func by(e cases.Event) string {
	switch {
	case e.Actor != "":
		return "staff"
	case e.Rule != "":
		return "rule"
	case e.Count > 0 || e.AlertID != "" || e.Type == cases.EventClosed:
		return "alerts"
	}
	return "clock"
}

func toldOf(n store.Notice) Told {
	out := Told{Channel: n.Channel, State: n.State, Attempts: n.Attempts}
	if n.State != store.NoticeWaiting {
		out.At = n.Done.UTC()
	}
	return out
}
