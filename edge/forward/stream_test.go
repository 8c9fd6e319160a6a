package forward

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/edge/outbox"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// thinCentral is at the end of a line that takes one request at a time.
type thinCentral struct {
	base, each time.Duration // what an answer takes, and each alert on the line
	schema     int           // that it accepts; 0: any
	strange    map[string]bool

	line    chan struct{} // a mutex that the bubble's clock does not wait for
	mu      sync.Mutex
	came    map[string]time.Time
	batches []Batch
	uploads []time.Time // when each piece of an object came
	pieces  []int
}

func newThinCentral() *thinCentral {
	return &thinCentral{came: map[string]time.Time{}, strange: map[string]bool{}, base: time.Millisecond, line: make(chan struct{}, 1)}
}

func (c *thinCentral) Deliver(_ context.Context, b Batch) ([]ingest.Receipt, error) {
	c.line <- struct{}{}
	time.Sleep(time.Duration(len(b.Events)) * c.each)
	<-c.line
	time.Sleep(c.base)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.batches = append(c.batches, b)
	if c.schema > 0 && b.Schema > c.schema {
		return nil, &StatusError{Status: 409, Schema: c.schema}
	}
	var receipts []ingest.Receipt
	for _, e := range b.Events {
		outcome := ingest.Accepted
		if c.strange[string(e)] {
			outcome = "quarantined"
		} else {
			c.came[string(e)] = time.Now()
		}
		receipts = append(receipts, ingest.Receipt{ID: string(e), Outcome: outcome})
	}
	return receipts, nil
}

func (c *thinCentral) DeliverReadings(context.Context, ingest.Readings) (ingest.ReadingsReceipt, error) {
	return ingest.ReadingsReceipt{}, nil
}

func (c *thinCentral) PutObject(_ context.Context, _, _ string, _ int64, body io.Reader) error {
	buffer := make([]byte, 32<<10)
	for {
		n, err := body.Read(buffer)
		c.mu.Lock()
		c.uploads, c.pieces = append(c.uploads, time.Now()), append(c.pieces, n)
		c.mu.Unlock()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func (c *thinCentral) has(id string) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.came[id]
	return at, ok
}

func (c *thinCentral) requests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.batches)
}

// forwarding starts a forwarder from q to c; what is put by the function returned is announced.
func forwarding(t *testing.T, q Queue, c Central, change func(*Options)) (f *Forwarder, announce func(urgent bool), stop func()) {
	t.Helper()
	appended, urgent := make(chan struct{}, 1), make(chan struct{}, 1)
	o := Options{Queue: q, Central: c, Appended: appended, Urgent: urgent}
	if change != nil {
		change(&o)
	}
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return f, func(now bool) {
		if now {
			poke(urgent)
		}
		poke(appended)
	}, run(t, f.Run)
}

// event puts an alert whose event is its id, so that a central that decodes nothing knows it.
func (q *memoryQueue) event(lane alert.Lane, id string, schema int) {
	q.put(outbox.Entry{ID: id, Lane: lane, Schema: schema, Event: []byte(id)})
}

// TestALiveAlertArrivesWithinASecondWhileTheBacklogDrains: after a week offline, over a line that takes a hundred alerts a second.
func TestALiveAlertArrivesWithinASecondWhileTheBacklogDrains(t *testing.T) {
	for _, lane := range []alert.Lane{alert.LifeSafety, alert.Normal, alert.Bulk} {
		t.Run(string(lane), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, c := newQueue(), newThinCentral()
				c.base, c.each = 50*time.Millisecond, 10*time.Millisecond
				for i := range 9000 {
					q.event(alert.Lanes[i%len(alert.Lanes)], fmt.Sprintf("b%d", i), 1)
				}
				time.Sleep(7 * 24 * time.Hour)
				_, announce, stop := forwarding(t, q, c, nil)
				defer stop()
				for q.pending(alert.LifeSafety) > 0 && lane != alert.LifeSafety {
					time.Sleep(time.Second)
				}
				for i := range 20 {
					id, start := fmt.Sprintf("l%d", i), time.Now()
					q.event(lane, id, 1)
					announce(lane == alert.LifeSafety)
					time.Sleep(time.Second)
					if _, ok := c.has(id); !ok {
						t.Errorf("%s did not come within %v, while %d of the backlog wait", id, time.Since(start), q.pending(lane))
					}
				}
				if q.pending(lane) == 0 {
					t.Error("the backlog was gone too soon to show anything")
				}
			})
		})
	}
}

// TestSchemaIsHeldAndReleased: what central does not know yet waits, holds up nothing, and is no dead letter.
func TestSchemaIsHeldAndReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, c := newQueue(), newThinCentral()
		c.schema = 1
		for i := range 30 {
			q.event(alert.LifeSafety, fmt.Sprintf("s%d", i), 1+i%2)
			q.event(alert.Normal, fmt.Sprintf("n%d", i), 1+i%2)
		}
		f, _, stop := forwarding(t, q, c, nil)
		defer stop()
		time.Sleep(time.Hour)
		if a, b := q.pending(alert.LifeSafety), q.pending(alert.Normal); a != 15 || b != 15 || !f.Status().Connected || f.Schema() != 1 {
			t.Errorf("%d and %d pending, schema %d, status %+v", a, b, f.Schema(), f.Status())
		}
		if n := c.requests(); n > 40 {
			t.Errorf("%d requests for 30 alerts that central takes", n)
		}
		c.mu.Lock()
		c.schema = 2
		c.mu.Unlock()
		f.SetSchema(2)
		time.Sleep(time.Second)
		if a, b := q.pending(alert.LifeSafety), q.pending(alert.Normal); a != 0 || b != 0 {
			t.Errorf("%d and %d pending although central knows the schema", a, b)
		}
	})
}

// TestAnOutcomeOfALaterReleaseLeavesTheAlert: it stays pending, is asked about ever more rarely, and holds up nothing.
func TestAnOutcomeOfALaterReleaseLeavesTheAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, c := newQueue(), newThinCentral()
		c.strange["s0"] = true
		for i := range 5 {
			q.event(alert.LifeSafety, fmt.Sprintf("s%d", i), 1)
			q.event(alert.Normal, fmt.Sprintf("n%d", i), 1)
		}
		f, _, stop := forwarding(t, q, c, nil)
		defer stop()
		time.Sleep(time.Hour)
		if a, b := q.pending(alert.LifeSafety), q.pending(alert.Normal); a != 1 || b != 0 || !f.Status().Connected {
			t.Errorf("%d and %d pending, %+v", a, b, f.Status())
		}
		if n := c.requests(); n < 50 || n > 150 {
			t.Errorf("%d requests in an hour", n)
		}
	})
}

// failing answers life-safety alerts with a status, and takes everything else.
type failing struct {
	*thinCentral
	status *StatusError
}

func (c *failing) Deliver(ctx context.Context, b Batch) ([]ingest.Receipt, error) {
	if b.Lane == alert.LifeSafety {
		return nil, c.status
	}
	return c.thinCentral.Deliver(ctx, b)
}

func TestWhatCentralFailsOnHoldsUpNothingElse(t *testing.T) {
	for status, through := range map[*StatusError]bool{
		{Status: 500}: true, {Status: 404}: true, {Status: 400}: true,
		{Status: 429}: false, {Status: 503, RetryAfter: time.Second}: false, // life-safety goes first when central has room again
	} {
		t.Run(fmt.Sprint(status.Status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, c := newQueue(), &failing{thinCentral: newThinCentral(), status: status}
				q.event(alert.LifeSafety, "s", 1)
				q.event(alert.LifeSafety, "t", 1)
				q.event(alert.Normal, "n", 1)
				f, _, stop := forwarding(t, q, c, nil)
				defer stop()
				time.Sleep(10 * time.Second)
				if _, ok := c.has("n"); ok != through || q.pending(alert.LifeSafety) != 2 {
					t.Errorf("the normal alert came: %v; %d life-safety alerts pending", ok, q.pending(alert.LifeSafety))
				}
				if s := f.Status(); !through && (!s.Connected || s.Why != waiting) {
					t.Errorf("a central that asks to wait is connected: %+v", s)
				}
			})
		})
	}
}

// evidenceQueue has one object to send.
type evidenceQueue struct {
	*memoryQueue
	size int
	sent bool
}

func (q *evidenceQueue) PeekEvidence(context.Context, int) ([]outbox.EvidenceEntry, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.sent {
		return nil, nil
	}
	return []outbox.EvidenceEntry{{ID: "e", SHA256: "x", MediaType: alert.JPEG, Bytes: int64(q.size), Event: []byte("e")}}, nil
}

func (q *evidenceQueue) OpenEvidence(string) (io.ReadCloser, error) {
	return io.NopCloser(io.LimitReader(zeros{}, int64(q.size))), nil
}

func (q *evidenceQueue) SettleEvidence(context.Context, ingest.Receipt) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sent = true
	return nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestEvidenceKeepsWithinItsBudget, but for the hours in which there is none.
func TestEvidenceKeepsWithinItsBudget(t *testing.T) {
	for rate, want := range map[int64]time.Duration{16_000: 62500 * time.Millisecond, 100_000: 10 * time.Second, 0: 0} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, c := &evidenceQueue{memoryQueue: newQueue(), size: 1_000_000}, newThinCentral()
				start := time.Now()
				_, _, stop := forwarding(t, q, c, func(o *Options) { o.EvidenceRate = func(time.Time) int64 { return rate } })
				defer stop()
				time.Sleep(2 * time.Minute)
				at, ok := c.has("e")
				if took := at.Sub(start); !ok || took < want-time.Second || took > want+time.Second {
					t.Errorf("a megabyte took %v, want %v", took, want)
				}
				if len(c.pieces) == 0 || slices.Max(c.pieces) > maxPiece {
					t.Errorf("pieces of up to %d bytes", slices.Max(c.pieces))
				}
			})
		})
	}
}

// TestEvidenceWaitsForLifeSafety: not a byte goes up while an alert is on its way, and the rest after.
func TestEvidenceWaitsForLifeSafety(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, c := &evidenceQueue{memoryQueue: newQueue(), size: 1_000_000}, newThinCentral()
		c.base = 20 * time.Second
		_, announce, stop := forwarding(t, q, c, func(o *Options) { o.EvidenceRate = func(time.Time) int64 { return 100_000 } })
		defer stop()
		time.Sleep(5 * time.Second)
		q.event(alert.LifeSafety, "s", 1)
		announce(true)
		raised := time.Now()
		time.Sleep(time.Minute)
		answered, ok := c.has("s")
		if _, sent := c.has("e"); !ok || !sent {
			t.Fatal("the alert or the object did not come")
		}
		before, after := 0, 0
		for _, at := range c.uploads {
			switch {
			case at.After(raised.Add(time.Second)) && at.Before(answered):
				t.Fatalf("a piece went up %v after the alert was raised", at.Sub(raised))
			case at.Before(answered):
				before++
			default:
				after++
			}
		}
		if before == 0 || after == 0 {
			t.Errorf("%d pieces before the answer, %d after", before, after)
		}
	})
}
