package storetest

import (
	"fmt"
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

// delivered is a delivery of edge-1 in the normal lane; sequence and shed are texts of [ingest.Ranges].
func delivered(t *testing.T, epoch, sequence string, lowest int64, shed string) store.Delivery {
	t.Helper()
	d := store.Delivery{Edge: "edge-1", Lane: alert.Normal, Epoch: epoch, Lowest: lowest}
	var err error
	if d.Sequence, err = ingest.ParseRanges(sequence); err != nil {
		t.Fatal(err)
	}
	if d.Shed, err = ingest.ParseRanges(shed); err != nil {
		t.Fatal(err)
	}
	return d
}

// book ingests deliveries without alerts.
func book(t *testing.T, s store.Store, now time.Time, d ...store.Delivery) {
	t.Helper()
	if _, err := s.Ingest(t.Context(), store.Group{Deliveries: d}, correlate.ByKey, now); err != nil {
		t.Fatal(err)
	}
}

func gaps(t *testing.T, s store.Store) []store.Tally {
	t.Helper()
	out, err := s.Gaps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func testGaps(t *testing.T, open Opener) {
	dir := t.TempDir()
	s, err := open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	sos := delivered(t, "e1", "1-3", 1, "")
	sos.Lane = alert.LifeSafety
	a := raised("cam")
	group := store.Group{Alerts: []store.Received{a, a}, Deliveries: []store.Delivery{sos, delivered(t, "e1", "1-2", 1, ""), delivered(t, "e1", "9", 9, "3-4")}}
	if _, err := s.Ingest(t.Context(), group, correlate.ByKey, t0); err != nil {
		t.Fatal(err)
	}
	get(t, s, a.ID)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = open(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	want := store.Tally{
		Edge: "edge-1", Lane: alert.Normal, Epoch: "e1", Lowest: 9, Above: ingest.Ranges{{First: 9, Last: 9}},
		Missing: ingest.Ranges{{First: 5, Last: 8}}, Came: 3, Shed: 2, At: t0,
	}
	if got := gaps(t, s); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Fatalf("gaps %+v, want %+v", got, want)
	}
	book(t, s, t0.Add(time.Minute), delivered(t, "e1", "5,7-8", 0, ""))
	if got := gaps(t, s); len(got) != 1 || got[0].Missing.String() != "6" || got[0].Gap() != 1 {
		t.Fatalf("gaps %+v", got)
	}
	book(t, s, t0.Add(time.Minute), delivered(t, "e1", "6", 0, ""), delivered(t, "e1", "6", 0, ""))
	if got := gaps(t, s); len(got) != 0 {
		t.Fatalf("gaps %+v after all came", got)
	}
}

func testGapsAreBounded(t *testing.T, open Opener) {
	s := opened(t, open)
	for n := range store.MaxEpochs + 4 {
		book(t, s, t0.Add(time.Duration(n)*time.Minute), delivered(t, fmt.Sprintf("e%02d", n), "5-60", 5, ""))
	}
	got := gaps(t, s)
	if len(got) != store.MaxEpochs || got[0].Epoch != fmt.Sprintf("e%02d", store.MaxEpochs+3) || got[store.MaxEpochs-1].Epoch != "e04" {
		t.Fatalf("%d gaps: %+v", len(got), got)
	}
}

// testStorm sends many alerts of one key, some of them twice: one case, one joined event a group. Whoever reads meanwhile sees the
// case grow and never shrink.
func testStorm(t *testing.T, open Opener) {
	const groups, size = 10, 400
	s := opened(t, open)
	first := raised("cam")
	put(t, s, t0, first)
	var reading sync.WaitGroup
	reading.Go(func() { readAlong(t, s) })
	for n := range groups {
		group := make([]store.Received, size)
		for i := range group {
			group[i] = raised("cam")
		}
		put(t, s, t0.Add(time.Duration(n)*time.Second), group...)
		if outcomes, err := s.Ingest(t.Context(), store.Group{Alerts: group[:10]}, correlate.ByKey, t0); err != nil || outcomes[0] != ingest.Duplicate {
			t.Fatal(outcomes, err)
		}
	}
	reading.Wait()
	_, c := get(t, s, first.ID)
	if c.Alerts != 1+groups*size || c.State != cases.Open {
		t.Fatalf("the case counts %d alerts and is %s", c.Alerts, c.State)
	}
	if got := allCases(t, s, store.Query{Limit: 10}); len(got) != 1 {
		t.Fatalf("%d cases", len(got))
	}
	_, events, err := s.CaseFile(t.Context(), c.ID, 0, 100)
	if err != nil || len(events) != 1+groups || events[1].Type != cases.EventJoined || events[1].Count != size {
		t.Fatalf("%d events, %v", len(events), err)
	}
	checkInvariant(t, s)
}

// readAlong reads the list of cases while others write.
func readAlong(t *testing.T, s store.Store) {
	last := int64(0)
	for range 50 {
		items, _, err := s.Cases(t.Context(), store.Query{State: "open", Limit: 10})
		if err != nil || len(items) != 1 || items[0].Alerts < last {
			t.Errorf("%d cases after one of %d alerts: %+v, %v", len(items), last, items, err)
			return
		}
		last = items[0].Alerts
	}
}
