package ingest

import (
	"context"
	"errors"
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

// A client that has gone leaves no batch in the queue, which its slot bounds no longer.
func TestWhoLeavesLeavesNoBatch(t *testing.T) {
	c := newCommitter(Options{Queue: 4, Group: 8})
	first, last, other := &batch{sender: "edge-1"}, &batch{sender: "edge-1"}, &batch{sender: "edge-2"}
	gone, leave := context.WithCancel(t.Context())
	leave()
	try := func(sender string) {
		t.Helper()
		if err := c.commit(gone, alert.Normal, &batch{sender: sender}); !errors.Is(err, context.Canceled) {
			t.Errorf("a client that has gone: %v", err)
		}
	}
	try("edge-1")
	c.normal.push(first)
	try("edge-1")
	try("edge-2")
	c.normal.push(last)
	c.normal.push(other)
	for i, want := range []*batch{first, other, last, nil} {
		if got := c.poll(); got != want {
			t.Errorf("batch %d is of %+v, want %+v", i, got, want)
		}
	}
	if len(c.normal.of) != 0 {
		t.Errorf("%d senders are remembered", len(c.normal.of))
	}
}
