package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// testWithin: a list shows what lies in the grids of whoever asks, with every other filter and page size; what has no grid is for those
// who may see all.
func testWithin(t *testing.T, open Opener) {
	s := opened(t, open)
	grids := []string{"330106109001", "330106109001003", "330106110001", "330107001001", ""}
	at := map[string]string{} // alert -> grid
	for i := range 20 {
		g := grids[i%len(grids)]
		a := raised(fmt.Sprintf("cam%d", i), func(a *alert.Alert) {
			a.Grid = g
			if i%2 == 0 {
				a.Severity = alert.Critical
			}
		})
		put(t, s, t0.Add(time.Duration(i)*time.Minute), a)
		at[a.ID] = g
	}
	for name, tt := range map[string]struct {
		q    store.Query
		seen []string // of grids
	}{
		"all":                {store.Query{}, grids},
		"a township":         {store.Query{Within: []string{"330106109"}}, grids[:2]},
		"one grid":           {store.Query{Within: []string{"330106109001003"}}, grids[1:2]},
		"two":                {store.Query{Within: []string{"330106110", "330107"}}, grids[2:4]},
		"one in the other":   {store.Query{Within: []string{"330106", "330106109001"}}, grids[:3]},
		"half a number":      {store.Query{Within: []string{"33010610900100"}}, grids[1:2]},
		"nowhere":            {store.Query{Within: []string{"99"}}, nil},
		"and a grid":         {store.Query{Within: []string{"330106109"}, Grid: "330106109001003"}, grids[1:2]},
		"and one outside":    {store.Query{Within: []string{"330106109"}, Grid: "330107"}, nil},
		"and one above":      {store.Query{Within: []string{"330106109"}, Grid: "3301"}, grids[:2]},
		"and since long ago": {store.Query{Within: []string{"330107"}, Since: t0}, grids[3:4]},
	} {
		for _, limit := range []int{1, 3, 500} {
			tt.q.Limit = limit
			what := fmt.Sprint(name, ", limit ", limit)
			sameWithin(t, s, what, tt.q, tt.seen, at)
			severe := tt.q
			severe.Severity = alert.Critical
			for _, a := range allAlerts(t, s, severe) {
				if !slices.Contains(tt.seen, a.Grid) || a.Severity != alert.Critical {
					t.Fatalf("%s, critical: alert in %q of severity %s", what, a.Grid, a.Severity)
				}
			}
			for _, c := range allCases(t, s, severe) {
				if !slices.Contains(tt.seen, c.Grid) || c.Severity != alert.Critical {
					t.Fatalf("%s, critical: case in %q of severity %s", what, c.Grid, c.Severity)
				}
			}
		}
	}
}

func sameWithin(t *testing.T, s store.Store, what string, q store.Query, seen []string, at map[string]string) {
	t.Helper()
	var want, places, got []string
	for id, grid := range at {
		if slices.Contains(seen, grid) {
			want, places = append(want, id), append(places, grid)
		}
	}
	sameSet(t, what+", alerts", ids(allAlerts(t, s, q)), want)
	for _, c := range allCases(t, s, q) {
		got = append(got, c.Grid)
		if c.State != cases.Open {
			t.Fatalf("%s: case %s is %s", what, c.ID, c.State)
		}
	}
	sameSet(t, what+", cases", got, places)
}
