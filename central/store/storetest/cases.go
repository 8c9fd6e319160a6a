package storetest

import (
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

func testAppend(t *testing.T, open Opener) {
	s := opened(t, open)
	a := raised("cam")
	put(t, s, t0, a)
	_, c := get(t, s, a.ID)
	ack := cases.Event{CaseID: c.ID, Type: cases.EventAcknowledged, At: t0.Add(time.Minute), Actor: "zhang"}

	var won atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			switch _, err := s.Append(t.Context(), ack, c.Position); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, store.ErrConflict):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d operators acknowledged the same case", won.Load())
	}
	if _, err := s.Append(t.Context(), ack, 0); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("an illegal event: %v", err)
	}
	ack.CaseID = alert.NewID()
	if _, err := s.Append(t.Context(), ack, 0); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("no such case: %v", err)
	}
	done := cases.Event{CaseID: c.ID, Type: cases.EventClosed, At: t0.Add(2 * time.Minute), Actor: "zhang", Reason: cases.ReasonHandled}
	closed, err := s.Append(t.Context(), done, 0)
	if err != nil || closed.State != cases.Closed || closed.ClosedBy != "zhang" {
		t.Fatalf("closed: %+v, %v", closed, err)
	}
	again := raised("cam")
	put(t, s, t0.Add(3*time.Minute), again)
	if _, next := get(t, s, again.ID); next.ID == c.ID || next.Previous != c.ID {
		t.Fatalf("after the close: %+v", next)
	}
	checkInvariant(t, s)
}

func testHistory(t *testing.T, open Opener) {
	s := opened(t, open)
	a := raised("cam")
	put(t, s, t0, a)
	put(t, s, t0.Add(time.Minute), raised("cam", func(a *alert.Alert) { a.Severity = alert.Critical }), raised("other"))
	put(t, s, t0.Add(2*time.Minute), raised("cam"), raised("other"))
	_, c := get(t, s, a.ID)
	_, events, err := s.CaseFile(t.Context(), c.ID, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var types []cases.EventType
	for _, e := range events {
		types = append(types, e.Type)
		if e.CaseID != c.ID {
			t.Errorf("an event of case %s", e.CaseID)
		}
	}
	want := []cases.EventType{cases.EventOpened, cases.EventJoined, cases.EventRaised, cases.EventJoined}
	if !reflect.DeepEqual(types, want) {
		t.Fatalf("history %v, want %v", types, want)
	}
	testHistoryPages(t, s, c, events)
	checkInvariant(t, s)
}

// testHistoryPages reads whole, a history of four events of case c, two at a time from its end.
func testHistoryPages(t *testing.T, s store.Store, c cases.Case, whole []cases.Event) {
	for _, tt := range []struct {
		before int64
		want   []cases.Event
	}{
		{0, whole[2:]},
		{whole[2].Position, whole[:2]},
		{whole[1].Position, whole[:1]},
		{whole[0].Position, nil},
		{whole[3].Position + 1, nil}, // an event of another case
	} {
		at, got, err := s.CaseFile(t.Context(), c.ID, tt.before, 2)
		if err != nil || !reflect.DeepEqual(at, c) || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("before %d: %v, %v, want %v", tt.before, got, err, tt.want)
		}
	}
	if _, _, err := s.CaseFile(t.Context(), alert.NewID(), 0, 2); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the history of no case: %v", err)
	}
}

func testEvents(t *testing.T, open Opener) {
	s := opened(t, open)
	if last, err := s.LastPosition(t.Context()); err != nil || last != 0 {
		t.Fatalf("an empty log ends at %d, %v", last, err)
	}
	for range 25 {
		put(t, s, t0, raised("cam"), raised("other"))
	}
	var after, n int64
	for {
		events, err := s.Events(t.Context(), after, 7)
		if err != nil {
			t.Fatal(err)
		}
		if len(events) == 0 {
			break
		}
		for _, e := range events {
			if e.Position <= after {
				t.Fatalf("event %d comes after %d", e.Position, after)
			}
			after, n = e.Position, n+1
		}
	}
	last, err := s.LastPosition(t.Context())
	if err != nil || last != after || n != 50 {
		t.Fatalf("%d events up to %d, the log ends at %d, %v", n, after, last, err)
	}
}

func testEvidence(t *testing.T, open Opener) {
	s := opened(t, open)
	a := raised("cam")
	e := alert.Evidence{
		ID: alert.NewID(), Source: a.Source, AlertID: a.ID, SHA256: "00ff", MediaType: alert.JPEG, Bytes: 1234, At: t0.Add(time.Second),
	}
	later := e
	later.ID, later.SHA256, later.At = alert.NewID(), "11ff", t0.Add(time.Minute)
	later.MediaType, later.Sealed = alert.SealedMP4, true
	got, err := s.AddEvidence(t.Context(), []alert.Evidence{later, e, e}, t0)
	if want := []ingest.Outcome{ingest.Accepted, ingest.Accepted, ingest.Duplicate}; err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("outcomes %v, %v", got, err)
	}
	put(t, s, t0, a, raised("other"))
	want := []alert.Evidence{e, later}
	if got, _ := get(t, s, a.ID); !reflect.DeepEqual(got.Evidence, want) {
		t.Fatalf("evidence %+v", got.Evidence)
	}
	for _, listed := range allAlerts(t, s, store.Query{Limit: 10}) {
		if listed.ID == a.ID && !reflect.DeepEqual(listed.Evidence, want) || listed.ID != a.ID && listed.Evidence != nil {
			t.Fatalf("evidence of %s in the list: %+v", listed.ID, listed.Evidence)
		}
	}
	testEvidenceIsBounded(t, s)
}

func testEvidenceIsBounded(t *testing.T, s store.Store) {
	a := raised("busy")
	put(t, s, t0, a)
	var many []alert.Evidence
	for i := range store.MaxEvidence + 3 {
		many = append(many, alert.Evidence{ID: alert.NewID(), Source: a.Source, AlertID: a.ID, MediaType: alert.JPEG, At: t0.Add(time.Duration(i) * time.Second)})
	}
	if _, err := s.AddEvidence(t.Context(), many, t0); err != nil {
		t.Fatal(err)
	}
	if got, _ := get(t, s, a.ID); !reflect.DeepEqual(got.Evidence, many[:store.MaxEvidence]) {
		t.Fatalf("%d pieces of evidence are listed", len(got.Evidence))
	}
}

func testDirectory(t *testing.T, open Opener) {
	s := opened(t, open)
	ctx := t.Context()
	if err := s.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"edge-2", "edge-1", "edge-1"} {
		e := store.Edge{ID: id, LastSync: t0, SkewMs: -12, ReportedAt: t0, Report: ingest.SyncRequest{Schema: 1, Software: "v1", Now: t0}}
		if err := s.SaveSync(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	edges, err := s.Edges(ctx)
	if err != nil || len(edges) != 2 || edges[0].ID != "edge-1" || edges[0].Report.Software != "v1" || !edges[0].LastSync.Equal(t0) || edges[0].SkewMs != -12 {
		t.Fatalf("edges %+v, %v", edges, err)
	}
	if one, err := s.Edge(ctx, "edge-2"); err != nil || !reflect.DeepEqual(one, edges[1]) {
		t.Fatalf("one edge %+v, %v", one, err)
	}
	if last, err := s.LastSyncs(ctx); err != nil || len(last) != 2 || !last["edge-1"].Equal(t0) || !last["edge-2"].Equal(t0) {
		t.Fatalf("last syncs %v, %v", last, err)
	}
	if _, err := s.Edge(ctx, "edge-3"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("an edge that never reported: %v", err)
	}
	for _, u := range []store.User{{Name: "zhang", Hash: "h1", Role: "operator"}, {Name: "zhang", Hash: "h2", Role: "admin"}} {
		if err := s.PutUser(ctx, u); err != nil {
			t.Fatal(err)
		}
		if got, err := s.User(ctx, "zhang"); err != nil || !reflect.DeepEqual(got, u) {
			t.Fatalf("user %+v, %v", got, err)
		}
	}
	if _, err := s.User(ctx, "nobody"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("no such user: %v", err)
	}
	for _, k := range []store.Token{{SHA256: "aa", Name: "n", Edge: "edge-1", Expires: t0}, {SHA256: "aa", Name: "m", Scopes: []string{"read", "events"}}} {
		if err := s.PutToken(ctx, k); err != nil {
			t.Fatal(err)
		}
		got, err := s.Token(ctx, "aa")
		if err != nil || got.Name != k.Name || got.Edge != k.Edge || len(got.Scopes) != len(k.Scopes) || !got.Expires.Equal(k.Expires) {
			t.Fatalf("token %+v, %v", got, err)
		}
	}
	if _, err := s.Token(ctx, "bb"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("no such token: %v", err)
	}
}

func testReopenStore(t *testing.T, open Opener) {
	dir := t.TempDir()
	s, err := open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	first, lost := raised("cam"), raised("gone")
	put(t, s, t0, first, cleared(lost))
	before, err := s.LastPosition(t.Context())
	if err != nil {
		t.Fatal(err)
	}
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
	if after, err := s.LastPosition(t.Context()); err != nil || after != before {
		t.Fatalf("position %d, %v; was %d", after, err, before)
	}
	if outcomes, err := s.Ingest(t.Context(), store.Group{Alerts: []store.Received{first}}, nil, t0); err != nil || outcomes[0] != ingest.Duplicate {
		t.Fatalf("the first alert again: %v, %v", outcomes, err)
	}
	put(t, s, t0.Add(time.Minute), raised("cam"), lost)
	if _, c := get(t, s, first.ID); c.Alerts != 2 {
		t.Fatalf("the case counts %d", c.Alerts)
	}
	if _, c := get(t, s, lost.ID); c.State != cases.Closed {
		t.Fatalf("the ended situation was forgotten: %+v", c)
	}
	checkInvariant(t, s)
}
