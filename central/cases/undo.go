package cases

import (
	"errors"
	"slices"
	"time"
)

// Outcome is what the steps of a case add up to: all that taking one back gives back. What alerts change is not in it.
type Outcome struct {
	State    State     `json:"state" enum:"open,acknowledged,closed"`
	Level    Level     `json:"level" enum:"grid,community,township,district"`
	ClosedAt time.Time `json:"closedAt,omitzero"`
	ClosedBy string    `json:"closedBy,omitempty"`
	Reason   Reason    `json:"reason,omitempty"`
	Work
}

// Outcome is what the steps of c added up to.
func (c Case) Outcome() Outcome {
	o := Outcome{State: c.State, Level: c.Level, ClosedAt: c.ClosedAt, ClosedBy: c.ClosedBy, Reason: c.Reason, Work: c.Work}
	o.Helpers, o.Deadlines = slices.Clone(c.Helpers), slices.Clone(c.Deadlines)
	return o
}

// undo gives a case the outcome that it had before the step that e takes back.
func undo(c *Case, e Event) {
	o := *e.Former
	c.State, c.Level, c.ClosedAt, c.ClosedBy, c.Reason, c.Work = o.State, o.Level, o.ClosedAt, o.ClosedBy, o.Reason, o.Work
	c.Helpers, c.Deadlines = slices.Clone(o.Helpers), slices.Clone(o.Deadlines)
}

// checkUndone holds an undone event to what it names. Whether that step may be taken back is central/workflow's to say.
func checkUndone(c Case, e Event) error {
	o := e.Former
	switch {
	case e.Actor == "" || e.Action == "" || e.From.IsZero():
		return errors.New("actor, action or the time of the step (from) is missing")
	case o == nil || !slices.Contains([]State{Open, Acknowledged, Closed}, o.State) || o.Level.Rank() < 0:
		return errors.New("the former outcome is missing or incomplete")
	case o.Parent != c.Parent:
		return errors.New("the former outcome is part of another case than the case is now")
	}
	return demand(c.Workflow != "" && 0 < e.Undoes && e.Undoes <= c.Position, "the case took no step, or none at that position")
}
