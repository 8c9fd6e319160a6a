package outbox

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/go-json-experiment/json"

	"gridgate/edge/raise"
	"gridgate/protocols/alert"
)

// overhead is what a row costs beside its body, about, in bytes.
const overhead = 128

// encoded is a [raise.Commit] as it is written. Encoding happens before the writer is asked, on the caller's processor.
type encoded struct {
	message  []byte // digest, nil for none
	first    bool   // takes the place of an equal identity
	alerts   []encodedAlert
	readings [][]byte
	opened   []encodedSituation
	closed   []string
	whole    bool // nothing of it may be shed
}

type encodedAlert struct {
	lane      int
	need      int // schema
	id        string
	same      string // of life-safety alerts; see sameness
	situation string // of those that may be shed or coalesced
	event     []byte
	at        int64 // when it was written; zero: now
	fate      fate
}

// encodedOf describes an alert whose event is given.
func encodedOf(a alert.Alert, event []byte, need int) encodedAlert {
	e := encodedAlert{lane: laneIndex(a.Lane()), need: need, id: a.ID, event: event}
	switch a.Lane() {
	case alert.LifeSafety:
		e.same, e.situation = sameness(a), a.Situation
	case alert.Bulk:
		e.situation = a.Situation
	}
	return e
}

type encodedSituation struct {
	raise.Situation
	raised, ending []byte
}

// Commit implements [raise.Log]. [ErrFull] means that there is no room for an alert that may not be shed. Readings and bulk
// alerts for which there is none are shed and counted, and the rest of the commit is written, the situation of such an alert too. Its
// clear is shed with it or when it comes.
func (b *Outbox) Commit(ctx context.Context, c raise.Commit) (duplicate bool, err error) {
	e, err := b.encode(c)
	if err != nil {
		return false, err
	}
	err = b.submit(ctx, func(t *tx) error {
		duplicate, err = t.write(e)
		return err
	})
	return duplicate && err == nil, err
}

func (b *Outbox) encode(c raise.Commit) (e encoded, err error) {
	if c.Message != "" {
		e.message, e.first = digest(c.Message), c.First
	}
	for _, a := range c.Alerts {
		event, err := alert.Encode(a)
		if err != nil {
			return e, err
		}
		e.alerts = append(e.alerts, encodedOf(a, event, b.o.Needs(a)))
	}
	for _, r := range c.Readings {
		body, err := json.Marshal(r)
		if err != nil {
			return e, fmt.Errorf("encode reading: %w", err)
		}
		e.readings = append(e.readings, body)
	}
	for _, s := range c.Opened {
		es, err := encodeSituation(s)
		if err != nil {
			return e, err
		}
		e.opened = append(e.opened, es)
	}
	e.closed = c.Closed
	return e, nil
}

func encodeSituation(s raise.Situation) (e encodedSituation, err error) {
	e.Situation = s
	if e.raised, err = alert.Encode(s.Alert); err != nil {
		return e, fmt.Errorf("encode situation: %w", err)
	}
	if s.Ending != nil {
		if e.ending, err = alert.Encode(*s.Ending); err != nil {
			return e, fmt.Errorf("encode clear of situation: %w", err)
		}
	}
	return e, nil
}

// digest stands for the identity of a message: 16 bytes, and nothing of a topic or payload on the disk.
func digest(message string) []byte {
	sum := sha256.Sum256([]byte(message))
	return sum[:16]
}

// write puts an encoded commit into the transaction. What can refuse it comes before the first write.
func (t *tx) write(e encoded) (duplicate bool, err error) {
	if e.message != nil && !e.first && t.knows(e.message) {
		return true, nil
	}
	if err := t.makeRoom(&e); err != nil {
		return false, err
	}
	if e.message != nil {
		t.addMessage(e.message)
	}
	for _, step := range []func(encoded) error{t.writeAlerts, t.writeReadings, t.writeSituations} {
		if err := step(e); err != nil {
			return false, err
		}
	}
	return false, nil
}

func (t *tx) writeAlerts(e encoded) error {
	for _, a := range e.alerts {
		if err := t.appendAlert(a); err != nil {
			return err
		}
	}
	return nil
}

// appendAlert gives an alert the next sequence of its lane. An id that is there already is left as it is.
func (t *tx) appendAlert(a encodedAlert) error {
	l := &t.t.lanes[a.lane]
	at := cmp.Or(a.at, t.at)
	if l.pending > 0 {
		at = max(at, l.last) // a clock that was set back must not put the lane's times out of order
	}
	res, err := t.exec(`INSERT INTO alerts (lane, seq, id, at, event, need, key, situation) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO NOTHING`, a.lane, l.next, a.id, at, a.event, a.need, a.same, a.situation)
	if err != nil {
		return fmt.Errorf("write alert: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	l.next++
	l.last = at
	l.pending++
	l.bytes += int64(len(a.event)) + overhead
	t.t.added++
	if a.lane == 0 {
		t.t.urgent++
	}
	return nil
}

func (t *tx) writeReadings(e encoded) error {
	for _, body := range e.readings {
		t.batch.readings = append(t.batch.readings, t.at, body)
		t.t.readings++
		t.t.readingBytes += int64(len(body)) + overhead
		t.t.added++
	}
	return nil
}

func (t *tx) writeSituations(e encoded) error {
	for _, s := range e.opened {
		_, err := t.exec(`INSERT INTO situations (key, since, pending, due, alert, ending) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (key) DO UPDATE SET since = excluded.since, pending = excluded.pending, due = excluded.due,
			alert = excluded.alert, ending = excluded.ending`,
			s.Key, nanos(s.Since), s.Pending, nanos(s.Due), s.raised, s.ending)
		if err != nil {
			return fmt.Errorf("write situation: %w", err)
		}
	}
	for _, key := range e.closed {
		if _, err := t.exec(`DELETE FROM situations WHERE key = ?`, key); err != nil {
			return fmt.Errorf("close situation: %w", err)
		}
	}
	return nil
}
