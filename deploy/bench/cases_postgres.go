package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	store "gridgate/central/store/postgres"
	"gridgate/deploy/testkit/postgres"
)

// casesPostgres is [casesSQLite] on a PostgreSQL of its own, which is filled anew each time.
func casesPostgres(ctx context.Context, _ string) (results []Result, err error) {
	err = withPostgres(ctx, func(server *postgres.Server, db *store.Store) error {
		if err := fillCases(ctx, db); err != nil {
			return err
		}
		if err := settled(ctx, server.URL("bench")); err != nil {
			return err
		}
		results, err = casesList(ctx, "cases.postgres", db, time.Now())
		return err
	})
	return results, err
}

// settled does at once what the server's autovacuum does within minutes.
func settled(ctx context.Context, address string) error {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "VACUUM ANALYZE")
	if e := conn.Close(ctx); err == nil {
		err = e
	}
	return err
}
