package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
)

// View is a door to the database for a command that looks at everything and changes nothing: no schema is brought up to date, and the server
// itself refuses a write (default_transaction_read_only).
type View struct{ *Store }

// Look opens the door. The schema may be another than this program's, and the server one that [Open] refuses: see [View.Health].
func Look(ctx context.Context, o Options) (_ *View, err error) {
	o.setDefaults()
	o.readOnly = true
	s := &Store{o: o, known: newMemory(), spots: newPlaces()}
	if s.read, err = s.pool(ctx, 2); err == nil {
		err = s.read.Ping(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("look at PostgreSQL: %w", errors.Join(err, s.Close()))
	}
	s.write, s.door = s.read, s.read
	return &View{s}, nil
}

// Close closes the door.
func (v *View) Close() error {
	v.read.Close()
	return nil
}

// Health tells of the server and the database. PostgreSQL checks its pages by itself: there is no deeper look from outside.
func (v *View) Health(ctx context.Context, _ bool) (h store.Health, err error) {
	var fsync, commit, encoding string
	err = v.read.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('fsync'), current_setting('synchronous_commit'),
		current_setting('server_encoding'), clock_timestamp(), pg_database_size(current_database())`).Scan(&h.Server, &fsync, &commit, &encoding, &h.Now, &h.Bytes)
	if err != nil {
		return h, fmt.Errorf("ask the server for its settings: %w", err)
	}
	for setting, bad := range map[string]bool{"fsync=" + fsync: fsync != "on", "synchronous_commit=" + commit: commit == "off", "server_encoding=" + encoding: encoding != "UTF8"} {
		if bad {
			h.Unsafe = append(h.Unsafe, setting)
		}
	}
	if h.Known, err = newest(); err != nil {
		return h, err
	}
	if err := v.read.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&h.Schema); err != nil {
		return h, fmt.Errorf("read the schema's version: %w", err)
	}
	return h, v.standbys(ctx, &h)
}

// standbys asks how far behind the servers are that follow. An account that may not see it is told of none.
func (v *View) standbys(ctx context.Context, h *store.Health) error {
	var lag *float64
	const query = "SELECT count(*), max(extract(epoch FROM replay_lag))::float8 FROM pg_stat_replication WHERE state = 'streaming'"
	if err := v.read.QueryRow(ctx, query).Scan(&h.Standbys, &lag); err != nil {
		return fmt.Errorf("ask for the servers that follow: %w", err)
	}
	if lag != nil {
		h.Lag = time.Duration(*lag * float64(time.Second))
	}
	return nil
}

// newest is the highest number of the migrations' files.
func newest() (n int64, err error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	for _, name := range names {
		digits, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		number, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the number of migration %s: %w", name, err)
		}
		n = max(n, number)
	}
	return n, err
}

// EvidenceAlerts lists the alerts, or cases, that an evidence object belongs to, at most 100.
func (s *Store) EvidenceAlerts(ctx context.Context, sha256 string) ([]string, error) {
	ids, err := texts(s.read.Query(ctx, "SELECT DISTINCT alert_id FROM evidence WHERE sha256 = $1 LIMIT 100", sha256))
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	return ids, nil
}

// setReadOnly makes the server refuse whatever a connection would write.
func (o Options) setReadOnly(c *pgx.ConnConfig) {
	if o.readOnly {
		c.RuntimeParams["default_transaction_read_only"] = "on"
	}
}
