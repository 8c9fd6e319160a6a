package storetest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/correlate"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

// Shared is the contract of a store that several processes have open at once.
func Shared(t *testing.T, open Opener) {
	tests := map[string]func(t *testing.T, open Opener){
		"many write at once: once each, one case per key, no position skipped": testSharedWriters,
		"each sees at once what another did to a case":                         testSharedCases,
		"each sees at once what another deleted":                               testSharedPrune,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

// openedTwice opens one store as two processes would.
func openedTwice(t *testing.T, open Opener) (a, b store.Store) {
	t.Helper()
	dir := t.TempDir()
	both := make([]store.Store, 2)
	for i := range both {
		s, err := open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		both[i] = s
	}
	return both[0], both[1]
}

// testSharedWriters sends each batch through both stores at the same time, from several goroutines, while a reader follows the log.
func testSharedWriters(t *testing.T, open Opener) {
	const workers, batches, size, keys = 4, 12, 10, 7
	a, b := openedTwice(t, open)
	var mu sync.Mutex
	accepted := make(map[string]int)
	send := func(s store.Store, batch []store.Received) {
		outcomes, err := s.Ingest(t.Context(), store.Group{Alerts: batch}, correlate.ByKey, t0)
		if err != nil {
			t.Error(err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for i, o := range outcomes {
			if o == ingest.Accepted {
				accepted[batch[i].ID]++
			}
		}
	}
	done := make(chan struct{})
	read := make(chan int64)
	go func() { read <- followLog(t, b, done) }()
	var writers sync.WaitGroup
	for w := range workers {
		writers.Go(func() {
			for n := range batches {
				batch := make([]store.Received, size)
				for i := range batch {
					batch[i] = raised(fmt.Sprintf("cam%d", (w+n+i)%keys))
					if i%4 == 3 {
						batch[i] = cleared(batch[i-1])
					}
				}
				shuffled := append([]store.Received(nil), batch...)
				rand.Shuffle(size, func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
				var both sync.WaitGroup
				both.Go(func() { send(a, batch) })
				both.Go(func() { send(b, shuffled) })
				both.Wait()
			}
		})
	}
	writers.Wait()
	close(done)
	seen := <-read
	for id, n := range accepted {
		if n != 1 {
			t.Errorf("alert %s was accepted %d times", id, n)
		}
	}
	if len(accepted) != workers*batches*size {
		t.Errorf("%d accepted, %d sent", len(accepted), workers*batches*size)
	}
	if last, err := a.LastPosition(t.Context()); err != nil || last != seen {
		t.Errorf("the reader saw %d events, the log ends at %d, %v", seen, last, err)
	}
	checkInvariant(t, a)
}

// followLog reads the log as a feed does until done is closed and the log is read to its end. Every position comes after the one
// before it with nothing between. It returns how many there were.
func followLog(t *testing.T, s store.Store, done <-chan struct{}) (after int64) {
	for last := false; ; {
		select {
		case <-done:
			last = true
		default:
		}
		events, err := s.Events(t.Context(), after, 50)
		if err != nil {
			t.Error(err)
			return after
		}
		for _, e := range events {
			if e.Position != after+1 {
				t.Errorf("after position %d comes %d", after, e.Position)
			}
			after = e.Position
		}
		if last && len(events) == 0 {
			return after
		}
	}
}

func testSharedCases(t *testing.T, open Opener) {
	a, b := openedTwice(t, open)
	first := raised("cam")
	put(t, a, t0, first)
	put(t, b, t0, raised("cam")) // both know the case now
	_, c := get(t, b, first.ID)
	close := cases.Event{CaseID: c.ID, Type: cases.EventClosed, At: t0.Add(time.Minute), Actor: "zhang", Reason: cases.ReasonHandled}
	if _, err := b.Append(t.Context(), close, c.Position); err != nil {
		t.Fatal(err)
	}
	again := raised("cam")
	put(t, a, t0.Add(2*time.Minute), again)
	_, next := get(t, a, again.ID)
	if next.ID == c.ID || next.Previous != c.ID {
		t.Fatalf("after the close by another process: %+v", next)
	}
	more := raised("cam")
	put(t, b, t0.Add(3*time.Minute), more)
	if _, joined := get(t, b, more.ID); joined.ID != next.ID {
		t.Fatalf("it joined %s, open is %s", joined.ID, next.ID)
	}
	checkInvariant(t, b)
}

func testSharedPrune(t *testing.T, open Opener) {
	a, b := openedTwice(t, open)
	old := closedCase(t, a, "cam", t0)
	put(t, a, t0.Add(100*day), raised("other")) // a remembers the newest cases of both keys
	prune(t, b, store.Horizon{Cases: t0.Add(day), Evidence: t0.Add(day)}, 100)
	wantGone(t, a, old)
	again := raised("cam")
	put(t, a, t0.Add(time.Minute), again) // within the time of reopening
	if _, c := get(t, a, again.ID); c.Previous != "" || c.Alerts != 1 {
		t.Fatalf("a pruned case lives on: %+v", c)
	}
	checkInvariant(t, a)
}
