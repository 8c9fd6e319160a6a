package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"gridgate/central/cases"
	"gridgate/central/store"
)

// maxLook is how many cases are looked at for one page, and probe how many rows of an index tell how dense it is.
const (
	maxLook = 500
	probe   = 200
)

// Cases implements [store.Store].
func (s *Store) Cases(ctx context.Context, q store.Query) ([]cases.Case, string, error) {
	before, err := store.PositionOf("c", q.Cursor)
	if err != nil {
		return nil, "", err
	}
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // what was looked at and what is listed as of one moment
	if err != nil {
		return nil, "", fmt.Errorf("list cases: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	l := caseList{tx: tx, before: before, limit: store.PageSize(q.Limit), looks: maxLook}
	items, next, err := l.page(ctx, q)
	if err != nil {
		return nil, "", fmt.Errorf("list cases: %w", err)
	}
	if next == 0 {
		return items, "", nil
	}
	return items, store.CursorOf("c", next), nil
}

// caseList reads one page of cases.
type caseList struct {
	tx     *sql.Tx
	after  int64 // rows of cases between these two fit by their time
	before int64
	limit  int
	looks  int   // at most
	last   int64 // row of the last case that was read
}

// page reads a page along the one index that has the fewest rows. next is the row before which the next page begins, 0 at the end.
func (l *caseList) page(ctx context.Context, q store.Query) (items []cases.Case, next int64, err error) {
	if err := l.bound(ctx, q); err != nil {
		return nil, 0, err
	}
	way, err := l.choose(ctx, waysOf(q))
	if err != nil {
		return nil, 0, err
	}
	return l.along(ctx, way, q)
}

// along reads a page along a way.
func (l *caseList) along(ctx context.Context, way way, q store.Query) (items []cases.Case, next int64, err error) {
	end, err := l.look(ctx, way, l.looks)
	if err != nil {
		return nil, 0, err
	}
	query, args := way.page(caseConditions(q), end.lowest, l.before)
	rows, err := l.tx.QueryContext(ctx, query, append(args, l.limit)...)
	items, err = collect(rows, err, func(scan func(...any) error) (cases.Case, error) {
		r, err := scanCase(scan)
		l.last = r.ref
		return r.Case, err
	})
	switch {
	case err != nil:
		return nil, 0, err
	case len(items) == l.limit:
		return items, l.last, nil
	case end.count == int64(l.looks):
		return items, end.lowest, nil
	}
	return items, 0, nil
}

// bound finds the rows that may fit by the time of their opening.
func (l *caseList) bound(ctx context.Context, q store.Query) (err error) {
	if !q.Since.IsZero() {
		if l.after, err = firstAt(ctx, l.tx, "cases", "ref", "opened_at", q.Since); err != nil {
			return err
		}
	}
	if !q.Until.IsZero() {
		end, err := firstAt(ctx, l.tx, "cases", "ref", "opened_at", q.Until.Add(2*store.Slack))
		if err != nil {
			return err
		}
		l.before = min(l.before, end)
	}
	var newest int64
	err = l.tx.QueryRowContext(ctx, "SELECT coalesce(max(ref), 0) FROM cases").Scan(&newest)
	l.before = min(l.before, newest+1)
	return err
}

// caseConditions are those of all filters. Times are in both.
func caseConditions(q store.Query) (c conditions) {
	c.add("s.ref = c.ref")
	if !q.Since.IsZero() {
		c.add("c.opened_at >= ?", store.Nanos(q.Since))
	}
	if !q.Until.IsZero() {
		c.add("c.opened_at < ?", store.Nanos(q.Until))
	}
	if q.State != "" {
		c.add("+s.state = ?", stateCode(cases.State(q.State)))
	}
	if q.Severity != "" {
		c.add("+s.severity >= ?", q.Severity.Rank())
	}
	for column, value := range map[string]string{
		"c.kind": string(q.Kind), "c.origin": string(q.Origin), "s.level": string(q.Level), "s.unit": q.Unit, "s.step": q.Step, "s.assignee": q.Assignee,
	} {
		if value != "" {
			c.add("+"+column+" = ?", value)
		}
	}
	if q.Grid != "" {
		c.prefix("+c.grid", q.Grid)
	}
	if len(q.Within) > 0 {
		c.within("+c.grid", q.Within)
	}
	if q.Class != "" {
		c.prefix("+c.class", q.Class)
	}
	switch q.Parent {
	case "":
	case store.Alone:
		c.add("+s.parent IS NULL")
	default:
		c.add("+s.parent = ?", q.Parent)
	}
	if !q.DueBefore.IsZero() {
		c.add("+s.due_at > 0 AND +s.due_at < ?", store.Nanos(q.DueBefore))
	}
	if q.Exercise != "" {
		c.add("+c.exercise = ?", q.Exercise == store.Yes)
	}
	return c
}

// way is how to come by some cases in the order of their rows: along an index, or along several places of it at once.
type way struct {
	table string // and its alias
	index string // empty: the table itself
	arms  []arm
}

// arm is a term on the columns of the index and its arguments.
type arm struct {
	term string
	args []any
}

// wayOfAll says nothing of rows: SQLite could take that for the bound of a list, and read on below it.
var wayOfAll = way{table: "cases c", arms: []arm{{term: "TRUE"}}}

// maxArms is along how many places of an index is read at once.
const maxArms = 16

// gridLengths are the indexed beginnings of grid codes: township, community, grid.
var gridLengths = []int{15, 12, 9}

// waysOf returns the ways that hold all cases of q, beside that of all.
func waysOf(q store.Query) (ways []way) {
	add := func(table, index, term string, args ...any) {
		ways = append(ways, way{table: table, index: index, arms: []arm{{term: term, args: args}}})
	}
	if q.Kind != "" {
		add("cases c", "cases_kind", "c.kind = ?", string(q.Kind))
	}
	for _, n := range []int{4, 2} {
		if len(q.Class) >= n {
			add("cases c", fmt.Sprint("cases_class", n), fmt.Sprintf("substr(c.class, 1, %d) = ?", n), q.Class[:n])
			break
		}
	}
	if q.Exercise == store.Yes {
		add("cases c", "cases_exercise", "c.exercise = 1")
	}
	if q.Level != "" {
		add("case_states s", "case_states_level", "s.level = ?", string(q.Level))
	}
	if q.Step != "" {
		add("case_states s", "case_states_step", "s.step = ?", q.Step)
	}
	if q.Parent != "" && q.Parent != store.Alone {
		add("case_states s", "case_states_parent", "s.parent = ?", q.Parent)
	}
	ways = append(ways, gridWays([]string{q.Grid})...)
	ways = append(ways, gridWays(q.Within)...)
	ways = append(ways, stateWays(q)...)
	if q.Severity != "" {
		w := way{table: "case_states s", index: "case_states_severity"}
		for rank := q.Severity.Rank(); store.SeverityOf(rank) != ""; rank++ {
			w.arms = append(w.arms, arm{term: "s.severity = ?", args: []any{rank}})
		}
		ways = append(ways, w)
	}
	return ways
}

// stateWays are the ways by the state, alone or together with whose case it is. States are written out: SQLite plans a query twice in
// which a partial index depends on what is bound.
func stateWays(q store.Query) (ways []way) {
	states := []int64{0, 1, 2}
	if q.State != "" {
		states = []int64{stateCode(cases.State(q.State))}
	} else if !q.DueBefore.IsZero() {
		states = []int64{0, 1}
	}
	by := func(column, value string) {
		w := way{table: "case_states s", index: "case_states_" + column}
		for _, state := range states {
			w.arms = append(w.arms, arm{term: fmt.Sprintf("s.%s = ? AND s.state = %d", column, state), args: []any{value}})
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
		w := way{table: "case_states s", index: "case_states_state"}
		for _, state := range states {
			w.arms = append(w.arms, arm{term: fmt.Sprintf("s.state = %d", state)})
		}
		ways = append(ways, w)
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
		w := way{table: "cases c", index: fmt.Sprint("cases_grid", n)}
		for i := range prefixes {
			prefixes[i] = prefixes[i][:n]
		}
		for _, p := range apart(prefixes) {
			w.arms = append(w.arms, arm{term: fmt.Sprintf("substr(c.grid, 1, %d) = ?", n), args: []any{p}})
		}
		return []way{w}
	}
	return nil
}

// apart returns prefixes without those that another one covers.
func apart(prefixes []string) (out []string) {
	for _, p := range slices.Sorted(slices.Values(prefixes)) {
		if len(out) == 0 || !strings.HasPrefix(p, out[len(out)-1]) {
			out = append(out, p)
		}
	}
	return out
}

// rows returns the rows of a way between two, the newest first; each arm is in that order, and they are merged.
func (w way) rows(after, before int64) (query string, args []any) {
	alias := w.table[len(w.table)-1:]
	return w.merge(func(a arm) (string, []any) {
		return "SELECT " + alias + ".ref AS ref FROM " + w.from() + " WHERE " + a.term + " AND " + alias + ".ref >= ? AND " + alias + ".ref < ?",
			append(slices.Clone(a.args), after, before)
	})
}

// page returns the cases of a way between two rows that fit c, the newest first.
func (w way) page(c conditions, after, before int64) (query string, args []any) {
	alias, other := "c", "case_states s"
	if w.table != "cases c" {
		alias, other = "s", "cases c"
	}
	return w.merge(func(a arm) (string, []any) {
		return "SELECT " + strings.Replace(caseColumns, "c.ref", alias+".ref AS ref", 1) + " FROM " + w.from() + " CROSS JOIN " + other + joinWork +
			c.where() + " AND " + a.term + " AND " + alias + ".ref >= ? AND " + alias + ".ref < ?", append(append(slices.Clone(c.args), a.args...), after, before)
	})
}

func (w way) from() string {
	if w.index == "" {
		return w.table
	}
	return w.table + " INDEXED BY " + w.index
}

func (w way) merge(one func(arm) (string, []any)) (query string, args []any) {
	var parts []string
	for _, a := range w.arms {
		part, more := one(a)
		parts, args = append(parts, part), append(args, more...)
	}
	return strings.Join(parts, " UNION ALL ") + " ORDER BY ref DESC LIMIT ?", args
}

// seen is what [caseList.look] found: how many rows, and the lowest of them.
type seen struct{ count, lowest int64 }

// look goes along a way for at most limit rows.
func (l *caseList) look(ctx context.Context, w way, limit int) (found seen, err error) {
	query, args := w.rows(l.after, l.before)
	err = l.tx.QueryRowContext(ctx, "SELECT count(*), coalesce(min(ref), 0) FROM ("+query+")", append(args, limit)...).Scan(&found.count, &found.lowest)
	return found, err
}

// choose returns the way with the fewest rows for the cases that it goes back.
func (l *caseList) choose(ctx context.Context, ways []way) (best way, err error) {
	best, lowest := wayOfAll, 0.5 // a table is read faster than an index and its table
	for _, w := range ways {
		found, err := l.look(ctx, w, probe)
		if err != nil {
			return best, err
		}
		back := l.before - l.after
		if found.count == probe {
			back = l.before - found.lowest
		}
		if density := float64(found.count) / float64(max(back, 1)); density < lowest {
			best, lowest = w, density
		}
	}
	return best, nil
}
