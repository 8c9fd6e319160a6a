package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"gridgate/central/store/sqlite"
	"gridgate/protocols/alert"
)

// A centre's year of cases: a million, of which about 15,000 are not closed.
const (
	yearCases  = 1_000_000
	yearDays   = 365
	yearGrids  = 2_000 // of 20 in each of 100 communities, in 5 townships
	yearUnits  = 60
	yearStaff  = 300
	openedLate = 20_000 // of the newest cases, half are not closed
)

// yearVersion names the cached file; another schema, or another year, needs another.
const yearVersion = "central-1m-cases-schema7-rows"

// casesKept returns the path of the database with a year of cases, which is made once and kept.
func casesKept(ctx context.Context) (string, error) {
	dir, err := kept(yearVersion, func(dir string) error { return fillSQLite(ctx, filepath.Join(dir, "central.db")) })
	return filepath.Join(dir, "central.db"), err
}

// fillSQLite writes a year of cases into a new database, in the shares of [fillPostgres] and likewise without their histories. Indexes are made
// afterwards.
func fillSQLite(ctx context.Context, path string) (err error) {
	empty, err := sqlite.Open(ctx, sqlite.Options{Path: path})
	if err != nil {
		return err
	}
	if err := empty.Close(); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(0)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	return withoutIndexes(ctx, db, func() error {
		kinds, err := json.Marshal(yearKinds)
		if err != nil {
			return err
		}
		sources, err := json.Marshal(yearSources)
		if err != nil {
			return err
		}
		span := int64(yearDays * 24 * time.Hour)
		if _, err := db.ExecContext(ctx, yearOfRows, yearCases, string(kinds), string(sources), yearGrids, time.Now().Truncate(time.Second).UnixNano(), span, len(yearKinds), len(yearSources)); err != nil {
			return err
		}
		if _, err := db.ExecContext(ctx, yearOfStates, yearCases, openedLate, yearUnits, yearStaff, int64(time.Minute), int64(48*time.Hour)); err != nil {
			return err
		}
		_, err = db.ExecContext(ctx, yearOfWork, int64(48*time.Hour))
		return err
	})
}

// withoutIndexes lets fill write without the indexes of cases that can be made anew.
func withoutIndexes(ctx context.Context, db *sql.DB, fill func() error) error {
	rows, err := db.QueryContext(ctx, "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name IN ('cases', 'case_states') AND sql IS NOT NULL")
	if err != nil {
		return err
	}
	defer rows.Close()
	indexes := map[string]string{}
	for rows.Next() {
		var name, definition string
		if err := rows.Scan(&name, &definition); err != nil {
			return err
		}
		indexes[name] = definition
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for name := range indexes {
		if _, err := db.ExecContext(ctx, "DROP INDEX "+name); err != nil {
			return err
		}
	}
	if err := fill(); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(indexes)) {
		if _, err := db.ExecContext(ctx, indexes[name]); err != nil {
			return err
		}
	}
	return nil
}

// The statements of [fillSQLite]. A case is numbered as its row; abs(random()) % n is a number from 0 up to n.
const (
	yearOfRows = `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)
		INSERT INTO cases (ref, id, key, exercise, kind, class, grid, source, opened_at, origin)
		SELECT n, printf('%08x-0000-7000-8000-%012x', n / 1000, n), 'case ' || n, abs(random()) % 200 = 0, ?2 ->> min(abs(random()) % 12, ?7 - 1),
			printf('%02d%02d', 1 + abs(random()) % 10, 1 + abs(random()) % 10), printf('330106%03d%03d%03d', 1 + g / 400, 1 + g / 20 % 20, 1 + g % 20),
			?3 ->> (abs(random()) % ?8), ?5 - CAST((?1 - n) * 1.0 / ?1 * ?6 AS INTEGER), 'staff'
		FROM (SELECT n, abs(random()) % ?4 AS g FROM numbers)`
	yearOfStates = `INSERT INTO case_states (ref, line, state, level, severity, active, alerts, last_at, closed_at, position, last_alert, step, unit, assignee, parent, due_at, next_at)
		SELECT ref, ref, state, CASE abs(random()) % 1000 WHEN 0 THEN 'district' ELSE 'grid' END,
			CASE WHEN grave < 10 THEN 3 WHEN grave < 100 THEN 2 WHEN grave < 500 THEN 1 ELSE 0 END, 0, 0, at, CASE state WHEN 2 THEN at ELSE 0 END, ref * 2, 0,
			CASE state WHEN 2 THEN 'evaluated' WHEN 0 THEN 'collected' ELSE 'dispatched' END, 'unit-' || (abs(random()) % ?3), 'worker-' || (abs(random()) % ?4),
			CASE WHEN abs(random()) % 50 = 0 THEN (SELECT id FROM cases p WHERE p.ref = s.ref - 1 - s.ref % 20) END,
			CASE state WHEN 2 THEN 0 ELSE at + ?6 END, CASE state WHEN 2 THEN 0 ELSE at + ?6 / 4 * 3 END
		FROM (SELECT ref, at, grave, CASE WHEN fate >= CASE WHEN ref > ?1 - ?2 THEN 500 ELSE 5 END THEN 2 WHEN abs(random()) % 10 < 3 THEN 0 ELSE 1 END AS state
			FROM (SELECT ref, opened_at + ?5 AS at, abs(random()) % 1000 AS grave, abs(random()) % 1000 AS fate FROM cases LIMIT -1 OFFSET 0) LIMIT -1 OFFSET 0) s`
	yearOfWork = `INSERT INTO case_work (ref, work)
		SELECT ref, json_object('workflow', 'base', 'unit', unit, 'assignee', assignee, 'step', step, 'deadlines', json_array(json_object(
			'name', 'handle', 'from', strftime('%Y-%m-%dT%H:%M:%SZ', last_at / 1000000000, 'unixepoch'),
			'due', strftime('%Y-%m-%dT%H:%M:%SZ', (last_at + ?1) / 1000000000, 'unixepoch')))) FROM case_states`
)

var (
	yearKinds   = []alert.Kind{alert.Motion, alert.Tripwire, alert.Flood, alert.WaterLevel, alert.Smoke, alert.SOS}
	yearSources = []string{"/edges/a/cameras/1", "/staff", "/residents"}
)

func yearGrid(n int) string     { return fmt.Sprintf("330106%03d%03d%03d", 1+n/400, 1+n/20%20, 1+n%20) }
func yearUnit(n int) string     { return fmt.Sprint("unit-", n) }
func yearAssignee(n int) string { return fmt.Sprint("worker-", n) }
