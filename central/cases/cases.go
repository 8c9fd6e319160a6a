// Package cases is step 9 of the pipeline: the grid case, which is its append-only history.
//
// In: events. Out: the state that they add up to ([Apply], [Rebuild]). A case is about a place, a thing or a hazard, never
// about a person; no type here can hold one. It reads no clock and no store.
package cases

import (
	"time"

	"gridgate/protocols/alert"
)

// State is where a case stands.
type State string

// The states of the first workflow: opened by an alert, acknowledged by an operator, closed by an operator or by its own clear.
const (
	Open         State = "open"
	Acknowledged State = "acknowledged"
	Closed       State = "closed"
)

// Level says who is responsible: 网格件, 社区件, 镇街件, 区级件.
type Level string

// The levels, lowest first.
const (
	GridLevel      Level = "grid"
	CommunityLevel Level = "community"
	TownshipLevel  Level = "township"
	DistrictLevel  Level = "district"
)

// LevelOf is the level that a severity starts at.
func LevelOf(s alert.Severity) Level {
	switch s {
	case alert.Critical:
		return TownshipLevel
	case alert.Major:
		return CommunityLevel
	}
	return GridLevel
}

// EventType says what happened to a case. The list is closed.
type EventType string

// The events.
const (
	EventOpened       EventType = "opened"       // by the first alert of a key
	EventJoined       EventType = "joined"       // Count further alerts between From and To, coalesced
	EventRaised       EventType = "level-raised" // a graver alert joined: Severity is the new one
	EventCleared      EventType = "cleared"      // what raised it is over; an annotation, it does not close
	EventAcknowledged EventType = "acknowledged" // by Actor
	EventClosed       EventType = "closed"       // Reason says why; Actor is empty for an automatic close
	EventReopened     EventType = "reopened"     // the same key within 30 minutes of an automatic close
	EventHeld         EventType = "held"         // by Actor: retention passes the case over; Reason says why
	EventReleased     EventType = "released"     // by Actor: the hold is over
)

// Reason says why a case was closed, held or released. The list is closed: no free text about a case can hold a person.
type Reason string

// The reasons.
const (
	ReasonCleared    Reason = "cleared" // automatic: the situation ended before anyone was dispatched
	ReasonHandled    Reason = "handled"
	ReasonFalseAlarm Reason = "false-alarm"
	ReasonDuplicate  Reason = "duplicate"
)

// The reasons of a hold: who still needs the case when retention would let it go.
const (
	ReasonInvestigation Reason = "investigation" // of an authority, or of an accident
	ReasonComplaint     Reason = "complaint"     // somebody complained about how the case was handled
	ReasonInsurance     Reason = "insurance"     // a claim for damage
	ReasonReview        Reason = "review"        // of the centre's own work
)

// The reasons of a release.
const (
	ReasonSettled Reason = "settled" // what it was held for is over
	ReasonMistake Reason = "mistake" // it should not have been held
)

// Event is one entry of a case's history.
type Event struct {
	Position int64          `json:"position"` // in the case-event log, increasing; the id of a feed event
	CaseID   string         `json:"caseId"`
	Type     EventType      `json:"type" enum:"opened,joined,level-raised,cleared,acknowledged,closed,reopened,held,released"`
	At       time.Time      `json:"at"`
	Actor    string         `json:"actor,omitempty"`   // staff account
	AlertID  string         `json:"alertId,omitempty"` // the first of the alerts that it is about
	Count    int64          `json:"count,omitzero"`    // how many alerts it gathers: opened, joined, cleared, reopened
	From     time.Time      `json:"from,omitzero"`
	To       time.Time      `json:"to,omitzero"`
	Severity alert.Severity `json:"severity,omitempty"`
	Reason   Reason         `json:"reason,omitempty"`
	// Situation is the one that became the newest (opened, joined, reopened) or that ended (cleared).
	Situation string   `json:"situation,omitempty"`
	Opening   *Opening `json:"opening,omitempty"` // on "opened"
}

// Opening is what a case is about; it does not change.
type Opening struct {
	Key      string     `json:"key"`
	Kind     alert.Kind `json:"kind"`
	Class    string     `json:"class"` // event class, four digits
	Grid     string     `json:"grid"`
	Source   string     `json:"source"`
	Zone     string     `json:"zone,omitempty"`
	Exercise bool       `json:"exercise,omitempty"`
	Previous string     `json:"previous,omitempty"` // the case of the same key before this one
}

// Case is the state that a history adds up to.
type Case struct {
	ID string `json:"id"` // UUIDv7
	Opening
	State    State          `json:"state" enum:"open,acknowledged,closed"`
	Level    Level          `json:"level" enum:"grid,community,township,district"`
	Severity alert.Severity `json:"severity" enum:"info,minor,major,critical"`
	Active   bool           `json:"active"` // the situation goes on; false once it cleared, and for momentary alerts
	Alerts   int64          `json:"alerts"` // how many alerts it gathers
	// Situation is the newest one; only its own clear ends it. Empty while all alerts were momentary.
	Situation string `json:"situation,omitempty"`

	OpenedAt time.Time `json:"openedAt"`
	LastAt   time.Time `json:"lastAt"` // of the newest event
	ClosedAt time.Time `json:"closedAt,omitzero"`
	ClosedBy string    `json:"closedBy,omitempty"` // empty for an automatic close
	Reason   Reason    `json:"reason,omitempty"`
	Hold     Reason    `json:"hold,omitempty"` // why retention passes it over; empty while it is not held
	Position int64     `json:"position"`       // of the newest event
}
