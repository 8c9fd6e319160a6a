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

// arm is one place of an index on columns and ref: where the columns have these values. guard is the index's own condition. The order
// names all columns and the bounds are of whole keys, so that no other index gives that order: the planner, which does not know how rare
// a value is, would go along the rows of all cases.
type arm struct {
	guard   string
	columns []string
	values  []any
}

var wayOfAll = way{table: "cases", arms: []arm{{}}}

// maxArms is along how many places of an index is read at once.
const maxArms = 16

// gridLengths are the indexed beginnings of grid codes: grid, community, township.
var gridLengths = []int{15, 12, 9}

// waysOf returns the ways that hold all cases of q, beside that of all.
func waysOf(q store.Query) (ways []way) {
	add := func(table, guard, column string, value string) {
		ways = append(ways, way{table: table, arms: []arm{{guard: guard, columns: []string{column}, values: []any{value}}}})
	}
	if q.Kind != "" {
		add("cases", "", "kind", string(q.Kind))
	}
	for _, n := range []int{4, 2} {
		if len(q.Class) >= n {
			add("cases", "", fmt.Sprintf("left(class, %d)", n), q.Class[:n])
			break
		}
	}
	if q.Origin != "" {
		add("cases", "origin <> ''", "origin", string(q.Origin))
	}
	if q.Exercise == store.Yes {
		ways = append(ways, way{table: "cases", arms: []arm{{guard: "exercise"}}})
	}
	if q.Level != "" {
		add("heads", "", "level", string(q.Level))
	}
	if q.Step != "" {
		add("heads", "step <> ''", "step", q.Step)
	}
	if q.Parent != "" && q.Parent != store.Alone {
		add("heads", "parent <> ''", "parent", q.Parent)
	}
	ways = append(ways, gridWays([]string{q.Grid})...)
	ways = append(ways, gridWays(q.Within)...)
	ways = append(ways, stateWays(q)...)
	if q.Severity != "" {
		w := way{table: "heads"}
		for rank := q.Severity.Rank(); store.SeverityOf(rank) != ""; rank++ {
			w.arms = append(w.arms, arm{columns: []string{"severity"}, values: []any{rank}})
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
	by := func(column, value string) {
		w := way{table: "heads"}
		for _, state := range states {
			a := arm{columns: []string{"state"}, values: []any{string(state)}}
			if column != "" {
				a = arm{guard: column + " <> ''", columns: []string{column, "state"}, values: []any{value, string(state)}}
			}
			w.arms = append(w.arms, a)
		}
		ways = append(ways, w)
	}
	if q.Unit != "" {
		by("unit", q.Unit)
	}
	if q.Assignee != "" {
		by("assignee", q.Assignee)
	}
	if len(states) < 3 {
		by("", "")
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
			w.arms = append(w.arms, arm{columns: []string{fmt.Sprintf("left(grid, %d)", n)}, values: []any{p}})
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
	from, to, size := c.bind(after)+"::bigint", c.bind(before)+"::bigint", c.bind(limit)+"::bigint"
	var parts []string
	for _, a := range w.arms {
		var values []string
		for _, v := range a.values {
			values = append(values, c.bind(v))
		}
		columns := append(slices.Clone(a.columns), "ref")
		key, upper, lower := strings.Join(columns, ", "), strings.Join(append(slices.Clone(values), to), ", "), strings.Join(append(values, from), ", ")
		where := "(" + key + ") < (" + upper + ") AND (" + key + ") >= (" + lower + ")"
		if a.guard != "" {
			where = a.guard + " AND " + where
		}
		parts = append(parts, "(SELECT ref FROM "+w.table+" WHERE "+where+" ORDER BY "+strings.Join(columns, " DESC, ")+" DESC LIMIT "+size+")")
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "SELECT ref FROM (" + strings.Join(parts, " UNION ALL ") + ") u ORDER BY ref DESC LIMIT " + size
}

// page is the query of the cases of a way between two rows that fit c, the newest first. OFFSET 0 keeps the conditions out of the look at
// each row: the planner, which takes them for independent, would otherwise begin with all rows that fit some of them.
func (w way) page(c conditions, after, before int64, limit int) (query string, args []any) {
	rows := w.rows(&c, after, before, maxLook)
	return "SELECT " + caseColumns + " FROM (" + rows + ") w CROSS JOIN LATERAL (SELECT * FROM cases WHERE ref = w.ref OFFSET 0) c" +
		" CROSS JOIN LATERAL (SELECT * FROM heads WHERE ref = w.ref OFFSET 0) h" + c.where() + " ORDER BY w.ref DESC LIMIT " + c.bind(limit), c.args
}
