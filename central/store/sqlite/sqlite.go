// Package sqlite is the [store.Store] of one centre: one SQLite file, one writer connection, several readers.
//
// In: validated values. Out: committed facts (WAL, synchronous=FULL: a commit survives a power cut) and pages of them. It
// decides nothing about cases, it never changes a case event, and it deletes one only with its whole case: triggers refuse the rest.
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
	"time"

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

// Errors of [Open].
var (
	// ErrInUse means that another process has the database open. One process is the writer; it knows what it wrote.
	ErrInUse = errors.New("another process has the database open")
	// ErrNewer means that a newer program has changed the schema. Central is upgraded, never downgraded, below its database.
	ErrNewer = errors.New("the database has the schema of a newer version of this program: upgrade central")
)

// Store implements [store.Store].
type Store struct {
	lock   *os.File
	read   *sql.DB
	door   *sql.DB // the same for accounts, tokens and credentials: nobody waits at the door for a list
	writer *writer
	last   atomic.Int64 // position of the newest committed case event

	// What the feed asks for with each event is planned once.
	oneCase, oneAlert, evidence *sql.Stmt
}

var _ store.Store = (*Store)(nil)

// doors is how many connections look accounts up.
const doors = 2

// Open opens the database and brings its schema up to date. [ErrInUse] if another process has it, [ErrNewer] if it belongs to a
// newer program.
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
	if s.read, err = openReaders(ctx, dsn(o.Path, 8<<20), o.Readers); err != nil {
		return nil, err
	}
	if err := s.plan(ctx); err != nil {
		return nil, err
	}
	s.door, err = openReaders(ctx, dsn(o.Path, 1<<20), doors)
	return s, err
}

// openReaders returns some connections that only read.
func openReaders(ctx context.Context, dsn string, n int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn+"&_pragma=query_only(1)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, db.PingContext(ctx)
}

// dsn names the database and the settings of a connection. A checkpoint every 20,000 pages (80 MB of log) rather than every
// 1,000 lets pages that change often be copied back once.
func dsn(path string, cacheBytes int64) string { return dsnWaiting(path, cacheBytes, 5*time.Second) }

// dsnWaiting is [dsn] with how long a write waits for its turn.
func dsnWaiting(path string, cacheBytes int64, turn time.Duration) string {
	q := url.Values{"_pragma": {
		fmt.Sprintf("busy_timeout(%d)", turn.Milliseconds()), "journal_mode(WAL)", "synchronous(FULL)", "temp_store(MEMORY)",
		"wal_autocheckpoint(20000)", "secure_delete(1)", fmt.Sprintf("cache_size(%d)", -cacheBytes/1024),
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
	current, known, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if current > known {
		return fmt.Errorf("%w (it is at %d, this program knows %d)", ErrNewer, current, known)
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
	for _, statement := range []*sql.Stmt{s.oneCase, s.oneAlert, s.evidence} {
		if statement != nil {
			errs = append(errs, statement.Close())
		}
	}
	for _, db := range []*sql.DB{s.read, s.door} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
