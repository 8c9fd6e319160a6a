// Package notify decides who is told what about a case, and when.
//
// In: one event of a case, the case, and what the centre set up ([Setup]: recipients, routes, quiet hours, chains, texts). Out: notices
// with stable ids ([Desk.Plan]), whether one that is due still has a point ([Needless]), and its words ([Desk.Compose]). It is pure: it
// reads no clock, sends nothing and keeps nothing; central/notify/courier does. What is told is a place, a class, a level, a deadline and
// a link; words that somebody typed, pictures and alerts' texts never leave by this way.
package notify

import (
	"context"
	"time"

	"gridgate/central/cases"
	"gridgate/protocols/alert"
)

// What names what happened, in the words of routes and texts. The list is closed.
type What string

// The things that can be told.
const (
	Opened         What = "opened"
	LifeSafety     What = "life-safety" // a life-safety case was opened or opened again
	Entrusted      What = "entrusted"   // a unit is responsible for a new case, as its grid says
	Dispatched     What = "dispatched"  // a unit has the case from now on
	Assigned       What = "assigned"    // a staff account has it in hand from now on
	SentBack       What = "sent-back"
	Reworked       What = "reworked" // verification failed
	Supervised     What = "supervised"
	Escalated      What = "escalated" // another level has it, or a graver alert joined
	DeadlineYellow What = "deadline-yellow"
	DeadlineRed    What = "deadline-red"
	Merged         What = "merged"
	Reopened       What = "reopened"
	Woke           What = "woke" // a snooze or an acknowledgement ended
	Closed         What = "closed"
)

// Whats lists all, in the order of their declaration.
func Whats() []What {
	return []What{
		Opened, LifeSafety, Entrusted, Dispatched, Assigned, SentBack, Reworked, Supervised, Escalated, DeadlineYellow, DeadlineRed, Merged,
		Reopened, Woke, Closed,
	}
}

// WhatOf says what e is for those who are told; empty for what nobody is told. c is the case, with e or with later events, too.
func WhatOf(c cases.Case, e cases.Event) What {
	switch e.Type {
	case cases.EventOpened:
		return grave(c, Opened)
	case cases.EventReopened:
		return grave(c, Reopened)
	case cases.EventRaised:
		return Escalated
	case cases.EventStepped:
		return ofStep(e)
	case cases.EventTold:
		if e.Stage == cases.Red {
			return DeadlineRed
		}
		return DeadlineYellow
	}
	return plain[e.Type]
}

var plain = map[cases.EventType]What{cases.EventMerged: Merged, cases.EventWoke: Woke, cases.EventClosed: Closed}

func grave(c cases.Case, otherwise What) What {
	if c.Kind.Lane() == alert.LifeSafety {
		return LifeSafety
	}
	return otherwise
}

// ofStep is one word for a step, the one that matters most to whoever is told.
func ofStep(e cases.Event) What {
	effects := map[cases.Effect]What{cases.SendsBack: SentBack, cases.Reworks: Reworked, cases.Supervises: Supervised}
	switch {
	case e.State == cases.Closed:
		return Closed
	case effects[e.Effect] != "":
		return effects[e.Effect]
	case e.Effect == cases.Begins && e.Unit != "":
		return Entrusted
	case e.Level != "":
		return Escalated
	case e.Unit != "":
		return Dispatched
	case e.Assignee != "":
		return Assigned
	}
	return ""
}

// Message is what a channel carries to one recipient.
type Message struct {
	ID      string // of the notice: the same at each repetition, so that the other side can drop one
	Address string // within the channel; empty where the channel leads to one place only
	Subject string // one line
	Text    string // lines, without the subject
	Urgent  bool
	At      time.Time // of the event
	Data    Data      // for programs
}

// Channel is one configured way out. Send returns nil once the other side took the message, and else an error, a [*Trouble] where more is
// known about it. It ends with ctx and may be called by several at a time. No error holds a secret or what was sent.
type Channel interface {
	Send(ctx context.Context, m Message) error
}

// Trouble says how a channel failed.
type Trouble struct {
	Said      string        // what went wrong
	Permanent bool          // the other side will never take this message
	Slow      bool          // it takes no more for now, from anybody
	After     time.Duration // when to come again, if it said so
}

func (t *Trouble) Error() string { return t.Said }
