package trace

import (
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
		t.end(NoCase, say(saidOnlyEnd))
	case t.CaseID == "":
		t.end(NoCase, say(saidNoCase))
	case own < 0:
		t.end(Joined, say(saidOldJoin))
	default:
		t.end(outcomeOf(f.Events[own]))
	}
	if t.Exercise {
		t.Why += "; it is a drill, which never mixes with the real thing"
	}
}

func (t *Trace) end(o Outcome, why said) {
	t.Outcome, t.Why, t.WhyCode, t.WhyArgs = o, why.words, why.code, why.args
}

func (t *Trace) missing(f Facts) {
	switch {
	case f.Lines.Outcome == "rejected":
		t.end(Rejected, say(saidRefused))
	case f.Lines.Outcome != "":
		t.end(Forgot, say(saidDeleted))
	default:
		t.end(Held, say(saidAtEdge))
	}
}

func outcomeOf(e cases.Event) (Outcome, said) {
	switch e.Type {
	case cases.EventOpened:
		if e.Opening != nil && e.Opening.Previous != "" {
			return Opened, say(saidFollows, "case", e.Opening.Previous)
		}
		return Opened, say(saidOpens)
	case cases.EventReopened:
		return Reopened, say(saidReopens)
	case cases.EventCleared:
		return Ended, say(saidEnds)
	}
	return Joined, say(saidJoinedWith, "count", max(e.Count-1, 0))
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
