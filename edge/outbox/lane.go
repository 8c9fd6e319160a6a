package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// Entry is an alert that waits for its receipt.
type Entry struct {
	ID     string
	Lane   alert.Lane
	Seq    int64     // grows in the lane, within one epoch, from 1
	At     time.Time // when it was written; never before that of the entry ahead of it
	Schema int       // version that it needs, see [Options]
	Event  []byte    // CloudEvent, see [alert.Encode]
}

// Want says which alerts of a lane are asked for. Zero fields ask for all.
type Want struct {
	Limit  int       // at most so many; 0 is none
	After  int64     // of a higher sequence
	Since  time.Time // written then or later
	Schema int       // that need this schema version at most
}

// Peek returns the oldest alerts of a lane that w asks for, in the order of their sequence. It removes nothing.
func (b *Outbox) Peek(ctx context.Context, lane alert.Lane, w Want) ([]Entry, error) {
	out, err := b.peek(ctx, lane, w)
	if err != nil {
		return nil, fmt.Errorf("read lane %s: %w", lane, b.suspect(err))
	}
	return out, nil
}

func (b *Outbox) peek(ctx context.Context, lane alert.Lane, w Want) ([]Entry, error) {
	if !w.Since.IsZero() {
		first, err := b.firstSince(ctx, lane, nanos(w.Since))
		if err != nil {
			return nil, err
		}
		w.After = max(w.After, first-1)
	}
	if w.Schema == 0 {
		w.Schema = 1 << 30
	}
	rows, err := b.read.QueryContext(ctx, `SELECT seq, id, at, need, event FROM alerts WHERE lane = ? AND seq > ? AND need <= ?
		ORDER BY seq LIMIT ?`, laneIndex(lane), w.After, w.Schema, w.Limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Entry
	for rows.Next() {
		e := Entry{Lane: lane}
		var at int64
		if err := rows.Scan(&e.Seq, &e.ID, &at, &e.Schema, &e.Event); err != nil {
			return nil, err
		}
		e.At = timeOf(at)
		out = append(out, e)
	}
	return out, rows.Err()
}

// firstSince is the lowest sequence of a lane written at or after since, or one that is above all. It halves the lane, in which times
// never fall, so that a backlog of a million costs twenty small reads and no index.
func (b *Outbox) firstSince(ctx context.Context, lane alert.Lane, since int64) (int64, error) {
	var low, high int64
	err := b.read.QueryRowContext(ctx, `SELECT coalesce((SELECT min(seq) FROM alerts WHERE lane = ?1), 1),
		coalesce((SELECT max(seq) FROM alerts WHERE lane = ?1), 0) + 1`, laneIndex(lane)).Scan(&low, &high)
	if err != nil {
		return 0, err
	}
	stmt, err := b.read.PrepareContext(ctx, `SELECT seq, at FROM alerts WHERE lane = ? AND seq >= ? AND seq < ? ORDER BY seq LIMIT 1`)
	if err != nil {
		return 0, err
	}
	defer stmt.Close()
	for low < high { // all below low are older, all from high on are not
		var seq, at int64
		middle := low + (high-low)/2
		err := stmt.QueryRowContext(ctx, laneIndex(lane), middle, high).Scan(&seq, &at)
		switch {
		case errors.Is(err, sql.ErrNoRows) || err == nil && at >= since:
			high = middle
		case err != nil:
			return 0, err
		default:
			low = seq + 1
		}
	}
	return low, nil
}

// LaneView is what a batch says of its lane: see [ingest.SequenceHeader].
type LaneView struct {
	Lowest int64         // sequence of the oldest alert that waits for a receipt; Next if none
	Next   int64         // sequence of the next alert
	Shed   ingest.Ranges // sequences given up for want of room or coalesced with a later one
}

// Lane returns a view of one moment: what is below Lowest was answered for or is in Shed.
func (b *Outbox) Lane(ctx context.Context, lane alert.Lane) (LaneView, error) {
	var v LaneView
	var shed string
	row := b.read.QueryRowContext(ctx, `SELECT next, given_up, coalesce((SELECT min(seq) FROM alerts WHERE lane = lanes.lane), next)
		FROM lanes WHERE lane = ?`, laneIndex(lane))
	if err := row.Scan(&v.Next, &shed, &v.Lowest); err != nil {
		return LaneView{}, fmt.Errorf("read lane %s: %w", lane, b.suspect(err))
	}
	ranges, err := ingest.ParseRanges(shed)
	if err != nil {
		return LaneView{}, fmt.Errorf("read what lane %s gave up: %w", lane, err)
	}
	v.Shed = ranges
	return v, nil
}

// Held is how many alerts of a lane need a newer schema than the one given, which central accepts.
func (b *Outbox) Held(ctx context.Context, lane alert.Lane, schema int) (int64, error) {
	var n int64
	err := b.read.QueryRowContext(ctx, `SELECT count(*) FROM alerts INDEXED BY alerts_need WHERE lane = ? AND need > 1 AND need > ?`, laneIndex(lane), schema).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count what lane %s holds back: %w", lane, err)
	}
	return n, nil
}
