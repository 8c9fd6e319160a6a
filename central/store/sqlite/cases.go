package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	strict "github.com/go-json-experiment/json"

	"gridgate/central/cases"
	"gridgate/central/store"
)

// caseRow is a case and its row; ref is 0 for a case without a row.
type caseRow struct {
	ref     int64
	written cases.Case // what the row holds
	cases.Case
}

const caseColumns = `ref, id, key, exercise, kind, class, grid, source, coalesce(zone, ''), coalesce(previous, ''), opened_at, state,
	level, severity, active, coalesce(situation, ''), alerts, last_at, closed_at, coalesce(closed_by, ''), coalesce(reason, ''),
	coalesce(hold, ''), position`

// scanCase reads caseColumns from either kind of row.
func scanCase(scan func(dest ...any) error) (caseRow, error) {
	var r caseRow
	var severity, opened, last, closed int64
	c := &r.Case
	err := scan(&r.ref, &c.ID, &c.Key, &c.Exercise, &c.Kind, &c.Class, &c.Grid, &c.Source, &c.Zone, &c.Previous, &opened, &c.State,
		&c.Level, &severity, &c.Active, &c.Situation, &c.Alerts, &last, &closed, &c.ClosedBy, &c.Reason, &c.Hold, &c.Position)
	c.Severity = severityOf(severity)
	c.OpenedAt, c.LastAt, c.ClosedAt = instant(opened), instant(last), instant(closed)
	r.written = r.Case
	return r, err
}

// newestCase returns the newest case of a key, with ref 0 if there is none.
func (w *writer) newestCase(k caseKey) (caseRow, error) {
	if r, ok := w.newest[k]; ok {
		return r, nil
	}
	return w.readCase("SELECT "+caseColumns+" FROM cases WHERE key = ? AND exercise = ? ORDER BY ref DESC LIMIT 1", k.key, k.exercise)
}

func (w *writer) readCase(query string, args ...driver.Value) (r caseRow, err error) {
	err = w.c.query(func(v []driver.Value) error {
		r, err = scanCase(func(dest ...any) error { return assign(dest, v) })
		return err
	}, query, args...)
	if err != nil {
		err = fmt.Errorf("read case: %w", err)
	}
	return r, err
}

// append applies e to r and hands it to the log of case events, at the next position; flush writes it.
func (w *writer) append(r caseRow, e cases.Event) (caseRow, error) {
	e.Position = w.last + 1
	previous := r.Position
	c, err := cases.Apply(r.Case, e)
	if err != nil {
		return r, err
	}
	r.Case = c
	if r.ref == 0 {
		if err := w.insertCase(&r); err != nil {
			return r, err
		}
	}
	raw, err := strict.Marshal(e)
	if err != nil {
		return r, fmt.Errorf("encode case event: %w", err)
	}
	w.events = append(w.events, e.Position, r.ref, previous, nanos(e.At), string(raw))
	w.last = e.Position
	return r, nil
}

const (
	eventColumns = 5
	eventRow     = "(?,?,?,?,?)"
	insertEvents = "INSERT INTO case_events (position, case_ref, previous, at, event) VALUES " + eventRow
)

// insertMany inserts many events: several rows cost one statement less than several statements.
var insertMany = insertEvents + strings.Repeat(","+eventRow, manyEvents-1)

const manyEvents = 8

// flush writes the events that were appended in this transaction.
func (w *writer) flush() error {
	for rest := w.events; len(rest) > 0; {
		query, n := insertEvents, eventColumns
		if len(rest) >= manyEvents*eventColumns {
			query, n = insertMany, manyEvents*eventColumns
		}
		if _, err := w.c.exec(query, rest[:n]...); err != nil {
			return fmt.Errorf("append case events: %w", err)
		}
		rest = rest[n:]
	}
	clear(w.events)
	w.events = w.events[:0]
	return nil
}

// insertCase gives r a row.
func (w *writer) insertCase(r *caseRow) error {
	c := &r.Case
	res, err := w.c.exec(`INSERT INTO cases (id, key, exercise, kind, class, grid, source, zone, previous, opened_at, state,
		level, severity, active, situation, alerts, last_at, closed_at, closed_by, reason, position)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		c.ID, c.Key, c.Exercise, string(c.Kind), c.Class, c.Grid, c.Source, text(c.Zone), text(c.Previous), nanos(c.OpenedAt), string(c.State),
		string(c.Level), int64(c.Severity.Rank()), c.Active, text(c.Situation), c.Alerts, nanos(c.LastAt), nanos(c.ClosedAt),
		text(c.ClosedBy), text(c.Reason), c.Position)
	if err != nil {
		return fmt.Errorf("insert case: %w", err)
	}
	r.written = r.Case
	r.ref, err = res.LastInsertId()
	return err
}

// saveCase writes what changed since the row was written, and remembers the case as the newest of its key.
func (w *writer) saveCase(r caseRow) error {
	if r.ref == 0 {
		return nil
	}
	if r.written.Position != r.Position {
		if err := w.updateCase(&r); err != nil {
			return fmt.Errorf("update case: %w", err)
		}
		r.written = r.Case
	}
	if len(w.newest) >= maxNewest {
		clear(w.newest)
	}
	w.newest[caseKey{key: r.Key, exercise: r.Exercise}] = r
	return nil
}

// updateCase writes what changed. What a mere join leaves as it is, is left out: it costs time and index entries.
func (w *writer) updateCase(r *caseRow) error {
	c := &r.Case
	_, err := w.c.exec("UPDATE cases SET active = ?, situation = ?, alerts = ?, last_at = ?, position = ? WHERE ref = ?",
		c.Active, text(c.Situation), c.Alerts, nanos(c.LastAt), c.Position, r.ref)
	if err == nil && (c.Severity != r.written.Severity || c.Level != r.written.Level) {
		_, err = w.c.exec("UPDATE cases SET level = ?, severity = ? WHERE ref = ?", string(c.Level), int64(c.Severity.Rank()), r.ref)
	}
	if err == nil && c.State != r.written.State {
		_, err = w.c.exec("UPDATE cases SET state = ?, closed_at = ?, closed_by = ?, reason = ? WHERE ref = ?",
			string(c.State), nanos(c.ClosedAt), text(c.ClosedBy), text(c.Reason), r.ref)
	}
	if err == nil && c.Hold != r.written.Hold {
		_, err = w.c.exec("UPDATE cases SET hold = ? WHERE ref = ?", text(c.Hold), r.ref)
	}
	return err
}

// Append implements [store.Store].
func (s *Store) Append(ctx context.Context, e cases.Event, expect int64) (c cases.Case, err error) {
	if ctx.Err() != nil {
		return cases.Case{}, ctx.Err()
	}
	var last int64
	err = s.writer.transact(func() error {
		c, err = s.writer.appendChecked(e, expect)
		last = s.writer.last
		return err
	})
	if err != nil {
		return cases.Case{}, fmt.Errorf("append %s to case %s: %w", e.Type, e.CaseID, err)
	}
	s.advance(last)
	return c, nil
}

// appendChecked appends an operator's event if the case stands where its author saw it.
func (w *writer) appendChecked(e cases.Event, expect int64) (cases.Case, error) {
	r, err := w.readCase(selectCase, e.CaseID)
	switch {
	case err != nil:
		return cases.Case{}, err
	case r.ref == 0:
		return cases.Case{}, store.ErrNotFound
	case expect != 0 && r.Position != expect:
		return cases.Case{}, store.ErrConflict
	}
	newest, err := w.newestCase(caseKey{key: r.Key, exercise: r.Exercise})
	if err != nil {
		return cases.Case{}, err
	}
	r, err = w.append(r, e)
	if errors.Is(err, cases.ErrIllegal) {
		return cases.Case{}, fmt.Errorf("%w: %w", store.ErrConflict, err)
	}
	if err == nil {
		err = w.saveCase(r)
	}
	if newest.ref != r.ref { // an event of an older case: the newest stays the newest
		w.newest[caseKey{key: newest.Key, exercise: newest.Exercise}] = newest
	}
	return r.Case, err
}

const selectCase = "SELECT " + caseColumns + " FROM cases WHERE id = ?"

// Case implements [store.Store].
func (s *Store) Case(ctx context.Context, id string) (cases.Case, error) {
	r, err := scanCase(s.read.QueryRowContext(ctx, selectCase, id).Scan)
	return r.Case, found("case", err)
}

// readHistory follows the chain of a case back from one of its events.
const readHistory = `WITH RECURSIVE history (position, previous, event, n) AS (
		SELECT position, previous, event, 1 FROM case_events WHERE position = ?
		UNION ALL
		SELECT e.position, e.previous, e.event, n + 1 FROM history h JOIN case_events e ON e.position = h.previous WHERE n < ?
	) SELECT event FROM history ORDER BY position`

// CaseFile implements [store.Store].
func (s *Store) CaseFile(ctx context.Context, id string, before int64, limit int) (cases.Case, []cases.Event, error) {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // the case and its history as of one moment
	if err != nil {
		return cases.Case{}, nil, fmt.Errorf("case file: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	r, err := scanCase(tx.QueryRowContext(ctx, selectCase, id).Scan)
	if err != nil {
		return cases.Case{}, nil, found("case file", err)
	}
	last := r.Position
	if before != 0 {
		const query = "SELECT coalesce(max(previous), 0) FROM case_events WHERE position = ? AND case_ref = ?"
		if err := tx.QueryRowContext(ctx, query, before, r.ref).Scan(&last); err != nil {
			return cases.Case{}, nil, fmt.Errorf("case file: %w", err)
		}
	}
	events, err := readEvents(tx.QueryContext(ctx, readHistory, last, max(limit, 1)))
	return r.Case, events, err
}

// Events implements [store.Store].
func (s *Store) Events(ctx context.Context, after int64, limit int) ([]cases.Event, error) {
	return readEvents(s.read.QueryContext(ctx, `SELECT event FROM case_events e WHERE position > ?
		AND NOT EXISTS (SELECT 1 FROM pruning p WHERE p.case_ref = e.case_ref) ORDER BY position LIMIT ?`, after, limit))
}

func readEvents(rows *sql.Rows, err error) ([]cases.Event, error) {
	return collect(rows, err, func(scan func(...any) error) (e cases.Event, err error) {
		var raw []byte
		if err := scan(&raw); err != nil {
			return e, err
		}
		err = json.Unmarshal(raw, &e)
		return e, err
	})
}

// LastPosition implements [store.Store].
func (s *Store) LastPosition(context.Context) (int64, error) { return s.last.Load(), nil }
