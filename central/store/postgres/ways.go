package postgres

import (
	"fmt"
	"slices"
	"strings"

	"gridgate/central/cases"
	"gridgate/central/store"
)

// way is how to come by some cases in the order of their rows: along an index, or along several places of it at once. Each arm is terms
// that, together with an order by ref, one index answers.
type way struct {
	table string
	arms  []arm
}

// arm is a term on the columns of an index and its arguments.
type arm struct {
	term string
	args []any
}

var wayOfAll = way{table: "cases", arms: []arm{{term: "ref > 0"}}}

// maxArms is along how many places of an index is read at once.
const maxArms = 16

// gridLengths are the indexed beginnings of grid codes: grid, community, township.
var gridLengths = []int{15, 12, 9}

// waysOf returns the ways that hold all cases of q, beside that of all.
func waysOf(q store.Query) (ways []way) {
	add := func(table, term string, args ...any) {
		ways = append(ways, way{table: table, arms: []arm{{term: term, args: args}}})
	}
	if q.Kind != "" {
		add("cases", "kind = ?", string(q.Kind))
	}
	for _, n := range []int{4, 2} {
		if len(q.Class) >= n {
			add("cases", fmt.Sprintf("left(class, %d) = ?", n), q.Class[:n])
			break
		}
	}
	if q.Origin != "" {
		add("cases", "origin <> '' AND origin = ?", string(q.Origin))
	}
	if q.Exercise == store.Yes {
		add("cases", "exercise")
	}
	if q.Level != "" {
		add("heads", "level = ?", string(q.Level))
	}
	if q.Step != "" {
		add("heads", "step <> '' AND step = ?", q.Step)
	}
	if q.Parent != "" && q.Parent != store.Alone {
		add("heads", "parent <> '' AND parent = ?", q.Parent)
	}
	ways = append(ways, gridWays([]string{q.Grid})...)
	ways = append(ways, gridWays(q.Within)...)
	ways = append(ways, stateWays(q)...)
	if q.Severity != "" {
		w := way{table: "heads"}
		for rank := q.Severity.Rank(); store.SeverityOf(rank) != ""; rank++ {
			w.arms = append(w.arms, arm{term: "severity = ?", args: []any{rank}})
		}
		ways = append(ways, w)
	}
	return ways
}

// stateWays are the ways by the state, alone or together with whose case it is.
func stateWays(q store.Query) (ways []way) {
	states := []cases.State{cases.Open, cases.Acknowledged, cases.Closed}
	if q.State != "" {
		states = []cases.State{cases.State(q.State)}
	} else if !q.DueBefore.IsZero() {
		states = states[:2]
	}
	by := func(terms string, args ...any) {
		w := way{table: "heads"}
		for _, state := range states {
			w.arms = append(w.arms, arm{term: terms + "state = ?", args: append(slices.Clone(args), string(state))})
		}
		ways = append(ways, w)
	}
	if q.Unit != "" {
		by("unit <> '' AND unit = ? AND ", q.Unit)
	}
	if q.Assignee != "" {
		by("assignee <> '' AND assignee = ? AND ", q.Assignee)
	}
	if len(states) < 3 {
		by("")
	}
	return ways
}

// gridWays is the way along some grids, if it is a way at all: each must be long enough, and there must not be too many.
func gridWays(prefixes []string) []way {
	prefixes = apart(prefixes)
	if len(prefixes) == 0 || len(prefixes) > maxArms {
		return nil
	}
	shortest := len(slices.MinFunc(prefixes, func(a, b string) int { return len(a) - len(b) }))
	for _, n := range gridLengths {
		if n > shortest {
			continue
		}
		for i := range prefixes {
			prefixes[i] = prefixes[i][:n]
		}
		w := way{table: "cases"}
		for _, p := range apart(prefixes) {
			w.arms = append(w.arms, arm{term: fmt.Sprintf("left(grid, %d) = ?", n), args: []any{p}})
		}
		return []way{w}
	}
	return nil
}

// apart returns prefixes, sorted, without those that another one covers.
func apart(prefixes []string) (out []string) {
	for _, p := range slices.Sorted(slices.Values(prefixes)) {
		if len(out) == 0 || !strings.HasPrefix(p, out[len(out)-1]) {
			out = append(out, p)
		}
	}
	return out
}

// rows is the query of the rows of a way between two, the newest first, at most limit: each arm is in that order, and they are merged.
func (w way) rows(c *conditions, after, before int64, limit int) string {
	from, to, size := c.bind(after), c.bind(before), c.bind(limit)
	var parts []string
	for _, a := range w.arms {
		one := conditions{args: c.args}
		one.add(a.term, a.args...)
		one.terms = append(one.terms, "ref >= "+from+"::bigint AND ref < "+to+"::bigint")
		parts = append(parts, "(SELECT ref FROM "+w.table+one.where()+" ORDER BY ref DESC LIMIT "+size+"::bigint)")
		c.args = one.args
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "SELECT ref FROM (" + strings.Join(parts, " UNION ALL ") + ") u ORDER BY ref DESC LIMIT " + size + "::bigint"
}

// page is the query of the cases of a way between two rows that fit c, the newest first.
func (w way) page(c conditions, after, before int64, limit int) (query string, args []any) {
	rows := w.rows(&c, after, before, maxLook)
	return "SELECT " + caseColumns + " FROM (" + rows + ") w JOIN cases c ON c.ref = w.ref JOIN heads h ON h.ref = w.ref" + c.where() +
		" ORDER BY w.ref DESC LIMIT " + c.bind(limit), c.args
}
