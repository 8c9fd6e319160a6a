package ingest

import (
	"fmt"
	"testing"
	"time"

	"gridgate/protocols/alert"
)

// What is remembered of senders is bounded; one with a batch under way is never forgotten.
func TestSendersAreBounded(t *testing.T) {
	q := newQuotas(Quota{Batches: 1})
	now := time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)
	if _, err := q.admit("busy", alert.Normal, now); err != nil {
		t.Fatal(err)
	}
	for i := range 2*maxSenders + 10 {
		now = now.Add(time.Millisecond)
		place, err := q.admit(fmt.Sprint("edge-", i), alert.Normal, now)
		if err != nil {
			t.Fatal(err)
		}
		place.release()
	}
	if len(q.senders) > maxSenders {
		t.Errorf("%d senders are remembered", len(q.senders))
	}
	if _, err := q.admit("busy", alert.Normal, now); err == nil {
		t.Error("a sender with a batch under way was forgotten")
	}
}
