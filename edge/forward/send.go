package forward

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"gridgate/edge/outbox"
	"gridgate/protocols/ingest"
)

// deliver sends a batch, settles what was answered, and notes in it what was not.
func (f *Forwarder) deliver(ctx context.Context, j *job) {
	suspects, err := halve(len(j.entries), func(lo, hi int) error { return f.sendPart(ctx, j, j.entries[lo:hi]) })
	if err == nil {
		err = f.condemn(suspects, len(j.entries), func(i int) string { return j.entries[i].ID }, func(i int, reason string) error {
			return f.o.Queue.Settle(ctx, ingest.Receipt{ID: j.entries[i].ID, Outcome: ingest.Rejected, Reason: reason})
		})
	}
	if j.again = errors.Is(err, errHeld); !j.again {
		j.err = err
	}
}

// errHeld says that a batch needs a newer schema than central accepts: it is chosen anew.
var errHeld = errors.New("central does not know the schema of these alerts yet")

// sendPart sends a batch or a part of it.
func (f *Forwarder) sendPart(ctx context.Context, j *job, entries []outbox.Entry) error {
	b := f.batch(j, entries)
	start := time.Now()
	receipts, err := f.o.Central.Deliver(ctx, b)
	if err != nil {
		j.shrink = j.shrink || tooMuch(err)
		f.tries.failed(entries, start)
		return f.held(err, b.Schema)
	}
	j.answers = append(j.answers, timing{n: len(entries), took: time.Since(start)})
	return f.settle(ctx, j, entries, receipts, start)
}

// batch is a request for entries, which are some of j's.
func (f *Forwarder) batch(j *job, entries []outbox.Entry) Batch {
	b := Batch{Lane: j.lane.name, Epoch: f.o.Queue.Epoch(), Sequence: sequence(entries), Shed: j.view.Shed,
		Lowest: min(j.view.Lowest, entries[0].Seq)}
	for _, e := range entries {
		b.Events = append(b.Events, e.Event)
		b.Schema = max(b.Schema, e.Schema)
	}
	return b
}

// held remembers what central accepts if err says that it is less than a batch needs.
func (f *Forwarder) held(err error, need int) error {
	var status *StatusError
	if !errors.As(err, &status) || status.Status != http.StatusConflict || status.Schema < 1 || status.Schema >= need {
		return err
	}
	f.SetSchema(status.Schema)
	return errHeld
}

// tooMuch says that less should be sent at once.
func tooMuch(err error) bool {
	var status *StatusError
	return timedOut(err) || errors.As(err, &status) && status.Status == http.StatusRequestEntityTooLarge
}

func timedOut(err error) bool {
	return errors.Is(err, errTimeout) || errors.Is(err, context.DeadlineExceeded)
}

func (f *Forwarder) settle(ctx context.Context, j *job, entries []outbox.Entry, receipts []ingest.Receipt, sent time.Time) error {
	asked := make(map[string]bool, len(entries))
	for _, e := range entries {
		asked[e.ID] = true
	}
	known, rejected, strange := sift(receipts, asked)
	if len(known)+strange == 0 {
		return errNoReceipts
	}
	if err := f.o.Queue.Settle(ctx, known...); err != nil {
		return storage(err)
	}
	f.tell(ctx, j.lane.name, known, sent)
	for _, e := range entries {
		if asked[e.ID] {
			j.left = append(j.left, e.Seq)
		}
	}
	f.connected(len(known)-rejected, rejected)
	poke(f.evidence.wake) // some may have waited for one of them
	return nil
}

// sift keeps one receipt for each id that was asked about and whose outcome is known, and takes the id out of asked. A rejection
// without a word gets one. It counts those that were answered with an outcome that this release does not know.
func sift(receipts []ingest.Receipt, asked map[string]bool) (known []ingest.Receipt, rejected, strange int) {
	for _, r := range receipts {
		if !asked[r.ID] {
			continue
		}
		switch r.Outcome {
		case ingest.Accepted, ingest.Duplicate:
		case ingest.Rejected:
			rejected++
			if r.Reason == "" {
				r.Reason = "central gave no reason"
			}
		default:
			strange++
			continue
		}
		delete(asked, r.ID)
		known = append(known, r)
	}
	return known, rejected, strange
}

// errStorage marks errors of the outbox, errNoReceipts an answer that answers for nothing.
var (
	errStorage    = errors.New("outbox")
	errNoReceipts = errors.New("central's answer holds no receipt for what was sent")
)

func storage(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errStorage, err)
}
