package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"gridgate/central/indicators"
	"gridgate/central/store"
	pgstore "gridgate/central/store/postgres"
	"gridgate/central/store/sqlite"
	"gridgate/deploy/testkit/postgres"
)

// reportBar is how long a report may take, in milliseconds at p99, over the figures of a million cases.
const reportBar = 200

// reportReads is how often each report is asked for, with another value each time.
const reportReads = 20

// countsVersion names the cached file, see [yearVersion].
const countsVersion = yearVersion + "-counts3"

// casesIndicators asks for reports of a year of cases.
func casesIndicators(ctx context.Context, dir string) ([]Result, error) {
	cases, err := casesKept(ctx)
	if err != nil {
		return nil, err
	}
	full, err := kept(countsVersion, func(dir string) error {
		path := filepath.Join(dir, "central.db")
		return errors.Join(copyFile(cases, path), countSQLite(ctx, path))
	})
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "central.db")
	if err := copyFile(filepath.Join(full, "central.db"), path); err != nil {
		return nil, err
	}
	db, err := sqlite.Open(ctx, sqlite.Options{Path: path})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return readReports(ctx, "cases.indicators", db, time.Now())
}

// casesIndicatorsPostgres is [casesIndicators] on a PostgreSQL of its own.
func casesIndicatorsPostgres(ctx context.Context, _ string) (results []Result, err error) {
	err = withPostgres(ctx, func(server *postgres.Server, db *pgstore.Store) error {
		now := time.Now().UTC().Truncate(time.Second)
		if err := errors.Join(fillPostgres(ctx, server.URL("bench"), now), countPostgres(ctx, server.URL("bench"))); err != nil {
			return fmt.Errorf("fill with figures: %w", err)
		}
		results, err = readReports(ctx, "cases.indicators_postgres", db, now)
		return err
	})
	return results, err
}

// reports make a question of each kind, about a year.
var reports = map[string]func(n int, q store.CountQuery) store.CountQuery{
	"by_month": func(_ int, q store.CountQuery) store.CountQuery {
		q.By = []string{"month"}
		return q
	},
	"by_unit_and_class": func(_ int, q store.CountQuery) store.CountQuery {
		q.By = []string{"unit", "class"}
		return q
	},
	"by_grid_of_a_month": func(n int, q store.CountQuery) store.CountQuery {
		to, _ := time.Parse(time.DateOnly, q.To)
		q.From, q.To, q.By = to.AddDate(0, -1-n%11, 0).Format(time.DateOnly), to.AddDate(0, -n%11, 0).Format(time.DateOnly), []string{"grid"}
		return q
	},
	"community_by_month": func(n int, q store.CountQuery) store.CountQuery {
		q.Grid, q.By = yearGrid(n * 31 % yearGrids)[:12], []string{"month"}
		return q
	},
	"community_by_grid_and_class": func(n int, q store.CountQuery) store.CountQuery {
		q.Grid, q.By = yearGrid(n * 31 % yearGrids)[:12], []string{"grid", "class"}
		return q
	},
	"unit_by_day_of_a_month": func(n int, q store.CountQuery) store.CountQuery {
		to, _ := time.Parse(time.DateOnly, q.To)
		q.From, q.Unit, q.By = to.AddDate(0, -1, 0).Format(time.DateOnly), yearUnit(n%50), []string{"day"}
		return q
	},
}

// readReports asks for the year that ended with the last month. The figure is the slowest report's.
func readReports(ctx context.Context, name string, db store.Jobs, now time.Time) ([]Result, error) {
	end := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	year := store.CountQuery{From: end.AddDate(-1, 0, 0).Format(time.DateOnly), To: end.Format(time.DateOnly)}
	var worst time.Duration
	var notes []Result
	for _, report := range slices.Sorted(maps.Keys(reports)) {
		var took []time.Duration
		rows := 0
		for n := range reportReads {
			begin := time.Now()
			lines, err := indicators.Report(ctx, db, reports[report](n, year))
			if err != nil {
				return nil, fmt.Errorf("report %s: %w", report, err)
			}
			if took = append(took, time.Since(begin)); len(lines) == 0 {
				return nil, fmt.Errorf("report %s has no line", report)
			}
			rows = max(rows, len(lines))
		}
		p99 := percentile(took, 99)
		worst = max(worst, p99)
		notes = append(notes, Note(name+"_"+report+"_p99", millis(p99), "ms"), Note(name+"_"+report+"_lines", float64(rows), ""))
	}
	return append([]Result{AtMost(name+"_p99", millis(worst), "ms", reportBar)}, notes...), nil
}

// yearOfCounts counts the cases of a year as central/indicators does, by the measures of a case that went well: what they are about is as
// manifold as the cases. A unit answers for a main class in a township. The arguments are the day of a case and the unit's number.
const yearOfCounts = `INSERT INTO counts (measure, exercise, period, grid, unit, class, n)
	WITH c AS (SELECT exercise, grid, class, %s AS day, 'unit-' || (%s) AS unit FROM cases),
		e AS (SELECT exercise, day AS period, grid, unit, class FROM c UNION ALL SELECT exercise, 'M' || substr(day, 1, 7), grid, unit, class FROM c),
		p AS (SELECT * FROM e UNION ALL SELECT exercise, 'A' || period, '', unit, class FROM e
			UNION ALL SELECT exercise, 'G' || period, grid, '', '' FROM e),
		m (measure) AS (VALUES ('opened'), ('closed'), ('closed-in-time'))
	SELECT measure, exercise, period, grid, unit, class, count(*) FROM m CROSS JOIN p GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6`

func countSQLite(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(0)&_pragma=cache_size(-200000)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, fmt.Sprintf(yearOfCounts, "strftime('%Y-%m-%d', opened_at / 1000000000, 'unixepoch')",
		"substr(grid, 7, 3) * 10 - 10 + substr(class, 1, 2) - 1"))
	return err
}

func countPostgres(ctx context.Context, address string) (err error) {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	if _, err := conn.Exec(ctx, fmt.Sprintf(yearOfCounts, "to_char(to_timestamp(opened_at / 1000000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
		"substr(grid, 7, 3)::int * 10 - 10 + substr(class, 1, 2)::int - 1")); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "VACUUM ANALYZE counts")
	return err
}
