package sqlite

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"gridgate/central/store"
)

// change runs f in a transaction of its own. If f finds, before it writes anything, that there is nothing to change or that somebody changed
// it before, that is no failure of the transaction: the writer keeps what it remembers, so that a guess at a code costs it nothing.
func (s *Store) change(ctx context.Context, what string, f func(c *conn) error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var refused error
	err := s.writer.transact(func() error {
		err := f(s.writer.c)
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
			refused, err = err, nil
		}
		return err
	})
	if err = errors.Join(err, refused); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// PutCode implements [store.Enrolments].
func (s *Store) PutCode(ctx context.Context, k store.Code, now time.Time) error {
	return s.change(ctx, "put code", func(c *conn) error { return putCode(c, k, now) })
}

// Enrol implements [store.Enrolments].
func (s *Store) Enrol(ctx context.Context, code string, k store.Credential, now time.Time) error {
	return s.change(ctx, "enrol", func(c *conn) error { return enrol(c, code, k, now) })
}

// Renew implements [store.Enrolments].
func (s *Store) Renew(ctx context.Context, by string, k store.Credential, now time.Time) error {
	return s.change(ctx, "renew credential", func(c *conn) error { return renew(c, by, k, now) })
}

// UseCredential implements [store.Enrolments].
func (s *Store) UseCredential(ctx context.Context, sha256 string, now, until time.Time) error {
	return s.change(ctx, "use credential", func(c *conn) error { return useCredential(c, sha256, now, until) })
}

// Revoke implements [store.Enrolments].
func (s *Store) Revoke(ctx context.Context, edge string, now time.Time) error {
	return s.change(ctx, "revoke edge", func(c *conn) error { return revoke(c, edge, now) })
}

// Credential implements [store.Enrolments].
func (s *Store) Credential(ctx context.Context, sha256 string) (k store.Credential, err error) {
	var issued, expires, used int64
	row := s.door.QueryRowContext(ctx, "SELECT sha256, edge, issued, expires, used FROM credentials WHERE sha256 = ?", sha256)
	err = found("credential", row.Scan(&k.SHA256, &k.Edge, &issued, &expires, &used))
	k.Issued, k.Expires, k.Used = store.Instant(issued), store.Instant(expires), store.Instant(used)
	return k, err
}

// Enrolments implements [store.Enrolments].
func (s *Store) Enrolments(ctx context.Context) ([]store.Enrolment, error) {
	return enrolments(ctx, s.read)
}

func enrolments(ctx context.Context, db *sql.DB) ([]store.Enrolment, error) {
	rows, err := db.QueryContext(ctx, `SELECT e.edge, e.added, e.code_expires, e.revoked, coalesce(c.issued, 0), coalesce(c.expires, 0)
		FROM enrolments e LEFT JOIN credentials c ON c.sha256 =
		(SELECT sha256 FROM credentials n WHERE n.edge = e.edge AND n.used > 0 ORDER BY n.issued DESC LIMIT 1) ORDER BY e.edge`)
	list, err := collect(rows, err, func(scan func(...any) error) (e store.Enrolment, err error) {
		var at [5]int64
		err = scan(&e.Edge, &at[0], &at[1], &at[2], &at[3], &at[4])
		e.Added, e.CodeExpires, e.Revoked, e.Issued, e.Expires = store.Instant(at[0]), store.Instant(at[1]), store.Instant(at[2]), store.Instant(at[3]), store.Instant(at[4])
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("list enrolments: %w", err)
	}
	return list, nil
}

func putCode(c *conn, k store.Code, now time.Time) error {
	_, err := c.exec(`INSERT INTO enrolments (edge, added, code, code_expires, revoked) VALUES (?,?,?,?,0)
		ON CONFLICT (edge) DO UPDATE SET code = excluded.code, code_expires = excluded.code_expires`, k.Edge, store.Nanos(now), k.SHA256, store.Nanos(k.Expires))
	return err
}

func enrol(c *conn, code string, k store.Credential, now time.Time) error {
	var open string
	var expires int64
	err := c.query(func(v []driver.Value) error { return assign([]any{&open, &expires}, v) },
		"SELECT coalesce(code, ''), code_expires FROM enrolments WHERE edge = ?", k.Edge)
	if err != nil {
		return err
	}
	if open == "" || subtle.ConstantTimeCompare([]byte(open), []byte(code)) != 1 || expires <= store.Nanos(now) {
		return store.ErrNotFound
	}
	if _, err := c.exec("UPDATE enrolments SET code = NULL, code_expires = 0, revoked = 0 WHERE edge = ?", k.Edge); err != nil {
		return err
	}
	return addCredential(c, k, now)
}

// addCredential also removes those of the edge that were never used or are over.
func addCredential(c *conn, k store.Credential, now time.Time) error {
	if _, err := c.exec("DELETE FROM credentials WHERE edge = ? AND (used = 0 OR expires <= ?)", k.Edge, store.Nanos(now)); err != nil {
		return err
	}
	_, err := c.exec("INSERT INTO credentials (sha256, edge, issued, expires, used) VALUES (?,?,?,?,?)",
		k.SHA256, k.Edge, store.Nanos(k.Issued), store.Nanos(k.Expires), store.Nanos(k.Used))
	return err
}

func renew(c *conn, by string, k store.Credential, now time.Time) error {
	good := false
	err := c.query(func([]driver.Value) error { good = true; return nil }, `SELECT 1 FROM credentials c
		WHERE c.sha256 = ? AND c.edge = ? AND c.expires > ? AND NOT EXISTS
		(SELECT 1 FROM credentials later WHERE later.edge = c.edge AND later.used > 0 AND later.issued > c.issued
		AND later.expires > ?)`, by, k.Edge, store.Nanos(now), store.Nanos(now))
	switch {
	case err != nil:
		return err
	case !good:
		return store.ErrNotFound
	}
	// One that asks for its successor is in use, whether that was noted or not.
	if _, err := c.exec("UPDATE credentials SET used = ? WHERE sha256 = ? AND used = 0", store.Nanos(now), by); err != nil {
		return err
	}
	return addCredential(c, k, now)
}

func useCredential(c *conn, sha256 string, now, until time.Time) error {
	var edge string
	var used int64
	err := c.query(func(v []driver.Value) error { return assign([]any{&edge, &used}, v) },
		"SELECT edge, used FROM credentials WHERE sha256 = ?", sha256)
	switch {
	case err != nil:
		return err
	case edge == "":
		return store.ErrNotFound
	case used != 0:
		return nil
	}
	if _, err := c.exec("UPDATE credentials SET used = ? WHERE sha256 = ?", store.Nanos(now), sha256); err != nil {
		return err
	}
	_, err = c.exec("UPDATE credentials SET expires = min(expires, ?) WHERE edge = ? AND sha256 <> ?", store.Nanos(until), edge, sha256)
	return err
}

func revoke(c *conn, edge string, now time.Time) error {
	known := int64(0)
	for _, step := range []struct {
		query string
		args  []driver.Value
	}{
		{"UPDATE enrolments SET code = NULL, code_expires = 0, revoked = ? WHERE edge = ?", []driver.Value{store.Nanos(now), edge}},
		{"DELETE FROM credentials WHERE edge = ?", []driver.Value{edge}},
		{"DELETE FROM tokens WHERE edge = ?", []driver.Value{edge}},
	} {
		result, err := c.exec(step.query, step.args...)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		known += n
	}
	if known == 0 {
		return store.ErrNotFound
	}
	return nil
}
