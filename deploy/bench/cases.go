package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/protocols/alert"
)

// listBar is how long a page of the case list may take, in milliseconds at p99, over a million cases.
const listBar = 50

// listReads is how often each filter is asked for, with another value each time; every third time a page further on.
const listReads = 60

// casesParts are the figures of cases.
var casesParts = []Part{
	{Name: "sqlite", Limit: 30 * time.Minute, Run: casesSQLite},
	{Name: "postgres", Limit: 30 * time.Minute, Run: casesPostgres},
	{Name: "indicators", Limit: 30 * time.Minute, Run: casesIndicators},
	{Name: "indicators_postgres", Limit: 30 * time.Minute, Run: casesIndicatorsPostgres},
}

// casesSQLite lists a year of cases in every way, and lists on while a storm comes in.
func casesSQLite(ctx context.Context, dir string) ([]Result, error) {
	kept, err := casesKept(ctx)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "central.db")
	if err := copyFile(kept, path); err != nil {
		return nil, err
	}
	db, err := sqlite.Open(ctx, sqlite.Options{Path: path})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	results, err := casesList(ctx, "cases.sqlite", db, time.Now())
	if err != nil {
		return nil, err
	}
	bare, err := bareReads(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("bare reads: %w", err)
	}
	return append(results, Note("cases.sqlite_bare_page_p99", millis(percentile(bare, 99)), "ms")), nil
}

// listFilters make a query of each kind, with a value of its own each time.
var listFilters = map[string]func(n int, now time.Time) store.Query{
	"all":    func(int, time.Time) store.Query { return store.Query{} },
	"open":   func(int, time.Time) store.Query { return store.Query{State: "open"} },
	"closed": func(int, time.Time) store.Query { return store.Query{State: "closed"} },
	"kind":   func(n int, _ time.Time) store.Query { return store.Query{Kind: yearKinds[n%len(yearKinds)]} },
	"class": func(n int, _ time.Time) store.Query {
		return store.Query{Class: fmt.Sprintf("%02d%02d", 1+n%10, 1+n/10%10)}
	},
	"main_class":  func(n int, _ time.Time) store.Query { return store.Query{Class: fmt.Sprintf("%02d", 1+n%10)} },
	"no_class":    func(int, time.Time) store.Query { return store.Query{Class: "99"} },
	"severity":    func(int, time.Time) store.Query { return store.Query{Severity: alert.Critical} },
	"level":       func(int, time.Time) store.Query { return store.Query{Level: cases.DistrictLevel} },
	"step":        func(int, time.Time) store.Query { return store.Query{Step: "dispatched"} },
	"unit":        func(n int, _ time.Time) store.Query { return store.Query{Unit: yearUnit(n % yearUnits)} },
	"assignee":    func(n int, _ time.Time) store.Query { return store.Query{Assignee: yearAssignee(n % yearStaff)} },
	"exercise":    func(int, time.Time) store.Query { return store.Query{Exercise: store.Yes} },
	"no_exercise": func(int, time.Time) store.Query { return store.Query{Exercise: store.No} },
	"alone":       func(int, time.Time) store.Query { return store.Query{Parent: store.Alone} },
	"grid":        func(n int, _ time.Time) store.Query { return store.Query{Grid: yearGrid(n * 31 % yearGrids)} },
	"community":   func(n int, _ time.Time) store.Query { return store.Query{Grid: yearGrid(n * 31 % yearGrids)[:12]} },
	"township":    func(n int, _ time.Time) store.Query { return store.Query{Grid: yearGrid(n * 31 % yearGrids)[:9]} },
	"within": func(n int, _ time.Time) store.Query {
		return store.Query{Within: []string{yearGrid(n * 31 % yearGrids)[:12], yearGrid(n * 67 % yearGrids)[:12], yearGrid(n * 97 % yearGrids)}}
	},
	"due":   func(_ int, now time.Time) store.Query { return store.Query{DueBefore: now} },
	"since": func(n int, now time.Time) store.Query { return store.Query{Since: now.AddDate(0, 0, -n)} },
	"between": func(n int, now time.Time) store.Query {
		return store.Query{Since: now.AddDate(0, 0, -5*n-1), Until: now.AddDate(0, 0, -5*n)}
	},

	"open_of_unit": func(n int, _ time.Time) store.Query {
		return store.Query{State: "open", Unit: yearUnit(n % yearUnits), Parent: store.Alone}
	},
	"due_of_assignee": func(n int, now time.Time) store.Query {
		return store.Query{DueBefore: now, Assignee: yearAssignee(n % yearStaff)}
	},
	"open_in_grid": func(n int, _ time.Time) store.Query {
		return store.Query{State: "open", Grid: yearGrid(n * 31 % yearGrids), Parent: store.Alone, Exercise: store.No}
	},
	"grave_in_community": func(n int, _ time.Time) store.Query {
		return store.Query{Severity: alert.Critical, Grid: yearGrid(n * 31 % yearGrids)[:12]}
	},
	"class_of_unit_once": func(n int, now time.Time) store.Query {
		return store.Query{Class: fmt.Sprintf("%02d%02d", 1+n%10, 1+n/10%10), Unit: yearUnit(n % yearUnits), Until: now.AddDate(0, -3, 0)}
	},
	"all_at_once": func(n int, now time.Time) store.Query {
		return store.Query{
			State: "closed", Class: fmt.Sprintf("%02d", 1+n%10), Unit: yearUnit(n % yearUnits), Step: "evaluated", Severity: alert.Major, Exercise: store.No,
			Parent: store.Alone, Grid: "330106", Within: []string{yearGrid(n * 31 % yearGrids)[:9]}, Since: now.AddDate(0, -9, 0), Until: now.AddDate(0, -1, 0),
		}
	},
}

// casesList asks for pages of 50 by every filter. The figure is the slowest filter's.
func casesList(ctx context.Context, name string, db store.Store, now time.Time) ([]Result, error) {
	var worst time.Duration
	var slowest string
	var notes []Result
	for _, filter := range slices.Sorted(maps.Keys(listFilters)) {
		took, full, err := readFilter(ctx, db, listFilters[filter], now)
		if err != nil {
			return nil, fmt.Errorf("list by %s: %w", filter, err)
		}
		p99 := percentile(took, 99)
		if p99 > worst {
			worst, slowest = p99, filter
		}
		notes = append(notes, Note(name+"_by_"+filter+"_p99", millis(p99), "ms"), Note(name+"_by_"+filter+"_items", full, "a page"))
	}
	if slowest == "" {
		return nil, errors.New("no filter took any time")
	}
	return append([]Result{AtMost(name+"_list_p99", millis(worst), "ms", listBar)}, notes...), nil
}

// readFilter asks for first pages, and for later ones along their cursors. items is how many cases a page held in the mean.
func readFilter(ctx context.Context, db store.Store, query func(int, time.Time) store.Query, now time.Time) (took []time.Duration, items float64, err error) {
	for n := range listReads {
		q := query(n, now)
		q.Limit = 50
		for page := 0; page <= n%3; page++ {
			begin := time.Now()
			list, next, err := db.Cases(ctx, q)
			if err != nil {
				return nil, 0, err
			}
			took = append(took, time.Since(begin))
			items += float64(len(list))
			if q.Cursor = next; next == "" {
				break
			}
		}
	}
	return took, items / float64(len(took)), nil
}

// bareReads is what the same database takes for fifty rows by their keys, at random.
func bareReads(ctx context.Context, path string) (took []time.Duration, err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=query_only(1)")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	statement, err := db.PrepareContext(ctx, "SELECT id FROM cases WHERE ref = ?")
	if err != nil {
		return nil, err
	}
	defer statement.Close()
	var newest int
	if err := db.QueryRowContext(ctx, "SELECT max(ref) FROM cases").Scan(&newest); err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(5, 5))
	for range listReads {
		begin := time.Now()
		for range 50 {
			var id string
			if err := statement.QueryRowContext(ctx, 1+random.IntN(newest)).Scan(&id); err != nil {
				return nil, err
			}
		}
		took = append(took, time.Since(begin))
	}
	return took, nil
}
