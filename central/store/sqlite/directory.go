package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gridgate/central/store"
)

// put runs one statement in a transaction of its own.
func (s *Store) put(ctx context.Context, what, query string, args ...driver.Value) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err := s.writer.transact(func() error {
		_, err := s.writer.c.exec(query, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// SaveSync implements [store.Store].
func (s *Store) SaveSync(ctx context.Context, edges ...store.Edge) error {
	reports := make([]string, len(edges))
	for i := range edges {
		report, err := json.Marshal(edges[i].Report)
		if err != nil {
			return fmt.Errorf("save sync: %w", err)
		}
		reports[i] = string(report)
	}
	return s.change(ctx, "save sync", func(c *conn) error {
		for i, e := range edges {
			_, err := c.exec(`INSERT INTO edges (id, last_sync, skew_ms, report, reported_at) VALUES (?,?,?,?,?)
				ON CONFLICT (id) DO UPDATE SET last_sync = excluded.last_sync, skew_ms = excluded.skew_ms, report = excluded.report,
				reported_at = excluded.reported_at`, e.ID, store.Nanos(e.LastSync), e.SkewMs, reports[i], store.Nanos(e.ReportedAt))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

const selectEdges = "SELECT id, last_sync, skew_ms, report, reported_at FROM edges"

// Edges implements [store.Store].
func (s *Store) Edges(ctx context.Context) ([]store.Edge, error) {
	rows, err := s.read.QueryContext(ctx, selectEdges+" ORDER BY id")
	edges, err := collect(rows, err, scanEdge)
	if err != nil {
		return nil, fmt.Errorf("list edges: %w", err)
	}
	return edges, nil
}

// Edge implements [store.Store].
func (s *Store) Edge(ctx context.Context, id string) (store.Edge, error) {
	e, err := scanEdge(s.read.QueryRowContext(ctx, selectEdges+" WHERE id = ?", id).Scan)
	return e, found("edge", err)
}

// LastSyncs implements [store.Store].
func (s *Store) LastSyncs(ctx context.Context) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	rows, err := s.read.QueryContext(ctx, "SELECT id, last_sync FROM edges")
	_, err = collect(rows, err, func(scan func(...any) error) (struct{}, error) {
		var id string
		var last int64
		if err := scan(&id, &last); err != nil {
			return struct{}{}, err
		}
		out[id] = store.Instant(last)
		return struct{}{}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("list last syncs: %w", err)
	}
	return out, nil
}

func scanEdge(scan func(...any) error) (e store.Edge, err error) {
	var last, reported int64
	var report []byte
	if err := scan(&e.ID, &last, &e.SkewMs, &report, &reported); err != nil {
		return e, err
	}
	e.LastSync, e.ReportedAt = store.Instant(last), store.Instant(reported)
	err = json.Unmarshal(report, &e.Report)
	return e, err
}

// found turns "no rows" into [store.ErrNotFound].
func found(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return store.ErrNotFound
	}
	return fmt.Errorf("%s: %w", what, err)
}
