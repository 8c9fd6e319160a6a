// Package outbox is step 5 of the pipeline: the edge's durable log, with a cursor per stream that only central's receipts move.
//
// In: what [raise.Raiser] commits (alerts, readings, situations and the identity of the message behind them, all in one
// transaction) and redacted evidence. Out: encoded events in the order of their sequence, for edge/forward. Everything is
// in one SQLite file and one directory of objects. It never sends, never reorders inside a lane, never drops a life-safety
// alert, and forgets nothing that central has not answered for, except what the disk budget sheds, which it counts.
//
// Life cycle: [Open] takes the lock, checks or replaces the file and starts the one writing goroutine; [Outbox.Close] ends it.
package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gridgate/edge/raise"
	"gridgate/protocols/alert"
)

// ErrFull says that the disk, or the budget, has no room for what may not be shed: nothing was written. Withhold the
// acknowledgement and try again. The budget is never too full for readings and bulk alerts, which are shed instead.
var ErrFull = errors.New("the outbox is full")

// ErrClosed says that the outbox was closed before the write began.
var ErrClosed = errors.New("the outbox is closed")

// ErrInUse says that another process has the outbox open.
var ErrInUse = errors.New("the outbox is in use by another process")

// ErrNewer says that a newer release wrote the file. It is left as it is.
var ErrNewer = errors.New("a newer release wrote the file: run that release, or move the file away and lose what it holds")

// Options say where the outbox is and how much it may hold. Dir is demanded; zero numbers mean the defaults.
type Options struct {
	Dir string // directory of the outbox; made if missing, readable by the owner only
	Log *slog.Logger
	Now func() time.Time

	// MaxBytes bounds alerts and readings together (default 1 GiB). The last Reserve bytes of it (default an eighth) are
	// for life-safety alone. What is over the bound sheds the oldest bulk alerts, then the oldest readings,
	// then the new ones.
	MaxBytes int64
	Reserve  int64
	// MaxEvidence bounds the objects (default 1 GiB); the oldest are shed, sealed clips before pictures.
	MaxEvidence int64
	// Messages is how many message identities are remembered (default 100,000, the newest).
	Messages int
	// DeadLetters is how many dead letters are kept (default 10,000, the newest).
	DeadLetters int

	// CheckTime bounds the integrity check at start (default 10 s; 600 MB in memory took 1.5 s). What is not checked in time is
	// used unchecked, and damage is told when it is met.
	CheckTime time.Duration
	// LeaveDamaged makes a damaged file an error, [ErrDamaged], and nothing is repaired: for tools that only look.
	LeaveDamaged bool

	// Needs tells the schema version that an alert needs, from 1 (default: 1 for all).
	Needs func(alert.Alert) int

	// Group bounds how many calls share a transaction (default 1024), GroupWait how long the first of them waits for
	// company once calls do overlap (default 1 ms, at most [MaxGroupWait]). A lone call never waits.
	Group     int
	GroupWait time.Duration
}

// MaxGroupWait is the longest that a commit is held back for others to join it.
const MaxGroupWait = 5 * time.Millisecond

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Needs == nil {
		o.Needs = func(alert.Alert) int { return 1 }
	}
	setDefault(&o.MaxBytes, 1<<30)
	setDefault(&o.Reserve, o.MaxBytes/8)
	setDefault(&o.MaxEvidence, 1<<30)
	setDefault(&o.Messages, 100_000)
	setDefault(&o.DeadLetters, 10_000)
	setDefault(&o.CheckTime, 10*time.Second)
	setDefault(&o.Group, 1024)
	setDefault(&o.GroupWait, time.Millisecond)
	o.GroupWait = min(o.GroupWait, MaxGroupWait)
	return o
}

func setDefault[T int | int64 | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// Outbox is an open outbox. Its methods are safe for concurrent use.
type Outbox struct {
	o     Options
	lock  *os.File
	read  *sql.DB
	write *writer
	epoch string

	free  func() (int64, error) // bytes that the disk has left
	files sync.Mutex            // held while an object and its row are made or removed, so that neither is seen without the other

	requests chan *request
	closing  chan struct{}
	closed   chan struct{}
	once     sync.Once

	appended chan struct{}
	urgent   chan struct{}

	spoil  sync.Once
	spoilt chan error // told once that the file is damaged
}

var _ raise.Log = (*Outbox)(nil)

// Open opens or makes the outbox in o.Dir. A damaged file is set aside under another name, logged as an error, and a new
// epoch begins with what could be read of it, see [Damage]. [ErrInUse] means that another process has it, [ErrNewer] that it is not
// for this release.
func Open(ctx context.Context, o Options) (_ *Outbox, err error) {
	o = o.withDefaults()
	if o.Dir == "" {
		return nil, errors.New("outbox: Dir is demanded")
	}
	if err := os.MkdirAll(filepath.Join(o.Dir, evidenceDir), 0o700); err != nil {
		return nil, fmt.Errorf("make outbox directory: %w", err)
	}
	lock, err := lockDir(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("lock outbox %s: %w", o.Dir, err)
	}
	defer func() {
		if err != nil {
			lock.Close()
		}
	}()
	box, err := openBox(ctx, o, lock)
	if damaged(err) && !errors.Is(err, ErrDamaged) {
		err = errors.Join(err, noteSuspicion(o.Dir, err)) // the check was not thorough enough: the next one is
		o.Log.ErrorContext(ctx, "the outbox cannot be opened; it is checked to its end", "error", err)
		return openBox(ctx, o, lock)
	}
	return box, err
}

func openBox(ctx context.Context, o Options, lock *os.File) (*Outbox, error) {
	db, why, err := openChecked(ctx, o)
	if err != nil {
		return nil, err
	}
	box := &Outbox{
		o: o, lock: lock, requests: make(chan *request, o.Group), closing: make(chan struct{}), closed: make(chan struct{}),
		appended: make(chan struct{}, 1), urgent: make(chan struct{}, 1), spoilt: make(chan error, 1),
		free: func() (int64, error) { return freeBytes(o.Dir) },
	}
	if err := box.start(ctx, db, why); err != nil {
		db.Close()
		return nil, err
	}
	return box, nil
}

// start prepares the writer and the readers and runs the writer. It owns db from here on, except on error. why tells why a file was
// set aside, if one was.
func (b *Outbox) start(ctx context.Context, db *sql.DB, why string) error {
	if err := db.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = 'epoch'`).Scan(&b.epoch); err != nil {
		return fmt.Errorf("read epoch: %w", err)
	}
	w, err := newWriter(ctx, db, b.o)
	if err != nil {
		return fmt.Errorf("prepare outbox: %w", err)
	}
	if b.read, err = openReaders(b.o.Dir); err != nil {
		return errors.Join(err, w.close())
	}
	b.write = w
	w.suspect = b.suspect
	if err := b.repair(ctx, why); err != nil {
		return errors.Join(err, b.read.Close(), w.close())
	}
	go b.run()
	return nil
}

// repair puts right what damage or a crash left.
func (b *Outbox) repair(ctx context.Context, why string) error {
	if b.o.LeaveDamaged {
		return nil
	}
	if err := b.recover(ctx, why); err != nil {
		return err
	}
	return b.sweepEvidence(ctx)
}

// Close waits for the running transaction, refuses what comes after and gives the file back. It may be called twice.
func (b *Outbox) Close() error {
	var err error
	b.once.Do(func() {
		close(b.closing)
		<-b.closed
		err = errors.Join(b.read.Close(), b.write.close(), b.lock.Close())
	})
	return err
}

// Epoch names this file: sequence numbers are comparable within one epoch only.
func (b *Outbox) Epoch() string { return b.epoch }

// Appended receives a value after a commit that added something to send. It never blocks the writer: values coalesce.
func (b *Outbox) Appended() <-chan struct{} { return b.appended }

// Urgent is [Outbox.Appended] for life-safety alerts alone.
func (b *Outbox) Urgent() <-chan struct{} { return b.urgent }

// Situations returns the open situations. One that cannot be read any more is left out and logged.
func (b *Outbox) Situations(ctx context.Context) ([]raise.Situation, error) {
	rows, err := b.read.QueryContext(ctx, `SELECT key, since, pending, due, alert, ending FROM situations ORDER BY key`)
	if err != nil {
		return nil, fmt.Errorf("read situations: %w", err)
	}
	defer rows.Close()
	var out []raise.Situation
	for rows.Next() {
		s, err := scanSituation(rows)
		if err != nil {
			b.o.Log.ErrorContext(ctx, "leave out an unreadable situation", "error", err)
			continue
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

func scanSituation(rows *sql.Rows) (raise.Situation, error) {
	var s raise.Situation
	var since, due int64
	var raised, ending []byte
	if err := rows.Scan(&s.Key, &since, &s.Pending, &due, &raised, &ending); err != nil {
		return s, fmt.Errorf("read situation: %w", err)
	}
	s.Since, s.Due = timeOf(since), timeOf(due)
	a, err := decodeAlert(raised)
	if err != nil {
		return s, fmt.Errorf("decode raised alert: %w", err)
	}
	s.Alert, s.AlertID = a, a.ID
	if ending != nil {
		end, err := decodeAlert(ending)
		if err != nil {
			return s, fmt.Errorf("decode clear: %w", err)
		}
		s.Ending = &end
	}
	return s, nil
}

func decodeAlert(event []byte) (alert.Alert, error) {
	e, err := alert.DecodeEvent(event)
	if err != nil {
		return alert.Alert{}, err
	}
	if e.Alert == nil {
		return alert.Alert{}, errors.New("not an alert")
	}
	return *e.Alert, nil
}

// nanos and timeOf store a time as nanoseconds since 1970, 0 for none.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func timeOf(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
