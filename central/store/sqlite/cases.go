package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	strict "github.com/go-json-experiment/json"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// caseRow is a case and its row; ref is 0 for a case without a row.
type caseRow struct {
	ref       int64
	line      int64 // row of the first case of the same key
	lastAlert int64 // position of the newest alert, where the chain of its alerts begins
	written   saved
	cases.Case
}

// saved is what the row of a case holds, as far as it says whether there is something to write.
type saved struct {
	position, lastAlert int64
	state               cases.State
	severity            alert.Severity
	hold                cases.Reason
}

func (r *caseRow) saved() saved {
	return saved{position: r.Position, lastAlert: r.lastAlert, state: r.State, severity: r.Severity, hold: r.Hold}
}

const (
	caseColumns = `c.ref, c.id, c.key, c.exercise, c.kind, c.class, c.grid, c.source, coalesce(c.zone, ''), coalesce(c.previous, ''),
		c.opened_at, CASE s.state WHEN 0 THEN 'open' WHEN 1 THEN 'acknowledged' ELSE 'closed' END, s.level, s.severity, s.active, coalesce(s.situation, ''), s.alerts, s.last_at, s.closed_at,
		coalesce(s.closed_by, ''), coalesce(s.reason, ''), coalesce(s.hold, ''), s.position, s.line, s.last_alert`
	selectCases = "SELECT " + caseColumns + " FROM cases c JOIN case_states s ON s.ref = c.ref"
	selectCase  = selectCases + " WHERE c.id = ?"
)

// scanCase reads caseColumns from either kind of row.
func scanCase(scan func(dest ...any) error) (caseRow, error) {
	var r caseRow
	var severity, opened, last, closed int64
	c := &r.Case
	err := scan(&r.ref, &c.ID, &c.Key, &c.Exercise, &c.Kind, &c.Class, &c.Grid, &c.Source, &c.Zone, &c.Previous, &opened, &c.State,
		&c.Level, &severity, &c.Active, &c.Situation, &c.Alerts, &last, &closed, &c.ClosedBy, &c.Reason, &c.Hold, &c.Position, &r.line, &r.lastAlert)
	c.Severity = store.SeverityOf(int(severity))
	c.OpenedAt, c.LastAt, c.ClosedAt = store.Instant(opened), store.Instant(last), store.Instant(closed)
	r.written = r.saved()
	return r, err
}

// newestCase returns the newest case of a key, with ref 0 if there is none.
func (w *writer) newestCase(k caseKey) (caseRow, error) {
	if r, ok := w.newest[k]; ok {
		return r, nil
	}
	return w.readCase(selectCases+" WHERE c.key = ? AND c.exercise = ? ORDER BY c.ref DESC LIMIT 1", k.key, k.exercise)
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
	raw, buf, err := packEvent(w.buf, e)
	if err != nil {
		return r, fmt.Errorf("encode case event: %w", err)
	}
	w.buf = buf
	w.events = append(w.events, e.Position, r.ref, previous, store.Nanos(e.At), raw)
	w.last = e.Position
	return r, nil
}

// inserter inserts rows, several with one statement where there are enough: that costs less than a statement each.
type inserter struct {
	columns   int
	one, many string
}

const manyRows = 8

// newInserter returns one for rows of some columns; into is the statement up to VALUES.
func newInserter(into string, columns int) inserter {
	row := "(" + strings.Repeat(",?", columns)[1:] + ")"
	one := into + " VALUES " + row
	return inserter{columns: columns, one: one, many: one + strings.Repeat(","+row, manyRows-1)}
}

// run inserts all rows of values.
func (n *inserter) run(c *conn, values []driver.Value) error {
	for len(values) > 0 {
		query, size := n.one, n.columns
		if len(values) >= manyRows*n.columns {
			query, size = n.many, manyRows*n.columns
		}
		if _, err := c.exec(query, values[:size]...); err != nil {
			return err
		}
		values = values[size:]
	}
	return nil
}

var eventRows = newInserter("INSERT INTO case_events (position, case_ref, previous, at, event)", 5)

// flush writes the events that were appended in this transaction.
func (w *writer) flush() error {
	if err := eventRows.run(w.c, w.events); err != nil {
		return fmt.Errorf("append case events: %w", err)
	}
	clear(w.events)
	w.events = w.events[:0]
	return nil
}

// insertCase gives r its rows.
func (w *writer) insertCase(r *caseRow) error {
	c := &r.Case
	res, err := w.c.exec(`INSERT INTO cases (id, key, exercise, kind, class, grid, source, zone, previous, opened_at) VALUES (?,?,?,?,?,?,?,?,?,?)`,
		c.ID, c.Key, c.Exercise, string(c.Kind), c.Class, c.Grid, c.Source, text(c.Zone), text(c.Previous), store.Nanos(c.OpenedAt))
	if err != nil {
		return fmt.Errorf("insert case: %w", err)
	}
	if r.ref, err = res.LastInsertId(); err != nil {
		return err
	}
	if r.line == 0 {
		r.line = r.ref
	}
	_, err = w.c.exec(`INSERT INTO case_states (ref, line, state, level, severity, active, situation, alerts, last_at, closed_at, closed_by,
		reason, hold, position, last_alert) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`, r.ref, r.line, stateCode(c.State), string(c.Level),
		int64(c.Severity.Rank()), c.Active, text(c.Situation), c.Alerts, store.Nanos(c.LastAt), store.Nanos(c.ClosedAt), text(c.ClosedBy), text(c.Reason),
		text(c.Hold), c.Position, r.lastAlert)
	if err != nil {
		return fmt.Errorf("insert case: %w", err)
	}
	r.written = r.saved()
	return nil
}

// saveCase writes what changed since the row was written, and remembers the case as the newest of its key.
func (w *writer) saveCase(r caseRow) error {
	if r.ref == 0 {
		return nil
	}
	if now := r.saved(); now != r.written {
		if err := w.updateCase(&r); err != nil {
			return fmt.Errorf("update case: %w", err)
		}
		r.written = now
	}
	if len(w.newest) >= maxNewest {
		clear(w.newest)
	}
	w.newest[caseKey{key: r.Key, exercise: r.Exercise}] = r
	return nil
}

// updateCase writes what changed. What a mere join leaves as it is, is left out: it costs time and index entries.
func (w *writer) updateCase(r *caseRow) error {
	c, was := &r.Case, r.written
	if c.Severity == was.severity && c.State == was.state && c.Hold == was.hold {
		_, err := w.c.exec("UPDATE case_states SET active = ?, situation = ?, alerts = ?, last_at = ?, position = ?, last_alert = ? WHERE ref = ?",
			c.Active, text(c.Situation), c.Alerts, store.Nanos(c.LastAt), c.Position, r.lastAlert, r.ref)
		return err
	}
	_, err := w.c.exec(`UPDATE case_states SET active = ?, situation = ?, alerts = ?, last_at = ?, position = ?, last_alert = ?, level = ?, severity = ?,
		state = ?, closed_at = ?, closed_by = ?, reason = ?, hold = ? WHERE ref = ?`,
		c.Active, text(c.Situation), c.Alerts, store.Nanos(c.LastAt), c.Position, r.lastAlert, string(c.Level), int64(c.Severity.Rank()),
		stateCode(c.State), store.Nanos(c.ClosedAt), text(c.ClosedBy), text(c.Reason), text(c.Hold), r.ref)
	return err
}

// stateCode is how a state is stored: the index on it is kept up with each alert, and numbers compare faster than texts.
func stateCode(s cases.State) int64 {
	switch s {
	case cases.Open:
		return 0
	case cases.Acknowledged:
		return 1
	}
	return 2
}

// Append implements [store.Store].
func (s *Store) Append(ctx context.Context, e cases.Event, expect int64) (c cases.Case, err error) {
	if ctx.Err() != nil {
		return cases.Case{}, ctx.Err()
	}
	var last int64
	var refused error // is no failure of the transaction: the writer keeps what it remembers
	err = s.writer.transact(func() (err error) {
		c, err = s.writer.appendChecked(e, expect)
		last = s.writer.last
		if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
			refused, err = err, nil
		}
		return err
	})
	if err = errors.Join(err, refused); err != nil {
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
	switch {
	case errors.Is(err, cases.ErrIllegal):
		return cases.Case{}, fmt.Errorf("%w: %w", store.ErrConflict, err)
	case err != nil:
		return cases.Case{}, err
	}
	err = w.saveCase(r)
	if newest.ref != r.ref { // an event of an older case: the newest stays the newest
		w.newest[caseKey{key: newest.Key, exercise: newest.Exercise}] = newest
	}
	return r.Case, err
}

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
	) SELECT position, ?, event FROM history ORDER BY position`

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
	events, err := readEvents(tx.QueryContext(ctx, readHistory, last, max(limit, 1), id))
	return r.Case, events, err
}

// Events implements [store.Store].
func (s *Store) Events(ctx context.Context, after int64, limit int) ([]cases.Event, error) {
	return readEvents(s.read.QueryContext(ctx, `SELECT e.position, c.id, e.event FROM case_events e JOIN cases c ON c.ref = e.case_ref
		WHERE e.position > ? ORDER BY e.position LIMIT ?`, after, limit))
}

// readEvents reads rows of position, case and event. One that an earlier version wrote names the first two in the event too.
func readEvents(rows *sql.Rows, err error) ([]cases.Event, error) {
	return collect(rows, err, func(scan func(...any) error) (e cases.Event, err error) {
		var raw []byte
		var position int64
		var id string
		if err := scan(&position, &id, &raw); err != nil {
			return e, err
		}
		err = strict.Unmarshal(raw, &e)
		e.Position, e.CaseID = position, id
		return e, err
	})
}

// LastPosition implements [store.Store].
func (s *Store) LastPosition(context.Context) (int64, error) { return s.last.Load(), nil }
