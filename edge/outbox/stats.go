package outbox

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// LaneStats is what one lane holds.
type LaneStats struct {
	Lane    alert.Lane
	Pending int64
	Bytes   int64
	Oldest  time.Time // when the oldest pending alert was written; zero if none
	Lowest  int64     // sequence of the oldest pending alert; Next if none
	Next    int64     // sequence of the next alert of this epoch
	Shed    int64     // dropped for want of room, in this epoch

	Coalesced  int64         // gave way to a later alert of the same key for want of room, in this epoch
	ShedRanges ingest.Ranges // sequences of both, in this epoch
}

// StreamStats is what the readings or the evidence hold.
type StreamStats struct {
	Pending, Bytes, Shed int64
}

// Stats is a snapshot. Commits counts synced transactions since the start, Calls the calls they answered, Failures the
// calls that a failing transaction took along.
type Stats struct {
	Epoch       string
	Lanes       []LaneStats // in the order of [alert.Lanes]
	Readings    StreamStats
	Evidence    StreamStats
	DeadLetters int64
	Damage      *Damage // the last, nil if there was none
	SetAside    int     // damaged files that are kept

	Commits, Calls, Failures int64
}

// Stats returns a snapshot of what is pending.
func (b *Outbox) Stats(ctx context.Context) (Stats, error) {
	t, s := b.write.counts.snapshot()
	s.Epoch = b.epoch
	s.Readings = StreamStats{Pending: t.readings, Bytes: t.readingBytes, Shed: t.shedReadings}
	s.Evidence = StreamStats{Pending: t.evidence, Bytes: t.evidenceBytes, Shed: t.shedEvidence}
	for i, lane := range alert.Lanes {
		l := t.lanes[i]
		ls := LaneStats{Lane: lane, Pending: l.pending, Bytes: l.bytes, Next: l.next, Shed: l.shed, Lowest: l.next,
			Coalesced: l.coalesced, ShedRanges: l.givenUp}
		var at int64
		row := b.read.QueryRowContext(ctx, `SELECT seq, at FROM alerts WHERE lane = ? ORDER BY seq LIMIT 1`, i)
		if err := row.Scan(&ls.Lowest, &at); err != nil && err != sql.ErrNoRows {
			return Stats{}, fmt.Errorf("read oldest alert: %w", b.suspect(err))
		}
		ls.Oldest = timeOf(at)
		s.Lanes = append(s.Lanes, ls)
	}
	if err := b.read.QueryRowContext(ctx, `SELECT count(*) FROM dead_letters`).Scan(&s.DeadLetters); err != nil {
		return Stats{}, fmt.Errorf("count dead letters: %w", b.suspect(err))
	}
	var err error
	if s.Damage, err = b.lastDamage(ctx); err != nil {
		return Stats{}, err
	}
	aside, err := asideFiles(b.o.Dir)
	if err != nil {
		return Stats{}, fmt.Errorf("list files set aside: %w", err)
	}
	s.SetAside = len(aside)
	return s, nil
}

// counts is the part of the writer that others may read.
type counts struct {
	mu     sync.Mutex
	totals totals

	commits, calls, failures int64
}

func (c *counts) load() totals {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.totals
	t.added, t.urgent = 0, 0
	return t
}

func (c *counts) committed(t totals, calls int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.totals = t
	c.commits++
	c.calls += int64(calls)
}

func (c *counts) failed(calls int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures += int64(calls)
}

func (c *counts) snapshot() (totals, Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.totals, Stats{Commits: c.commits, Calls: c.calls, Failures: c.failures}
}

// loadTotals counts what the file holds, at start.
func loadTotals(ctx context.Context, db *sql.DB) (totals, error) {
	var t totals
	for i := range t.lanes {
		l := &t.lanes[i]
		row := db.QueryRowContext(ctx, `SELECT next, shed, coalesced, given_up, (SELECT count(*) FROM alerts WHERE lane = lanes.lane),
			(SELECT coalesce(sum(length(event)), 0) FROM alerts WHERE lane = lanes.lane),
			coalesce((SELECT at FROM alerts WHERE lane = lanes.lane ORDER BY seq DESC LIMIT 1), 0) FROM lanes WHERE lane = ?`, i)
		var gone string
		err := row.Scan(&l.next, &l.shed, &l.coalesced, &gone, &l.pending, &l.bytes, &l.last)
		if err == nil {
			l.givenUp, err = ingest.ParseRanges(gone)
		}
		if err != nil {
			return t, fmt.Errorf("count lane: %w", err)
		}
		l.bytes += l.pending * overhead
	}
	row := db.QueryRowContext(ctx, `SELECT
		(SELECT count(*) FROM readings), (SELECT coalesce(sum(length(reading)), 0) FROM readings),
		(SELECT count(*) FROM evidence), (SELECT coalesce(sum(bytes), 0) FROM evidence),
		coalesce((SELECT value FROM counters WHERE name = ?), 0), coalesce((SELECT value FROM counters WHERE name = ?), 0)`,
		shedReadingsName, shedEvidenceName)
	if err := row.Scan(&t.readings, &t.readingBytes, &t.evidence, &t.evidenceBytes, &t.shedReadings, &t.shedEvidence); err != nil {
		return t, fmt.Errorf("count readings and evidence: %w", err)
	}
	t.readingBytes += t.readings * overhead
	return t, nil
}
