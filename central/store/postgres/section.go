package postgres

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	strict "github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// Advisory locks: the first number tells them from those of other programs in the same database.
const (
	lockSpace   = 0x67726964 // "grid"
	sectionLock = 1          // held by the transaction that decides cases
	aloneLock   = 2          // see [Store.Presence]
	jobLock     = 3          // see [Store.Lead]; the job's name is hashed
)

// section is the part of a transaction that decides cases. Of all processes on a database one is in it at a time: what it
// reads is the newest, and the positions that it gives out become visible before anybody gives out the next.
type section struct {
	tx    pgx.Tx
	m     *memory
	last  int64 // position of the newest case event
	ref   int64 // of the newest case
	alert int64 // position of the newest alert

	changed map[int64]*caseRow // cases that this section changed or made
	order   []int64            // their refs, in the order of the first change
	closed  []caseKey          // keys to be forgotten after the section
	events  *copying           // case events to be written
	writes  pgx.Batch          // what else is to be written
}

// errUnknown means that the connection broke while a transaction was being committed: it is stored or it is not. Whoever asked must
// ask again; what is stored is then a duplicate.
var errUnknown = errors.New("the connection broke during the commit: nobody knows whether it is stored")

// transact runs inside in a transaction, as the only one of all processes. It returns nil only once the transaction is on stable
// storage, and an error within [writeWithin] otherwise. ask is sent together with the question for the lock; its statements run once
// the lock is there. May be nil.
func (s *Store) transact(ctx context.Context, ask func(*pgx.Batch), inside func(*section) error) error {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	if err := s.known.take(ctx); err != nil {
		return err
	}
	defer s.known.pass()
	tx, err := s.write.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer rollback(ctx, tx)
	sec := &section{tx: tx, m: s.known, changed: make(map[int64]*caseRow), events: newCopying(5, 1, 0)}
	if err = sec.enter(ctx, ask); err == nil {
		err = inside(sec)
	}
	if err == nil {
		err = sec.flush(ctx)
	}
	if err == nil {
		err = commit(ctx, tx)
	}
	if err != nil {
		s.known.forget()
		return err
	}
	s.known.seen = sec.last
	for _, k := range sec.closed {
		delete(s.known.newest, k)
	}
	return nil
}

// rollback does nothing after a commit. The connection of one that fails is closed, and that rolls back, too.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
	defer cancel()
	_ = tx.Rollback(ctx)
}

func commit(ctx context.Context, tx pgx.Tx) error {
	err := tx.Commit(ctx)
	var refused *pgconn.PgError
	if err != nil && !errors.As(err, &refused) && !errors.Is(err, pgx.ErrTxCommitRollback) {
		return fmt.Errorf("%w: %w", errUnknown, err)
	}
	return err
}

// enter waits for the lock and makes the memory know what other processes did. Each statement sees what is committed when it
// runs, so those after the lock see all that was committed by whoever had it before.
func (c *section) enter(ctx context.Context, ask func(*pgx.Batch)) error {
	var prunings int64
	var stale []caseKey
	b := &pgx.Batch{}
	b.Queue("SELECT pg_advisory_xact_lock($1, $2)", lockSpace, sectionLock)
	b.Queue(`SELECT ` + lastPosition + `, (SELECT coalesce(max(ref), 0) FROM cases),
		(SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM prunings), (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM alert_positions)`).
		QueryRow(func(row pgx.Row) error { return row.Scan(&c.last, &c.ref, &prunings, &c.alert) })
	if c.m.seen > 0 {
		b.Queue(`SELECT DISTINCT c.key, c.exercise FROM (SELECT case_ref FROM case_events WHERE position > $1 ORDER BY position LIMIT $2) e
			JOIN cases c ON c.ref = e.case_ref`, c.m.seen, maxBehind).Query(func(rows pgx.Rows) (err error) {
			stale, err = collect(rows, nil, func(scan scanner) (k caseKey, err error) {
				err = scan(&k.key, &k.exercise)
				return k, err
			})
			return err
		})
	}
	if ask != nil {
		ask(b)
	}
	if err := c.tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("enter the section: %w", err)
	}
	if c.m.seen == 0 || c.m.prunings != prunings || c.last-c.m.seen >= maxBehind || c.last < c.m.seen {
		c.m.forget()
		c.m.prunings = prunings
	}
	for _, k := range stale {
		delete(c.m.newest, k)
	}
	if len(c.m.newest) > maxNewest {
		clear(c.m.newest)
	}
	return nil
}

// recall makes the memory know the cases that alerts of keys join, as far as there are any: the open one, else the newest.
func (c *section) recall(ctx context.Context, keys []caseKey) error {
	var names []string
	var drills []bool
	for _, k := range keys {
		if _, ok := c.m.newest[k]; !ok {
			names, drills = append(names, k.key), append(drills, k.exercise)
		}
	}
	if len(names) == 0 {
		return nil
	}
	rows, err := c.tx.Query(ctx, "SELECT "+caseColumns+` FROM unnest($1::text[], $2::boolean[]) AS k (key, exercise)
		CROSS JOIN LATERAL (SELECT ref AS newest FROM cases WHERE key = k.key AND exercise = k.exercise ORDER BY ref DESC LIMIT 1) n
		JOIN cases c ON c.ref = coalesce((SELECT ref FROM open_cases o WHERE o.key = k.key AND o.exercise = k.exercise), n.newest)
		JOIN heads h ON h.ref = c.ref`, names, drills)
	found, err := collect(rows, err, scanCase)
	if err != nil {
		return fmt.Errorf("read the newest cases: %w", err)
	}
	for _, r := range found {
		c.m.remember(r)
	}
	return nil
}

// append applies e to r at the next position and queues both to be written.
func (c *section) append(r caseRow, e cases.Event) (caseRow, error) {
	e.Position = c.last + 1
	previous := r.Position
	after, err := cases.Apply(r.Case, e)
	if err != nil {
		return r, err
	}
	raw, err := strict.Marshal(e)
	if err != nil {
		return r, fmt.Errorf("encode case event: %w", err)
	}
	if !gathering[e.Type] && !reflect.DeepEqual(after.Work, r.Work) {
		r.worked++
	}
	r.Case, c.last = after, e.Position
	if r.ref == 0 {
		c.ref++
		r.ref = c.ref
	}
	c.events.row()
	for _, v := range []int64{e.Position, r.ref, previous, store.Nanos(e.At)} {
		c.events.int64(v)
	}
	c.events.bytes(raw)
	return r, nil
}

// gathering names the events of the hot path: they change nothing of [cases.Work].
var gathering = map[cases.EventType]bool{cases.EventJoined: true, cases.EventRaised: true, cases.EventCleared: true}

// save queues a case to be written as it is now.
func (c *section) save(r caseRow) {
	if r.ref == 0 || r.written.position == r.Position {
		return
	}
	if old := c.changed[r.ref]; old != nil {
		r.written = old.written
	} else {
		c.order = append(c.order, r.ref)
	}
	c.changed[r.ref] = &r
}

// flush writes what was queued and tells the other processes.
func (c *section) flush(ctx context.Context) error {
	if c.events.rows > 0 {
		if err := c.events.send(ctx, c.tx, "case_events (position, case_ref, previous, at, event)"); err != nil {
			return fmt.Errorf("append case events: %w", err)
		}
		c.queueCases(&c.writes)
		c.writes.Queue("SELECT pg_notify($1, $2::bigint::text)", channel, c.last)
	}
	if c.writes.Len() == 0 {
		return nil
	}
	if err := c.tx.SendBatch(ctx, &c.writes).Close(); err != nil {
		return fmt.Errorf("write cases: %w", err)
	}
	return nil
}

// newestOf returns the case that alerts of a key join as of now in this section, with ref 0 if there is none. [section.recall] came first.
func (c *section) newestOf(k caseKey) caseRow { return c.m.newest[k] }

// situations of the alerts of one state.
func situations(alerts []alertRow, state alert.State) []string {
	var out []string
	for i := range alerts {
		if a := alerts[i].Received; a.State == state {
			out = append(out, a.Situation)
		}
	}
	return out
}
