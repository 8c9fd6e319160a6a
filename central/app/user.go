package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"gridgate/central/auth"
	"gridgate/central/config"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
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
	return withAccounts(ctx, file, func(a *sqlite.Accounts) error {
		return a.PutUser(ctx, store.User{Name: u.Name, Hash: hash, Role: string(role)})
	})
}

// withAccounts opens the accounts of the central that file configures.
func withAccounts(ctx context.Context, file string, do func(*sqlite.Accounts) error) (err error) {
	c, err := config.Load(file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Data, 0o750); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	a, err := sqlite.OpenAccounts(ctx, databasePath(c))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return do(a)
}
