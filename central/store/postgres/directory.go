package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"gridgate/central/store"
)

// put runs one statement in a transaction of its own.
func (s *Store) put(ctx context.Context, what, query string, args ...any) error {
	if _, err := s.write.Exec(ctx, query, args...); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// SaveSync implements [store.Store].
func (s *Store) SaveSync(ctx context.Context, e store.Edge) error {
	report, err := json.Marshal(e.Report)
	if err != nil {
		return fmt.Errorf("save sync: %w", err)
	}
	return s.put(ctx, "save sync", `INSERT INTO edges (id, last_sync, skew_ms, report, reported_at) VALUES ($1,$2,$3,$4,$5)
		ON CONFLICT (id) DO UPDATE SET last_sync = excluded.last_sync, skew_ms = excluded.skew_ms, report = excluded.report,
		reported_at = excluded.reported_at`, e.ID, store.Nanos(e.LastSync), e.SkewMs, string(report), store.Nanos(e.ReportedAt))
}

// Edges implements [store.Store].
func (s *Store) Edges(ctx context.Context) ([]store.Edge, error) {
	rows, err := s.read.Query(ctx, "SELECT id, last_sync, skew_ms, report, reported_at FROM edges ORDER BY id")
	edges, err := collect(rows, err, func(scan scanner) (e store.Edge, err error) {
		var last, reported int64
		var report []byte
		if err := scan(&e.ID, &last, &e.SkewMs, &report, &reported); err != nil {
			return e, err
		}
		e.LastSync, e.ReportedAt = store.Instant(last), store.Instant(reported)
		err = json.Unmarshal(report, &e.Report)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("list edges: %w", err)
	}
	return edges, nil
}
