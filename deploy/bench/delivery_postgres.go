package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	store "gridgate/central/store/postgres"
	"gridgate/deploy/testkit/postgres"
)

// Bars of the design, like those of SQLite; the server's processes have the same two cores.
const (
	postgresBar     = 45_000
	postgresFullBar = 35_000
)

// deliveryPostgres is [deliverySQLite] on a PostgreSQL of its own. Its processor time is without that of the server.
func deliveryPostgres(ctx context.Context, dir string) (results []Result, err error) {
	batches, err := newWorkload(1).batches(deliveryBatches, deliveryBatch)
	if err != nil {
		return nil, err
	}
	err = withPostgres(ctx, func(server *postgres.Server, db *store.Store) error {
		bare, err := bareUnnests(ctx, server.URL("postgres"), batches)
		if err != nil {
			return fmt.Errorf("bare inserts: %w", err)
		}
		sent, err := deliver(ctx, dir, db, batches)
		if err != nil {
			return err
		}
		results = append(figures("delivery.postgres", sent, postgresBar),
			Rate("delivery.postgres_vs_insert", sent.rate, "alerts/s", "bare PostgreSQL insert", bare, 0.2))
		return nil
	})
	return results, err
}

// deliveryPostgresFull sends the same alerts to a database that holds five million, which is filled anew each time.
func deliveryPostgresFull(ctx context.Context, dir string) (results []Result, err error) {
	batches, err := newWorkload(2).batches(deliveryBatches, deliveryBatch)
	if err != nil {
		return nil, err
	}
	err = withPostgres(ctx, func(_ *postgres.Server, db *store.Store) error {
		w := newWorkload(3)
		for n := 0; n < fullAlerts; n += fullGroup {
			if err := fillGroup(ctx, db, w); err != nil {
				return fmt.Errorf("preload: %w", err)
			}
		}
		sent, err := deliver(ctx, dir, db, batches)
		results = figures("delivery.postgres_5m", sent, postgresFullBar)
		return err
	})
	return results, err
}

// deliveryPostgresStorm is [deliveryStorm] on a PostgreSQL of its own.
func deliveryPostgresStorm(ctx context.Context, dir string) (results []Result, err error) {
	err = withPostgres(ctx, func(_ *postgres.Server, db *store.Store) error {
		results, err = storm(ctx, dir, "delivery.storm_postgres", db)
		return err
	})
	return results, err
}

// withPostgres runs f on an empty database of a private server.
func withPostgres(ctx context.Context, f func(*postgres.Server, *store.Store) error) (err error) {
	server, err := postgres.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	const name = "bench"
	if err := server.Create(ctx, name); err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Options{
		URL: server.PublicURL(name), Password: func() (string, error) { return postgres.Password, nil },
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return f(server, db)
}

// bareUnnests is [bareInserts] on PostgreSQL: a synced commit for each batch, by one statement over arrays.
func bareUnnests(ctx context.Context, address string, batches [][]event) (rate float64, err error) {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	if _, err := conn.Exec(ctx, `CREATE TABLE bare (id text NOT NULL UNIQUE, body bytea NOT NULL)`); err != nil {
		return 0, err
	}
	begin := time.Now()
	for _, events := range batches {
		ids := make([]string, len(events))
		for i, e := range events {
			ids[i] = e.id
		}
		if _, err := conn.Exec(ctx, `INSERT INTO bare SELECT * FROM unnest($1::text[], $2::bytea[]) ON CONFLICT DO NOTHING`, ids, bodies(events)); err != nil {
			return 0, err
		}
	}
	return perSecond(len(batches)*deliveryBatch, time.Since(begin)), nil
}
