package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// request is one call that waits for the transaction it is part of.
type request struct {
	apply func(*tx) error
	done  chan error
}

// submit has apply run inside a transaction and returns once that is on stable storage. ctx counts until there is room for the
// request, of which a transaction's worth may wait; from then on the answer is awaited, so that an error always means that nothing was
// written. An apply that returns an error has written nothing.
func (b *Outbox) submit(ctx context.Context, apply func(*tx) error) error {
	r := &request{apply: apply, done: make(chan error, 1)}
	select {
	case <-b.closing:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	case b.requests <- r:
	}
	select {
	case err := <-r.done:
		return err
	case <-b.closed: // nobody takes it any more, unless it was answered before
	}
	select {
	case err := <-r.done:
		return err
	default:
		return ErrClosed
	}
}

// run is the writing goroutine.
func (b *Outbox) run() {
	defer close(b.closed)
	overlap := false
	for {
		select {
		case <-b.closing:
			return
		case r := <-b.requests:
			group := b.gather(r, overlap)
			overlap = len(group) > 1
			b.announce(b.write.commit(group))
		}
	}
}

// gather collects the calls that share a transaction: what waits already and, where calls do overlap, what comes within GroupWait.
func (b *Outbox) gather(first *request, overlap bool) []*request {
	group := []*request{first}
	var late <-chan time.Time
	if overlap {
		late = time.After(b.o.GroupWait)
	}
	for len(group) < b.o.Group {
		select {
		case r := <-b.requests:
			group = append(group, r)
			continue
		default:
		}
		if late == nil {
			return group
		}
		select {
		case r := <-b.requests:
			group = append(group, r)
		case <-late:
			return group
		case <-b.closing:
			return group
		}
	}
	return group
}

// announce wakes whoever waits for something to send.
func (b *Outbox) announce(t totals) {
	if t.added > 0 {
		wake(b.appended)
	}
	if t.urgent > 0 {
		wake(b.urgent)
	}
}

func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// laneCount is what the outbox holds of one lane, and its cursor.
type laneCount struct {
	next      int64 // sequence of the next alert
	last      int64 // time of the newest
	shed      int64 // ever, in this epoch
	coalesced int64 // ever, in this epoch
	pending   int64
	bytes     int64
	givenUp   ingest.Ranges // never changed, only replaced
}

// totals are the running counts, kept in memory so that admission costs no query. They change only with a transaction.
type totals struct {
	lanes         [3]laneCount
	readings      int64
	readingBytes  int64
	shedReadings  int64
	evidence      int64
	evidenceBytes int64
	shedEvidence  int64
	looked        int64  // sequence up to which no bulk alert is left that may be shed
	swept         string // the last key that was tidied up
	added, urgent int    // by the transaction under way
}

// bytes is what counts against [Options.MaxBytes].
func (t *totals) bytes() int64 {
	n := t.readingBytes
	for _, l := range t.lanes {
		n += l.bytes
	}
	return n
}

// tx is a transaction under way. Statements are prepared once per writer.
type tx struct {
	w  *writer
	t  totals
	at int64 // time of the transaction

	gone [3][]ingest.Range // what the transaction gave up, for each lane
	batch
}

// exec runs a statement that was written as a constant of this package.
func (t *tx) exec(query string, args ...any) (sql.Result, error) {
	stmt, err := t.w.prepared(query)
	if err != nil {
		return nil, err
	}
	return stmt.Exec(args...)
}

// queryRow is exec for one row.
func (t *tx) queryRow(query string, args []any, dest ...any) error {
	stmt, err := t.w.prepared(query)
	if err != nil {
		return err
	}
	return stmt.QueryRow(args...).Scan(dest...)
}

// writer owns the only connection that writes. All of it belongs to the writing goroutine, but for counts. Its statements
// carry no context: a transaction that has begun is brought to its end.
type writer struct {
	db     *sql.DB
	conn   *sql.Conn
	o      Options
	stmts  map[string]*sql.Stmt
	counts *counts
	known  *identities

	suspect func(error) error // is told of errors
}

func newWriter(ctx context.Context, db *sql.DB, o Options) (*writer, error) {
	t, err := loadTotals(ctx, db)
	if err != nil {
		return nil, err
	}
	known, err := loadIdentities(ctx, db)
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &writer{db: db, conn: conn, o: o, stmts: map[string]*sql.Stmt{}, counts: &counts{totals: t}, known: known}, nil
}

func (w *writer) close() error {
	var errs []error
	for _, s := range w.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, w.conn.Close(), w.db.Close())...)
}

func (w *writer) prepared(query string) (*sql.Stmt, error) {
	if s, ok := w.stmts[query]; ok {
		return s, nil
	}
	s, err := w.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("prepare statement: %w", err)
	}
	w.stmts[query] = s
	return s, nil
}

// commit runs a group in one transaction and answers each of its calls. A call that is refused for want of room, or
// that asks for what is not there, is answered alone; any other error undoes the whole group.
func (w *writer) commit(group []*request) totals {
	results := make([]error, len(group))
	t, err := w.transact(group, results)
	if err != nil {
		if full(err) {
			err = fmt.Errorf("%w: the disk has no room", ErrFull)
		}
		err = fmt.Errorf("write outbox: %w", w.suspect(err))
		w.counts.failed(len(group))
		t = totals{}
	} else {
		w.counts.committed(t, len(group))
	}
	for i, r := range group {
		r.done <- errors.Join(err, results[i])
	}
	return t
}

func (w *writer) transact(group []*request, results []error) (_ totals, err error) {
	t := &tx{w: w, t: w.counts.load(), at: w.o.Now().UnixNano()}
	if _, err := t.exec(`BEGIN IMMEDIATE`); err != nil {
		return totals{}, fmt.Errorf("begin: %w", err)
	}
	defer func() {
		if err != nil {
			_, _ = t.exec(`ROLLBACK`) // SQLite may have rolled back by itself, which makes this one fail
		}
	}()
	before := t.t
	for i, r := range group {
		if err := r.apply(t); err != nil {
			if !alone(err) {
				return totals{}, err
			}
			results[i] = err
		}
	}
	if err := t.flush(); err != nil {
		return totals{}, err
	}
	if err := t.storeTotals(before); err != nil {
		return totals{}, err
	}
	if _, err := t.exec(`COMMIT`); err != nil {
		return totals{}, fmt.Errorf("commit: %w", err)
	}
	w.remember(t)
	return t.t, nil
}

// alone says that an error concerns one call, which has written nothing.
func alone(err error) bool {
	return errors.Is(err, ErrFull) || errors.Is(err, ErrNotFound)
}

// storeTotals writes the cursors and counters that the transaction moved.
func (t *tx) storeTotals(before totals) error {
	for i := range t.t.lanes {
		if err := t.storeLane(i, before.lanes[i]); err != nil {
			return fmt.Errorf("move lane: %w", err)
		}
	}
	for _, c := range []struct {
		name        string
		now, before int64
	}{
		{shedReadingsName, t.t.shedReadings, before.shedReadings},
		{shedEvidenceName, t.t.shedEvidence, before.shedEvidence},
	} {
		if c.now == c.before {
			continue
		}
		if _, err := t.exec(`INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, c.name, c.now); err != nil {
			return fmt.Errorf("count what was shed: %w", err)
		}
	}
	return nil
}

// storeLane writes the cursor of a lane, and what it gave up if that grew.
func (t *tx) storeLane(i int, before laneCount) error {
	l := &t.t.lanes[i]
	if len(t.gone[i]) > 0 {
		l.givenUp = atMost(ingest.MaxRanges, l.givenUp.Add(t.gone[i]...))
		_, err := t.exec(`UPDATE lanes SET next = ?, shed = ?, coalesced = ?, given_up = ? WHERE lane = ?`, l.next, l.shed, l.coalesced, l.givenUp.String(), i)
		return err
	}
	if l.next == before.next {
		return nil
	}
	_, err := t.exec(`UPDATE lanes SET next = ? WHERE lane = ?`, l.next, i)
	return err
}

// Names in the counters table.
const (
	shedReadingsName = "shed-readings"
	shedEvidenceName = "shed-evidence"
)

// laneIndex is the number of a lane in the file: 0 life-safety, 1 normal, 2 bulk.
func laneIndex(l alert.Lane) int {
	switch l {
	case alert.LifeSafety:
		return 0
	case alert.Bulk:
		return 2
	}
	return 1
}
