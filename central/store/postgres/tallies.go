package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

// askTallies reads what deliveries add to. It is asked inside the section, so that no two processes book at once.
func askTallies(b *pgx.Batch, deliveries []store.Delivery, into *[]store.Tally) {
	if len(deliveries) == 0 {
		return
	}
	var edges, lanes, epochs []string
	for _, d := range deliveries {
		edges, lanes, epochs = append(edges, d.Edge), append(lanes, string(d.Lane)), append(epochs, d.Epoch)
	}
	b.Queue("SELECT "+tallyColumns+` FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[], $3::text[]) AS u (edge, lane, epoch)) u
		JOIN tallies USING (edge, lane, epoch)`, edges, lanes, epochs).Query(func(rows pgx.Rows) (err error) {
		*into, err = collect(rows, nil, scanTally)
		return err
	})
}

// book counts deliveries: those of one lane and epoch are written once. tallies are those that [askTallies] found.
func book(b *pgx.Batch, tallies []store.Tally, deliveries []store.Delivery, now time.Time) {
	var grown []string // edges that have an epoch more
	for _, d := range deliveries {
		t := tallyOf(&tallies, d)
		if t.At.IsZero() {
			grown = append(grown, t.Edge)
		}
		*t = t.Take(d, now)
	}
	for i := range tallies {
		queueTally(b, &tallies[i])
	}
	for _, edge := range grown {
		queueForget(b, edge)
	}
}

// tallyOf returns what d adds to: one of tallies, where it is put if it is not there yet.
func tallyOf(tallies *[]store.Tally, d store.Delivery) *store.Tally {
	for i := range *tallies {
		if t := &(*tallies)[i]; t.Same(d) {
			return t
		}
	}
	*tallies = append(*tallies, store.Tally{Edge: d.Edge, Lane: d.Lane, Epoch: d.Epoch})
	return &(*tallies)[len(*tallies)-1]
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
