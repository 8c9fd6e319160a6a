package forward

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"gridgate/edge/outbox"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// sendLane sends the oldest batch of a lane and settles what was answered.
func (f *Forwarder) sendLane(ctx context.Context, lane alert.Lane) (worked bool, err error) {
	entries, err := f.o.Queue.Peek(ctx, lane, outbox.Want{Limit: f.o.Batch})
	if err != nil {
		return false, storage(err)
	}
	entries = fitting(entries)
	if len(entries) == 0 {
		return false, nil
	}
	suspects, err := halve(len(entries), func(lo, hi int) error { return f.sendAlerts(ctx, lane, entries[lo:hi]) })
	if err != nil {
		return true, err
	}
	return true, f.condemn(suspects, len(entries), func(i int) string { return entries[i].ID }, func(i int, reason string) error {
		return f.o.Queue.Settle(ctx, ingest.Receipt{ID: entries[i].ID, Outcome: ingest.Rejected, Reason: reason})
	})
}

// fitting cuts entries to what one request may hold, uncompressed.
func fitting(entries []outbox.Entry) []outbox.Entry {
	size := 2
	for i, e := range entries {
		if size += len(e.Event) + 1; size > ingest.MaxBatchBody && i > 0 {
			return entries[:i]
		}
	}
	return entries
}

func (f *Forwarder) sendAlerts(ctx context.Context, lane alert.Lane, entries []outbox.Entry) error {
	b := Batch{Lane: lane, Epoch: f.o.Queue.Epoch()}
	asked := make(map[string]bool, len(entries))
	for _, e := range entries {
		b.Events = append(b.Events, e.Event)
		asked[e.ID] = true
	}
	receipts, err := f.o.Central.Deliver(ctx, b)
	if err != nil {
		return err
	}
	known, rejected := sift(receipts, asked)
	if len(known) == 0 {
		return errNoReceipts
	}
	if err := f.o.Queue.Settle(ctx, known...); err != nil {
		return storage(err)
	}
	f.connected(len(known)-rejected, rejected)
	poke(f.rest.wake) // evidence may have waited for one of them
	return nil
}

// sift keeps one receipt for each id that was asked about and whose outcome is known. A rejection without a word gets one.
func sift(receipts []ingest.Receipt, asked map[string]bool) (known []ingest.Receipt, rejected int) {
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
			continue
		}
		delete(asked, r.ID)
		known = append(known, r)
	}
	return known, rejected
}

// errAllRefused says that central refuses every part of what it is sent, so that no part can be told to be the culprit.
var errAllRefused = errors.New("central refuses every request")

// halve sends n entries, and where the whole is refused for what is in it, its halves, down to single ones. It returns the
// indexes of those that are refused alone while others go through. Any other error ends it. If no part went through and
// there was more than one, the fault is not in an entry, and the error says so.
func halve(n int, send func(lo, hi int) error) (suspects []int, err error) {
	h := halving{send: send}
	if err := h.part(0, n); err != nil {
		return nil, err
	}
	if h.through {
		return h.confirm()
	}
	if n > 1 {
		return nil, fmt.Errorf("%w: %w", errAllRefused, &StatusError{Status: http.StatusBadRequest})
	}
	return h.suspects, nil
}

type halving struct {
	send     func(lo, hi int) error
	through  bool
	early    int // how many suspects there were when the first part went through
	suspects []int
}

func (h *halving) part(lo, hi int) error {
	err := h.send(lo, hi)
	switch {
	case err == nil:
		if !h.through {
			h.through, h.early = true, len(h.suspects)
		}
		return nil
	case !poisonous(err):
		return err
	case hi-lo == 1:
		h.suspects = append(h.suspects, lo)
		if !h.through && len(h.suspects) > maxSuspects {
			return fmt.Errorf("%w: %w", errAllRefused, err)
		}
		return nil
	}
	middle := (lo + hi) / 2
	if err := h.part(lo, middle); err != nil {
		return err
	}
	return h.part(middle, hi)
}

// confirm sends once more what was refused before anything went through: central may have refused everything until then.
func (h *halving) confirm() (guilty []int, err error) {
	for _, i := range h.suspects[:h.early] {
		switch err := h.send(i, i+1); {
		case err == nil:
		case poisonous(err):
			guilty = append(guilty, i)
		default:
			return nil, err
		}
	}
	return append(guilty, h.suspects[h.early:]...), nil
}

const (
	maxSuspects = 64 // refused one by one before halving gives up, while nothing goes through
	maxRefusals = 5  // of a lone entry, before it is taken to be at fault by itself
)

// condemn makes dead letters of the suspects. One that was sent alone has no other to show that central is well: it
// is tried again a few times first, and the error returned makes the loop wait in between.
func (f *Forwarder) condemn(suspects []int, sent int, id func(int) string, bury func(i int, reason string) error) error {
	for _, i := range suspects {
		if sent == 1 && !f.refuse(id(i)) {
			return &StatusError{Status: http.StatusBadRequest}
		}
		if err := bury(i, "central refuses a request with this in it"); err != nil {
			return storage(err)
		}
		f.connected(0, 1)
		f.forget(id(i))
	}
	return nil
}

// refuse counts a refusal of a lone entry and says whether it was the last that counts.
func (f *Forwarder) refuse(id string) (last bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused[id]++
	return f.refused[id] >= maxRefusals
}

func (f *Forwarder) forget(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.refused, id)
}

// sendReadings sends the oldest batch of readings.
func (f *Forwarder) sendReadings(ctx context.Context) (bool, error) {
	entries, err := f.o.Queue.PeekReadings(ctx, f.o.Batch)
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
	answer, err := f.o.Central.DeliverReadings(ctx, body)
	if err != nil {
		return err
	}
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

// sendEvidence sends the oldest evidence whose alert has its receipt: the object first, then the event that announces it.
func (f *Forwarder) sendEvidence(ctx context.Context) (bool, error) {
	entries, err := f.o.Queue.PeekEvidence(ctx, 1)
	if err != nil {
		return false, storage(err)
	}
	if len(entries) == 0 {
		return false, nil
	}
	receipt, err := f.deliverEvidence(ctx, entries[0])
	if err != nil {
		if !refusal(err) || !f.refuse(entries[0].ID) {
			return true, err
		}
		receipt = ingest.Receipt{ID: entries[0].ID, Outcome: ingest.Rejected, Reason: reasonOf(err)}
	}
	if err := f.o.Queue.SettleEvidence(ctx, receipt); err != nil {
		return true, storage(err)
	}
	f.forget(entries[0].ID)
	if receipt.Outcome == ingest.Rejected {
		f.connected(0, 1)
	} else {
		f.connected(1, 0)
	}
	return true, nil
}

func (f *Forwarder) deliverEvidence(ctx context.Context, e outbox.EvidenceEntry) (ingest.Receipt, error) {
	object, err := f.o.Queue.OpenEvidence(e.SHA256)
	if errors.Is(err, os.ErrNotExist) {
		return ingest.Receipt{ID: e.ID, Outcome: ingest.Rejected, Reason: "the object is missing from the edge's disk"}, nil
	} else if err != nil {
		return ingest.Receipt{}, storage(err)
	}
	defer object.Close()
	if err := f.o.Central.PutObject(ctx, e.SHA256, e.MediaType, e.Bytes, object); err != nil {
		if conflict(err) && f.damaged(e) {
			return ingest.Receipt{ID: e.ID, Outcome: ingest.Rejected, Reason: "the object on the edge's disk is damaged"}, nil
		}
		return ingest.Receipt{}, err
	}
	receipts, err := f.o.Central.Deliver(ctx, Batch{Lane: alert.Bulk, Epoch: f.o.Queue.Epoch(), Events: [][]byte{e.Event}})
	if err != nil {
		return ingest.Receipt{}, err
	}
	known, _ := sift(receipts, map[string]bool{e.ID: true})
	if len(known) == 0 {
		return ingest.Receipt{}, errNoReceipts
	}
	return known[0], nil
}

// conflict says that central received something else than the digest says, or that somebody on the way answers so.
func conflict(err error) bool {
	var s *StatusError
	return errors.As(err, &s) && s.Status == http.StatusConflict
}

// damaged says that the object on our own disk is not what its digest says. One that cannot be read now is not called so.
func (f *Forwarder) damaged(e outbox.EvidenceEntry) bool {
	object, err := f.o.Queue.OpenEvidence(e.SHA256)
	if err != nil {
		return false
	}
	defer object.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, object); err != nil {
		return false
	}
	return hex.EncodeToString(sum.Sum(nil)) != e.SHA256
}

// refusal says that central refused evidence for what it is: malformed, too large, of a wrong type. Any other answer, for
// example 404 or 409, may come from a wrong address, a proxy or an older central, and must cost no picture.
func refusal(err error) bool {
	var s *StatusError
	return poisonous(err) || errors.As(err, &s) && s.Status == http.StatusUnsupportedMediaType
}
