package correlate

import (
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// fold is the state of one call of [KeyRule.Decide]: the case as it is by now, and what is to be told about it. Only the
// fields of c that the rule reads are kept up to date.
type fold struct {
	rule  KeyRule
	now   time.Time
	ended func(situation string) bool
	over  map[string]bool // situations cleared in this call, perhaps before their raise

	earlier []cases.Event // of the case that was newest before c
	c       cases.Case

	// What is to be told, in this order; nil where nothing is.
	begun   *cases.Event // opened or reopened
	joined  *cases.Event
	graver  *cases.Event
	cleared *cases.Event
	closed  *cases.Event
}

// raise takes a raised or a momentary alert.
func (f *fold) raise(a store.Received) {
	over := a.State == alert.Raised && (f.over[a.Situation] || f.ended(a.Situation))
	if f.c.ID != "" && f.c.State != cases.Closed {
		e := f.gather(&f.joined, cases.EventJoined, a)
		if !over {
			f.begin(e, a)
		}
		f.escalate(a)
		return
	}
	e := f.start(a)
	f.begin(e, a)
	f.escalate(a)
	if over {
		f.end(a.Situation)
		f.tell(&f.cleared, cases.EventCleared, a).Situation = a.Situation
	}
}

// clear takes a cleared alert.
func (f *fold) clear(a store.Received) {
	if f.over == nil {
		f.over = make(map[string]bool)
	}
	f.over[a.Situation] = true
	if f.c.ID == "" {
		return
	}
	e := f.gather(&f.cleared, cases.EventCleared, a)
	if e.Situation == "" || a.Situation == f.c.Situation {
		e.Situation = a.Situation
	}
	f.end(a.Situation)
}

// start gets an open case for a: the newest one reopened, or a new one.
func (f *fold) start(a store.Received) *cases.Event {
	if !f.c.Automatic() || f.now.Sub(f.c.ClosedAt) >= f.rule.ReopenWithin {
		return f.open(a)
	}
	f.c.State = cases.Open
	if f.closed != nil { // closed in this very call: it never was, for whoever reads the history
		f.closed = nil
		return f.gather(&f.joined, cases.EventJoined, a)
	}
	return f.gather(&f.begun, cases.EventReopened, a)
}

// open leaves the newest case behind and begins a new one.
func (f *fold) open(a store.Received) *cases.Event {
	traits, _ := alert.TraitsOf(a.Kind)
	opening := cases.Opening{
		Key: a.Key, Kind: a.Kind, Class: traits.Class, Grid: a.Grid, Source: a.Source, Zone: a.Zone,
		Exercise: a.Exercise, Previous: f.c.ID,
	}
	*f = fold{rule: f.rule, now: f.now, ended: f.ended, over: f.over, earlier: f.events()}
	f.c = cases.Case{ID: f.rule.NewID(), Opening: opening, State: cases.Open, Severity: a.Severity}
	e := f.gather(&f.begun, cases.EventOpened, a)
	e.Severity, e.Opening = a.Severity, &opening
	return e
}

// begin makes the situation of a the newest, if it is, and notes it in e.
func (f *fold) begin(e *cases.Event, a store.Received) {
	if a.State != alert.Raised || f.c.Active && !mintedLater(a.Situation, f.c.Situation) {
		return
	}
	e.Situation = a.Situation
	f.c.Situation, f.c.Active = a.Situation, true
}

// end closes the case if situation is what keeps it open and nobody else has to.
func (f *fold) end(situation string) {
	if !f.c.Active || situation != f.c.Situation {
		return
	}
	f.c.Active = false
	if f.c.State == cases.Open && f.c.Kind.Lane() != alert.LifeSafety {
		f.c.State, f.c.ClosedAt, f.c.ClosedBy = cases.Closed, f.now, ""
		f.closed = &cases.Event{CaseID: f.c.ID, Type: cases.EventClosed, At: f.now, Reason: cases.ReasonCleared}
	}
}

// escalate tells that a is graver than all before it.
func (f *fold) escalate(a store.Received) {
	if a.Severity.Rank() > f.c.Severity.Rank() {
		f.c.Severity = a.Severity
		f.graver = &cases.Event{CaseID: f.c.ID, Type: cases.EventRaised, At: f.now, AlertID: a.ID, Severity: a.Severity}
	}
}

// gather counts a in the one event of its type.
func (f *fold) gather(slot **cases.Event, typ cases.EventType, a store.Received) *cases.Event {
	e := f.tell(slot, typ, a)
	e.Count++
	if e.From.IsZero() || a.OccurredAt.Before(e.From) {
		e.From = a.OccurredAt
	}
	if a.OccurredAt.After(e.To) {
		e.To = a.OccurredAt
	}
	return e
}

// tell returns the one event of its type, made for a if there is none yet.
func (f *fold) tell(slot **cases.Event, typ cases.EventType, a store.Received) *cases.Event {
	if *slot == nil {
		*slot = &cases.Event{CaseID: f.c.ID, Type: typ, At: f.now, AlertID: a.ID}
	}
	return *slot
}

// events returns all that is to be told.
func (f *fold) events() []cases.Event {
	out := f.earlier
	for _, e := range []*cases.Event{f.begun, f.joined, f.graver, f.cleared, f.closed} {
		if e != nil {
			out = append(out, *e)
		}
	}
	return out
}

// mintedLater says whether situation a was minted after b: UUIDv7 sorts by its time. Of other ids the later arrival wins.
func mintedLater(a, b string) bool {
	return !isV7(a) || !isV7(b) || a > b
}

func isV7(id string) bool { return len(id) == 36 && id[14] == '7' }
