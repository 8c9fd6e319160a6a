package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"gridgate/central/config"
	"gridgate/central/job"
	"gridgate/central/store"
	"gridgate/central/store/postgres"
	"gridgate/central/store/sqlite"
)

// follower is a store in which other processes commit, too: wake is called after each commit of any of them.
type follower interface {
	Follow(ctx context.Context, log *slog.Logger, wake func(position int64)) error
}

// openStore opens the store that the configuration names.
func (a *App) openStore(ctx context.Context, c *config.Config) error {
	if err := os.MkdirAll(c.Data, 0o750); err != nil {
		return err
	}
	if c.Store.Kind == config.Postgres {
		return a.openPostgres(ctx, c)
	}
	s, err := sqlite.Open(ctx, sqlite.Options{Path: databasePath(c)})
	if err != nil {
		return err
	}
	a.store = s
	a.onStop("store", s.Close)
	return nil
}

func databasePath(c *config.Config) string { return filepath.Join(c.Data, "central.db") }

func postgresOptions(c *config.Config) postgres.Options {
	o := postgres.Options{URL: c.Store.URL}
	if c.Store.Password.Set() {
		o.Password = c.Store.Password.Value
	}
	return o
}

// openPostgres also takes this process's place among those that share the database. The embedded time-series database is for one
// process: what one central wrote there, another would not find.
func (a *App) openPostgres(ctx context.Context, c *config.Config) error {
	s, err := postgres.Open(ctx, postgresOptions(c))
	if err != nil {
		return err
	}
	a.store = s
	a.onStop("store", s.Close)
	alone := c.TSDB.Kind == config.Embedded
	place, err := s.Join(ctx, alone)
	switch {
	case errors.Is(err, postgres.ErrNotAlone):
		return fmt.Errorf("%w (tsdb.kind: embedded is for one central; for several on one store let all of them write tsdb.kind: influx)", err)
	case err != nil:
		return fmt.Errorf("take a place among the centrals: %w", err)
	}
	a.start(ctx, "place among the centrals", place.Run)
	a.lead = s
	return nil
}

// openAccounts opens what commands write beside the central that runs.
func openAccounts(ctx context.Context, c *config.Config) (accounts, error) {
	if c.Store.Kind == config.Postgres {
		return postgres.Open(ctx, postgresOptions(c))
	}
	if err := os.MkdirAll(c.Data, 0o750); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	return sqlite.OpenAccounts(ctx, databasePath(c))
}

// followStore wakes the feed for what other processes commit.
func (a *App) followStore(ctx context.Context, _ *config.Config) error {
	f, ok := a.store.(follower)
	if !ok {
		return nil
	}
	log := a.log.With("step", "store")
	a.start(ctx, "listening for commits", func(ctx context.Context) error { return f.Follow(ctx, log, a.hub.Wake) })
	return nil
}

var (
	_ follower    = (*postgres.Store)(nil)
	_ job.Lead    = (*postgres.Store)(nil)
	_ store.Store = (*postgres.Store)(nil)
)
