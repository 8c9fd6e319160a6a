// Package trace says when each of the ten steps of the pipeline had one alert, and how that is known.
//
// In: what central stored of the alert and of its case ([Facts]), and lines of the logs of edge and central ([Scan]). Out: a [Trace]: a
// row for each step, and what became of the alert. What is stored comes before what a log says; what nobody noted is told as such, never
// guessed. It reads no clock and no store, and knows nothing of staff but that somebody acted.
package trace

import (
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// Source says how a time is known.
type Source string

// The sources.
const (
	FromAlert  Source = "alert"       // the edge wrote it into the alert
	FromID     Source = "id"          // the alert's own id holds it (UUIDv7, RFC 9562 section 5.7)
	FromStore  Source = "store"       // central's database
	FromLog    Source = "edge-log"    // a line of the edge's log
	FromOwnLog Source = "central-log" // a line of central's log
	Unknown    Source = ""            // nobody noted it, or the place where it stands was not given
)

// Owner says whose clock a time was read from.
type Owner string

// The clocks.
const (
	EdgeClock    Owner = "edge"
	CameraClock  Owner = "camera"
	CentralClock Owner = "central"
)

// AlertStep is what is known of one of the ten steps.
type AlertStep struct {
	N     int       `json:"n"` // 1 to 10
	Name  string    `json:"name" enum:"source,decode,detect,raise,outbox,forward,ingest,correlate,case,feed"`
	At    time.Time `json:"at,omitzero"` // when the step had it, as its own clock said; zero: not known
	Clock Owner     `json:"clock,omitempty" enum:"edge,camera,central"`
	// AfterMs is how long after the last step with a known time this was, in milliseconds. Across two clocks the edge's is put right first by
	// what it was off at its last report; without one there is no number.
	AfterMs *float64 `json:"afterMs,omitempty"`
	Known   Source   `json:"known,omitempty" enum:"alert,id,store,edge-log,central-log"`
	Note    string   `json:"note,omitempty"` // in English
	// NoteCode is the same for programs: a key of [Sentences], with its arguments.
	NoteCode string            `json:"noteCode,omitempty"`
	NoteArgs map[string]string `json:"noteArgs,omitempty"`
}

// Outcome says what became of an alert.
type Outcome string

// The outcomes.
const (
	Opened   Outcome = "opened"    // it opened the case
	Joined   Outcome = "joined"    // it joined a case that was open
	Reopened Outcome = "reopened"  // it opened a case again that had closed by itself
	Ended    Outcome = "cleared"   // it is the end of a situation, and was noted in its case
	NoCase   Outcome = "no-case"   // it is stored and joined none
	Held     Outcome = "at-edge"   // an edge's log has it, central does not
	Rejected Outcome = "rejected"  // central refused it, an edge's log says
	Forgot   Outcome = "forgotten" // its case is there, the alert is not
)

// AlertPicture is evidence of the alert.
type AlertPicture struct {
	SHA256 string    `json:"sha256"`
	Sealed bool      `json:"sealed"`
	At     time.Time `json:"at"` // when it was taken, by the edge's clock
}

// Change is something that happened to the case afterwards, without who did it.
type Change struct {
	At       time.Time       `json:"at"`
	Position int64           `json:"position"`
	Type     cases.EventType `json:"type"`
	By       string          `json:"by" enum:"alerts,rule,staff,clock"`
	Rule     string          `json:"rule,omitempty"` // which rule, of rule
	Into     string          `json:"into,omitempty"` // the other case, of merged, unmerged and related
	Step     string          `json:"step,omitempty"`
}

// Told is a notice of the event that the alert caused, without whom it went to.
type Told struct {
	Channel  string            `json:"channel"`
	State    store.NoticeState `json:"state"`
	At       time.Time         `json:"at,omitzero"` // when it was sent or given up; zero: it waits
	Attempts int               `json:"attempts"`
}

// Trace is the way of one alert.
type Trace struct {
	AlertID  string      `json:"alertId"`
	Source   string      `json:"source,omitempty"`
	Kind     alert.Kind  `json:"kind,omitempty"`
	State    alert.State `json:"state,omitempty"`
	Lane     alert.Lane  `json:"lane,omitempty"`
	Exercise bool        `json:"exercise"`
	CaseID   string      `json:"caseId,omitempty"`
	Outcome  Outcome     `json:"outcome" enum:"opened,joined,reopened,cleared,no-case,at-edge,rejected,forgotten"`
	Why      string      `json:"why"` // of Outcome, in an English sentence
	// WhyCode is the same for programs: a key of [Sentences], with its arguments. That it is a drill is in Exercise.
	WhyCode string            `json:"whyCode"`
	WhyArgs map[string]string `json:"whyArgs,omitempty"`
	Steps   []AlertStep       `json:"steps" nullable:"false"`
	// TotalMs is from step 1 to step 9 in milliseconds, central's clock taken as right; nil where one of them is not known.
	TotalMs     *float64       `json:"totalMs,omitempty"`
	SkewMs      *int64         `json:"skewMs,omitempty"` // the edge's clock less central's at its last report
	Uncertainty int64          `json:"uncertaintyMs"`    // half width of the interval in which it occurred
	Pictures    []AlertPicture `json:"pictures" nullable:"false"`
	Later       []Change       `json:"later" nullable:"false"` // at most [MaxLater]
	Told        []Told         `json:"told" nullable:"false"`
}

// MaxLater is how many later changes of the case are listed.
const MaxLater = 50

// Facts are what central stored. Nothing in it is demanded but an alert, or a line of a log that names the id.
type Facts struct {
	ID      string
	Alert   *store.StoredAlert
	Case    *cases.Case
	Events  []cases.Event // of the case, in order
	Notices []store.Notice
	Edge    *store.Edge // its last report, for its clock
	Lines   Lines       // of logs
}

// Of puts a trace together.
func Of(f Facts) Trace {
	t := Trace{AlertID: f.ID, Pictures: []AlertPicture{}, Later: []Change{}, Told: []Told{}}
	if f.Edge != nil {
		t.SkewMs = &f.Edge.SkewMs
	}
	own := -1
	if f.Alert != nil {
		t.describe(*f.Alert)
		own = find(*f.Alert, f.Events)
	}
	t.Steps = steps(f, own)
	t.delays()
	t.decide(f, own)
	t.follow(f, own)
	return t
}

func (t *Trace) describe(a store.StoredAlert) {
	t.Source, t.Kind, t.State, t.Lane, t.Exercise, t.CaseID = a.Source, a.Kind, a.State, a.Lane(), a.Exercise, a.CaseID
	t.Uncertainty = a.Uncertainty.Milliseconds()
	for _, e := range a.Evidence {
		t.Pictures = append(t.Pictures, AlertPicture{SHA256: e.SHA256, Sealed: e.Sealed, At: e.At.UTC()})
	}
}

// find looks for the event that a caused or was counted in; -1 if there is none. A join tells of several alerts and names the first: then it is
// the first gathering after central had a that covers the time of a.
func find(a store.StoredAlert, events []cases.Event) int {
	for i, e := range events {
		if e.AlertID == a.ID && e.Count > 0 {
			return i
		}
	}
	for i, e := range events {
		covers := !a.OccurredAt.Before(e.From) && !a.OccurredAt.After(e.To)
		if e.Count > 0 && covers && !e.At.Before(a.ReceivedAt) {
			return i
		}
	}
	return -1
}

// delays fills in how long after the one before each step was.
func (t *Trace) delays() {
	var before *AlertStep
	var first, ninth time.Time
	for i := range t.Steps {
		s := &t.Steps[i]
		if s.At.IsZero() {
			continue
		}
		at, good := t.righted(*s)
		if before != nil {
			earlier, goodBefore := t.righted(*before)
			if s.Clock == before.Clock || good && goodBefore {
				if s.Clock == before.Clock {
					at, earlier = s.At, before.At
				}
				s.AfterMs = millis(at.Sub(earlier))
			}
		}
		before = s
		if good && s.N == 1 {
			first = at
		}
		if s.N == 9 {
			ninth = at
		}
	}
	if !first.IsZero() && !ninth.IsZero() {
		t.TotalMs = millis(ninth.Sub(first))
	}
}

// righted is a step's time by central's clock, if that can be told. A camera's clock is taken for what it says: its error is in the uncertainty.
func (t *Trace) righted(s AlertStep) (time.Time, bool) {
	switch {
	case s.Clock != EdgeClock:
		return s.At, true
	case t.SkewMs == nil:
		return s.At, false
	}
	return s.At.Add(-time.Duration(*t.SkewMs) * time.Millisecond), true
}

func millis(d time.Duration) *float64 {
	ms := float64(d.Microseconds()) / 1000
	return &ms
}
