// Package sqlite is the [store.Store] of one centre: one SQLite file, one writer connection, several readers.
//
// In: validated values. Out: committed facts (WAL, synchronous=FULL: a commit survives a power cut) and pages of them. It
// decides nothing about cases, and it never changes or deletes a case event: a trigger refuses it.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/pressly/goose/v3"

	"gridgate/central/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options say where and how.
type Options struct {
	Path       string // of the database file, made if missing; "-wal", "-shm" and ".lock" live beside it
	CacheBytes int64  // page cache of the writer; 0: 64 MiB
	Readers    int    // concurrent reading connections; 0: 4
}

func (o *Options) setDefaults() {
	if o.CacheBytes <= 0 {
		o.CacheBytes = 64 << 20
	}
	if o.Readers <= 0 {
		o.Readers = 4
	}
}

// ErrInUse means that another process has the database open. One process is the writer; it knows what it wrote.
var ErrInUse = errors.New("another process has the database open")

// Store implements [store.Store].
type Store struct {
	lock   *os.File
	read   *sql.DB
	writer *writer
	last   atomic.Int64 // position of the newest committed case event
}

var _ store.Store = (*Store)(nil)

// Open opens the database and brings its schema up to date. [ErrInUse] if another process has it.
func Open(ctx context.Context, o Options) (_ *Store, err error) {
	o.setDefaults()
	s := &Store{}
	defer func() {
		if err != nil {
			err = fmt.Errorf("open database %s: %w", o.Path, errors.Join(err, s.Close()))
		}
	}()
	if s.lock, err = lockFile(o.Path + ".lock"); err != nil {
		return nil, err
	}
	if err := migrate(ctx, dsn(o.Path, 2<<20)); err != nil {
		return nil, err
	}
	if s.writer, err = openWriter(dsn(o.Path, o.CacheBytes)); err != nil {
		return nil, err
	}
	s.last.Store(s.writer.last)
	if s.read, err = sql.Open("sqlite", dsn(o.Path, 8<<20)+"&_pragma=query_only(1)"); err != nil {
		return nil, err
	}
	s.read.SetMaxOpenConns(o.Readers)
	s.read.SetMaxIdleConns(o.Readers)
	return s, s.read.PingContext(ctx)
}

// dsn names the database and the settings of a connection. A checkpoint every 20,000 pages (80 MB of log) rather than every
// 1,000 lets pages that change often be copied back once.
func dsn(path string, cacheBytes int64) string {
	q := url.Values{"_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "temp_store(MEMORY)",
		"wal_autocheckpoint(20000)", fmt.Sprintf("cache_size(%d)", -cacheBytes/1024),
	}}
	return (&url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: q.Encode()}).String()
}

func migrate(ctx context.Context, dsn string) (err error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// lockFile takes an advisory lock that ends with the process, however it ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Ping implements [store.Store].
func (s *Store) Ping(ctx context.Context) error {
	var n int
	return s.read.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM cases LIMIT 1)").Scan(&n)
}

// Close implements [store.Store]. It waits for the running write.
func (s *Store) Close() error {
	var errs []error
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
