package app

import (
	"context"
	"fmt"
	"time"

	"gridgate/central/config"
	"gridgate/protocols/kit/sdnotify"
)

// pingWithin is how long the store may take to answer while central counts as alive.
const pingWithin = 10 * time.Second

// startWatchdog tells systemd that central has started, that it is alive until it is told to stop, and that it stops.
func (a *App) startWatchdog(ctx context.Context, c *config.Config) error {
	manager, err := sdnotify.FromEnvironment()
	if err != nil {
		return err
	}
	healthy := a.storeAnswers
	if c.Store.Kind == config.Postgres {
		healthy = a.storeIsAsked
	}
	a.start(ctx, "watchdog", func(ctx context.Context) error {
		return manager.Serve(ctx, healthy, a.log.With("step", "watchdog"))
	})
	a.onStop("watchdog's last word", manager.Stopping) // runs first
	return nil
}

// storeAnswers is health on SQLite, which is in this process: if it is stuck, a start helps.
func (a *App) storeAnswers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingWithin)
	defer cancel()
	if err := a.store.Ping(ctx); err != nil {
		return fmt.Errorf("the store does not answer: %w", err)
	}
	return nil
}

// storeIsAsked is health on PostgreSQL: a database that is away is not mended by starting central anew, which would cut off every operator
// and edge; /readyz tells of it. Only who cannot even ask is stuck.
func (a *App) storeIsAsked(ctx context.Context) error {
	_ = a.storeAnswers(ctx)
	return nil
}
