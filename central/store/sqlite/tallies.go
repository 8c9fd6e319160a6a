package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

// book counts deliveries: those of one lane and epoch are read and written once.
func (w *writer) book(deliveries []store.Delivery, now time.Time) error {
	var tallies []store.Tally
	for _, d := range deliveries {
		t, err := w.tallyOf(&tallies, d)
		if err != nil {
			return err
		}
		*t = t.Take(d, now)
	}
	for i := range tallies {
		if err := w.saveTally(&tallies[i]); err != nil {
			return fmt.Errorf("save the sequences of edge %s: %w", tallies[i].Edge, err)
		}
	}
	return nil
}

// tallyOf returns what d adds to: one of tallies, where it is put if it is not there yet.
func (w *writer) tallyOf(tallies *[]store.Tally, d store.Delivery) (*store.Tally, error) {
	for i := range *tallies {
		if t := &(*tallies)[i]; t.Same(d) {
			return t, nil
		}
	}
	t := store.Tally{Edge: d.Edge, Lane: d.Lane, Epoch: d.Epoch}
	err := w.c.query(func(v []driver.Value) (err error) {
		t, err = scanTally(func(dest ...any) error { return assign(dest, v) })
		return err
	}, "SELECT "+tallyColumns+" FROM tallies WHERE edge = ? AND lane = ? AND epoch = ?", d.Edge, string(d.Lane), d.Epoch)
	if err != nil {
		return nil, fmt.Errorf("read the sequences of edge %s: %w", d.Edge, err)
	}
	*tallies = append(*tallies, t)
	return &(*tallies)[len(*tallies)-1], nil
}

const tallyColumns = "edge, lane, epoch, lowest, above, missing, lost, came, shed, at"

// scanTally reads tallyColumns from either kind of row.
func scanTally(scan func(dest ...any) error) (t store.Tally, err error) {
	var above, missing string
	var at int64
	if err := scan(&t.Edge, &t.Lane, &t.Epoch, &t.Lowest, &above, &missing, &t.Lost, &t.Came, &t.Shed, &at); err != nil {
		return t, err
	}
	t.At = store.Instant(at)
	if t.Above, err = ingest.ParseRanges(above); err != nil {
		return t, err
	}
	t.Missing, err = ingest.ParseRanges(missing)
	return t, err
}

// saveTally writes t; if its epoch is new, the oldest ones of its edge make room.
func (w *writer) saveTally(t *store.Tally) error {
	r, err := w.c.exec(`UPDATE tallies SET lowest = ?, above = ?, missing = ?, lost = ?, came = ?, shed = ?, at = ?
		WHERE edge = ? AND lane = ? AND epoch = ?`,
		t.Lowest, t.Above.String(), t.Missing.String(), t.Lost, t.Came, t.Shed, store.Nanos(t.At), t.Edge, string(t.Lane), t.Epoch)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n > 0 {
		return err
	}
	_, err = w.c.exec("INSERT INTO tallies ("+tallyColumns+") VALUES (?,?,?,?,?,?,?,?,?,?)", t.Edge, string(t.Lane), t.Epoch,
		t.Lowest, t.Above.String(), t.Missing.String(), t.Lost, t.Came, t.Shed, store.Nanos(t.At))
	if err != nil {
		return err
	}
	_, err = w.c.exec(`DELETE FROM tallies WHERE edge = ?1 AND epoch NOT IN (
		SELECT epoch FROM tallies WHERE edge = ?1 GROUP BY epoch ORDER BY max(at) DESC, epoch DESC LIMIT ?2)`, t.Edge, int64(store.MaxEpochs))
	return err
}

// Gaps implements [store.Store].
func (s *Store) Gaps(ctx context.Context) ([]store.Tally, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT "+tallyColumns+
		" FROM tallies WHERE missing <> '' OR lost > 0 ORDER BY at DESC LIMIT ?", store.MaxGaps)
	tallies, err := collect(rows, err, scanTally)
	if err != nil {
		return nil, fmt.Errorf("list gaps: %w", err)
	}
	return tallies, nil
}
