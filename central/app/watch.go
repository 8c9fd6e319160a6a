package app

import (
	"context"
	"time"

	"gridgate/central/config"
	"gridgate/central/correlate"
	"gridgate/central/store"
	"gridgate/central/watch"
)

// startWatch notices edges that are silent.
func (a *App) startWatch(ctx context.Context, c *config.Config) error {
	job, err := watch.New(watch.Options{
		Store: a.store, Decide: correlate.ByKey, Expected: awaited(a.store, c), After: c.Watch.After, Lead: a.lead,
		OnCommit: func() { a.hub.Wake(0) }, Registerer: a.registry, Logger: a.log.With("step", "watch"),
	})
	if err != nil {
		return err
	}
	a.start(ctx, "watch", job.Run)
	return nil
}

// letIn is what the store knows of edges' ways in.
type letIn interface {
	Enrolments(ctx context.Context) ([]store.Enrolment, error)
	Tokens(ctx context.Context) ([]store.Token, error)
}

// awaited are the edges that could sync: those of the configuration, those with a credential that is good, and those that a token speaks
// for. One whose credential ran out is awaited, too: that is how somebody notices.
func awaited(s letIn, c *config.Config) func(context.Context) (map[string]bool, error) {
	return func(ctx context.Context) (map[string]bool, error) {
		out := map[string]bool{}
		for _, e := range c.Edges {
			out[e.ID] = true
		}
		enrolled, err := s.Enrolments(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range enrolled {
			if e.Revoked.IsZero() && !e.Issued.IsZero() {
				out[e.Edge] = true
			}
		}
		tokens, err := s.Tokens(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range tokens {
			if t.Edge != "" && (t.Expires.IsZero() || time.Now().Before(t.Expires)) {
				out[t.Edge] = true
			}
		}
		return out, nil
	}
}
