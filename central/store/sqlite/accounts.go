package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"gridgate/central/audit"
	"gridgate/central/store"
)

// Accounts is a second door to the database for a command beside the process that has it open. It writes staff accounts, tokens,
// enrolments and documents only: the things of which that process remembers nothing, or asks whether they changed. A write waits up to
// [turnWithin] for that process's own.
type Accounts struct{ db *sql.DB }

// turnWithin is how long a write of a command waits. Those of the process that has the database open take milliseconds each, but where it is
// busy there is next to no time between them, and SQLite, which gives nobody a place in a queue, looks ten times a second.
const turnWithin = 30 * time.Second

// OpenAccounts opens the door; the database is made if nobody has yet.
func OpenAccounts(ctx context.Context, path string) (_ *Accounts, err error) {
	if err := ensure(ctx, path); err != nil {
		return nil, fmt.Errorf("open accounts in %s: %w", path, err)
	}
	db, err := sql.Open("sqlite", dsnWaiting(path, 1<<20, turnWithin))
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
	return a.change(ctx, "put user", func(c *conn) error { return putUser(c, u) })
}

// ReplaceUser is [Store.ReplaceUser].
func (a *Accounts) ReplaceUser(ctx context.Context, u store.User, seen time.Time, keep string) error {
	return a.change(ctx, "replace user", func(c *conn) error { return replaceUser(c, u, seen, keep) })
}

// User is [Store.User].
func (a *Accounts) User(ctx context.Context, name string) (store.User, error) {
	return userBy(ctx, a.db, "name", name)
}

// Users is [Store.Users].
func (a *Accounts) Users(ctx context.Context) ([]store.User, error) { return users(ctx, a.db) }

// PutToken is [Store.PutToken].
func (a *Accounts) PutToken(ctx context.Context, t store.Token) error {
	return a.change(ctx, "put token", func(c *conn) error { return putToken(c, t) })
}

// Tokens is [Store.Tokens].
func (a *Accounts) Tokens(ctx context.Context) ([]store.Token, error) { return tokens(ctx, a.db) }

// RemoveToken is [Store.RemoveToken].
func (a *Accounts) RemoveToken(ctx context.Context, id string) error {
	return a.change(ctx, "remove token", func(c *conn) error { return removeToken(c, id) })
}

// Record is [Store.Record].
func (a *Accounts) Record(ctx context.Context, entries []audit.Entry) error {
	return a.change(ctx, "record", func(c *conn) error { return record(c, entries) })
}

// AuditEntries is [Store.AuditEntries].
func (a *Accounts) AuditEntries(ctx context.Context, after int64, limit int) ([]audit.Entry, error) {
	return auditEntries(ctx, a.db, after, limit)
}

// AuditEnds is [Store.AuditEnds].
func (a *Accounts) AuditEnds(ctx context.Context) (pruned, head audit.Checkpoint, err error) {
	return auditEnds(ctx, a.db)
}

// PutCode is [Store.PutCode].
func (a *Accounts) PutCode(ctx context.Context, k store.Code, now time.Time) error {
	return a.change(ctx, "put code", func(c *conn) error { return putCode(c, k, now) })
}

// Revoke is [Store.Revoke].
func (a *Accounts) Revoke(ctx context.Context, edge string, now time.Time) error {
	return a.change(ctx, "revoke edge", func(c *conn) error { return revoke(c, edge, now) })
}

// Enrolments is [Store.Enrolments].
func (a *Accounts) Enrolments(ctx context.Context) ([]store.Enrolment, error) {
	return enrolments(ctx, a.db)
}

// change runs f in a transaction on the one connection.
func (a *Accounts) change(ctx context.Context, what string, f func(*conn) error) (err error) {
	held, err := a.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer func() { err = errors.Join(err, held.Close()) }()
	err = held.Raw(func(raw any) error {
		c := &conn{raw: raw.(driver.Conn), stmts: make(map[string]driver.Stmt)}
		return errors.Join(c.transact(func() error { return f(c) }), c.finish())
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Close closes the door.
func (a *Accounts) Close() error { return a.db.Close() }
