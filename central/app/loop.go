package app

import (
	"context"
	"time"

	"gridgate/central/api"
	"gridgate/central/cases"
	"gridgate/central/config"
	"gridgate/central/deadline"
	"gridgate/central/loops"
	"gridgate/central/setup"
	"gridgate/central/setup/parts"
	"gridgate/central/workflow"
)

// caseLoops says which loop a case follows, by what is set up: workflows and calendars, event classes, grids and units.
type caseLoops struct {
	*parts.Loops
	classes *parts.Catalogue
	places  *parts.Places
}

var (
	_ api.Loops       = (*caseLoops)(nil)
	_ deadline.Loops  = (*caseLoops)(nil)
	_ loops.Catalogue = (*caseLoops)(nil)
)

// addLoops adds workflows and calendars to what is set up.
func addLoops(cache *setup.Cache, classes *parts.Catalogue, places *parts.Places) (*caseLoops, error) {
	l, err := parts.AddLoops(cache)
	if err != nil {
		return nil, err
	}
	return &caseLoops{Loops: l, classes: classes, places: places}, nil
}

// Book implements [api.Loops].
func (l *caseLoops) Book() *loops.Book { return l.Get() }

// Of implements [api.Loops] and [deadline.Loops].
func (l *caseLoops) Of(c cases.Case) workflow.Loop { return l.Get().Of(c, l) }

// KnowsUnit implements [api.Loops].
func (l *caseLoops) KnowsUnit(unit string) bool {
	m := l.places.Get()
	_, known := m.Unit(unit)
	return known || len(m.Units()) == 0
}

// Workflow implements [loops.Catalogue].
func (l *caseLoops) Workflow(class string) string {
	c, _ := l.classes.Get().Class(class)
	return c.Workflow
}

// Limits implements [loops.Catalogue].
func (l *caseLoops) Limits(class string) []workflow.Limit { return l.classes.Get().Limits(class) }

// Responsible implements [deadline.Loops] and [loops.Catalogue].
func (l *caseLoops) Responsible(grid, class string, at time.Time) string {
	c, _ := l.classes.Get().Class(class)
	return l.places.Get().ResponsibleOf(grid, class, c.UnitKind, at)
}

// Lowest implements [deadline.Loops].
func (l *caseLoops) Lowest(class string) cases.Level {
	c, _ := l.classes.Get().Class(class)
	return c.Level
}

// startLoop takes new cases into their loops and lets the clock work on them.
func (a *App) startLoop(ctx context.Context, _ *config.Config) error {
	job, err := deadline.New(deadline.Options{
		Store: a.followed, Loops: a.loops, Lead: a.lead, Changed: a.hub.Changed, Wake: a.hub.Wake,
		Registerer: a.registry, Logger: a.log.With("step", "loop"),
	})
	if err != nil {
		return err
	}
	a.start(ctx, "loop", job.Run)
	return nil
}
