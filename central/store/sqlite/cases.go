package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"
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
	worked    int   // how often its Work changed since it was read
	older     bool  // a newer case of its key exists: this one is remembered only while it is open
	written   saved
	cases.Case
}

// saved is what the rows of a case hold, as far as it says whether there is something to write.
type saved struct {
	position, lastAlert int64
	state               cases.State
	slow
}

// slow is what neither a join nor an automatic close changes.
type slow struct {
	severity alert.Severity
	level    cases.Level
	hold     cases.Reason
	worked   int
	due      int64 // when it is open
	next     int64
}

func (r *caseRow) saved() saved {
	out := saved{position: r.Position, lastAlert: r.lastAlert, state: r.State, slow: slow{severity: r.Severity, level: r.Level, hold: r.Hold, worked: r.worked}}
	if r.State != cases.Closed {
		out.due, out.next = store.Nanos(r.DueAt()), store.Nanos(r.NextAt())
	}
	return out
}

const (
	caseColumns = `c.ref, c.id, c.key, c.exercise, c.kind, c.class, c.grid, c.source, coalesce(c.zone, ''), coalesce(c.previous, ''),
		coalesce(c.origin, ''), coalesce(c.place, ''), c.opened_at, CASE s.state WHEN 0 THEN 'open' WHEN 1 THEN 'acknowledged' ELSE 'closed' END,
		s.level, s.severity, s.active, coalesce(s.situation, ''), s.alerts, s.last_at, s.closed_at, coalesce(s.closed_by, ''),
		coalesce(s.reason, ''), coalesce(s.hold, ''), s.position, s.line, s.last_alert, coalesce(w.work, '')`
	joinWork    = " LEFT JOIN case_work w ON w.ref = s.ref"
	selectCases = "SELECT " + caseColumns + " FROM cases c JOIN case_states s ON s.ref = c.ref" + joinWork
	selectCase  = selectCases + " WHERE c.id = ?"
)

// scanCase reads caseColumns from either kind of row.
func scanCase(scan func(dest ...any) error) (caseRow, error) {
	var r caseRow
	var severity, opened, last, closed int64
	var place, work string
	c := &r.Case
	err := scan(&r.ref, &c.ID, &c.Key, &c.Exercise, &c.Kind, &c.Class, &c.Grid, &c.Source, &c.Zone, &c.Previous, &c.Origin, &place, &opened,
		&c.State, &c.Level, &severity, &c.Active, &c.Situation, &c.Alerts, &last, &closed, &c.ClosedBy, &c.Reason, &c.Hold, &c.Position,
		&r.line, &r.lastAlert, &work)
	if err != nil {
		return r, err
	}
	c.Severity = store.SeverityOf(int(severity))
	c.OpenedAt, c.LastAt, c.ClosedAt = store.Instant(opened), store.Instant(last), store.Instant(closed)
	if err := unpackCase(c, place, work); err != nil {
		return r, err
	}
	r.written = r.saved()
	return r, nil
}

// newestCase returns the case that alerts of a key join: the open one, else the newest, with ref 0 if there is none.
func (w *writer) newestCase(k caseKey) (caseRow, error) {
	if r, ok := w.newest[k]; ok {
		return r, nil
	}
	r, err := w.readCase(selectCases+" WHERE c.key = ? AND c.exercise = ? ORDER BY c.ref DESC LIMIT 1", k.key, k.exercise)
	if err != nil || r.ref == 0 || r.State != cases.Closed {
		return r, err
	}
	again, err := w.readCase(selectCases+" WHERE s.line = ? AND s.state < 2", r.line)
	if err != nil || again.ref == 0 {
		return r, err
	}
	again.older = true
	return again, nil
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
	if !gathering[e.Type] && !reflect.DeepEqual(c.Work, r.Work) {
		r.worked++
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

// gathering names the events of the hot path: they change nothing of [cases.Work].
var gathering = map[cases.EventType]bool{cases.EventJoined: true, cases.EventRaised: true, cases.EventCleared: true}

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
	place, err := packPlace(c.Place)
	if err != nil {
		return fmt.Errorf("insert case: %w", err)
	}
	res, err := w.c.exec(`INSERT INTO cases (id, key, exercise, kind, class, grid, source, zone, previous, opened_at, origin, place)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`, c.ID, c.Key, c.Exercise, string(c.Kind), c.Class, c.Grid, c.Source, text(c.Zone), text(c.Previous),
		store.Nanos(c.OpenedAt), text(c.Origin), text(place))
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

// saveCase writes what changed since the rows were written, and remembers the case as the newest of its key.
func (w *writer) saveCase(r caseRow) error {
	if r.ref == 0 {
		return nil
	}
	if now := r.saved(); now != r.written {
		if err := w.updateCase(&r, now); err != nil {
			return fmt.Errorf("update case: %w", err)
		}
		r.written = now
	}
	if len(w.newest) >= maxNewest {
		clear(w.newest)
	}
	k := caseKey{key: r.Key, exercise: r.Exercise}
	if r.older && r.State == cases.Closed {
		delete(w.newest, k)
		return nil
	}
	w.newest[k] = r
	return nil
}

// updateCase writes what changed. What a mere join or an automatic close leaves as it is, is left out: it costs time and index entries.
func (w *writer) updateCase(r *caseRow, now saved) error {
	c, was := &r.Case, r.written
	set := "UPDATE case_states SET active = ?, situation = ?, alerts = ?, last_at = ?, position = ?, last_alert = ?"
	args := append(w.args[:0], c.Active, text(c.Situation), c.Alerts, store.Nanos(c.LastAt), c.Position, r.lastAlert)
	if now.state != was.state || now.slow != was.slow {
		set += ", state = ?, closed_at = ?, closed_by = ?, reason = ?"
		args = append(args, stateCode(c.State), store.Nanos(c.ClosedAt), text(c.ClosedBy), text(c.Reason))
	}
	if now.slow != was.slow {
		set += ", level = ?, severity = ?, hold = ?, step = ?, unit = ?, assignee = ?, parent = ?, due_at = ?, next_at = ?"
		args = append(args, string(c.Level), int64(c.Severity.Rank()), text(c.Hold), text(c.Step), text(c.Unit), text(c.Assignee), text(c.Parent), now.due, now.next)
	}
	w.args = append(args, r.ref)
	if _, err := w.c.exec(set+" WHERE ref = ?", w.args...); err != nil {
		return err
	}
	if now.worked == was.worked {
		return nil
	}
	work, err := packWork(c.Work)
	if err != nil {
		return err
	}
	_, err = w.c.exec("INSERT INTO case_work (ref, work) VALUES (?,?) ON CONFLICT (ref) DO UPDATE SET work = excluded.work", r.ref, work)
	return err
}

// stateCode is how a state is stored.
func stateCode(s cases.State) int64 {
	switch s {
	case cases.Open:
		return 0
	case cases.Acknowledged:
		return 1
	}
	return 2
}

// Case implements [store.Store].
func (s *Store) Case(ctx context.Context, id string) (cases.Case, error) {
	r, err := scanCase(s.oneCase.QueryRowContext(ctx, id).Scan)
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
