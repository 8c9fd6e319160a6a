// Package cases is step 9 of the pipeline: the grid case, which is its append-only history.
//
// In: events. Out: the state that they add up to ([Apply], [Rebuild]). A case is about a place, a thing or a hazard, never
// about a person; no type here can hold one. It reads no clock and no store.
package cases

import (
	"slices"
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

// Rank orders levels: 0 for grid to 3 for district, -1 for a value outside the list.
func (l Level) Rank() int {
	return slices.Index([]Level{GridLevel, CommunityLevel, TownshipLevel, DistrictLevel}, l)
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
	EventStepped      EventType = "stepped"      // one step of the loop: Action led to Step; the event carries the outcome
	EventMerged       EventType = "merged"       // it is part of the case Into from now on; by Actor or by Rule
	EventUnmerged     EventType = "unmerged"     // it stands alone again
	EventRelated      EventType = "related"      // the case Into has to do with it (upstream, another grid); an annotation
	EventAnnotated    EventType = "annotated"    // Rule or Actor has something to say: Why or Note
	EventTold         EventType = "deadline"     // Deadline turned Stage: yellow or red
	EventWoke         EventType = "woke"         // an acknowledgement or a snooze ended
	EventUndone       EventType = "undone"       // Actor took back the step at position Undoes: Former is what stood before it
)

// EventTypes lists all types, in the order of their declaration.
func EventTypes() []EventType {
	return []EventType{
		EventOpened, EventJoined, EventRaised, EventCleared, EventAcknowledged, EventClosed, EventReopened, EventHeld, EventReleased,
		EventStepped, EventMerged, EventUnmerged, EventRelated, EventAnnotated, EventTold, EventWoke, EventUndone,
	}
}

// Reason says why a case was closed, held or released. The list is closed: no free text about a case can hold a person.
type Reason string

// The reasons.
const (
	ReasonCleared    Reason = "cleared" // automatic: the situation ended before anyone was dispatched
	ReasonHandled    Reason = "handled"
	ReasonFalseAlarm Reason = "false-alarm"
	ReasonDuplicate  Reason = "duplicate"
	ReasonVerified   Reason = "verified" // somebody else saw that it was done
	ReasonNotOurs    Reason = "not-ours" // another owner has it; Unit of the step says who
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
	Type     EventType      `json:"type" enum:"opened,joined,level-raised,cleared,acknowledged,closed,reopened,held,released,stepped,merged,unmerged,related,annotated,deadline,woke,undone"`
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

	// Of a step: what was done by the definition's words, and everything that came of it.
	Action    string     `json:"action,omitempty"`
	Workflow  string     `json:"workflow,omitempty"` // followed from now on; empty: as before
	Step      string     `json:"step,omitempty"`     // where the case stands now
	State     State      `json:"state,omitempty"`    // what that step counts as
	Unit      string     `json:"unit,omitempty"`     // responsible from now on; empty: as before
	Helpers   []string   `json:"helpers,omitzero"`   // all units that help from now on; nil: as before
	Assignee  string     `json:"assignee,omitempty"` // staff account that has it from now on; empty: as before
	Handler   string     `json:"handler,omitempty"`  // staff account that handled it; empty: as before
	Level     Level      `json:"level,omitempty"`    // from now on; empty: as before
	Deadlines []Deadline `json:"deadlines,omitzero"` // all of the case from now on; nil: as before
	Effect    Effect     `json:"effect,omitempty"`
	Freed     bool       `json:"freed,omitempty"`  // nobody has it in hand and nobody handled it, before Assignee and Handler say who does
	Parked    bool       `json:"parked,omitempty"` // its clocks stand still from now on
	Rating    int        `json:"rating,omitzero"`
	Until     time.Time  `json:"until,omitzero"` // when an acknowledgement or a snooze ends; also of one that is "acknowledged"

	Note     string `json:"note,omitempty"`     // free words of staff about the place or the thing, at most [MaxNote] characters
	Into     string `json:"into,omitempty"`     // the other case of merged, unmerged and related
	Rule     string `json:"rule,omitempty"`     // the rule that did it; empty for a person
	Why      *Words `json:"why,omitempty"`      // the rule's reason
	Deadline string `json:"deadline,omitempty"` // on "deadline"
	Stage    Stage  `json:"stage,omitempty"`    // on "deadline"

	// Of "undone", beside Action and Effect of the step that was taken back and its time in From.
	Undoes int64    `json:"undoes,omitzero"`  // its position
	Former *Outcome `json:"former,omitempty"` // all that stood before it, and stands again
}

// MaxNote is how many characters a note may have.
const MaxNote = 500

// Words is a sentence in the two languages of the console.
type Words struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
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
	Origin   Origin     `json:"origin,omitempty"`   // who opened it; empty for alerts
	Place    *LonLat    `json:"place,omitempty"`    // where exactly, if somebody said so
}

// Origin says where a case that no alert opened comes from.
type Origin string

// The origins.
const (
	ByStaff    Origin = "staff"    // from the console
	ByWorker   Origin = "worker"   // by a grid worker
	ByResident Origin = "resident" // 随手拍, without an account
	ByWarning  Origin = "warning"  // a public warning (CAP)
)

// LonLat is a position in WGS 84 (close enough to CGCS2000), degrees.
type LonLat struct {
	Lon float64 `json:"lon" minimum:"-180" maximum:"180"`
	Lat float64 `json:"lat" minimum:"-90" maximum:"90"`
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
	Work
}
