package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"gridgate/central/cases"
	"gridgate/central/store"
)

// maxLook is how many cases are looked at for one page.
const maxLook = 1000

// Cases implements [store.Store].
func (s *Store) Cases(ctx context.Context, q store.Query) (items []cases.Case, next string, err error) {
	before, err := store.PositionOf("c", q.Cursor)
	if err != nil {
		return nil, "", err
	}
	asOfNow := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly} // what was looked at and what is listed as of one moment
	err = pgx.BeginTxFunc(ctx, s.read, asOfNow, func(tx pgx.Tx) error {
		l := caseList{tx: tx, before: before, limit: store.PageSize(q.Limit)}
		end, err := int64(0), error(nil)
		if items, end, err = l.page(ctx, q); err == nil && end != 0 {
			next = store.CursorOf("c", end)
		}
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list cases: %w", err)
	}
	return items, next, nil
}

// caseList reads one page of cases.
type caseList struct {
	tx     pgx.Tx
	after  int64 // rows of cases from this one on and before the other fit by their time
	before int64
	limit  int
	last   int64 // row of the last case that was read
}

// page reads a page along the one index that has the fewest rows among the newest cases. next is the row before which the next
// page begins, 0 at the end.
func (l *caseList) page(ctx context.Context, q store.Query) (items []cases.Case, next int64, err error) {
	if err := l.bound(ctx, q); err != nil {
		return nil, 0, err
	}
	along, err := l.choose(ctx, waysOf(q))
	if err != nil {
		return nil, 0, err
	}
	end, err := l.look(ctx, []way{along}, maxLook)
	if err != nil {
		return nil, 0, err
	}
	query, args := along.page(caseConditions(q), end[0].lowest, l.before, l.limit)
	rows, err := l.tx.Query(ctx, query, args...)
	items, err = collect(rows, err, func(scan scanner) (cases.Case, error) {
		r, err := scanCase(scan)
		l.last = r.ref
		return r.Case, err
	})
	switch {
	case err != nil:
		return nil, 0, err
	case len(items) == l.limit:
		return items, l.last, nil
	case end[0].count == maxLook:
		return items, end[0].lowest, nil
	}
	return items, 0, nil
}

// bound finds the rows that may fit by the time of their opening.
func (l *caseList) bound(ctx context.Context, q store.Query) (err error) {
	if !q.Since.IsZero() {
		if l.after, err = firstBy(ctx, l.tx, "cases", "ref", "opened_at", q.Since); err != nil {
			return err
		}
	}
	if !q.Until.IsZero() {
		end, err := firstBy(ctx, l.tx, "cases", "ref", "opened_at", q.Until.Add(2*store.Slack))
		if err != nil {
			return err
		}
		l.before = min(l.before, end)
	}
	var newest int64
	err = l.tx.QueryRow(ctx, "SELECT coalesce(max(ref), 0) FROM cases").Scan(&newest)
	l.before = min(l.before, newest+1)
	return err
}

// caseConditions are those of all filters.
func caseConditions(q store.Query) (c conditions) {
	if !q.Since.IsZero() {
		c.add("c.opened_at >= ?", store.Nanos(q.Since))
	}
	if !q.Until.IsZero() {
		c.add("c.opened_at < ?", store.Nanos(q.Until))
	}
	if q.Severity != "" {
		c.add("h.severity >= ?", q.Severity.Rank())
	}
	for _, f := range []struct{ column, value string }{
		{"h.state", q.State}, {"c.kind", string(q.Kind)}, {"h.level", string(q.Level)}, {"h.unit", q.Unit}, {"h.step", q.Step}, {"h.assignee", q.Assignee},
		{"c.origin", string(q.Origin)},
	} {
		if f.value != "" {
			c.add(f.column+" = ?", f.value)
		}
	}
	if q.Grid != "" {
		c.prefix("c.grid", q.Grid)
	}
	if len(q.Within) > 0 {
		c.within("c.grid", q.Within)
	}
	if q.Class != "" {
		c.prefix("c.class", q.Class)
	}
	switch q.Parent {
	case "":
	case store.Alone:
		c.add("h.parent = ''")
	default:
		c.add("h.parent = ?", q.Parent)
	}
	if !q.DueBefore.IsZero() {
		c.add("h.due_at > 0 AND h.due_at < ?", store.Nanos(q.DueBefore))
	}
	if q.Exercise != "" {
		c.add("c.exercise = ?", q.Exercise == store.Yes)
	}
	return c
}

// seen is what [caseList.look] found: how many rows, and the lowest of them.
type seen struct{ count, lowest int64 }

// look goes along ways for at most limit rows each, in one round trip.
func (l *caseList) look(ctx context.Context, ways []way, limit int) ([]seen, error) {
	found := make([]seen, len(ways))
	b := &pgx.Batch{}
	for i, w := range ways {
		var c conditions
		rows := w.rows(&c, l.after, l.before, limit)
		b.Queue("SELECT count(*), coalesce(min(ref), 0) FROM ("+rows+") w", c.args...).QueryRow(func(row pgx.Row) error {
			return row.Scan(&found[i].count, &found[i].lowest)
		})
	}
	return found, l.tx.SendBatch(ctx, b).Close()
}

// probe is how many rows of a way tell how dense it is.
const probe = 200

// choose returns the way with the fewest rows for the cases that it goes back.
func (l *caseList) choose(ctx context.Context, ways []way) (way, error) {
	best, lowest := wayOfAll, 0.5 // a table is read faster than an index and its table
	if len(ways) == 0 {
		return best, nil
	}
	all, err := l.look(ctx, ways, probe)
	if err != nil {
		return best, err
	}
	for i, found := range all {
		back := l.before - l.after
		if found.count == probe {
			back = l.before - found.lowest
		}
		if density := float64(found.count) / float64(max(back, 1)); density < lowest {
			best, lowest = ways[i], density
		}
	}
	return best, nil
}
