package parts

import (
	"time"

	"gridgate/central/workflow"
)

// Guide tells the loops what they need of event classes and grids, as of now; see [gridgate/central/loops.Catalogue].
type Guide struct {
	Places  *Places
	Classes *Catalogue
}

// Workflow is the id of the one that cases of an event class follow; empty for none in particular.
func (g Guide) Workflow(class string) string {
	c, _ := g.Classes.Get().Class(class)
	return c.Workflow
}

// Limits are the milestones of an event class.
func (g Guide) Limits(class string) []workflow.Limit { return g.Classes.Get().Limits(class) }

// Responsible is the unit that is responsible for an event class in a grid at a time: of the kind that the class demands, if there is one.
func (g Guide) Responsible(grid, class string, at time.Time) string {
	c, _ := g.Classes.Get().Class(class)
	return g.Places.Get().ResponsibleOf(grid, class, c.UnitKind, at)
}
