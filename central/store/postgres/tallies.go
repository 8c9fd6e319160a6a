package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

// book counts deliveries: those of one lane and epoch are read and written once. It is called inside the section, so that no
// two processes book at once.
func book(ctx context.Context, tx pgx.Tx, deliveries []store.Delivery, now time.Time) error {
	var tallies []store.Tally
	var grown []string // edges that have an epoch more
	for _, d := range deliveries {
		t, err := tallyOf(ctx, tx, &tallies, d)
		if err != nil {
			return err
		}
		if t.At.IsZero() {
			grown = append(grown, t.Edge)
		}
		*t = t.Take(d, now)
	}
	if len(tallies) == 0 {
		return nil
	}
	b := &pgx.Batch{}
	for i := range tallies {
		queueTally(b, &tallies[i])
	}
	for _, edge := range grown {
		queueForget(b, edge)
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("save the sequences of edges: %w", err)
	}
	return nil
}

// tallyOf returns what d adds to: one of tallies, where it is put if it is not there yet.
func tallyOf(ctx context.Context, tx pgx.Tx, tallies *[]store.Tally, d store.Delivery) (*store.Tally, error) {
	for i := range *tallies {
		if t := &(*tallies)[i]; t.Same(d) {
			return t, nil
		}
	}
	rows, err := tx.Query(ctx, "SELECT "+tallyColumns+" FROM tallies WHERE edge = $1 AND lane = $2 AND epoch = $3", d.Edge, string(d.Lane), d.Epoch)
	known, err := collect(rows, err, scanTally)
	if err != nil {
		return nil, fmt.Errorf("read the sequences of edge %s: %w", d.Edge, err)
	}
	t := store.Tally{Edge: d.Edge, Lane: d.Lane, Epoch: d.Epoch}
	if len(known) > 0 {
		t = known[0]
	}
	*tallies = append(*tallies, t)
	return &(*tallies)[len(*tallies)-1], nil
}

const tallyColumns = "edge, lane, epoch, lowest, above, missing, lost, came, shed, at"

func scanTally(scan scanner) (t store.Tally, err error) {
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

func queueTally(b *pgx.Batch, t *store.Tally) {
	b.Queue("INSERT INTO tallies ("+tallyColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)
		ON CONFLICT (edge, lane, epoch) DO UPDATE SET lowest = excluded.lowest, above = excluded.above, missing = excluded.missing,
		lost = excluded.lost, came = excluded.came, shed = excluded.shed, at = excluded.at`, t.Edge, string(t.Lane), t.Epoch,
		t.Lowest, t.Above.String(), t.Missing.String(), t.Lost, t.Came, t.Shed, store.Nanos(t.At))
}

// queueForget lets the oldest epochs of an edge make room.
func queueForget(b *pgx.Batch, edge string) {
	b.Queue(`DELETE FROM tallies WHERE edge = $1 AND epoch NOT IN (
		SELECT epoch FROM tallies WHERE edge = $1 GROUP BY epoch ORDER BY max(at) DESC, epoch DESC LIMIT $2)`, edge, store.MaxEpochs)
}

// Gaps implements [store.Store].
func (s *Store) Gaps(ctx context.Context) ([]store.Tally, error) {
	rows, err := s.read.Query(ctx, "SELECT "+tallyColumns+" FROM tallies WHERE missing <> '' OR lost > 0 ORDER BY at DESC LIMIT $1", store.MaxGaps)
	tallies, err := collect(rows, err, scanTally)
	if err != nil {
		return nil, fmt.Errorf("list gaps: %w", err)
	}
	return tallies, nil
}
