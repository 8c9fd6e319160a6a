package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// loopFilters are queries and what a case must be to fit each.
var loopFilters = map[string]struct {
	q    store.Query
	fits func(c cases.Case) bool
}{
	"unit":            {store.Query{Unit: "unit-1"}, func(c cases.Case) bool { return c.Unit == "unit-1" }},
	"no such unit":    {store.Query{Unit: "unit-"}, func(cases.Case) bool { return false }},
	"unit, open":      {store.Query{Unit: "unit-1", State: "open"}, func(c cases.Case) bool { return c.Unit == "unit-1" && c.State == cases.Open }},
	"assignee":        {store.Query{Assignee: "li-2"}, func(c cases.Case) bool { return c.Assignee == "li-2" }},
	"assignee, ack":   {store.Query{Assignee: "li-2", State: "acknowledged"}, func(c cases.Case) bool { return c.Assignee == "li-2" && c.State == cases.Acknowledged }},
	"step":            {store.Query{Step: "step-closed"}, func(c cases.Case) bool { return c.Step == "step-closed" }},
	"level":           {store.Query{Level: cases.TownshipLevel}, func(c cases.Case) bool { return c.Level == cases.TownshipLevel }},
	"severity":        {store.Query{Severity: alert.Major}, func(c cases.Case) bool { return c.Severity.Rank() >= alert.Major.Rank() }},
	"main class":      {store.Query{Class: "04"}, func(c cases.Case) bool { return strings.HasPrefix(c.Class, "04") }},
	"class":           {store.Query{Class: "0402"}, func(c cases.Case) bool { return c.Class == "0402" }},
	"part of a class": {store.Query{Class: "040"}, func(c cases.Case) bool { return strings.HasPrefix(c.Class, "040") }},
	"exercise":        {store.Query{Exercise: store.Yes}, func(c cases.Case) bool { return c.Exercise }},
	"no exercise":     {store.Query{Exercise: store.No}, func(c cases.Case) bool { return !c.Exercise }},
	"kind":            {store.Query{Kind: alert.SOS}, func(c cases.Case) bool { return c.Kind == alert.SOS }},
	"due":             {store.Query{DueBefore: t0.Add(20 * time.Minute)}, isDue},
	"due, of a unit":  {store.Query{DueBefore: t0.Add(20 * time.Minute), Unit: "unit-1"}, func(c cases.Case) bool { return isDue(c) && c.Unit == "unit-1" }},
	"due and closed":  {store.Query{DueBefore: t0.Add(20 * time.Minute), State: "closed"}, func(cases.Case) bool { return false }},
	"since, unit": {store.Query{Since: t0.Add(10 * time.Minute), Until: t0.Add(30 * time.Minute), Unit: "unit-1"}, func(c cases.Case) bool {
		return c.Unit == "unit-1" && !c.OpenedAt.Before(t0.Add(10*time.Minute)) && c.OpenedAt.Before(t0.Add(30*time.Minute))
	}},
	"all at once": {
		store.Query{
			Unit: "unit-0", Step: "step-open", Assignee: "li-0", Level: cases.GridLevel, Severity: alert.Info, Class: "04", Kind: alert.Motion,
			Exercise: store.No, Parent: store.Alone, State: "open", Grid: "330106", Within: []string{"3301061", "330107"}, Since: t0.Add(-time.Hour), Until: t0.Add(time.Hour),
		},
		func(c cases.Case) bool {
			return c.Unit == "unit-0" && c.Step == "step-open" && c.Assignee == "li-0" && c.Level == cases.GridLevel && strings.HasPrefix(c.Class, "04") &&
				c.Kind == alert.Motion && !c.Exercise && c.State == cases.Open
		},
	},
}

func isDue(c cases.Case) bool {
	due := c.DueAt()
	return c.State != cases.Closed && !due.IsZero() && due.Before(t0.Add(20*time.Minute))
}

// testLoopFilters compares each filter with what it says, over cases in which all that is filtered by varies.
func testLoopFilters(t *testing.T, open Opener) {
	s := opened(t, open)
	states := []cases.State{cases.Open, cases.Acknowledged, cases.Closed}
	severities := []alert.Severity{alert.Minor, alert.Critical, alert.Info, alert.Major, alert.Minor}
	for i := range 48 {
		e := byHand(fmt.Sprint("key ", i), func(e *cases.Event) {
			e.At, e.Severity = t0.Add(time.Duration(i)*time.Minute), severities[i%5]
			e.Opening.Class, e.Opening.Exercise = []string{"0401", "0402", "0501", "0411"}[i%4], i%7 == 3
			e.Opening.Grid = fmt.Sprintf("330106%03d001", 109+i%2)
			if i%6 == 5 {
				e.Opening.Kind = alert.SOS
			}
		})
		do(t, s, e)
		if i%8 == 7 { // nothing was done to it
			continue
		}
		do(t, s, stepped(e.CaseID, e.At, states[i%3], func(e *cases.Event) {
			e.Unit, e.Assignee = fmt.Sprint("unit-", i%4), fmt.Sprint("li-", i%3)
			if i%2 == 0 {
				e.Deadlines = []cases.Deadline{{Name: "met", From: t0, Due: t0, Met: t0}, {Name: "handle", From: t0, Due: t0.Add(time.Duration(i) * time.Minute)}}
			}
		}))
	}
	all := allCases(t, s, store.Query{Limit: 500})
	found := 0
	for name, f := range loopFilters {
		var want []string
		for _, c := range all {
			if f.fits(c) {
				want = append(want, c.ID)
			}
		}
		found += len(want)
		wantCases(t, s, name, f.q, want...)
	}
	if len(all) != 48 || found < 100 {
		t.Fatalf("%d cases, of which all filters found %d", len(all), found)
	}
	checkInvariant(t, s)
}

// testGridFilters lists cases by grids and by what somebody may see, with codes of every length.
func testGridFilters(t *testing.T, open Opener) {
	s := opened(t, open)
	codes := make(map[string]string)
	for i, grid := range []string{
		"330106109001", "330106109001003", "33010610900100300001", "330106109001004", "330106109002001", "330106110001", "330107001001", "440100000000",
	} {
		e := byHand(fmt.Sprint("key ", i), func(e *cases.Event) { e.Opening.Grid = grid })
		do(t, s, e)
		codes[e.CaseID] = grid
	}
	filters := []string{"", "3", "330106", "3301061", "330106109", "3301061090", "330106109001", "330106109001003", "3301061090010030", "33010610900100300001", "999999999"}
	withins := [][]string{
		nil, {"330106109"}, {"330106109001003", "330106109001"}, {"330107", "330106109002"}, {"330106110001", "330106109001", "440100000000"}, {"888888888888"},
	}
	for _, grid := range filters {
		for _, within := range withins {
			var want []string
			for id, code := range codes {
				inside := within == nil || slices.ContainsFunc(within, func(p string) bool { return strings.HasPrefix(code, p) })
				if inside && strings.HasPrefix(code, grid) {
					want = append(want, id)
				}
			}
			wantCases(t, s, fmt.Sprintf("grid %q within %q", grid, within), store.Query{Grid: grid, Within: within}, want...)
		}
	}
}
