package outbox

import (
	"fmt"

	"gridgate/protocols/alert"
)

// shedChunk is how many rows are looked at at a time when room is made.
const shedChunk = 32

// makeRoom decides what of a commit is written. What is over the budget sheds the oldest bulk alerts first, then the oldest
// readings, and at last the commit's own, which makeRoom takes out of e: losing them is a decision, counted, and no reason
// to refuse the message behind them, or a source that delivers in order would come no further. Their rule state and the
// identity of the message are written all the same. If the rest fills what all lanes share, life-safety alerts give way to later ones
// of their key (see [tx.superseded]). Normal alerts are never shed and stop before the reserve; life-safety alerts may fill it. If
// these do not fit, the commit is refused with [ErrFull].
func (t *tx) makeRoom(e *encoded) error {
	if err := t.judge(e); err != nil {
		return err
	}
	firm, loose, exempt := e.need()
	common := t.w.o.MaxBytes - t.w.o.Reserve // what all lanes share
	if err := t.coalesce(*e, firm, common); err != nil {
		return err
	}
	limit := common
	if e.urgent() {
		limit = t.w.o.MaxBytes
	}
	loose, err := t.shedIncoming(e, loose, common-t.firm()-firm)
	if err != nil {
		return err
	}
	if loose > 0 {
		limit = common
	}
	if firm+loose+exempt == 0 {
		return nil
	}
	if excess := t.t.bytes() + firm + loose + exempt - limit; excess > 0 {
		if err := t.shedOldest(excess); err != nil {
			return err
		}
		return t.follow(e)
	}
	return nil
}

// firm is what is stored and may not be shed, in bytes. Clears that may not be are left out: there is one for a key at most.
func (t *tx) firm() int64 {
	return t.t.bytes() - t.t.lanes[laneIndex(alert.Bulk)].bytes - t.t.readingBytes
}

// shedOldest makes excess bytes free, or as many as there are to be shed.
func (t *tx) shedOldest(excess int64) error {
	freed, err := t.shedBulk(excess)
	if err != nil {
		return err
	}
	if freed < excess {
		return t.shedReadings(excess - freed)
	}
	return nil
}

// need is how many bytes a commit adds to the budget: those that may not be shed, those that may, and those that are written
// whatever it says.
func (e encoded) need() (firm, loose, exempt int64) {
	for _, a := range e.alerts {
		switch a.fate {
		case loosely:
			loose += a.size()
		case firmly:
			firm += a.size()
		case kept:
			exempt += a.size()
		}
	}
	for _, r := range e.readings {
		loose += int64(len(r)) + overhead
	}
	if e.whole {
		return firm + loose, 0, 0
	}
	return firm, loose, exempt
}

func (a encodedAlert) size() int64 { return int64(len(a.event)) + overhead }

func (e encoded) urgent() bool {
	for _, a := range e.alerts {
		if a.lane == laneIndex(alert.LifeSafety) {
			return true
		}
	}
	return false
}

// shedIncoming takes bulk alerts, then readings out of e, the first ones first, until what is left of loose bytes fits into
// room, and returns how many bytes that is.
func (t *tx) shedIncoming(e *encoded, loose, room int64) (int64, error) {
	var stay, left []encodedAlert
	for _, a := range e.alerts {
		if a.fate == loosely && (loose > room || a.clears() && raises(left, a.situation)) {
			loose -= a.size()
			a.fate = gone
		}
		if a.fate != gone {
			stay = append(stay, a)
			continue
		}
		left = append(left, a)
		if err := t.giveUp(a); err != nil {
			return 0, err
		}
	}
	e.alerts = stay
	for loose > room && len(e.readings) > 0 {
		loose -= int64(len(e.readings[0])) + overhead
		e.readings = e.readings[1:]
		t.t.shedReadings++
	}
	return loose, nil
}

// shedReadings is [tx.shedBulk] for readings.
func (t *tx) shedReadings(want int64) error {
	if err := t.flushReadings(); err != nil {
		return err
	}
	for want > 0 {
		rows, err := t.oldest(`SELECT seq, length(reading) FROM readings ORDER BY seq LIMIT ?`, want)
		if err != nil {
			return fmt.Errorf("find oldest readings: %w", err)
		}
		if rows.count == 0 {
			return nil
		}
		if _, err := t.exec(`DELETE FROM readings WHERE seq <= ?`, rows.last); err != nil {
			return fmt.Errorf("shed readings: %w", err)
		}
		t.t.readings -= rows.count
		t.t.readingBytes -= rows.bytes
		t.t.shedReadings += rows.count
		want -= rows.bytes
	}
	return nil
}

// oldestRows is a run of rows from the oldest on: its last sequence, its length and its size.
type oldestRows struct{ last, count, bytes int64 }

// oldest walks over the first rows of query until they hold want bytes.
func (t *tx) oldest(query string, want int64) (r oldestRows, err error) {
	stmt, err := t.w.prepared(query)
	if err != nil {
		return r, err
	}
	rows, err := stmt.Query(shedChunk)
	if err != nil {
		return r, err
	}
	defer rows.Close()
	for r.bytes < want && rows.Next() {
		var n int64
		if err := rows.Scan(&r.last, &n); err != nil {
			return r, err
		}
		r.count++
		r.bytes += n + overhead
	}
	return r, rows.Err()
}
