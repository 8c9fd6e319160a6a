package cases

import (
	"cmp"
	"slices"
	"time"
)

// Work is where a case stands in its loop. What may be done from there is said by a definition (central/workflow), which is data; what
// was done is said by the events, which carry their outcome: a history adds up to the same Work whatever became of the definition.
type Work struct {
	Workflow string   `json:"workflow,omitempty"` // the definition that it follows; empty until it was taken into one
	Step     string   `json:"step,omitempty"`     // of that definition
	Unit     string   `json:"unit,omitempty"`     // the responsible unit
	Helpers  []string `json:"helpers,omitempty"`  // units that handle it together with Unit
	Assignee string   `json:"assignee,omitempty"` // the staff account that has it in hand
	Handler  string   `json:"handler,omitempty"`  // the staff account that handled it: verification is for another one
	// Deadlines are the milestones that were set for it, in the order in which they were set.
	Deadlines []Deadline `json:"deadlines,omitempty"`
	ParkedAt  time.Time  `json:"parkedAt,omitzero"` // since when its clocks stand still; zero while they run
	// WakeAt is when an acknowledgement or a snooze ends; zero for none.
	WakeAt     time.Time `json:"wakeAt,omitzero"`
	Extended   int       `json:"extended,omitzero"`
	SentBack   int       `json:"sentBack,omitzero"`
	Reworked   int       `json:"reworked,omitzero"`
	Supervised int       `json:"supervised,omitzero"`
	Parent     string    `json:"parent,omitempty"` // the case that it was merged into
	MergedBy   string    `json:"mergedBy,omitempty"`
	Rating     int       `json:"rating,omitzero"` // 1 to 5 stars, 0 for none
}

// Deadline is one milestone of a case, in the times that central/workflow computed from working time when it was set.
type Deadline struct {
	Name string    `json:"name"`
	From time.Time `json:"from"`           // when its clock was started
	Warn time.Time `json:"warn,omitzero"`  // yellow from here on
	Due  time.Time `json:"due,omitzero"`   // red from here on; zero while the clock stands still
	Left string    `json:"left,omitempty"` // until red, while the clock stands still (a span as central/calendar writes it)
	Calm string    `json:"calm,omitempty"` // until yellow, while the clock stands still; empty once that passed
	Met  time.Time `json:"met,omitzero"`   // when what it waited for was done
	Told Stage     `json:"told,omitempty"` // what was told about it
}

// Stage says how near a deadline is.
type Stage string

// The stages.
const (
	Yellow Stage = "yellow" // little time is left
	Red    Stage = "red"    // it passed
)

// Runs says whether d still waits and its clock is not stopped.
func (d Deadline) Runs() bool { return d.Met.IsZero() && !d.Due.IsZero() }

// Next is when d has something to tell next; zero for never.
func (d Deadline) Next() time.Time {
	switch {
	case !d.Runs() || d.Told == Red:
		return time.Time{}
	case d.Told == "" && !d.Warn.IsZero():
		return d.Warn
	}
	return d.Due
}

// NextAt is the earliest moment at which the clock has something to do with c: a deadline turns yellow or red, an acknowledgement or
// a snooze ends. Zero for never: a closed case has none, nor has one that was merged, since its parent is what is worked on.
func (c Case) NextAt() time.Time {
	if c.State == Closed || c.Parent != "" {
		return time.Time{}
	}
	next := c.WakeAt
	for _, d := range c.Deadlines {
		if at := d.Next(); !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// DueAt is the earliest deadline that still waits; zero if there is none or all stand still.
func (c Case) DueAt() time.Time {
	var due time.Time
	for _, d := range c.Deadlines {
		if d.Runs() && (due.IsZero() || d.Due.Before(due)) {
			due = d.Due
		}
	}
	return due
}

// step changes c by a step of its loop.
func step(c *Case, e Event) {
	was := c.State
	c.Step, c.State = e.Step, e.State
	set(&c.Workflow, e.Workflow)
	if e.Freed {
		c.Assignee, c.Handler = "", ""
	}
	set(&c.Unit, e.Unit)
	set(&c.Assignee, e.Assignee)
	set(&c.Handler, e.Handler)
	if e.Helpers != nil {
		c.Helpers = append([]string(nil), e.Helpers...) // none is nil, as it is read back
	}
	if e.Deadlines != nil {
		c.Deadlines = append([]Deadline(nil), e.Deadlines...)
	}
	if e.Level != "" {
		c.Level = e.Level
	}
	if e.Rating != 0 {
		c.Rating = e.Rating
	}
	c.WakeAt = e.Until
	switch {
	case !e.Parked:
		c.ParkedAt = time.Time{}
	case c.ParkedAt.IsZero():
		c.ParkedAt = e.At
	}
	count(c, e.Effect)
	switch {
	case c.State == Closed && was != Closed:
		c.ClosedAt, c.ClosedBy, c.Reason = e.At, cmp.Or(e.Actor, "rule:"+e.Rule), e.Reason
	case c.State != Closed && was == Closed:
		c.ClosedAt, c.ClosedBy, c.Reason = time.Time{}, "", ""
	}
}

func set(field *string, value string) {
	if value != "" {
		*field = value
	}
}

// Effect names what a step counts as in the figures, whatever a definition calls it.
type Effect string

// The effects.
const (
	Begins     Effect = "begin" // the case is taken into a loop, where it stands
	Extends    Effect = "extend"
	SendsBack  Effect = "send-back"
	Reworks    Effect = "rework"
	Supervises Effect = "supervise"
)

func count(c *Case, e Effect) {
	switch e {
	case Extends:
		c.Extended++
	case SendsBack:
		c.SentBack++
	case Reworks:
		c.Reworked++
	case Supervises:
		c.Supervised++
	}
}

// told notes that a deadline turned yellow or red.
func told(c *Case, e Event) {
	c.Deadlines = slices.Clone(c.Deadlines)
	for i := range c.Deadlines {
		if c.Deadlines[i].Name == e.Deadline {
			c.Deadlines[i].Told = e.Stage
		}
	}
}
