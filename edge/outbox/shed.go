package outbox

import (
	"database/sql"
	"errors"
	"fmt"
	"math"

	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// fate is what may become of an alert of a commit for which there is no room.
type fate int

const (
	firmly  fate = iota // it is written, or the commit is refused
	loosely             // it may be shed
	kept                // a clear whose raise central has: it is written whatever the budget says
	gone                // a clear whose raise was given up, or what is shed
)

// maxGivenUp bounds how many raises are remembered whose clear is still to come. An edge has fewer keys.
const maxGivenUp = 100_000

// judge settles the fate of each alert. The rule for bulk: a raise and its clear go together. So the clear of a raise that was given up
// follows it, and one whose raise has left stays, or central's situation would be open for ever.
func (t *tx) judge(e *encoded) (err error) {
	for i, a := range e.alerts {
		if a.lane != laneIndex(alert.Bulk) || e.whole {
			continue
		}
		e.alerts[i].fate = loosely
		if !a.clears() || raises(e.alerts[:i], a.situation) {
			continue
		}
		if e.alerts[i].fate, err = t.fateOfClear(a); err != nil {
			return fmt.Errorf("look for the raise of a clear: %w", err)
		}
	}
	return nil
}

func (a encodedAlert) clears() bool { return a.situation != "" && a.situation != a.id }

func raises(alerts []encodedAlert, id string) bool {
	for _, a := range alerts {
		if a.id == id {
			return true
		}
	}
	return false
}

// fateOfClear looks where the raise is that a names.
func (t *tx) fateOfClear(a encodedAlert) (fate, error) {
	var waits, given bool
	err := t.queryRow(`SELECT EXISTS (SELECT 1 FROM alerts WHERE id = ?1), EXISTS (SELECT 1 FROM given_up WHERE id = ?1)`, []any{a.situation}, &waits, &given)
	switch {
	case err != nil:
		return firmly, err
	case given:
		return gone, nil
	case waits:
		return loosely, nil
	case t.t.bytes()+a.size() > t.w.o.MaxBytes+t.w.o.Reserve:
		return gone, nil // the bound of what may not be shed, far above one clear for each key
	}
	return kept, nil
}

// follow gives up those clears of a commit whose raise was shed to make room for it.
func (t *tx) follow(e *encoded) error {
	var stay []encodedAlert
	for _, a := range e.alerts {
		if a.fate == loosely && a.clears() && !raises(e.alerts, a.situation) {
			f, err := t.fateOfClear(a)
			if err != nil {
				return fmt.Errorf("look for the raise of a clear: %w", err)
			}
			if f == gone {
				if err := t.giveUp(a); err != nil {
					return err
				}
				continue
			}
		}
		stay = append(stay, a)
	}
	e.alerts = stay
	return nil
}

// giveUp counts an alert that is shed before it was written. It gets a number all the same, so that central learns of it.
func (t *tx) giveUp(a encodedAlert) error {
	l := &t.t.lanes[a.lane]
	t.note(a.lane, l.next)
	l.next++
	l.shed++
	return t.parted(a.id, a.situation)
}

// parted sees to the other half of a raise or clear that is given up: a clear that is still to come will follow its raise, and a
// raise that waits goes with its clear.
func (t *tx) parted(id, situation string) error {
	if situation == "" {
		return nil
	}
	if situation == id {
		return t.awaitClear(id)
	}
	if _, err := t.exec(`DELETE FROM given_up WHERE id = ?`, situation); err != nil {
		return fmt.Errorf("forget a raise that was shed: %w", err)
	}
	var seq int64
	err := t.queryRow(`SELECT seq FROM alerts WHERE id = ? AND lane = 2`, []any{situation}, &seq)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	} else if err != nil {
		return fmt.Errorf("find the raise of a clear that is shed: %w", err)
	}
	_, err = t.shed(laneIndex(alert.Bulk), seq)
	return err
}

// awaitClear sheds the clear of a raise that is given up, or remembers that it is to be shed when it comes.
func (t *tx) awaitClear(id string) error {
	var seq int64
	err := t.queryRow(`SELECT seq FROM alerts INDEXED BY alerts_situation WHERE lane = 2 AND situation = ?1 AND id <> ?1`, []any{id}, &seq)
	if err == nil {
		_, err = t.shed(laneIndex(alert.Bulk), seq)
		return err
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("find the clear of a raise that is shed: %w", err)
	}
	res, err := t.exec(`INSERT OR REPLACE INTO given_up (id) VALUES (?)`, id)
	if err != nil {
		return fmt.Errorf("remember a raise that is shed: %w", err)
	}
	last, err := res.LastInsertId()
	if err == nil {
		_, err = t.exec(`DELETE FROM given_up WHERE seq <= ?`, last-maxGivenUp)
	}
	return err
}

// stored is a row of alerts, without its event.
type stored struct {
	seq           int64
	id, situation string
}

// momentary is so for rows of the file's first version, too, which do not tell.
func (s stored) momentary() bool { return s.situation == "" }
func (s stored) raised() bool    { return s.situation == s.id }

// alertRows reads rows of a query for seq, id and situation.
func (t *tx) alertRows(query string, args ...any) (out []stored, err error) {
	stmt, err := t.w.prepared(query)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.Query(args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s stored
		if err := rows.Scan(&s.seq, &s.id, &s.situation); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// shedBulk removes the oldest bulk alerts, each raise with its clear, until want bytes are free or only clears are left whose raise
// central has, and tells how many bytes it freed.
func (t *tx) shedBulk(want int64) (freed int64, err error) {
	lane := laneIndex(alert.Bulk)
	before := t.t.lanes[lane].bytes
	for freed < want {
		rows, err := t.alertRows(`SELECT seq, id, situation FROM alerts WHERE lane = 2 AND seq > ? ORDER BY seq LIMIT ?`, t.t.looked, shedChunk)
		if err != nil {
			return freed, fmt.Errorf("find oldest bulk alerts: %w", err)
		}
		if len(rows) == 0 {
			return freed, nil
		}
		for _, r := range rows {
			if freed >= want {
				break
			}
			if err := t.shedRow(r); err != nil {
				return freed, err
			}
			t.t.looked = r.seq
			freed = before - t.t.lanes[lane].bytes
		}
	}
	return freed, nil
}

// shedRow sheds the oldest bulk alert that was not looked at yet. If it is a clear, its raise is not ahead of it: central has that.
func (t *tx) shedRow(r stored) error {
	if !r.momentary() && !r.raised() {
		return nil
	}
	if there, err := t.shed(laneIndex(alert.Bulk), r.seq); err != nil || !there {
		return err
	}
	return t.parted(r.id, r.situation)
}

// shed removes an alert and counts it as shed.
func (t *tx) shed(lane int, seq int64) (there bool, err error) {
	there, err = t.drop(lane, seq)
	if there {
		t.t.lanes[lane].shed++
	}
	return there, err
}

// drop removes an alert and notes its number. It tells whether it was there.
func (t *tx) drop(lane int, seq int64) (there bool, err error) {
	var n int64
	err = t.queryRow(`DELETE FROM alerts WHERE lane = ? AND seq = ? RETURNING length(event)`, []any{lane, seq}, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("remove an alert for want of room: %w", err)
	}
	t.note(lane, seq)
	l := &t.t.lanes[lane]
	l.pending--
	l.bytes -= n + overhead
	return true, nil
}

// note adds a number to those that the lane gave up.
func (t *tx) note(lane int, seq int64) {
	runs := t.gone[lane]
	if n := len(runs); n > 0 && runs[n-1].Last+1 == seq {
		runs[n-1].Last = seq
		return
	}
	t.gone[lane] = append(runs, ingest.Range{First: seq, Last: seq})
}

// atMost joins the nearest runs until n are left. What lies between two that are joined then counts as given up, too: central misses
// nothing by that which comes, only the news that it did not.
func atMost(n int, runs ingest.Ranges) ingest.Ranges {
	if len(runs) <= n {
		return runs
	}
	runs = append(ingest.Ranges(nil), runs...)
	for len(runs) > n {
		nearest, least := 0, int64(math.MaxInt64)
		for i := 1; i < len(runs); i++ {
			if d := runs[i].First - runs[i-1].Last; d < least {
				nearest, least = i, d
			}
		}
		runs[nearest-1].Last = runs[nearest].Last
		runs = append(runs[:nearest], runs[nearest+1:]...)
	}
	return runs
}
