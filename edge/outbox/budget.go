package outbox

import (
	"fmt"

	"gridgate/protocols/alert"
)

// shedChunk is how many rows are looked at at a time when room is made.
const shedChunk = 256

// makeRoom decides whether a commit fits. What is over the budget sheds the oldest bulk alerts first, then the oldest
// readings. Normal alerts are never shed and stop before the reserve; life-safety alerts are never shed and may fill it.
// A commit that still does not fit is refused with [ErrFull].
func (t *tx) makeRoom(e encoded) error {
	need, limit := e.need(), t.w.o.MaxBytes
	if !e.urgent() {
		limit -= t.w.o.Reserve
	}
	excess := t.t.bytes() + need - limit
	if need == 0 || excess <= 0 {
		return nil
	}
	bulk := &t.t.lanes[laneIndex(alert.Bulk)]
	if excess > bulk.bytes+t.t.readingBytes {
		return fmt.Errorf("%w: %d bytes are pending, %d allowed", ErrFull, t.t.bytes(), limit)
	}
	freed, err := t.shedBulk(excess)
	if err != nil {
		return err
	}
	if freed < excess {
		return t.shedReadings(excess - freed)
	}
	return nil
}

// need is how many bytes a commit adds to the budget.
func (e encoded) need() int64 {
	var n int64
	for _, a := range e.alerts {
		n += int64(len(a.event)) + overhead
	}
	for _, r := range e.readings {
		n += int64(len(r)) + overhead
	}
	return n
}

func (e encoded) urgent() bool {
	for _, a := range e.alerts {
		if a.lane == laneIndex(alert.LifeSafety) {
			return true
		}
	}
	return false
}

// shedBulk removes the oldest bulk alerts until want bytes are free or none is left, and tells how many bytes it freed.
func (t *tx) shedBulk(want int64) (freed int64, err error) {
	lane := laneIndex(alert.Bulk)
	l := &t.t.lanes[lane]
	for freed < want {
		rows, err := t.oldest(`SELECT seq, length(event) FROM alerts WHERE lane = 2 ORDER BY seq LIMIT ?`, want-freed)
		if err != nil {
			return freed, fmt.Errorf("find oldest bulk alerts: %w", err)
		}
		if rows.count == 0 {
			return freed, nil
		}
		if _, err := t.exec(`DELETE FROM alerts WHERE lane = 2 AND seq <= ?`, rows.last); err != nil {
			return freed, fmt.Errorf("shed bulk alerts: %w", err)
		}
		l.pending -= rows.count
		l.bytes -= rows.bytes
		l.shed += rows.count
		freed += rows.bytes
	}
	return freed, nil
}

// shedReadings is shedBulk for readings.
func (t *tx) shedReadings(want int64) error {
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
