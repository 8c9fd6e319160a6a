package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNewer means that a newer program has changed the schema. Central is upgraded, never downgraded, below its database.
var ErrNewer = errors.New("the database has the schema of a newer version of this program: upgrade central")

// migrate brings the schema up to date. Of several processes that start at once, one does it and the others wait (an advisory lock).
func (s *Store) migrate(ctx context.Context) error { return s.migrateTo(ctx, 0) }

// migrateTo stops at a version; 0 is the newest.
func (s *Store) migrateTo(ctx context.Context, version int64) (err error) {
	c, err := s.o.config()
	if err != nil {
		return err
	}
	for _, bound := range []string{"statement_timeout", "lock_timeout"} { // a migration may take long
		delete(c.ConnConfig.RuntimeParams, bound)
	}
	db := stdlib.OpenDB(*c.ConnConfig)
	defer func() { err = errors.Join(err, db.Close()) }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120))
	if err != nil {
		return fmt.Errorf("prepare the migrations' lock: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	current, known, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if current > known {
		return fmt.Errorf("%w (it is at %d, this program knows %d)", ErrNewer, current, known)
	}
	if version == 0 {
		version = known
	}
	if _, err := p.UpTo(ctx, version); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}
