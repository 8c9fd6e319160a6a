// Package rollup keeps what is left of readings after their raw points are gone: sum, least, most, last and number of each hour of a
// series. Beside it stands the journal of samples that came late.
//
// In: hours of series, and which days must be made again since a late sample came. Out: hours over a range. One SQLite file; a row is
// one day of a series, so that an hour that is made again replaces what was there and a year of hourly values is 365 rows. It never
// reads raw points and makes nothing by itself.
//
// Rejected: a second Prometheus TSDB. It takes no second value for a time, and its head costs memory for each of the series, here four.
package rollup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver

	"gridgate/central/tsdb"
)

// The lengths of what is kept, in milliseconds.
const (
	HourMs = int64(time.Hour / time.Millisecond)
	DayMs  = 24 * HourMs
)

const fileName = "rollup.db"

const schema = `
CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, metric TEXT NOT NULL, name BLOB NOT NULL UNIQUE) STRICT;
CREATE INDEX IF NOT EXISTS series_by_metric ON series (metric, name);
CREATE TABLE IF NOT EXISTS days (series INTEGER NOT NULL, day INTEGER NOT NULL, hours BLOB NOT NULL, PRIMARY KEY (series, day)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS late (id INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB NOT NULL, day INTEGER NOT NULL, UNIQUE (name, day)) STRICT;
CREATE TABLE IF NOT EXISTS journal (id INTEGER PRIMARY KEY, until INTEGER NOT NULL, samples BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one = 1), sealed INTEGER NOT NULL) STRICT;`

// Store is the roll-up of one database. It is safe for concurrent use; one goroutine at a time may put.
type Store struct {
	db *sql.DB
}

// Day is one day (UTC) of a series that must be made again.
type Day struct {
	Series string // see [tsdb.SeriesID]
	Ms     int64  // beginning, since the Unix epoch
}

// Mark is a Day that waits.
type Mark struct {
	ID int64
	Day
}

// Row is the hours of one day of a series that were made.
type Row struct {
	Day
	Metric string
	Hours  Hours // those without points are left as they were
}

// Open opens or creates the store in a folder that exists.
func Open(dir string) (*Store, error) {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(10000)", "auto_vacuum(INCREMENTAL)", "journal_size_limit(16777216)",
	}}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, fileName)+"?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("open the roll-up: %w", err)
	}
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(4)
	if _, err := db.Exec(schema); err != nil {
		return nil, errors.Join(fmt.Errorf("open the roll-up: %w", err), db.Close())
	}
	return &Store{db: db}, nil
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

// Sealed is the time up to which every hour was made, in milliseconds since the Unix epoch; false if none was.
func (s *Store) Sealed(ctx context.Context) (ms int64, ok bool, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT sealed FROM state").Scan(&ms)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("read how far the roll-up is: %w", err)
	}
	return ms, true, nil
}

// mark remembers days that must be made again. One that waits already gets another id, so that who is making it does not take the
// new mark away.
func mark(ctx context.Context, tx *sql.Tx, days []Day) error {
	add, err := tx.PrepareContext(ctx, "INSERT OR REPLACE INTO late (name, day) VALUES (?, ?)")
	if err != nil {
		return err
	}
	defer add.Close()
	for _, d := range days {
		if _, err := add.ExecContext(ctx, []byte(d.Series), d.Ms); err != nil {
			return err
		}
	}
	return nil
}

// Marks are the first days that wait, by series and time.
func (s *Store) Marks(ctx context.Context, most int) (out []Mark, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, name, day FROM late ORDER BY name, day LIMIT ?", most)
	if err != nil {
		return nil, fmt.Errorf("read late days: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var m Mark
		var name []byte
		if err := rows.Scan(&m.ID, &name, &m.Ms); err != nil {
			return nil, fmt.Errorf("read late days: %w", err)
		}
		m.Series = string(name)
		out = append(out, m)
	}
	return out, rows.Err()
}

// Put keeps rows, takes marks away and notes how far the roll-up is (0: as before), all or nothing.
func (s *Store) Put(ctx context.Context, rows []Row, made []Mark, sealed int64) error {
	return s.change(ctx, "keep hours", func(tx *sql.Tx) error {
		if err := putRows(ctx, tx, rows); err != nil {
			return err
		}
		for _, m := range made {
			if _, err := tx.ExecContext(ctx, "DELETE FROM late WHERE id = ?", m.ID); err != nil {
				return err
			}
		}
		if sealed == 0 {
			return nil
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO state (one, sealed) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET sealed = excluded.sealed", sealed)
		return err
	})
}

// change runs do in one transaction.
func (s *Store) change(ctx context.Context, doing string, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if err := do(tx); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", doing, err), tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// Prune deletes at most so many days that ended before a time, and the series that have none left. It tells whether there may be more.
func (s *Store) Prune(ctx context.Context, before int64, most int) (more bool, err error) {
	err = s.change(ctx, "delete old hours", func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, "DELETE FROM days WHERE (series, day) IN (SELECT series, day FROM days WHERE day <= ? LIMIT ?)", before-DayMs, most)
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		if err != nil || n == 0 {
			return err
		}
		more = n == int64(most)
		_, err = tx.ExecContext(ctx, "DELETE FROM series WHERE NOT EXISTS (SELECT 1 FROM days WHERE days.series = series.id)")
		return err
	})
	if err != nil {
		return false, err
	}
	_, err = s.db.ExecContext(ctx, "PRAGMA incremental_vacuum(1000)")
	return more, err
}

// Collect puts the hours of the series that s selects and that begin in [from, to) into c: whole hours, in milliseconds since the
// Unix epoch. It brings the first series by their labels, up to the limit of s.
func (s *Store) Collect(ctx context.Context, sel tsdb.Selector, from, to int64, c *tsdb.Collector) error {
	found, err := s.selected(ctx, sel)
	if err != nil {
		return fmt.Errorf("read the roll-up: %w", err)
	}
	days, err := s.db.PrepareContext(ctx, "SELECT day, hours FROM days WHERE series = ? AND day >= ? AND day < ? ORDER BY day")
	if err != nil {
		return fmt.Errorf("read the roll-up: %w", err)
	}
	defer days.Close()
	some := 0
	for _, one := range found {
		had, err := collect(ctx, days, one, from, to, c.Series(sel.Metric, one.labels))
		if err != nil {
			return fmt.Errorf("read the roll-up: %w", err)
		}
		if had {
			some++
		}
		if some == sel.EffectiveLimit() {
			break
		}
	}
	return nil
}
