package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// ErrNotFound says that there is no such dead letter.
var ErrNotFound = errors.New("no such entry")

// Settle takes receipts of alerts: what was accepted, or is there already, is removed; what was rejected becomes a dead
// letter with its reason. A receipt for an alert that is not pending changes nothing. Nothing else removes an alert.
func (b *Outbox) Settle(ctx context.Context, receipts ...ingest.Receipt) error {
	if len(receipts) == 0 {
		return nil
	}
	return b.submit(ctx, func(t *tx) error {
		for _, r := range receipts {
			if err := t.settle(r); err != nil {
				return fmt.Errorf("settle alert: %w", err)
			}
		}
		return nil
	})
}

func (t *tx) settle(r ingest.Receipt) error {
	switch r.Outcome {
	case ingest.Accepted, ingest.Duplicate:
		return t.forget(r.ID)
	case ingest.Rejected:
		var event []byte
		err := t.queryRow(`SELECT event FROM alerts WHERE id = ?`, []any{r.ID}, &event)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		} else if err != nil {
			return err
		}
		if err := t.bury(streamAlert, r.ID, r.Reason, event); err != nil {
			return err
		}
		return t.forget(r.ID)
	}
	return nil // an outcome that this release does not know settles nothing
}

// forget removes an alert that was answered for, if it is there.
func (t *tx) forget(id string) error {
	var lane int
	var n int64
	err := t.queryRow(`DELETE FROM alerts WHERE id = ? RETURNING lane, length(event)`, []any{id}, &lane, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	} else if err != nil {
		return err
	}
	t.t.lanes[lane].pending--
	t.t.lanes[lane].bytes -= n + overhead
	return nil
}

// ReadingEntry is a reading that waits for its receipt.
type ReadingEntry struct {
	Seq     int64
	Reading alert.Reading
}

// ReadingReceipt answers one reading: Reason is empty where it is stored, else says why central refused it.
type ReadingReceipt struct {
	Seq    int64
	Reason string
}

// unreadable is why central is not asked about what is no longer what was written.
const unreadable = "it cannot be read any more at the edge"

// PeekReadings returns the oldest readings, at most limit. One that cannot be read any more becomes a dead letter: it must hold up no
// other.
func (b *Outbox) PeekReadings(ctx context.Context, limit int) ([]ReadingEntry, error) {
	rows, err := b.read.QueryContext(ctx, `SELECT seq, reading FROM readings ORDER BY seq LIMIT ?`, limit)
	if err != nil {
		return nil, fmt.Errorf("read readings: %w", b.suspect(err))
	}
	defer rows.Close()
	var out []ReadingEntry
	var bad []ReadingReceipt
	for rows.Next() {
		var e ReadingEntry
		var body []byte
		if err := rows.Scan(&e.Seq, &body); err != nil {
			return nil, fmt.Errorf("read readings: %w", err)
		}
		if json.Unmarshal(body, &e.Reading) != nil {
			bad = append(bad, ReadingReceipt{Seq: e.Seq, Reason: unreadable})
			continue
		}
		out = append(out, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read readings: %w", b.suspect(err))
	}
	return out, b.SettleReadings(ctx, bad...)
}

// SettleReadings removes readings that were answered; refused ones become dead letters.
func (b *Outbox) SettleReadings(ctx context.Context, receipts ...ReadingReceipt) error {
	if len(receipts) == 0 {
		return nil
	}
	return b.submit(ctx, func(t *tx) error {
		for _, r := range receipts {
			if err := t.settleReading(r); err != nil {
				return fmt.Errorf("settle reading: %w", err)
			}
		}
		return nil
	})
}

func (t *tx) settleReading(r ReadingReceipt) error {
	var body []byte
	err := t.queryRow(`SELECT reading FROM readings WHERE seq = ?`, []any{r.Seq}, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	} else if err != nil {
		return err
	}
	if r.Reason != "" {
		if err := t.bury(streamReading, "", r.Reason, body); err != nil {
			return err
		}
	}
	if _, err := t.exec(`DELETE FROM readings WHERE seq = ?`, r.Seq); err != nil {
		return err
	}
	t.t.readings--
	t.t.readingBytes -= int64(len(body)) + overhead
	return nil
}

// Streams of dead letters.
const (
	streamAlert    = "alert"
	streamReading  = "reading"
	streamEvidence = "evidence"
)

// DeadLetter is what central refused. It blocks nothing and waits for an operator.
type DeadLetter struct {
	Seq    int64
	Stream string // alert, reading or evidence
	ID     string // of the event; empty for a reading
	At     time.Time
	Reason string
	Body   []byte // the event or the reading, in JSON unless it was damaged
}

// maxReason bounds what is kept of a reason, in bytes.
const maxReason = 500

// bury writes a dead letter and drops the oldest beyond the bound.
func (t *tx) bury(stream, id, reason string, body []byte) error {
	return t.buryAt(t.at, stream, id, reason, body)
}

func (t *tx) buryAt(at int64, stream, id, reason string, body []byte) error {
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	res, err := t.exec(`INSERT INTO dead_letters (stream, id, at, reason, body) VALUES (?, ?, ?, ?, ?)`, stream, id, at, reason, body)
	if err != nil {
		return fmt.Errorf("write dead letter: %w", err)
	}
	seq, err := res.LastInsertId()
	if err != nil {
		return err
	}
	if _, err := t.exec(`DELETE FROM dead_letters WHERE seq <= ?`, seq-int64(t.w.o.DeadLetters)); err != nil {
		return fmt.Errorf("drop oldest dead letters: %w", err)
	}
	return nil
}

// DeadLetters returns dead letters with a sequence above after, oldest first, at most limit.
func (b *Outbox) DeadLetters(ctx context.Context, after int64, limit int) ([]DeadLetter, error) {
	rows, err := b.read.QueryContext(ctx, `SELECT seq, stream, id, at, reason, body FROM dead_letters WHERE seq > ? ORDER BY seq LIMIT ?`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", b.suspect(err))
	}
	defer rows.Close()
	var out []DeadLetter
	for rows.Next() {
		var d DeadLetter
		var at int64
		if err := rows.Scan(&d.Seq, &d.Stream, &d.ID, &at, &d.Reason, &d.Body); err != nil {
			return nil, fmt.Errorf("read dead letters: %w", err)
		}
		d.At = timeOf(at)
		out = append(out, d)
	}
	return out, b.suspect(rows.Err())
}

// Requeue puts a dead alert or reading back at the end of its stream, with the same id. [ErrNotFound] means that there is
// none of that sequence, [ErrFull] that there is no room: it stays a dead letter. Evidence cannot be queued again, since its object is gone.
func (b *Outbox) Requeue(ctx context.Context, seq int64) error {
	return b.submit(ctx, func(t *tx) error { return t.requeue(seq) })
}

func (t *tx) requeue(seq int64) error {
	var stream string
	var body []byte
	err := t.queryRow(`SELECT stream, body FROM dead_letters WHERE seq = ? AND stream <> 'evidence'`, []any{seq}, &stream, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("dead letter %d: %w", seq, ErrNotFound)
	} else if err != nil {
		return fmt.Errorf("read dead letter: %w", err)
	}
	e := encoded{whole: true}
	if stream == streamReading {
		e.readings = [][]byte{body}
	} else {
		a, err := decodeAlert(body)
		if err != nil {
			return fmt.Errorf("dead letter %d is not one of this release: %w", seq, ErrNotFound)
		}
		e.alerts = []encodedAlert{encodedOf(a, body, t.w.o.Needs(a))}
	}
	if _, err := t.write(e); err != nil {
		return err
	}
	if _, err := t.exec(`DELETE FROM dead_letters WHERE seq = ?`, seq); err != nil {
		return fmt.Errorf("remove dead letter: %w", err)
	}
	return nil
}

// requeueChunk is how many dead letters one transaction puts back.
const requeueChunk = 100

// RequeueAll puts back all dead letters that can be, oldest first, and tells how many. [ErrFull] ends it early: what is left stays.
func (b *Outbox) RequeueAll(ctx context.Context) (n int, err error) {
	after := int64(0)
	for {
		letters, err := b.DeadLetters(ctx, after, requeueChunk)
		if err != nil || len(letters) == 0 {
			return n, err
		}
		after = letters[len(letters)-1].Seq
		put, err := b.requeueSome(ctx, letters)
		if n += put; err != nil {
			return n, err
		}
	}
}

// requeueSome puts back those of letters that can be, in one transaction.
func (b *Outbox) requeueSome(ctx context.Context, letters []DeadLetter) (n int, err error) {
	var stopped error
	err = b.submit(ctx, func(t *tx) error {
		for _, d := range letters {
			switch err := t.requeue(d.Seq); {
			case errors.Is(err, ErrFull):
				stopped = err
				return nil
			case errors.Is(err, ErrNotFound): // evidence, or gone meanwhile
			case err != nil:
				return err
			default:
				n++
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, stopped
}

// Drop removes a dead letter for good. [ErrNotFound] means that there is none of that sequence.
func (b *Outbox) Drop(ctx context.Context, seq int64) error {
	return b.submit(ctx, func(t *tx) error {
		res, err := t.exec(`DELETE FROM dead_letters WHERE seq = ?`, seq)
		if err != nil {
			return fmt.Errorf("remove dead letter: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return fmt.Errorf("dead letter %d: %w", seq, ErrNotFound)
	})
}
