package forward

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"

	"gridgate/edge/outbox"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

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
	if err := f.put(ctx, e, object); err != nil {
		if conflict(err) && f.damaged(e) {
			return ingest.Receipt{ID: e.ID, Outcome: ingest.Rejected, Reason: "the object on the edge's disk is damaged"}, nil
		}
		return ingest.Receipt{}, err
	}
	receipts, err := f.o.Central.Deliver(ctx, Batch{Lane: alert.Bulk, Epoch: f.o.Queue.Epoch(), Events: [][]byte{e.Event}})
	if err != nil {
		return ingest.Receipt{}, err
	}
	known, _, _ := sift(receipts, map[string]bool{e.ID: true})
	if len(known) == 0 {
		return ingest.Receipt{}, errNoReceipts
	}
	return known[0], nil
}

// put uploads an object within the budget.
func (f *Forwarder) put(ctx context.Context, e outbox.EvidenceEntry, object io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends a Read that waits although the request is over
	return f.o.Central.PutObject(ctx, e.SHA256, e.MediaType, e.Bytes, &upload{f: f, ctx: ctx, object: object})
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
