package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gridgate/central/audit"
	"gridgate/central/auth"
	"gridgate/central/config"
	"gridgate/central/configure"
	"gridgate/central/register"
	"gridgate/central/release"
	"gridgate/central/setup"
	"gridgate/central/store"
)

// NewUser is a staff account to be added or replaced.
type NewUser struct {
	Name     string
	Role     string
	Grids    []string // prefixes; empty: all
	Unit     string
	Password string // surrounding line breaks are not part of it
}

// AddUser adds a staff account, or gives one a new password and place, which ends its sessions. Central may be running.
func AddUser(ctx context.Context, file string, u NewUser, now time.Time) error {
	place := auth.Place{Role: u.Role, Grids: u.Grids, Unit: u.Unit}
	password := strings.Trim(u.Password, "\r\n")
	return atDesk(ctx, file, "user-add", u.Name, now, func(a accounts) error {
		o := office(a, now)
		_, err := o.Create(ctx, u.Name, password, "", place)
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		if _, err := o.Change(ctx, u.Name, time.Time{}, place, false); err != nil {
			return err
		}
		_, err = o.SetPassword(ctx, u.Name, password)
		return err
	})
}

// accounts is what commands read and write beside the central that runs.
type accounts interface {
	setup.Store
	register.Store
	configure.Store
	release.Store
	auth.Desk
	Users(ctx context.Context) ([]store.User, error)
	Tokens(ctx context.Context) ([]store.Token, error)
	RemoveToken(ctx context.Context, id string) error
	Record(ctx context.Context, entries []audit.Entry) error
	AuditEntries(ctx context.Context, after int64, limit int) ([]audit.Entry, error)
	AuditEnds(ctx context.Context) (pruned, head audit.Checkpoint, err error)
	PutCode(ctx context.Context, c store.Code, now time.Time) error
	Revoke(ctx context.Context, edge string, now time.Time) error
	Enrolments(ctx context.Context) ([]store.Enrolment, error)
	Close() error
}

func office(a accounts, now time.Time) auth.Office {
	return auth.Office{Desk: a, Now: func() time.Time { return now }}
}

// withAccounts opens the accounts of the central that file configures.
func withAccounts(ctx context.Context, file string, do func(*config.Config, accounts) error) (err error) {
	c, err := config.Load(file)
	if err != nil {
		return err
	}
	a, err := openAccounts(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return do(c, a)
}

// atDesk makes a change by a command and puts it into the audit log, done or not. Who was at the machine is not known.
func atDesk(ctx context.Context, file, action, target string, now time.Time, do func(accounts) error) error {
	return withAccounts(ctx, file, func(_ *config.Config, a accounts) error {
		err := do(a)
		return errors.Join(told(err), recordCommand(ctx, a, action, target, now, err))
	})
}

func recordCommand(ctx context.Context, a accounts, action, target string, now time.Time, failure error) error {
	e := audit.Entry{At: now, Role: "command", Action: "command-" + action, Target: target, Outcome: audit.Done}
	if failure != nil {
		e.Outcome = audit.Failed
	}
	if err := a.Record(ctx, []audit.Entry{e}); err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	return nil
}

// told gives an error the words for whoever sits at the machine.
func told(err error) error {
	if words, ok := auth.Told(err); ok {
		return errors.New(words)
	}
	return err
}
