package outbox

import (
	"fmt"

	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// shedChunk is how many rows are looked at at a time when room is made.
const shedChunk = 256

// makeRoom decides what of a commit is written. What is over the budget sheds the oldest bulk alerts first, then the oldest
// readings, and at last the commit's own, which makeRoom takes out of e: losing them is a decision, counted, and no reason
// to refuse the message behind them, or a source that delivers in order would come no further. Their rule state and the
// identity of the message are written all the same. Normal alerts are never shed and stop before the reserve; life-safety
// alerts are never shed and may fill it. If these do not fit, the commit is refused with [ErrFull].
func (t *tx) makeRoom(e *encoded) error {
	firm, loose := e.need()
	common := t.w.o.MaxBytes - t.w.o.Reserve // what all lanes share
	limit := common
	if e.urgent() {
		limit = t.w.o.MaxBytes
	}
	kept := t.t.bytes() - t.t.lanes[laneIndex(alert.Bulk)].bytes - t.t.readingBytes
	if firm > 0 && kept+firm > limit {
		return fmt.Errorf("%w: %d bytes are pending, %d allowed", ErrFull, t.t.bytes(), limit)
	}
	if loose = t.shedIncoming(e, loose, common-kept-firm); loose > 0 {
		limit = common
	}
	if firm+loose == 0 {
		return nil
	}
	return t.shedOldest(t.t.bytes() + firm + loose - limit)
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

// need is how many bytes a commit adds to the budget: those that may not be shed, and those that may.
func (e encoded) need() (firm, loose int64) {
	for _, a := range e.alerts {
		if e.sheds(a) {
			loose += a.size()
		} else {
			firm += a.size()
		}
	}
	for _, r := range e.readings {
		loose += int64(len(r)) + overhead
	}
	if e.whole {
		return firm + loose, 0
	}
	return firm, loose
}

func (a encodedAlert) size() int64 { return int64(len(a.event)) + overhead }

// sheds says whether an alert of e may be shed.
func (e encoded) sheds(a encodedAlert) bool { return a.lane == laneIndex(alert.Bulk) && !e.whole }

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
func (t *tx) shedIncoming(e *encoded, loose, room int64) int64 {
	var alerts []encodedAlert
	for _, a := range e.alerts {
		if loose <= room || !e.sheds(a) {
			alerts = append(alerts, a)
			continue
		}
		loose -= a.size()
		t.giveUp(a)
	}
	e.alerts = alerts
	for loose > room && len(e.readings) > 0 {
		loose -= int64(len(e.readings[0])) + overhead
		e.readings = e.readings[1:]
		t.t.shedReadings++
	}
	return loose
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
		t.gone[lane] = append(t.gone[lane], ingest.Range{First: rows.first, Last: rows.last})
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
type oldestRows struct{ first, last, count, bytes int64 }

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
		if r.count == 0 {
			r.first = r.last
		}
		r.count++
		r.bytes += n + overhead
	}
	return r, rows.Err()
}
