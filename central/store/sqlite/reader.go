package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"

	"gridgate/central/cases"
	"gridgate/central/store"
)

// Reader is a door to the database for a command that only reads, beside the process that has it open or without one.
type Reader struct{ s *Store }

// OpenReader opens the door. The database must be there.
func OpenReader(ctx context.Context, path string) (*Reader, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open database to read: %w", err)
	}
	if err := ensure(ctx, path); err != nil {
		return nil, fmt.Errorf("open database %s to read: %w", path, err)
	}
	read, err := openReaders(ctx, dsn(path, 8<<20), 2)
	if err != nil {
		return nil, fmt.Errorf("open database %s to read: %w", path, err)
	}
	r := &Reader{s: &Store{read: read}}
	if err := r.s.plan(ctx); err != nil {
		return nil, fmt.Errorf("open database %s to read: %w", path, errors.Join(err, r.Close()))
	}
	return r, nil
}

// Events is [Store.Events].
func (r *Reader) Events(ctx context.Context, after int64, limit int) ([]cases.Event, error) {
	return r.s.Events(ctx, after, limit)
}

// Case is [Store.Case].
func (r *Reader) Case(ctx context.Context, id string) (cases.Case, error) { return r.s.Case(ctx, id) }

// LastPosition is [Store.LastPosition].
func (r *Reader) LastPosition(ctx context.Context) (last int64, err error) {
	err = r.s.read.QueryRowContext(ctx, "SELECT coalesce(max(position), 0) FROM case_events").Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("read the newest position: %w", err)
	}
	return last, nil
}

// DocumentsOf is [Store.DocumentsOf].
func (r *Reader) DocumentsOf(ctx context.Context, kind string) ([]store.Document, error) {
	return r.s.DocumentsOf(ctx, kind)
}

// Document is [Store.Document].
func (r *Reader) Document(ctx context.Context, kind, id string) (store.Document, error) {
	return r.s.Document(ctx, kind, id)
}

// DocumentsBefore is [Store.DocumentsBefore].
func (r *Reader) DocumentsBefore(ctx context.Context, kind, before string, limit int) ([]store.Document, error) {
	return r.s.DocumentsBefore(ctx, kind, before, limit)
}

// Close closes the door.
func (r *Reader) Close() error { return r.s.Close() }
