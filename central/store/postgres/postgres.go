// Package postgres is the [store.Store] of a centre that runs several centrals: one PostgreSQL database, shared by all of them.
//
// In: validated values. Out: committed facts and pages of them. Any process may take any call. Alerts are written and cases are
// decided in one section at a time, whichever process is in it (an advisory lock), so that alerts and case events become visible
// in the order of their positions and a key never has two open cases. It decides nothing about cases, never
// changes a case event (a trigger refuses it), and never logs what it connects with.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"gridgate/central/store"
)

// Options say where and how.
type Options struct {
	URL      string                 // postgres://user@host/database?sslmode=verify-full, without the password
	Password func() (string, error) // asked for each new connection; nil: none is sent
	Writers  int                    // connections that ingest; 0: 3
	Readers  int                    // connections for lists, cases and the feed; 0: 6

	readOnly bool // the server is to refuse every write, see [Look]
}

func (o *Options) setDefaults() {
	if o.Writers <= 0 {
		o.Writers = 3
	}
	if o.Readers <= 0 {
		o.Readers = 6
	}
}

// Bounds of time.
const (
	connectWithin = 10 * time.Second
	openWithin    = 2 * time.Minute // migrations of a large database may take long
	writeWithin   = time.Minute     // what one transaction may take, a server that does not answer at all included
)

// doors is how many connections look accounts up.
const doors = 2

// session are the settings of each connection. What stands behind the lock of the section must see what was committed before it,
// statement by statement, whatever the database's default is. Every statement of this package goes along an index: plans that read whole
// tables are switched off, so that none appears where statistics are old or missing. The timeouts free what a process holds
// that hangs or that lost its network.
var session = map[string]string{
	"application_name": "gridgate-central",
	"enable_seqscan":   "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "enable_bitmapscan": "off", "jit": "off",
	"plan_cache_mode":                     "force_generic_plan",
	"default_transaction_isolation":       "read committed",
	"statement_timeout":                   "30000",
	"lock_timeout":                        "10000",
	"idle_in_transaction_session_timeout": "10000",
	"tcp_keepalives_idle":                 "10",
	"tcp_keepalives_interval":             "5",
	"tcp_keepalives_count":                "3",
}

// Store implements [store.Store].
type Store struct {
	o     Options
	write *pgxpool.Pool
	read  *pgxpool.Pool
	door  *pgxpool.Pool // for accounts, tokens and credentials: nobody waits at the door for a list
	known *memory
	spots *places
}

var _ store.Store = (*Store)(nil)

// Open connects and brings the schema up to date; [ErrNewer] if the database belongs to a newer program.
func Open(ctx context.Context, o Options) (_ *Store, err error) {
	o.setDefaults()
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	s := &Store{o: o, known: newMemory(), spots: newPlaces()}
	defer func() {
		if err != nil {
			err = fmt.Errorf("open PostgreSQL: %w", errors.Join(err, s.Close()))
		}
	}()
	if s.write, err = s.pool(ctx, o.Writers); err != nil {
		return nil, err
	}
	if s.read, err = s.pool(ctx, o.Readers); err != nil {
		return nil, err
	}
	if s.door, err = s.pool(ctx, doors); err != nil {
		return nil, err
	}
	if err := s.judge(ctx); err != nil {
		return nil, err
	}
	return s, s.migrate(ctx)
}

// config is how each connection is made. The password is read anew each time, so that it can be changed while central runs.
func (o Options) config() (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, err // does not repeat a password
	}
	c.ConnConfig.ConnectTimeout = connectWithin
	for name, value := range session {
		c.ConnConfig.RuntimeParams[name] = value
	}
	o.setReadOnly(c.ConnConfig)
	return c, o.setPassword(c.ConnConfig)
}

func (o Options) setPassword(c *pgx.ConnConfig) error {
	if o.Password == nil {
		return nil
	}
	secret, err := o.Password()
	if err != nil {
		return fmt.Errorf("read the password: %w", err)
	}
	c.Password = secret
	return nil
}

func (s *Store) pool(ctx context.Context, size int) (*pgxpool.Pool, error) {
	c, err := s.o.config()
	if err != nil {
		return nil, err
	}
	c.MaxConns = int32(size)
	c.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error { return s.o.setPassword(c) }
	return pgxpool.NewWithConfig(ctx, c)
}

// connect makes a connection outside the pools, for what holds on to one: listening and advisory locks.
func (s *Store) connect(ctx context.Context) (*pgx.Conn, error) {
	c, err := s.o.config()
	if err != nil {
		return nil, err
	}
	return pgx.ConnectConfig(ctx, c.ConnConfig)
}

// judge refuses a server on which a commit is not durable or which cannot hold our texts.
func (s *Store) judge(ctx context.Context) error {
	var version int
	var fsync, commit, encoding string
	err := s.read.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('fsync'),
		current_setting('synchronous_commit'), current_setting('server_encoding')`).Scan(&version, &fsync, &commit, &encoding)
	switch {
	case err != nil:
		return err
	case version < 130000:
		return fmt.Errorf("the server's version is %d.%d, at least 13 is needed", version/10000, version%10000)
	case fsync != "on":
		return errors.New("the server runs with fsync=off: a receipt would not mean that an alert is on stable storage")
	case commit == "off":
		return errors.New("the server runs with synchronous_commit=off: a receipt would not mean that an alert is on stable storage")
	case encoding != "UTF8":
		return fmt.Errorf("the database's encoding is %s, it must be UTF8", encoding)
	}
	return nil
}

// Ping implements [store.Store].
func (s *Store) Ping(ctx context.Context) error {
	var n int
	return s.read.QueryRow(ctx, "SELECT count(*) FROM (SELECT 1 FROM cases LIMIT 1) c").Scan(&n)
}

// Close implements [store.Store]. It waits for running calls.
func (s *Store) Close() error {
	for _, p := range []*pgxpool.Pool{s.write, s.read, s.door} {
		if p != nil {
			p.Close()
		}
	}
	return nil
}
