package outbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"gridgate/protocols/alert"
)

// Newest returns the last alerts of all lanes that still wait for a receipt, at most limit, the oldest of them first.
func (b *Outbox) Newest(ctx context.Context, limit int) ([]alert.Alert, error) {
	var out []Entry
	for _, lane := range alert.Lanes {
		entries, err := b.tail(ctx, lane, limit)
		if err != nil {
			return nil, fmt.Errorf("read the newest of lane %s: %w", lane, err)
		}
		out = append(out, entries...)
	}
	slices.SortStableFunc(out, func(a, b Entry) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Seq, b.Seq)) })
	out = out[max(0, len(out)-limit):]
	alerts := make([]alert.Alert, 0, len(out))
	for _, e := range out {
		if a, err := decodeAlert(e.Event); err == nil { // one that this release cannot read is the forwarder's business
			alerts = append(alerts, a)
		}
	}
	return alerts, nil
}

func (b *Outbox) tail(ctx context.Context, lane alert.Lane, limit int) (out []Entry, err error) {
	rows, err := b.read.QueryContext(ctx, `SELECT seq, at, event FROM alerts WHERE lane = ? ORDER BY seq DESC LIMIT ?`, laneIndex(lane), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		e := Entry{Lane: lane}
		var at int64
		if err := rows.Scan(&e.Seq, &at, &e.Event); err != nil {
			return nil, err
		}
		e.At = timeOf(at)
		out = append(out, e)
	}
	return out, rows.Err()
}
