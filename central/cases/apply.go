package cases

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"gridgate/protocols/alert"
)

// ErrIllegal is wrapped by every refusal of [Apply] and [Rebuild].
var ErrIllegal = errors.New("illegal case event")

// Apply returns the case that c becomes by e. The zero Case is the one before its history begins.
//
//	event         from                      to
//	opened        nothing                   open
//	joined        open, acknowledged        the same
//	level-raised  open, acknowledged        the same; the severity must be graver than the case's, or a rule names a higher Level
//	cleared       any, closed too           the same; an annotation: the situation is over if it is the newest one
//	acknowledged  open                      acknowledged; by an Actor
//	closed        open, acknowledged        closed; by an Actor with a reason of theirs,
//	              open, not life-safety     closed; without Actor, reason "cleared": automatic
//	reopened      closed automatically      open
//	held          any that is not held      the same, held; by an Actor with a reason of a hold
//	released      any that is held          the same, not held; by an Actor with a reason of a release
//	stepped       any                       the event's State, at its Step; whether the definition allows it is central/workflow's to say
//	merged        any that has no parent    the same, part of Into; not of itself
//	unmerged      any that has a parent     the same, alone
//	related       any                       the same; an annotation
//	annotated     any                       the same; Note, or Rule with Why
//	deadline      open, acknowledged        the same; one of its running deadlines turned Stage
//	woke          open, acknowledged        open if it was acknowledged outside a loop, else the same; nothing ends any more
//	undone        any that took a step      what stood before that step; by an Actor
//
// Everything else is an error that wraps [ErrIllegal], and the returned case is c unchanged. A position, where the event has
// one, must be greater than the case's. Apply reads no clock: how long after a close a case may be reopened is the caller's rule.
func Apply(c Case, e Event) (Case, error) {
	if err := check(c, e); err != nil {
		return c, fmt.Errorf("%w: %s: %w", ErrIllegal, e.Type, err)
	}
	if e.Type == EventOpened {
		c = Case{ID: e.CaseID, Opening: *e.Opening, OpenedAt: e.At}
	}
	transitions[e.Type](&c, e)
	c.Alerts += e.Count
	if e.At.After(c.LastAt) {
		c.LastAt = e.At
	}
	if e.Position != 0 {
		c.Position = e.Position
	}
	return c, nil
}

// Rebuild returns the case that a whole history adds up to. The history must begin with its opened event.
func Rebuild(events []Event) (Case, error) {
	var c Case
	for i, e := range events {
		var err error
		if c, err = Apply(c, e); err != nil {
			return Case{}, fmt.Errorf("rebuild case: event %d: %w", i, err)
		}
	}
	if c.ID == "" {
		return Case{}, fmt.Errorf("rebuild case: %w: the history is empty", ErrIllegal)
	}
	return c, nil
}

// Automatic says whether c was closed by its own clear: nobody was dispatched, so the same key may reopen it.
func (c Case) Automatic() bool { return c.State == Closed && c.ClosedBy == "" }

// transitions change the state for an event that was checked.
var transitions = map[EventType]func(c *Case, e Event){
	EventOpened: func(c *Case, e Event) {
		c.State = Open
		setSeverity(c, e)
		setSituation(c, e)
	},
	EventJoined: setSituation,
	EventRaised: raise,
	EventCleared: func(c *Case, e Event) {
		if e.Situation == c.Situation {
			c.Active = false
		}
	},
	EventAcknowledged: func(c *Case, e Event) { c.State, c.Assignee, c.WakeAt = Acknowledged, e.Actor, e.Until },
	EventClosed: func(c *Case, e Event) {
		c.State, c.ClosedAt, c.ClosedBy, c.Reason, c.WakeAt = Closed, e.At, e.Actor, e.Reason, time.Time{}
	},
	EventReopened: func(c *Case, e Event) {
		c.State, c.ClosedAt, c.Reason = Open, time.Time{}, ""
		setSituation(c, e)
	},
	EventHeld:     func(c *Case, e Event) { c.Hold = e.Reason },
	EventReleased: func(c *Case, _ Event) { c.Hold = "" },
	EventStepped:  step,
	EventMerged: func(c *Case, e Event) {
		c.Parent, c.MergedBy = e.Into, e.Actor
		set(&c.MergedBy, e.Rule)
	},
	EventUnmerged:  func(c *Case, _ Event) { c.Parent, c.MergedBy = "", "" },
	EventRelated:   func(*Case, Event) {},
	EventAnnotated: func(*Case, Event) {},
	EventTold:      told,
	EventUndone:    undo,
	EventWoke: func(c *Case, _ Event) {
		c.WakeAt = time.Time{}
		if c.State == Acknowledged && c.Workflow == "" {
			c.State, c.Assignee = Open, ""
		}
	},
}

func setSeverity(c *Case, e Event) { c.Severity, c.Level = e.Severity, LevelOf(e.Severity) }

// raise makes a case graver. The level follows the severity unless the event names one; neither ever falls by it.
func raise(c *Case, e Event) {
	c.Severity = e.Severity
	for _, level := range []Level{LevelOf(e.Severity), e.Level} {
		if level.Rank() > c.Level.Rank() {
			c.Level = level
		}
	}
}

// setSituation makes the event's situation the newest; a momentary alert has none and leaves it.
func setSituation(c *Case, e Event) {
	if e.Situation != "" {
		c.Situation, c.Active = e.Situation, true
	}
}

// check says why e may not happen to c, or nil.
func check(c Case, e Event) error {
	rule, known := rules[e.Type]
	switch {
	case !known:
		return errors.New("unknown event type")
	case e.CaseID == "":
		return errors.New("caseId is missing")
	case e.At.IsZero():
		return errors.New("at is missing")
	case e.Count < 0 || e.Count > 0 && !gathers[e.Type]:
		return errors.New("count is negative, or the event gathers no alerts")
	case utf8.RuneCountInString(e.Note) > MaxNote:
		return fmt.Errorf("note has more than %d characters", MaxNote)
	case e.Position != 0 && e.Position <= c.Position:
		return fmt.Errorf("position %d is not after %d", e.Position, c.Position)
	case e.Type != EventOpened && c.ID != e.CaseID:
		return errors.New("it belongs to another case, or the case was never opened")
	}
	return rule(c, e)
}

// gathers names the events that may count alerts.
var gathers = map[EventType]bool{EventOpened: true, EventJoined: true, EventCleared: true, EventReopened: true}

// rules say what each event demands beyond what all demand.
var rules = map[EventType]func(c Case, e Event) error{
	EventOpened: checkOpened,
	EventJoined: func(c Case, e Event) error {
		return demand(c.State != Closed && e.Count > 0, "the case is closed or count is 0")
	},
	EventRaised:       checkRaised,
	EventCleared:      func(_ Case, e Event) error { return demand(e.Situation != "", "situation is missing") },
	EventAcknowledged: checkAcknowledged,
	EventClosed:       checkClosed,
	EventReopened: func(c Case, e Event) error {
		return demand(c.Automatic() && e.Count > 0, "the case was not closed automatically or count is 0")
	},
	EventHeld: func(c Case, e Event) error {
		return checkHold(e, c.Hold == "", "the case is held already", ReasonInvestigation, ReasonComplaint, ReasonInsurance, ReasonReview)
	},
	EventReleased: func(c Case, e Event) error {
		return checkHold(e, c.Hold != "", "the case is not held", ReasonSettled, ReasonMistake)
	},
	EventStepped: checkStepped,
	EventMerged: func(c Case, e Event) error {
		return demand(c.Parent == "" && e.Into != "" && e.Into != c.ID && e.Actor+e.Rule != "",
			"the case is merged already, into is missing or the case itself, or nobody did it")
	},
	EventUnmerged: func(c Case, e Event) error {
		return demand(c.Parent != "" && e.Into == c.Parent && e.Actor+e.Rule != "", "the case is not merged into that one, or nobody did it")
	},
	EventRelated: func(c Case, e Event) error {
		return demand(e.Into != "" && e.Into != c.ID && e.Actor+e.Rule != "", "into is missing or the case itself, or nobody did it")
	},
	EventAnnotated: func(_ Case, e Event) error {
		return demand(e.Actor != "" && e.Note != "" || e.Rule != "" && e.Why != nil, "neither a note with its actor nor a reason with its rule")
	},
	EventTold:   checkTold,
	EventUndone: checkUndone,
	EventWoke: func(c Case, e Event) error {
		return demand(!c.WakeAt.IsZero() && !e.At.Before(c.WakeAt), "nothing ends yet")
	},
}

func checkStepped(c Case, e Event) error {
	switch {
	case e.Action == "" || e.Step == "":
		return errors.New("action or step is missing")
	case e.State != Open && e.State != Acknowledged && e.State != Closed:
		return errors.New("state must be open, acknowledged or closed")
	case c.Workflow == "" && e.Workflow == "":
		return errors.New("the case follows no workflow and the event names none")
	case e.Effect == Begins && (c.Workflow != "" || e.State != c.State):
		return errors.New("the case is in a loop already, or moved on before it was taken into one")
	case e.Rating < 0 || e.Rating > 5:
		return errors.New("rating must be 1 to 5")
	}
	return demand(e.Actor+e.Rule != "", "nobody did it: actor and rule are missing")
}

func checkTold(c Case, e Event) error {
	if c.State == Closed || e.Stage != Yellow && e.Stage != Red {
		return errors.New("the case is closed, or stage is neither yellow nor red")
	}
	for _, d := range c.Deadlines {
		if d.Name == e.Deadline {
			return demand(d.Runs() && d.Told != Red && d.Told != e.Stage, "the deadline does not run, or this was told")
		}
	}
	return errors.New("the case has no such deadline")
}

func checkHold(e Event, allowed bool, otherwise string, reasons ...Reason) error {
	if e.Actor == "" {
		return errors.New("actor is missing")
	}
	if !slices.Contains(reasons, e.Reason) {
		return fmt.Errorf("reason must be one of %q", reasons)
	}
	return demand(allowed, otherwise)
}

func demand(holds bool, otherwise string) error {
	if holds {
		return nil
	}
	return errors.New(otherwise)
}

func checkOpened(c Case, e Event) error {
	switch {
	case c.ID != "":
		return errors.New("the case is already open")
	case e.Opening == nil || e.Opening.Key == "" || !e.Opening.Kind.Valid():
		return errors.New("opening is missing or has no key or kind")
	case e.Severity.Rank() < 0:
		return errors.New("severity is missing")
	}
	return demand((e.Count > 0) == (e.Opening.Origin == ""), "an alert opens with a count, whoever else does without")
}

func checkRaised(c Case, e Event) error {
	if c.State == Closed {
		return errors.New("the case is closed")
	}
	higher := e.Rule != "" && e.Severity == c.Severity && e.Level.Rank() > c.Level.Rank()
	return demand(higher || e.Severity.Rank() > c.Severity.Rank(), "the severity is not graver")
}

func checkAcknowledged(c Case, e Event) error {
	if e.Actor == "" {
		return errors.New("actor is missing")
	}
	return demand(c.State == Open, "the case is not open")
}

func checkClosed(c Case, e Event) error {
	if c.State == Closed {
		return errors.New("the case is already closed")
	}
	if e.Actor == "" {
		return demand(e.Reason == ReasonCleared && c.State == Open && c.Kind.Lane() != alert.LifeSafety,
			"only an open case that is not life-safety closes by itself, once cleared")
	}
	switch e.Reason {
	case ReasonHandled, ReasonFalseAlarm, ReasonDuplicate:
		return nil
	}
	return errors.New("reason must be handled, false-alarm or duplicate")
}
