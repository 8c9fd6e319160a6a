package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
)

const (
	userColumns  = "name, hash, role, grids, unit, disabled, subject, at"
	tokenColumns = "sha256, name, edge, scopes, expires, grids, actor, at"
)

const putUser = `INSERT INTO users (` + userColumns + `) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)
	ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, role = excluded.role, grids = excluded.grids, unit = excluded.unit,
	disabled = excluded.disabled, subject = excluded.subject, at = excluded.at`

func userArgs(u store.User) []any {
	return []any{u.Name, u.Hash, u.Role, strings.Join(u.Grids, " "), u.Unit, u.Disabled, u.Subject, store.Nanos(u.At)}
}

func scanUser(scan scanner) (u store.User, err error) {
	var grids string
	var at int64
	err = scan(&u.Name, &u.Hash, &u.Role, &grids, &u.Unit, &u.Disabled, &u.Subject, &at)
	u.Grids, u.At = list(grids), store.Instant(at)
	return u, err
}

func scanToken(scan scanner) (t store.Token, err error) {
	var scopes, grids string
	var expires, at int64
	err = scan(&t.SHA256, &t.Name, &t.Edge, &scopes, &expires, &grids, &t.Actor, &at)
	t.Scopes, t.Expires, t.Grids, t.At = list(scopes), store.Instant(expires), list(grids), store.Instant(at)
	return t, err
}

// list splits what was joined by spaces; nil for nothing.
func list(joined string) []string {
	if joined == "" {
		return nil
	}
	return strings.Fields(joined)
}

// PutUser implements [store.Staff].
func (s *Store) PutUser(ctx context.Context, u store.User) error {
	return s.put(ctx, "put user", putUser, userArgs(u)...)
}

// lockStaff lets changes of accounts that look at other accounts follow each other, until the commit.
const lockStaff = "SELECT pg_advisory_xact_lock(hashtext('gridgate staff'))"

// ReplaceUser implements [store.Staff].
func (s *Store) ReplaceUser(ctx context.Context, u store.User, seen time.Time, keep string) error {
	return s.change(ctx, "replace user", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockStaff); err != nil {
			return err
		}
		if err := unchanged(ctx, tx, u, seen); err != nil {
			return err
		}
		before, err := keepers(ctx, tx, keep)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, putUser, userArgs(u)...); err != nil {
			return err
		}
		after, err := keepers(ctx, tx, keep)
		if err == nil && before > 0 && after == 0 {
			return store.ErrLastOne
		}
		return err
	})
}

// unchanged is [store.ErrConflict] unless u was changed last at seen and no other account has its subject.
func unchanged(ctx context.Context, tx pgx.Tx, u store.User, seen time.Time) error {
	at := int64(-1)
	err := tx.QueryRow(ctx, "SELECT at FROM users WHERE name = $1", u.Name).Scan(&at)
	known := !errors.Is(err, pgx.ErrNoRows)
	if err != nil && known {
		return err
	}
	var taken int
	err = tx.QueryRow(ctx, "SELECT count(*) FROM users WHERE subject = $1 AND subject <> '' AND name <> $2", u.Subject, u.Name).Scan(&taken)
	switch {
	case err != nil:
		return err
	case taken > 0, known && at != store.Nanos(seen), !known && !seen.IsZero():
		return store.ErrConflict
	}
	return nil
}

// keepers counts the accounts that can do all that a role may.
func keepers(ctx context.Context, tx pgx.Tx, role string) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*) FROM users WHERE role = $1 AND NOT disabled AND grids = ''", role).Scan(&n)
	return n, err
}

// User implements [store.Staff].
func (s *Store) User(ctx context.Context, name string) (store.User, error) {
	return s.userBy(ctx, "name = $1", name)
}

// UserBySubject implements [store.Staff].
func (s *Store) UserBySubject(ctx context.Context, subject string) (store.User, error) {
	return s.userBy(ctx, "subject <> '' AND subject = $1", subject)
}

func (s *Store) userBy(ctx context.Context, condition, value string) (store.User, error) {
	u, err := scanUser(s.door.QueryRow(ctx, "SELECT "+userColumns+" FROM users WHERE "+condition, value).Scan)
	if err != nil {
		return store.User{}, found("user", err)
	}
	return u, nil
}

// Users implements [store.Staff].
func (s *Store) Users(ctx context.Context) ([]store.User, error) {
	rows, err := s.read.Query(ctx, "SELECT "+userColumns+" FROM users ORDER BY name LIMIT $1", store.MaxUsers)
	list, err := collect(rows, err, scanUser)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return list, nil
}

// PutToken implements [store.Staff].
func (s *Store) PutToken(ctx context.Context, t store.Token) error {
	return s.put(ctx, "put token", `INSERT INTO tokens (`+tokenColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)
		ON CONFLICT (sha256) DO UPDATE SET name = excluded.name, edge = excluded.edge, scopes = excluded.scopes, expires = excluded.expires,
		grids = excluded.grids, actor = excluded.actor, at = excluded.at`,
		t.SHA256, t.Name, t.Edge, strings.Join(t.Scopes, " "), store.Nanos(t.Expires), strings.Join(t.Grids, " "), t.Actor, store.Nanos(t.At))
}

// Token implements [store.Staff].
func (s *Store) Token(ctx context.Context, sha256 string) (store.Token, error) {
	t, err := scanToken(s.door.QueryRow(ctx, "SELECT "+tokenColumns+" FROM tokens WHERE sha256 = $1", sha256).Scan)
	if err != nil {
		return store.Token{}, found("token", err)
	}
	return t, nil
}

// Tokens implements [store.Staff].
func (s *Store) Tokens(ctx context.Context) ([]store.Token, error) {
	rows, err := s.read.Query(ctx, "SELECT "+tokenColumns+" FROM tokens ORDER BY name, sha256 LIMIT $1", store.MaxTokens)
	list, err := collect(rows, err, scanToken)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return list, nil
}

// RemoveToken implements [store.Staff].
func (s *Store) RemoveToken(ctx context.Context, id string) error {
	if len(id) != store.TokenID {
		return store.ErrNotFound
	}
	tag, err := s.write.Exec(ctx, "DELETE FROM tokens WHERE sha256 >= $1 AND sha256 < $2", id, id+"g")
	switch {
	case err != nil:
		return fmt.Errorf("remove token: %w", err)
	case tag.RowsAffected() == 0:
		return store.ErrNotFound
	}
	return nil
}
