package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"gridgate/protocols/alert"
)

const (
	salvageTime  = time.Minute // for one file
	salvageJumps = 64          // over damaged places of one table
	salvageGroup = 256         // rows of one transaction
)

// salvage copies what can be read of a damaged file into the new one, each row only if it is what it should be. Order is that of
// the old sequence. What is there already is left alone.
func (b *Outbox) salvage(ctx context.Context, path string, d *Damage) {
	ctx, cancel := context.WithTimeout(ctx, salvageTime)
	defer cancel()
	db, err := sql.Open("sqlite", readOnly(path, "writable_schema(1)")) // that a file was cut short is no reason then to read none of it
	if err != nil {
		d.Lost = append(d.Lost, err.Error())
		return
	}
	defer db.Close()
	s := &salvager{box: b, db: db}
	for _, part := range []struct {
		name  string
		copy  func(context.Context) error
		saved *int
	}{
		{"situations", s.situations, &d.Saved.Situations},
		{"messages", s.messages, &d.Saved.Messages},
		{"alerts", s.alerts, &d.Saved.Alerts},
		{"readings", s.readings, &d.Saved.Readings},
		{"evidence", s.evidence, &d.Saved.Evidence},
		{"dead letters", s.deadLetters, &d.Saved.DeadLetters},
	} {
		s.saved = 0
		err := errors.Join(part.copy(ctx), s.flush())
		if *part.saved = s.saved; err != nil {
			d.Lost = append(d.Lost, part.name+": "+err.Error())
		}
	}
}

// readOnly opens a file without a change to it: what is in its log stays there.
func readOnly(path string, pragmas ...string) string {
	return dsn(path, append(pragmas, "query_only(1)")...) + "&mode=ro"
}

type salvager struct {
	box   *Outbox
	db    *sql.DB
	rows  []func(*tx) error
	saved int
}

// add queues a row to be written; what the new file has no room for is left out.
func (s *salvager) add(write func(*tx) error) error {
	s.rows = append(s.rows, write)
	if len(s.rows) < salvageGroup {
		return nil
	}
	return s.flush()
}

func (s *salvager) flush() error {
	rows := s.rows
	s.rows = nil
	if len(rows) == 0 {
		return nil
	}
	if err := s.box.directly(rows...); err != nil && !alone(err) {
		return fmt.Errorf("write what was read: %w", err)
	} else if err != nil {
		return fmt.Errorf("not all of what was read has room: %w", ErrFull)
	}
	s.saved += len(rows)
	return nil
}

// take reads the rows of a table in the order of its key, which is the first of the columns, and jumps over places that cannot be read.
// The error tells of the first such place.
func take[K any](ctx context.Context, s *salvager, columns, table, key string, low K, row func(*sql.Rows) (K, error)) (first error) {
	above := ">"
	for range salvageJumps {
		last, err := ascend(ctx, s, "SELECT "+columns+" FROM "+table+" "+key+" "+above+" ? ORDER BY "+key, low, row)
		if err == nil || ctx.Err() != nil {
			return errors.Join(first, err)
		}
		if first == nil {
			first = err
		}
		progress := last != nil
		if progress {
			low = *last
		}
		next := lowest(ctx, s, "SELECT "+key+" FROM "+table+" "+key+" > ? ORDER BY "+key+" DESC", low)
		switch {
		case next == nil:
			return first
		case !progress && above == ">=":
			above = ">" // this row is readable but for its body
		default:
			low, above = *next, ">="
		}
	}
	return first
}

// ascend hands rows on until the end or an error, and tells the key of the last.
func ascend[K any](ctx context.Context, s *salvager, query string, low K, row func(*sql.Rows) (K, error)) (last *K, err error) {
	rows, err := s.db.QueryContext(ctx, query, low)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		key, err := row(rows)
		if err != nil {
			return last, err
		}
		last = &key
	}
	return last, rows.Err()
}

// lowest is the lowest key that can be reached from the end.
func lowest[K any](ctx context.Context, s *salvager, query string, low K) (least *K) {
	rows, err := s.db.QueryContext(ctx, query, low)
	if err != nil {
		return nil
	}
	defer rows.Close()
	for rows.Next() {
		var key K
		if rows.Scan(&key) != nil {
			return least
		}
		least = &key
	}
	return least
}

func (s *salvager) alerts(ctx context.Context) error {
	var errs []error
	for lane := range alert.Lanes {
		table := fmt.Sprintf("alerts WHERE lane = %d AND", lane)
		errs = append(errs, take(ctx, s, "seq, at, event", table, "seq", int64(0), func(rows *sql.Rows) (seq int64, err error) {
			var at int64
			var event []byte
			if err := rows.Scan(&seq, &at, &event); err != nil {
				return seq, err
			}
			a, err := decodeAlert(event)
			if err != nil || laneIndex(a.Lane()) != lane {
				return seq, nil // not what was written
			}
			e := encodedOf(a, event, s.box.o.Needs(a))
			e.at = at
			return seq, s.add(func(t *tx) error { _, err := t.write(encoded{whole: true, alerts: []encodedAlert{e}}); return err })
		}))
	}
	return errors.Join(errs...)
}

func (s *salvager) readings(ctx context.Context) error {
	return take(ctx, s, "seq, reading", "readings WHERE", "seq", int64(0), func(rows *sql.Rows) (seq int64, err error) {
		var body []byte
		var r alert.Reading
		if err := rows.Scan(&seq, &body); err != nil {
			return seq, err
		}
		if json.Unmarshal(body, &r) != nil {
			return seq, nil
		}
		return seq, s.add(func(t *tx) error { _, err := t.write(encoded{whole: true, readings: [][]byte{body}}); return err })
	})
}

func (s *salvager) messages(ctx context.Context) error {
	return take(ctx, s, "seq, digest", "messages WHERE", "seq", int64(0), func(rows *sql.Rows) (seq int64, err error) {
		var sum []byte
		if err := rows.Scan(&seq, &sum); err != nil || len(sum) != len(digest("")) {
			return seq, err
		}
		return seq, s.add(func(t *tx) error {
			if !t.knows(sum) {
				t.addMessage(sum)
			}
			return nil
		})
	})
}

func (s *salvager) situations(ctx context.Context) error {
	return take(ctx, s, "key, since, pending, due, alert, ending", "situations WHERE", "key", "", func(rows *sql.Rows) (string, error) {
		situation, err := scanSituation(rows)
		if err != nil || situation.Key != situation.Alert.Key {
			return situation.Key, nil
		}
		e, err := encodeSituation(situation)
		if err != nil {
			return situation.Key, nil
		}
		return situation.Key, s.add(func(t *tx) error { return t.writeSituations(encoded{opened: []encodedSituation{e}}) })
	})
}

func (s *salvager) evidence(ctx context.Context) error {
	return take(ctx, s, "seq, event", "evidence WHERE", "seq", int64(0), func(rows *sql.Rows) (seq int64, err error) {
		var event []byte
		if err := rows.Scan(&seq, &event); err != nil {
			return seq, err
		}
		e, err := decodeEvidence(event)
		if err != nil {
			return seq, nil
		}
		return seq, s.add(func(t *tx) error { _, err := t.insertEvidence(*e, event); return err })
	})
}

func (s *salvager) deadLetters(ctx context.Context) error {
	return take(ctx, s, "seq, stream, id, at, reason, body", "dead_letters WHERE", "seq", int64(0), func(rows *sql.Rows) (seq int64, err error) {
		var d DeadLetter
		var at int64
		if err := rows.Scan(&seq, &d.Stream, &d.ID, &at, &d.Reason, &d.Body); err != nil {
			return seq, err
		}
		if !jsontext.Value(d.Body).IsValid() {
			return seq, nil
		}
		return seq, s.add(func(t *tx) error { return t.buryAt(at, d.Stream, d.ID, d.Reason, d.Body) })
	})
}

// Check looks through the file of an outbox that nobody has open, all of it, and changes nothing. It returns what is wrong, in words, at
// most a hundred findings; none means that all is well.
func Check(ctx context.Context, dir string) (findings []string, err error) {
	lock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("lock outbox %s: %w", dir, err)
	}
	defer lock.Close()
	path := filepath.Join(dir, fileName)
	if err := checkWAL(path + "-wal"); damaged(err) {
		findings = append(findings, err.Error())
	} else if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", readOnly(path))
	if err != nil {
		return nil, fmt.Errorf("open outbox %s: %w", path, err)
	}
	defer db.Close()
	if _, err := readVersion(ctx, db); damaged(err) {
		return append(findings, err.Error()), nil
	} else if err != nil {
		return nil, fmt.Errorf("check outbox %s: %w", path, err)
	}
	more, err := integrity(ctx, db)
	return append(findings, more...), err
}

// Check is the same for an outbox that is open. It reads by a connection of its own, since it may take long; the write-ahead log is not
// written over meanwhile.
func (b *Outbox) Check(ctx context.Context) (findings []string, err error) {
	db, err := sql.Open("sqlite", readOnly(filepath.Join(b.o.Dir, fileName)))
	if err != nil {
		return nil, fmt.Errorf("open outbox for a check: %w", err)
	}
	defer db.Close()
	return integrity(ctx, db)
}

func integrity(ctx context.Context, db *sql.DB) (findings []string, err error) {
	rows, err := db.QueryContext(ctx, `PRAGMA integrity_check(100)`)
	if err != nil {
		return wrong(nil, err)
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return wrong(findings, err)
		}
		if line != "ok" {
			findings = append(findings, line)
		}
	}
	return wrong(findings, rows.Err())
}

// wrong turns an error that tells of damage into a finding.
func wrong(findings []string, err error) ([]string, error) {
	if damaged(err) {
		return append(findings, err.Error()), nil
	}
	if err != nil {
		return nil, fmt.Errorf("check integrity: %w", err)
	}
	return findings, nil
}
