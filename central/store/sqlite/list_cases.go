package sqlite

import (
	"context"
	"fmt"
	"strings"

	"gridgate/central/cases"
	"gridgate/central/store"
)

// Cases implements [store.Store].
func (s *Store) Cases(ctx context.Context, q store.Query) ([]cases.Case, string, error) {
	before, err := store.PositionOf("c", q.Cursor)
	if err != nil {
		return nil, "", err
	}
	c := conditions{}
	c.add("s.ref < ?", before)
	if !q.Since.IsZero() {
		first, err := firstAt(ctx, s.read, "cases", "ref", "opened_at", q.Since)
		if err != nil {
			return nil, "", fmt.Errorf("list cases: %w", err)
		}
		c.add("s.ref >= ? AND c.opened_at >= ?", first, store.Nanos(q.Since))
	}
	if !q.Until.IsZero() {
		c.add("c.opened_at < ?", store.Nanos(q.Until))
	}
	if q.Grid != "" {
		c.add("c.grid >= ? AND c.grid < ?", q.Grid, q.Grid+"~")
	}
	if q.Kind != "" {
		c.add("c.kind = ?", string(q.Kind))
	}
	if q.Severity != "" {
		c.add("s.severity >= ?", q.Severity.Rank())
	}
	items, last, err := s.listCases(ctx, q.State, c, store.PageSize(q.Limit))
	if err != nil {
		return nil, "", fmt.Errorf("list cases: %w", err)
	}
	next := ""
	if len(items) == store.PageSize(q.Limit) {
		next = store.CursorOf("c", last)
	}
	return items, next, nil
}

// listCases reads a page state by state, each in the order of its index, and merges; last is the row of its last case.
func (s *Store) listCases(ctx context.Context, state string, c conditions, limit int) (items []cases.Case, last int64, err error) {
	states := []string{state}
	if state == "" {
		states = []string{string(cases.Open), string(cases.Acknowledged), string(cases.Closed)}
	}
	var parts []string
	var args []any
	for _, st := range states {
		parts = append(parts, "SELECT * FROM (SELECT "+caseColumns+
			" FROM case_states s INDEXED BY case_states_state CROSS JOIN cases c ON c.ref = s.ref"+c.where()+" AND s.state = ? ORDER BY s.ref DESC LIMIT ?)")
		args = append(append(args, c.args...), stateCode(cases.State(st)), limit)
	}
	query := strings.Join(parts, " UNION ALL ") + " ORDER BY ref DESC LIMIT ?"
	rows, err := s.read.QueryContext(ctx, query, append(args, limit)...)
	items, err = collect(rows, err, func(scan func(...any) error) (cases.Case, error) {
		r, err := scanCase(scan)
		last = r.ref
		return r.Case, err
	})
	return items, last, err
}
