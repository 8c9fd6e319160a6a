package rollup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"gridgate/protocols/kit/sqlitefile"
)

// Copy writes the store as of one moment to a new file in a folder, from which [Open] opens it.
func (s *Store) Copy(ctx context.Context, dir string) (err error) {
	f, err := os.OpenFile(filepath.Join(dir, fileName), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("copy the roll-up: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("copy the roll-up: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, "BEGIN DEFERRED"); err != nil { // this handle's transactions are of writers otherwise
		return fmt.Errorf("copy the roll-up: %w", err)
	}
	defer func() {
		_, end := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		err = errors.Join(err, end)
	}()
	var n int64
	if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM state").Scan(&n); err != nil { // the moment
		return fmt.Errorf("copy the roll-up: %w", err)
	}
	rows, err := conn.QueryContext(ctx, sqlitefile.Query)
	if err := sqlitefile.Write(f, rows, err); err != nil {
		return fmt.Errorf("copy the roll-up: %w", err)
	}
	return f.Sync()
}
