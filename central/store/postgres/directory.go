package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
)

// put runs one statement in a transaction of its own.
func (s *Store) put(ctx context.Context, what, query string, args ...any) error {
	if _, err := s.write.Exec(ctx, query, args...); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// SaveSync implements [store.Store]. Rows are written in the order of the edges' names, so that two centrals never wait for each other.
func (s *Store) SaveSync(ctx context.Context, edges ...store.Edge) error {
	b := &pgx.Batch{}
	edges = slices.Clone(edges)
	slices.SortStableFunc(edges, func(a, b store.Edge) int { return strings.Compare(a.ID, b.ID) })
	for _, e := range edges {
		report, err := json.Marshal(e.Report)
		if err != nil {
			return fmt.Errorf("save sync: %w", err)
		}
		b.Queue(`INSERT INTO edges (id, last_sync, skew_ms, report, reported_at) VALUES ($1,$2,$3,$4,$5)
			ON CONFLICT (id) DO UPDATE SET last_sync = excluded.last_sync, skew_ms = excluded.skew_ms, report = excluded.report,
			reported_at = excluded.reported_at`, e.ID, store.Nanos(e.LastSync), e.SkewMs, string(report), store.Nanos(e.ReportedAt))
	}
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	err := pgx.BeginFunc(ctx, s.write, func(tx pgx.Tx) error { return tx.SendBatch(ctx, b).Close() })
	if err != nil {
		return fmt.Errorf("save sync: %w", err)
	}
	return nil
}

const selectEdges = "SELECT id, last_sync, skew_ms, report, reported_at FROM edges"

// Edges implements [store.Store].
func (s *Store) Edges(ctx context.Context) ([]store.Edge, error) {
	rows, err := s.read.Query(ctx, selectEdges+" ORDER BY id")
	edges, err := collect(rows, err, scanEdge)
	if err != nil {
		return nil, fmt.Errorf("list edges: %w", err)
	}
	return edges, nil
}

// Edge implements [store.Store].
func (s *Store) Edge(ctx context.Context, id string) (store.Edge, error) {
	e, err := scanEdge(s.read.QueryRow(ctx, selectEdges+" WHERE id = $1", id).Scan)
	return e, found("edge", err)
}

// LastSyncs implements [store.Store].
func (s *Store) LastSyncs(ctx context.Context) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	rows, err := s.read.Query(ctx, "SELECT id, last_sync FROM edges")
	_, err = collect(rows, err, func(scan scanner) (struct{}, error) {
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

func scanEdge(scan scanner) (e store.Edge, err error) {
	var last, reported int64
	var report []byte
	if err := scan(&e.ID, &last, &e.SkewMs, &report, &reported); err != nil {
		return e, err
	}
	e.LastSync, e.ReportedAt = store.Instant(last), store.Instant(reported)
	err = json.Unmarshal(report, &e.Report)
	return e, err
}
