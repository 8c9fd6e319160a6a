package forward

import (
	"context"
	"fmt"
	"time"

	"gridgate/edge/outbox"
	"gridgate/protocols/ingest"
)

// sendReadings sends the oldest batch of readings.
func (f *Forwarder) sendReadings(ctx context.Context) (bool, error) {
	entries, err := f.o.Queue.PeekReadings(ctx, f.readingPace.size)
	if err != nil {
		return false, storage(err)
	}
	if len(entries) == 0 {
		return false, nil
	}
	suspects, err := halve(len(entries), func(lo, hi int) error { return f.sendReadingPart(ctx, entries[lo:hi]) })
	if err != nil {
		return true, err
	}
	return true, f.condemn(suspects, len(entries), func(i int) string { return fmt.Sprintf("reading %d", entries[i].Seq) }, func(i int, reason string) error {
		return f.o.Queue.SettleReadings(ctx, outbox.ReadingReceipt{Seq: entries[i].Seq, Reason: reason})
	})
}

func (f *Forwarder) sendReadingPart(ctx context.Context, entries []outbox.ReadingEntry) error {
	var body ingest.Readings
	receipts := make([]outbox.ReadingReceipt, len(entries))
	for i, e := range entries {
		body.Readings = append(body.Readings, e.Reading)
		receipts[i].Seq = e.Seq
	}
	start := time.Now()
	answer, err := f.o.Central.DeliverReadings(ctx, body)
	if err != nil {
		if tooMuch(err) {
			f.readingPace.halve()
		}
		return err
	}
	f.readingPace.answered(len(entries), time.Since(start))
	rejected := 0
	for _, r := range answer.Rejected {
		if r.Index < 0 || r.Index >= len(receipts) || receipts[r.Index].Reason != "" {
			return errNoReceipts
		}
		receipts[r.Index].Reason = "central refused it"
		if r.Reason != "" {
			receipts[r.Index].Reason = r.Reason
		}
		rejected++
	}
	if answer.Accepted+rejected != len(entries) {
		return errNoReceipts
	}
	if err := f.o.Queue.SettleReadings(ctx, receipts...); err != nil {
		return storage(err)
	}
	f.connected(answer.Accepted, rejected)
	return nil
}
