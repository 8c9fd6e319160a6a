package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"gridgate/central/store"
)

const (
	userColumns  = "name, hash, role, grids, unit, disabled, subject, at"
	tokenColumns = "sha256, name, edge, scopes, expires, grids, actor, at"
)

func putUser(c *conn, u store.User) error {
	_, err := c.exec(`INSERT INTO users (`+userColumns+`) VALUES (?,?,?,?,?,?,?,?)
		ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, role = excluded.role, grids = excluded.grids, unit = excluded.unit,
		disabled = excluded.disabled, subject = excluded.subject, at = excluded.at`,
		u.Name, u.Hash, u.Role, strings.Join(u.Grids, " "), u.Unit, u.Disabled, u.Subject, store.Nanos(u.At))
	return err
}

func putToken(c *conn, t store.Token) error {
	_, err := c.exec(`INSERT INTO tokens (`+tokenColumns+`) VALUES (?,?,?,?,?,?,?,?)
		ON CONFLICT (sha256) DO UPDATE SET name = excluded.name, edge = excluded.edge, scopes = excluded.scopes, expires = excluded.expires,
		grids = excluded.grids, actor = excluded.actor, at = excluded.at`,
		t.SHA256, t.Name, t.Edge, strings.Join(t.Scopes, " "), store.Nanos(t.Expires), strings.Join(t.Grids, " "), t.Actor, store.Nanos(t.At))
	return err
}

// one reads one number; 0 if there is no row.
func one(c *conn, query string, args ...driver.Value) (n int64, err error) {
	err = c.query(func(v []driver.Value) error { return assign([]any{&n}, v) }, query, args...)
	return n, err
}

// keepers counts the accounts that can do all that a role may.
func keepers(c *conn, role string) (int64, error) {
	return one(c, "SELECT count(*) FROM users WHERE role = ? AND disabled = 0 AND grids = ''", role)
}

func replaceUser(c *conn, u store.User, seen time.Time, keep string) error {
	known, err := one(c, "SELECT count(*) FROM users WHERE name = ?", u.Name)
	if err != nil {
		return err
	}
	same, err := one(c, "SELECT count(*) FROM users WHERE name = ? AND at = ?", u.Name, store.Nanos(seen))
	if err != nil {
		return err
	}
	taken, err := one(c, "SELECT count(*) FROM users WHERE subject = ? AND subject <> '' AND name <> ?", u.Subject, u.Name)
	if err != nil {
		return err
	}
	if taken > 0 || known > 0 && same == 0 || known == 0 && !seen.IsZero() {
		return store.ErrConflict
	}
	before, err := keepers(c, keep)
	if err != nil {
		return err
	}
	if err := putUser(c, u); err != nil {
		return err
	}
	after, err := keepers(c, keep)
	if err == nil && before > 0 && after == 0 {
		return store.ErrLastOne
	}
	return err
}

func removeToken(c *conn, id string) error {
	if len(id) != store.TokenID {
		return store.ErrNotFound
	}
	res, err := c.exec("DELETE FROM tokens WHERE sha256 >= ? AND sha256 < ?", id, id+"g")
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return orNotFound(err)
	}
	return nil
}

func orNotFound(err error) error {
	if err == nil {
		return store.ErrNotFound
	}
	return err
}

func scanUser(scan func(...any) error) (u store.User, err error) {
	var grids string
	var at int64
	err = scan(&u.Name, &u.Hash, &u.Role, &grids, &u.Unit, &u.Disabled, &u.Subject, &at)
	u.Grids, u.At = list(grids), store.Instant(at)
	return u, err
}

// list splits what was joined by spaces; nil for nothing.
func list(joined string) []string {
	if joined == "" {
		return nil
	}
	return strings.Fields(joined)
}

func scanToken(scan func(...any) error) (t store.Token, err error) {
	var scopes, grids string
	var expires, at int64
	err = scan(&t.SHA256, &t.Name, &t.Edge, &scopes, &expires, &grids, &t.Actor, &at)
	t.Scopes, t.Expires, t.Grids, t.At = list(scopes), store.Instant(expires), list(grids), store.Instant(at)
	return t, err
}

func userBy(ctx context.Context, db querier, column, value string) (store.User, error) {
	u, err := scanUser(db.QueryRowContext(ctx, "SELECT "+userColumns+" FROM users WHERE "+column+" = ?", value).Scan)
	if err != nil {
		return store.User{}, found("user", err)
	}
	return u, nil
}

func users(ctx context.Context, db *sql.DB) ([]store.User, error) {
	rows, err := db.QueryContext(ctx, "SELECT "+userColumns+" FROM users ORDER BY name LIMIT ?", store.MaxUsers)
	list, err := collect(rows, err, scanUser)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return list, nil
}

func tokens(ctx context.Context, db *sql.DB) ([]store.Token, error) {
	rows, err := db.QueryContext(ctx, "SELECT "+tokenColumns+" FROM tokens ORDER BY name, sha256 LIMIT ?", store.MaxTokens)
	list, err := collect(rows, err, scanToken)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return list, nil
}

// PutUser implements [store.Staff].
func (s *Store) PutUser(ctx context.Context, u store.User) error {
	return s.change(ctx, "put user", func(c *conn) error { return putUser(c, u) })
}

// ReplaceUser implements [store.Staff].
func (s *Store) ReplaceUser(ctx context.Context, u store.User, seen time.Time, keep string) error {
	return s.change(ctx, "replace user", func(c *conn) error { return replaceUser(c, u, seen, keep) })
}

// User implements [store.Staff].
func (s *Store) User(ctx context.Context, name string) (store.User, error) {
	return userBy(ctx, s.door, "name", name)
}

// UserBySubject implements [store.Staff].
func (s *Store) UserBySubject(ctx context.Context, subject string) (store.User, error) {
	if subject == "" {
		return store.User{}, store.ErrNotFound
	}
	return userBy(ctx, s.door, "subject <> '' AND subject", subject)
}

// Users implements [store.Staff].
func (s *Store) Users(ctx context.Context) ([]store.User, error) { return users(ctx, s.read) }

// PutToken implements [store.Staff].
func (s *Store) PutToken(ctx context.Context, t store.Token) error {
	return s.change(ctx, "put token", func(c *conn) error { return putToken(c, t) })
}

// Token implements [store.Staff].
func (s *Store) Token(ctx context.Context, sha256 string) (store.Token, error) {
	t, err := scanToken(s.door.QueryRowContext(ctx, "SELECT "+tokenColumns+" FROM tokens WHERE sha256 = ?", sha256).Scan)
	if err != nil {
		return store.Token{}, found("token", err)
	}
	return t, nil
}

// Tokens implements [store.Staff].
func (s *Store) Tokens(ctx context.Context) ([]store.Token, error) { return tokens(ctx, s.read) }

// RemoveToken implements [store.Staff].
func (s *Store) RemoveToken(ctx context.Context, id string) error {
	return s.change(ctx, "remove token", func(c *conn) error { return removeToken(c, id) })
}
