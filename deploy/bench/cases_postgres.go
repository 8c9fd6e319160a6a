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

// casesPostgres is [casesSQLite] on a PostgreSQL of its own, which is filled anew each time.
func casesPostgres(ctx context.Context, _ string) (results []Result, err error) {
	err = withPostgres(ctx, func(server *postgres.Server, db *store.Store) error {
		now := time.Now().UTC().Truncate(time.Second)
		if err := fillPostgres(ctx, server.URL("bench"), now); err != nil {
			return fmt.Errorf("fill with cases: %w", err)
		}
		results, err = casesList(ctx, "cases.postgres", db, now)
		return err
	})
	return results, err
}

// fillPostgres writes a year of cases, by statements of the server: rows of cases without their histories, which
// no list reads. Indexes are made afterwards, and the tables are left as autovacuum leaves them within minutes.
func fillPostgres(ctx context.Context, address string, end time.Time) (err error) {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	rows, err := conn.Query(ctx, `SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('cases', 'heads') AND indexdef NOT LIKE 'CREATE UNIQUE%'`)
	if err != nil {
		return err
	}
	indexes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Name, Definition string }])
	if err != nil {
		return err
	}
	for _, i := range indexes {
		if _, err := conn.Exec(ctx, "DROP INDEX "+i.Name); err != nil {
			return err
		}
	}
	if _, err := conn.Exec(ctx, "SELECT setseed(0.7)"); err != nil {
		return err
	}
	day := int64(24 * time.Hour)
	if _, err := conn.Exec(ctx, yearOfCases, yearCases, yearKinds, yearSources, yearGrids, end.UnixNano(), yearDays*day); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, yearOfHeads, yearCases, openedLate, yearUnits, yearStaff, int64(time.Minute), 2*day); err != nil {
		return err
	}
	for _, i := range indexes {
		if _, err := conn.Exec(ctx, i.Definition); err != nil {
			return err
		}
	}
	_, err = conn.Exec(ctx, "VACUUM ANALYZE")
	return err
}

// The statements of [fillPostgres].
const (
	yearOfCases = `INSERT INTO cases (ref, id, key, exercise, kind, class, grid, source, zone, previous, opened_at, origin, place)
		SELECT n, gen_random_uuid(), 'case ' || n, random() < 0.005, ($2::text[])[least(1 + floor(random() * 12), cardinality($2::text[]))::int],
			lpad((1 + floor(random() * 10))::text, 2, '0') || lpad((1 + floor(random() * 10))::text, 2, '0'),
			'330106' || lpad((1 + g / 400)::text, 3, '0') || lpad((1 + g / 20 % 20)::text, 3, '0') || lpad((1 + g % 20)::text, 3, '0'),
			($3::text[])[1 + floor(random() * cardinality($3::text[]))::int], '', '', $5::bigint - (($1::bigint - n)::float8 / $1 * $6::bigint)::bigint, 'staff', ''
		FROM (SELECT n, floor(random() * $4::int)::int AS g FROM generate_series(1, $1::bigint) n) s`
	yearOfHeads = `INSERT INTO heads (ref, state, level, severity, active, situation, alerts, last_at, closed_at, closed_by, reason, hold, position, tail,
			step, unit, assignee, parent, due_at, next_at, work)
		SELECT ref, state, CASE WHEN random() < 0.001 THEN 'district' ELSE 'grid' END,
			CASE WHEN grave < 0.01 THEN 3 WHEN grave < 0.1 THEN 2 WHEN grave < 0.5 THEN 1 ELSE 0 END, false, '', 0, at, CASE state WHEN 'closed' THEN at ELSE 0 END,
			'', '', '', ref * 2, 0, CASE state WHEN 'closed' THEN 'evaluated' WHEN 'open' THEN 'collected' ELSE 'dispatched' END, unit, assignee,
			CASE WHEN random() < 0.02 THEN (SELECT id::text FROM cases WHERE ref = s.ref - 1 - s.ref % 20) ELSE '' END,
			CASE state WHEN 'closed' THEN 0 ELSE at + $6::bigint END, CASE state WHEN 'closed' THEN 0 ELSE at + $6::bigint / 4 * 3 END,
			json_build_object('workflow', 'base', 'unit', unit, 'assignee', assignee, 'step', 'evaluated', 'deadlines', json_build_array(json_build_object(
			'name', 'handle', 'from', to_timestamp(at / 1000000000), 'due', to_timestamp((at + $6::bigint) / 1000000000))))::text
		FROM (SELECT ref, opened_at + $5::bigint AS at, random() AS grave, 'unit-' || floor(random() * $3::int) AS unit, 'worker-' || floor(random() * $4::int) AS assignee,
			CASE WHEN random() >= CASE WHEN ref > $1::bigint - $2::bigint THEN 0.5 ELSE 0.005 END THEN 'closed' WHEN random() < 0.3 THEN 'open' ELSE 'acknowledged' END AS state
			FROM cases) s`
)
