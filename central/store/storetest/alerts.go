package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/correlate"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

func testRoundTrip(t *testing.T, open Opener) {
	s := opened(t, open)
	score := 0.75
	full := raised("cam", func(a *alert.Alert) {
		a.Object, a.Zone, a.Score, a.CountBucket, a.Exercise = alert.Vehicle, "东门", &score, alert.CountFew, true
		a.Reading = &alert.Measure{Quantity: "level", Value: -1.5, Unit: "m"}
		a.Uncertainty, a.OccurredAt = 250*time.Millisecond, t0.Add(123456789)
	})
	clear1 := cleared(full)
	plain := raised("cam2", func(a *alert.Alert) { a.State, a.Situation = alert.Momentary, "" })
	absurd := raised("cam3", func(a *alert.Alert) { a.OccurredAt = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) })
	put(t, s, t0, full, clear1, plain, absurd)
	for i, want := range []store.Received{full, clear1, plain} {
		got, c := get(t, s, want.ID)
		want.ReceivedAt = t0
		if !reflect.DeepEqual(got.Received, want) {
			t.Errorf("alert %d: got %+v\nwant %+v", i, got.Received, want)
		}
		if c.Key != want.Key || got.Position == 0 {
			t.Errorf("alert %d: case %+v, position %d", i, c, got.Position)
		}
	}
	if got, _ := get(t, s, absurd.ID); !got.OccurredAt.After(t0) {
		t.Errorf("an absurd time became %v", got.OccurredAt)
	}
	if _, err := s.Alert(t.Context(), alert.NewID()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such alert: %v", err)
	}
	if _, err := s.Case(t.Context(), alert.NewID()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such case: %v", err)
	}
}

func testIdempotent(t *testing.T, open Opener) {
	s := opened(t, open)
	a, b, c := raised("cam"), raised("cam"), raised("other")
	put(t, s, t0, a)
	twin := b
	twin.Severity = alert.Critical // what a repetition says otherwise does not count
	outcomes, err := s.Ingest(t.Context(), store.Group{Alerts: []store.Received{a, b, twin, c, b}}, correlate.ByKey, t0)
	if err != nil {
		t.Fatal(err)
	}
	want := []ingest.Outcome{ingest.Duplicate, ingest.Accepted, ingest.Duplicate, ingest.Accepted, ingest.Duplicate}
	if !reflect.DeepEqual(outcomes, want) {
		t.Fatalf("outcomes %v, want %v", outcomes, want)
	}
	if got, of := get(t, s, b.ID); got.Severity != alert.Minor || of.Alerts != 2 {
		t.Fatalf("severity %s, case counts %d", got.Severity, of.Alerts)
	}
	if outcomes, err := s.Ingest(t.Context(), store.Group{}, correlate.ByKey, t0); err != nil || len(outcomes) != 0 {
		t.Fatalf("nothing: %v, %v", outcomes, err)
	}
	checkInvariant(t, s)
}

// testOneOpenCase sends alerts of few keys, each of them two or three times, from many goroutines.
func testOneOpenCase(t *testing.T, open Opener) {
	const workers, batches, size, keys = 6, 4, 8, 5
	s := opened(t, open)
	var mu sync.Mutex
	var want []string
	accepted := make(map[string]int)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for b := range batches {
				batch := make([]store.Received, size)
				for i := range batch {
					batch[i] = raised(fmt.Sprintf("cam%d", (w+b+i)%keys))
					if i%4 == 3 {
						batch[i] = cleared(batch[i-1])
						batch[i].Key = batch[i-1].Key
					}
				}
				for range 1 + rand.IntN(2) {
					outcomes, err := s.Ingest(t.Context(), store.Group{Alerts: batch}, correlate.ByKey, t0)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					for i, o := range outcomes {
						if o == ingest.Accepted {
							accepted[batch[i].ID]++
							want = append(want, batch[i].ID)
						}
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for id, n := range accepted {
		if n != 1 {
			t.Fatalf("alert %s was accepted %d times", id, n)
		}
	}
	if len(want) != workers*batches*size {
		t.Fatalf("%d accepted, %d sent", len(want), workers*batches*size)
	}
	sameSet(t, "stored", ids(allAlerts(t, s, store.Query{Limit: 333})), want)
	if got := allCases(t, s, store.Query{Limit: 3}); len(got) != keys {
		t.Fatalf("%d cases of %d keys", len(got), keys)
	}
	checkInvariant(t, s)
}

func testExercise(t *testing.T, open Opener) {
	s := opened(t, open)
	real := raised("cam")
	drill := raised("cam", func(a *alert.Alert) { a.Exercise = true })
	put(t, s, t0, real, drill)
	_, a := get(t, s, real.ID)
	_, b := get(t, s, drill.ID)
	if a.ID == b.ID || a.Exercise || !b.Exercise || a.Alerts != 1 || b.Alerts != 1 {
		t.Fatalf("real %+v\ndrill %+v", a, b)
	}
	checkInvariant(t, s)
}

func testTombstone(t *testing.T, open Opener) {
	s := opened(t, open)
	late := raised("cam")
	over := cleared(late)
	put(t, s, t0, over)
	if a, _ := get(t, s, over.ID); a.CaseID != "" {
		t.Fatalf("a clear without a case joined %s", a.CaseID)
	}
	put(t, s, t0.Add(time.Hour), late)
	if _, c := get(t, s, late.ID); c.State != cases.Closed || c.Active || c.Reason != cases.ReasonCleared {
		t.Fatalf("the late raise left the case %+v", c)
	}
	sos := raised("button", func(a *alert.Alert) { a.Kind = alert.SOS })
	put(t, s, t0, cleared(sos), sos)
	if _, c := get(t, s, sos.ID); c.State != cases.Open || c.Active {
		t.Fatalf("the late SOS left the case %+v", c)
	}
	checkInvariant(t, s)
}

func testReopen(t *testing.T, open Opener) {
	s := opened(t, open)
	first := raised("cam")
	put(t, s, t0, first)
	put(t, s, t0.Add(time.Minute), cleared(first))
	second := raised("cam")
	put(t, s, t0.Add(20*time.Minute), second)
	_, a := get(t, s, first.ID)
	if _, b := get(t, s, second.ID); a.ID != b.ID || b.State != cases.Open || b.Alerts != 3 {
		t.Fatalf("not reopened: %+v", b)
	}
	put(t, s, t0.Add(21*time.Minute), cleared(second))
	third := raised("cam")
	put(t, s, t0.Add(2*time.Hour), third)
	if _, c := get(t, s, third.ID); c.ID == a.ID || c.Previous != a.ID {
		t.Fatalf("not a new linked case: %+v", c)
	}
	checkInvariant(t, s)
}

// testRollback lets a decider return an illegal event for the second key of a group.
func testRollback(t *testing.T, open Opener) {
	s := opened(t, open)
	a, b := raised("cam"), raised("cam2")
	over := cleared(raised("cam3"))
	before, err := s.LastPosition(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	broken := func(newest *cases.Case, alerts []store.Received, ended func(string) bool, now time.Time) []cases.Event {
		events := correlate.ByKey(newest, alerts, ended, now)
		if alerts[0].ID == b.ID {
			events = append(events, cases.Event{CaseID: "no such case", Type: cases.EventJoined, At: now, Count: 1})
		}
		return events
	}
	told := store.Delivery{Edge: "edge-1", Lane: alert.Normal, Epoch: "e", Sequence: ingest.Ranges{{First: 4, Last: 6}}, Lowest: 4}
	if _, err := s.Ingest(t.Context(), store.Group{Alerts: []store.Received{a, over, b}, Deliveries: []store.Delivery{told}}, broken, t0); err == nil {
		t.Fatal("an illegal event was stored")
	}
	if got := allAlerts(t, s, store.Query{Limit: 10}); len(got) != 0 {
		t.Fatalf("%d alerts of a refused group are stored", len(got))
	}
	if after, err := s.LastPosition(t.Context()); err != nil || after != before {
		t.Fatalf("position %d, %v; was %d", after, err, before)
	}
	if gaps, err := s.Gaps(t.Context()); err != nil || len(gaps) != 0 {
		t.Fatalf("a refused group was booked: %+v, %v", gaps, err)
	}
	put(t, s, t0, a, over, b)
	checkInvariant(t, s)
}

// testAbsurdTimes: an alert is never refused for its time, and what cannot be stored is clamped.
func testAbsurdTimes(t *testing.T, open Opener) {
	s := opened(t, open)
	west, east := time.FixedZone("", -23*3600), time.FixedZone("", 23*3600)
	for _, at := range []time.Time{
		{}, time.Date(9999, 12, 31, 23, 59, 59, 0, west), time.Date(0, 1, 1, 0, 0, 0, 0, east), time.Date(1, 1, 1, 0, 0, 0, 0, east),
	} {
		a := raised("cam", func(a *alert.Alert) { a.OccurredAt, a.RaisedAt = at, at })
		put(t, s, t0, a)
		get(t, s, a.ID)
	}
	checkInvariant(t, s)
}
