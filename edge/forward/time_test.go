package forward

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/edge/outbox"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// memoryQueue holds alerts in memory and nothing else.
type memoryQueue struct {
	Queue // readings and evidence are overridden below
	mu    sync.Mutex
	lanes map[alert.Lane][]outbox.Entry
	next  map[alert.Lane]int64
}

func newQueue() *memoryQueue {
	return &memoryQueue{lanes: map[alert.Lane][]outbox.Entry{}, next: map[alert.Lane]int64{}}
}

func (q *memoryQueue) Epoch() string { return "epoch" }

func (q *memoryQueue) Peek(_ context.Context, lane alert.Lane, w outbox.Want) ([]outbox.Entry, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []outbox.Entry
	for _, e := range q.lanes[lane] {
		if len(out) < w.Limit && e.Seq > w.After && !e.At.Before(w.Since) && (w.Schema == 0 || e.Schema <= w.Schema) {
			out = append(out, e)
		}
	}
	return out, nil
}

func (q *memoryQueue) Lane(_ context.Context, lane alert.Lane) (outbox.LaneView, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	view := outbox.LaneView{Lowest: q.next[lane] + 1, Next: q.next[lane] + 1}
	if list := q.lanes[lane]; len(list) > 0 {
		view.Lowest = list[0].Seq
	}
	return view, nil
}

func (q *memoryQueue) Settle(_ context.Context, receipts ...ingest.Receipt) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	gone := map[string]bool{}
	for _, r := range receipts {
		gone[r.ID] = true
	}
	for lane, list := range q.lanes {
		q.lanes[lane] = slices.DeleteFunc(list, func(e outbox.Entry) bool { return gone[e.ID] })
	}
	return nil
}

func (q *memoryQueue) pending(lane alert.Lane) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.lanes[lane])
}

func (q *memoryQueue) PeekReadings(context.Context, int) ([]outbox.ReadingEntry, error) {
	return nil, nil
}

func (q *memoryQueue) PeekEvidence(context.Context, int) ([]outbox.EvidenceEntry, error) {
	return nil, nil
}

func (q *memoryQueue) add(lane alert.Lane, id string) {
	q.put(outbox.Entry{ID: id, Lane: lane, Schema: 1, Event: []byte("{}")})
}

// put writes an alert as of now.
func (q *memoryQueue) put(e outbox.Entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.next[e.Lane]++
	e.Seq, e.At = q.next[e.Lane], time.Now()
	q.lanes[e.Lane] = append(q.lanes[e.Lane], e)
}

// scripted is a central that notes when it was asked and fails while err is set.
type scripted struct {
	Central
	mu    sync.Mutex
	start time.Time
	err   error
	calls []time.Duration
	syncs []ingest.SyncRequest
	skew  time.Duration
}

func (s *scripted) note() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, time.Since(s.start))
	return s.err
}

func (s *scripted) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *scripted) seen() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Duration(nil), s.calls...)
}

// first is what was said first.
func (s *scripted) first() ingest.SyncRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.syncs[0]
}

func (s *scripted) Deliver(_ context.Context, b Batch) ([]ingest.Receipt, error) {
	if err := s.note(); err != nil {
		return nil, err
	}
	return []ingest.Receipt{{ID: "a", Outcome: ingest.Accepted}, {ID: "b", Outcome: ingest.Accepted}}, nil
}

func (s *scripted) Sync(_ context.Context, r ingest.SyncRequest) (ingest.SyncResponse, error) {
	if err := s.note(); err != nil {
		return ingest.SyncResponse{}, err
	}
	time.Sleep(200 * time.Millisecond) // the bubble's clock: how long the exchange takes
	s.mu.Lock()
	defer s.mu.Unlock()
	s.syncs = append(s.syncs, r)
	return ingest.SyncResponse{Now: time.Now().Add(s.skew - 100*time.Millisecond), Schema: 3, ConfigVersion: "v2"}, nil
}

func run(t *testing.T, f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func TestBackOffGrowsAndUrgentWorkEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		c := &scripted{start: time.Now(), err: errors.New("no route")}
		urgent := make(chan struct{}, 1)
		f, err := New(Options{Queue: q, Central: c, Urgent: urgent, MinRetry: time.Second, MaxRetry: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		q.add(alert.LifeSafety, "a")
		defer run(t, f.Run)()

		time.Sleep(10 * time.Minute)
		calls := c.seen()
		for i := 1; i < len(calls); i++ {
			if gap := calls[i] - calls[i-1]; gap < 500*time.Millisecond || gap > time.Minute {
				t.Errorf("attempt %d came %v after the one before", i, gap)
			}
		}
		if n := len(calls); n < 10 || n > 30 {
			t.Errorf("%d attempts in ten minutes", n)
		}
		c.set(&StatusError{Status: 429, RetryAfter: 4 * time.Minute})
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		n := len(c.seen())
		time.Sleep(90 * time.Second)
		if got := len(c.seen()); got != n {
			t.Errorf("%d attempts although central asked to wait", got-n)
		}
		c.set(nil)
		q.add(alert.LifeSafety, "b")
		urgent <- struct{}{}
		time.Sleep(time.Second)
		synctest.Wait()
		if calls := c.seen(); len(calls) != n+1 || !f.Status().Connected {
			t.Errorf("urgent work waited: %v, %+v", calls, f.Status())
		}
	})
}

func TestUrgentWorkDoesNotHammer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		c := &scripted{start: time.Now(), err: errors.New("no route")}
		urgent := make(chan struct{}, 1)
		f, err := New(Options{Queue: q, Central: c, Urgent: urgent, MinRetry: time.Second, MaxRetry: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		q.add(alert.LifeSafety, "a")
		defer run(t, f.Run)()
		for range 1000 {
			poke(urgent)
			time.Sleep(10 * time.Millisecond)
		}
		if n := len(c.seen()); n > 12 {
			t.Errorf("%d attempts in ten seconds", n)
		}
	})
}

func TestSyncLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{start: time.Now(), skew: 3 * time.Second}
		changed := make(chan struct{}, 1)
		l, err := NewSync(SyncOptions{Central: c, Changed: changed, Request: func(context.Context) (ingest.SyncRequest, error) {
			return ingest.SyncRequest{ConfigVersion: "v1"}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		if s := l.Status(); s.Connected || s.Why == "" {
			t.Errorf("before the first: %+v", s)
		}
		defer run(t, l.Run)()
		time.Sleep(30 * time.Second)
		if s := l.Status(); !s.Connected || s.Offset != 3*time.Second || s.ConfigVersion != "v2" || s.Schema != 3 || s.Last.IsZero() {
			t.Errorf("after the first: %+v", s)
		}
		for range 100 {
			poke(changed)
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		if n := len(c.seen()); n < 2 || n > 3 {
			t.Errorf("%d syncs after a hundred changes within a second, want one or two more", n)
		}
		n := len(c.seen())
		time.Sleep(10 * time.Minute)
		if got := len(c.seen()) - n; got < 9 || got > 10 {
			t.Errorf("%d syncs in ten minutes", got)
		}
		c.set(&StatusError{Status: 401})
		time.Sleep(5 * time.Minute)
		if s := l.Status(); s.Connected || s.Why != "central refused the token of this edge" || s.ConfigVersion != "v2" {
			t.Errorf("while refused: %+v", s)
		}
		c.set(nil)
		time.Sleep(2 * time.Minute)
		if s := l.Status(); !s.Connected || s.Why != "" {
			t.Errorf("after: %+v", s)
		}
		if r := c.first(); r.Schema != ingest.SchemaVersion || r.Now.IsZero() || r.ConfigVersion != "v1" {
			t.Errorf("request %+v", r)
		}
	})
}
