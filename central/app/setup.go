package app

import (
	"context"
	"errors"

	"gridgate/central/config"
	"gridgate/central/setup"
	"gridgate/central/setup/parts"
)

// openSetup reads what the centre has set up. What does not build is told and leaves what central comes with in force.
func (a *App) openSetup(ctx context.Context, _ *config.Config) (err error) {
	log := a.log.With("step", "setup")
	a.setup = setup.New(setup.Options{Store: a.store, Logger: log})
	a.places = parts.AddMap(a.setup)
	if a.classes, err = parts.AddCatalogue(a.setup); err != nil {
		return err
	}
	if a.notify, err = parts.AddNotify(a.setup); err != nil {
		return err
	}
	if a.rules, err = addRules(a.setup, nearNow{a.places}); err != nil {
		return err
	}
	if a.loops, err = addLoops(a.setup, a.classes, a.places); err != nil {
		return err
	}
	err = a.setup.Load(ctx)
	var refused *setup.Refused
	switch {
	case errors.As(err, &refused):
		log.Error("some of what is set up does not load; what central comes with is in force there", "error", err)
	case err != nil:
		return err
	}
	a.start(ctx, "what is set up", a.setup.Run)
	return nil
}

// nearNow asks the map of the grids as of now.
type nearNow struct{ places *parts.Places }

// Near implements [gridgate/central/correlate/rules.Neighbours].
func (n nearNow) Near(a, b string) bool { return n.places.Get().Near(a, b) }
