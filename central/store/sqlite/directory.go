package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

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
func (s *Store) SaveSync(ctx context.Context, e store.Edge) error {
	report, err := json.Marshal(e.Report)
	if err != nil {
		return fmt.Errorf("save sync: %w", err)
	}
	return s.put(ctx, "save sync", `INSERT INTO edges (id, last_sync, skew_ms, report, reported_at) VALUES (?,?,?,?,?)
		ON CONFLICT (id) DO UPDATE SET last_sync = excluded.last_sync, skew_ms = excluded.skew_ms, report = excluded.report,
		reported_at = excluded.reported_at`, e.ID, store.Nanos(e.LastSync), e.SkewMs, string(report), store.Nanos(e.ReportedAt))
}

// Edges implements [store.Store].
func (s *Store) Edges(ctx context.Context) ([]store.Edge, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT id, last_sync, skew_ms, report, reported_at FROM edges ORDER BY id")
	edges, err := collect(rows, err, func(scan func(...any) error) (e store.Edge, err error) {
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
	return s.put(ctx, "put user", putUser, u.Name, u.Hash, u.Role)
}

// User implements [store.Store].
func (s *Store) User(ctx context.Context, name string) (u store.User, err error) {
	row := s.door.QueryRowContext(ctx, "SELECT name, hash, role FROM users WHERE name = ?", name)
	err = found("user", row.Scan(&u.Name, &u.Hash, &u.Role))
	return u, err
}

// PutToken implements [store.Store].
func (s *Store) PutToken(ctx context.Context, t store.Token) error {
	return s.put(ctx, "put token", putToken, t.SHA256, t.Name, t.Edge, strings.Join(t.Scopes, " "), store.Nanos(t.Expires))
}

// Token implements [store.Store].
func (s *Store) Token(ctx context.Context, sha256 string) (t store.Token, err error) {
	var scopes string
	var expires int64
	row := s.door.QueryRowContext(ctx, "SELECT sha256, name, edge, scopes, expires FROM tokens WHERE sha256 = ?", sha256)
	err = found("token", row.Scan(&t.SHA256, &t.Name, &t.Edge, &scopes, &expires))
	t.Scopes, t.Expires = strings.Fields(scopes), store.Instant(expires)
	return t, err
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
