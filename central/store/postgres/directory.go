package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

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

// PutUser implements [store.Store].
func (s *Store) PutUser(ctx context.Context, u store.User) error {
	return s.put(ctx, "put user", `INSERT INTO users (name, hash, role) VALUES ($1,$2,$3)
		ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, role = excluded.role`, u.Name, u.Hash, u.Role)
}

// User implements [store.Store].
func (s *Store) User(ctx context.Context, name string) (u store.User, err error) {
	row := s.door.QueryRow(ctx, "SELECT name, hash, role FROM users WHERE name = $1", name)
	err = found("user", row.Scan(&u.Name, &u.Hash, &u.Role))
	return u, err
}

// PutToken implements [store.Store].
func (s *Store) PutToken(ctx context.Context, t store.Token) error {
	return s.put(ctx, "put token", `INSERT INTO tokens (sha256, name, edge, scopes, expires) VALUES ($1,$2,$3,$4,$5)
		ON CONFLICT (sha256) DO UPDATE SET name = excluded.name, edge = excluded.edge, scopes = excluded.scopes, expires = excluded.expires`,
		t.SHA256, t.Name, t.Edge, strings.Join(t.Scopes, " "), store.Nanos(t.Expires))
}

// Token implements [store.Store].
func (s *Store) Token(ctx context.Context, sha256 string) (t store.Token, err error) {
	var scopes string
	var expires int64
	row := s.door.QueryRow(ctx, "SELECT sha256, name, edge, scopes, expires FROM tokens WHERE sha256 = $1", sha256)
	err = found("token", row.Scan(&t.SHA256, &t.Name, &t.Edge, &scopes, &expires))
	t.Scopes, t.Expires = strings.Fields(scopes), store.Instant(expires)
	return t, err
}
