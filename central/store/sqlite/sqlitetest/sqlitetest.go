// Package sqlitetest opens databases for tests.
//
// In: where a database shall be. Out: the same as [sqlite.Open] of a path where there is none, without running all migrations each time: they
// are run once in a process, and the empty database that comes of it is copied. Only for tests.
package sqlitetest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"gridgate/central/store/sqlite"
)

// Open opens the database at o.Path, made if missing.
func Open(ctx context.Context, o sqlite.Options) (*sqlite.Store, error) {
	if _, err := os.Stat(o.Path); errors.Is(err, fs.ErrNotExist) {
		data, err := empty()
		if err != nil {
			return nil, fmt.Errorf("make an empty database: %w", err)
		}
		if err := os.WriteFile(o.Path, data, 0o600); err != nil {
			return nil, fmt.Errorf("copy an empty database: %w", err)
		}
	}
	return sqlite.Open(ctx, o)
}

// empty is the file of a database that was opened and closed.
var empty = sync.OnceValues(func() (_ []byte, err error) {
	dir, err := os.MkdirTemp("", "gridgate-sqlitetest-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "central.db")
	s, err := sqlite.Open(context.Background(), sqlite.Options{Path: path})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})
