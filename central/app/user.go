package app

import (
	"context"
	"errors"
	"strings"
	"time"

	"gridgate/central/auth"
	"gridgate/central/config"
	"gridgate/central/store"
)

// NewUser is a staff account to be added or replaced.
type NewUser struct {
	Name     string
	Role     string
	Password string // surrounding line breaks are not part of it
}

// AddUser adds a staff account, or gives one a new password and role, which ends its sessions. Central may be running.
func AddUser(ctx context.Context, file string, u NewUser) error {
	if !auth.ValidName(u.Name) {
		return errors.New("an account's name has letters, digits, dot, dash and underscore, at most 64")
	}
	role, err := auth.ParseRole(u.Role)
	if err != nil {
		return err
	}
	hash, err := auth.HashPassword(strings.Trim(u.Password, "\r\n"))
	if err != nil {
		return err
	}
	return withAccounts(ctx, file, func(_ *config.Config, a accounts) error {
		return a.PutUser(ctx, store.User{Name: u.Name, Hash: hash, Role: string(role)})
	})
}

// accounts is what commands write beside the central that runs.
type accounts interface {
	PutUser(ctx context.Context, u store.User) error
	PutToken(ctx context.Context, t store.Token) error
	PutCode(ctx context.Context, c store.Code, now time.Time) error
	Revoke(ctx context.Context, edge string, now time.Time) error
	Enrolments(ctx context.Context) ([]store.Enrolment, error)
	Close() error
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
