package postgres

import (
	"context"
	"fmt"
	"strings"

	"gridgate/central/cases"
	"gridgate/central/store"
)

// Cases implements [store.Store].
func (s *Store) Cases(ctx context.Context, q store.Query) ([]cases.Case, string, error) {
	limit := store.PageSize(q.Limit)
	query, args, err := s.casePage(ctx, q, limit)
	if err != nil {
		return nil, "", fmt.Errorf("list cases: %w", err)
	}
	rows, err := s.read.Query(ctx, query, args...)
	last := int64(0)
	items, err := collect(rows, err, func(scan scanner) (cases.Case, error) {
		r, err := scanCase(scan)
		last = r.ref
		return r.Case, err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list cases: %w", err)
	}
	next := ""
	if len(items) == limit {
		next = store.CursorOf("c", last)
	}
	return items, next, nil
}

// casePage reads a page state by state, each in the order of its index, and merges.
func (s *Store) casePage(ctx context.Context, q store.Query, limit int) (string, []any, error) {
	c, err := s.caseConditions(ctx, q)
	if err != nil {
		return "", nil, err
	}
	states := []string{q.State}
	if q.State == "" {
		states = []string{string(cases.Open), string(cases.Acknowledged), string(cases.Closed)}
	}
	size := c.bind(limit)
	var parts []string
	for _, state := range states {
		parts = append(parts, "(SELECT h.ref FROM heads h CROSS JOIN LATERAL (SELECT * FROM cases WHERE ref = h.ref OFFSET 0) c"+
			c.where()+" AND h.state = "+c.bind(state)+" ORDER BY h.ref DESC LIMIT "+size+")")
	}
	return "SELECT " + caseColumns + " FROM (SELECT * FROM (" + strings.Join(parts, " UNION ALL ") + ") u ORDER BY u.ref DESC LIMIT " + size +
		") page JOIN heads h ON h.ref = page.ref JOIN cases c ON c.ref = page.ref ORDER BY h.ref DESC", c.args, nil
}

// caseConditions are those of all filters but the state.
func (s *Store) caseConditions(ctx context.Context, q store.Query) (c conditions, err error) {
	before, err := store.PositionOf("c", q.Cursor)
	if err != nil {
		return c, err
	}
	c.add("h.ref < ?", before)
	if !q.Since.IsZero() {
		first, err := firstBy(ctx, s.read, "cases", "ref", "opened_at", q.Since)
		if err != nil {
			return c, err
		}
		c.add("h.ref >= ? AND c.opened_at >= ?", first, store.Nanos(q.Since))
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
		c.add("h.severity >= ?", q.Severity.Rank())
	}
	return c, nil
}
