package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"gridgate/central/store"
)

const (
	putUser = `INSERT INTO users (name, hash, role) VALUES (?,?,?)
		ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, role = excluded.role`
	putToken = `INSERT INTO tokens (sha256, name, edge, scopes, expires) VALUES (?,?,?,?,?)
		ON CONFLICT (sha256) DO UPDATE SET name = excluded.name, edge = excluded.edge, scopes = excluded.scopes, expires = excluded.expires`
)

// Accounts is a second door to the database for a command beside the process that has it open. It writes staff accounts and tokens
// only: the one thing that process never remembers and reads anew each time.
type Accounts struct{ db *sql.DB }

// OpenAccounts opens the door; the database is made if nobody has yet.
func OpenAccounts(ctx context.Context, path string) (_ *Accounts, err error) {
	if err := ensure(ctx, path); err != nil {
		return nil, fmt.Errorf("open accounts in %s: %w", path, err)
	}
	db, err := sql.Open("sqlite", dsn(path, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("open accounts in %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	return &Accounts{db: db}, nil
}

// ensure brings the schema up to date, unless another process has the database open and so has done it.
func ensure(ctx context.Context, path string) error {
	lock, err := lockFile(path + ".lock")
	if errors.Is(err, ErrInUse) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(migrate(ctx, dsn(path, 1<<20)), lock.Close())
}

// PutUser is [Store.PutUser].
func (a *Accounts) PutUser(ctx context.Context, u store.User) error {
	_, err := a.db.ExecContext(ctx, putUser, u.Name, u.Hash, u.Role)
	if err != nil {
		return fmt.Errorf("put user: %w", err)
	}
	return nil
}

// PutToken is [Store.PutToken].
func (a *Accounts) PutToken(ctx context.Context, t store.Token) error {
	_, err := a.db.ExecContext(ctx, putToken, t.SHA256, t.Name, t.Edge, strings.Join(t.Scopes, " "), nanos(t.Expires))
	if err != nil {
		return fmt.Errorf("put token: %w", err)
	}
	return nil
}

// Close closes the door.
func (a *Accounts) Close() error { return a.db.Close() }
