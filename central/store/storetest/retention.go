package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// ended is a case whose alerts, raise and clear, came at a time, with a picture.
type ended struct {
	raise store.Received
	over  store.Received
	cases.Case
	picture alert.Evidence
}

// closedCase makes a case that closed by itself at a time.
func closedCase(t *testing.T, s store.Store, device string, at time.Time) ended {
	t.Helper()
	e := ended{raise: raised(device)}
	e.over = cleared(e.raise)
	put(t, s, at, e.raise)
	put(t, s, at, e.over)
	e.picture = picture(t, s, e.raise, at, device)
	_, e.Case = get(t, s, e.raise.ID)
	if e.State != cases.Closed {
		t.Fatalf("the case is %s", e.State)
	}
	return e
}

// picture adds evidence of an alert; objects are told apart by name.
func picture(t *testing.T, s store.Store, of store.Received, at time.Time, name string) alert.Evidence {
	t.Helper()
	e := alert.Evidence{ID: alert.NewID(), Source: of.Source, AlertID: of.ID, SHA256: "object of " + name, MediaType: alert.JPEG, Bytes: 9, At: at}
	if _, err := s.AddEvidence(t.Context(), []alert.Evidence{e}, at); err != nil {
		t.Fatal(err)
	}
	return e
}

// prune runs slices until there is nothing more and adds up.
func prune(t *testing.T, s store.Store, h store.Horizon, limit int) (sum store.Pruned) {
	t.Helper()
	for range 10_000 {
		p, err := s.Prune(t.Context(), h, limit)
		if err != nil {
			t.Fatal(err)
		}
		if n := int64(limit); p.Cases > n || p.Alerts > n || p.Events > n {
			t.Fatalf("one slice of %d deleted %+v", limit, p)
		}
		sum.Cases, sum.Alerts, sum.Events, sum.Evidence = sum.Cases+p.Cases, sum.Alerts+p.Alerts, sum.Events+p.Events, sum.Evidence+p.Evidence
		if !p.More {
			return sum
		}
	}
	t.Fatal("there is always more to delete")
	return sum
}

func wantGone(t *testing.T, s store.Store, e ended) {
	t.Helper()
	if _, err := s.Case(t.Context(), e.Case.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the case of %s: %v", e.Key, err)
	}
	for _, id := range []string{e.raise.ID, e.over.ID} {
		if _, err := s.Alert(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an alert of %s: %v", e.Key, err)
		}
	}
}

func wantKept(t *testing.T, s store.Store, e ended, pictures int) {
	t.Helper()
	if c, events, err := s.CaseFile(t.Context(), e.Case.ID, 0, 100); err != nil || c.Alerts != e.Alerts || len(events) < 3 {
		t.Errorf("the case of %s: %+v, %d events, %v", e.Key, c, len(events), err)
	}
	for _, id := range []string{e.raise.ID, e.over.ID} {
		a, _ := get(t, s, id)
		if a.CaseID != e.Case.ID || id == e.raise.ID && len(a.Evidence) != pictures {
			t.Errorf("an alert of %s: case %q, evidence %v", e.Key, a.CaseID, a.Evidence)
		}
	}
}

const day = 24 * time.Hour

func testPrune(t *testing.T, open Opener) {
	s := opened(t, open)
	old := closedCase(t, s, "cam1", t0)
	alone := cleared(raised("nothing"))
	unfinished := raised("cam2")
	put(t, s, t0, alone, unfinished)
	picture(t, s, unfinished, t0, "cam2")
	recent := closedCase(t, s, "cam3", t0.Add(50*day))
	newest := closedCase(t, s, "cam4", t0.Add(100*day))
	// An old case that is unfinished, and one whose newest event is young, stay.
	back := closedCase(t, s, "cam5", t0.Add(100*day))

	if did := prune(t, s, store.Horizon{}, 100); did != (store.Pruned{}) {
		t.Fatalf("no horizon deleted %+v", did)
	}
	did := prune(t, s, store.Horizon{Cases: t0.Add(40 * day), Evidence: t0.Add(60 * day)}, 100)
	if want := (store.Pruned{Cases: 1, Alerts: 3, Events: 3, Evidence: 2}); did != want {
		t.Fatalf("deleted %+v, want %+v", did, want)
	}
	wantGone(t, s, old)
	if _, err := s.Alert(t.Context(), alone.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the alert without a case: %v", err)
	}
	if a, c := get(t, s, unfinished.ID); c.State != cases.Open || len(a.Evidence) != 1 {
		t.Errorf("the open case: %+v, evidence %v", c, a.Evidence)
	}
	wantKept(t, s, recent, 0)
	wantKept(t, s, newest, 1)
	wantKept(t, s, back, 1)
	again := raised("cam1")
	put(t, s, t0.Add(101*day), again)
	if _, c := get(t, s, again.ID); c.Previous != "" {
		t.Errorf("a new case names the pruned one: %+v", c)
	}
	checkInvariant(t, s)
	prune(t, s, store.Horizon{Cases: t0.Add(1000 * day), Evidence: t0.Add(1000 * day)}, 100)
	put(t, s, t0.Add(1001*day), raised("cam9"))
	checkInvariant(t, s)
}

// testPruneByTime has a clock that was a year behind for a while: in the logs, old times stand behind young ones.
func testPruneByTime(t *testing.T, open Opener) {
	s := opened(t, open)
	const year = 365 * day
	young := closedCase(t, s, "young", t0.Add(year))
	alone := cleared(raised("nothing"))
	put(t, s, t0.Add(year), alone)
	var old []ended
	for i := range 4 {
		old = append(old, closedCase(t, s, fmt.Sprintf("old%d", i), t0))
	}
	closedCase(t, s, "newest", t0.Add(year))
	h := store.Horizon{Cases: t0.Add(year / 2), Evidence: t0.Add(year / 2)}
	if did, want := prune(t, s, h, 100), (store.Pruned{Cases: 4, Alerts: 8, Events: 12, Evidence: 4}); did != want {
		t.Errorf("deleted %+v, want %+v", did, want)
	}
	for _, e := range old {
		wantGone(t, s, e)
	}
	wantKept(t, s, young, 1)
	if _, err := s.Alert(t.Context(), alone.ID); err != nil {
		t.Errorf("the alert without a case: %v", err)
	}
	checkInvariant(t, s)
}

// testPruneInSlices deletes a few rows at a time: at no moment is a case half there.
func testPruneInSlices(t *testing.T, open Opener) {
	s := opened(t, open)
	var all []ended
	for i := range 5 {
		all = append(all, closedCase(t, s, fmt.Sprintf("cam%d", i), t0))
	}
	busy := raised("busy")
	put(t, s, t0, busy)
	for range 10 {
		put(t, s, t0, raised("busy"), raised("busy"))
	}
	_, c := get(t, s, busy.ID)
	end := cases.Event{CaseID: c.ID, Type: cases.EventClosed, At: t0, Actor: "zhang", Reason: cases.ReasonHandled}
	if _, err := s.Append(t.Context(), end, 0); err != nil {
		t.Fatal(err)
	}
	last := closedCase(t, s, "last", t0.Add(100*day))
	before, err := s.LastPosition(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h := store.Horizon{Cases: t0.Add(day), Evidence: t0.Add(day)}
	for more := true; more; {
		did, err := s.Prune(t.Context(), h, 3)
		if err != nil {
			t.Fatal(err)
		}
		more = did.More
		checkInvariant(t, s)
		events, err := s.Events(t.Context(), 0, 500)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if _, err := s.Case(t.Context(), e.CaseID); err != nil {
				t.Fatalf("an event of a case that is not there: %v", err)
			}
		}
	}
	for _, e := range all {
		wantGone(t, s, e)
	}
	wantKept(t, s, last, 1)
	if got := allAlerts(t, s, store.Query{Limit: 10}); len(got) != 2 {
		t.Fatalf("%d alerts are left", len(got))
	}
	if after, err := s.LastPosition(t.Context()); err != nil || after != before {
		t.Fatalf("position %d, %v; was %d", after, err, before)
	}
}

func testHold(t *testing.T, open Opener) {
	s := opened(t, open)
	held, other := closedCase(t, s, "cam1", t0), closedCase(t, s, "cam2", t0)
	now := t0.Add(time.Hour)
	step := func(typ cases.EventType, reason cases.Reason, expect int64) (cases.Case, error) {
		return s.Append(t.Context(), cases.Event{CaseID: held.Case.ID, Type: typ, At: now, Actor: "zhang", Reason: reason}, expect)
	}
	c, err := step(cases.EventHeld, cases.ReasonInsurance, held.Position)
	if err != nil || c.Hold != cases.ReasonInsurance || c.State != cases.Closed {
		t.Fatal(c, err)
	}
	if _, err := step(cases.EventHeld, cases.ReasonReview, 0); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("held twice: %v", err)
	}
	now = t0.Add(100 * day)
	closedCase(t, s, "last", now)
	h := store.Horizon{Cases: t0.Add(day), Evidence: t0.Add(day)}
	prune(t, s, h, 2)
	wantGone(t, s, other)
	wantKept(t, s, held, 1)
	if listed := allCases(t, s, store.Query{Limit: 10}); !slices.ContainsFunc(listed, func(c cases.Case) bool { return c.Hold == cases.ReasonInsurance }) {
		t.Fatalf("no case is listed as held: %+v", listed)
	}
	if c, err := step(cases.EventReleased, cases.ReasonSettled, 0); err != nil || c.Hold != "" {
		t.Fatal(c, err)
	}
	checkInvariant(t, s)
	put(t, s, now, raised("later")) // the newest event is that of another case
	prune(t, s, h, 2)
	wantKept(t, s, held, 0) // its newest event is young, its picture is not
	prune(t, s, store.Horizon{Cases: now.Add(day), Evidence: now.Add(day)}, 2)
	wantGone(t, s, held)
}

func testOrphans(t *testing.T, open Opener) {
	s := opened(t, open)
	e := closedCase(t, s, "cam1", t0)
	shared := closedCase(t, s, "cam2", t0)
	last := closedCase(t, s, "last", t0.Add(100*day))
	picture(t, s, last.raise, t0.Add(100*day), "cam2") // the same bytes
	h := store.Horizon{Evidence: t0.Add(day)}
	if did := prune(t, s, h, 100); did.Evidence != 2 || did.Alerts != 0 {
		t.Fatalf("deleted %+v", did)
	}
	wantKept(t, s, e, 0)
	wantKept(t, s, shared, 0)
	orphans := func() []string {
		t.Helper()
		got, err := s.Orphans(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := orphans(); !slices.Equal(got, []string{e.picture.SHA256}) {
		t.Fatalf("orphans %q", got)
	}
	picture(t, s, last.raise, t0, "cam1") // it is named again
	if got := orphans(); len(got) != 0 {
		t.Fatalf("orphans %q", got)
	}
	prune(t, s, h, 100)
	if err := s.ForgetOrphans(t.Context(), orphans()); err != nil {
		t.Fatal(err)
	}
	if got := orphans(); len(got) != 0 {
		t.Fatalf("orphans %q", got)
	}
	for _, digest := range []string{last.picture.SHA256, "unwanted", "unwanted"} { // the first of them is named by evidence
		if err := s.NoteOrphan(t.Context(), digest); err != nil {
			t.Fatal(err)
		}
	}
	if got := orphans(); !slices.Equal(got, []string{"unwanted"}) {
		t.Fatalf("orphans %q", got)
	}
}

// Pictures, clips and those of single cameras go each at their own time.
func testEvidenceByKind(t *testing.T, open Opener) {
	s := opened(t, open)
	gate, yard := closedCase(t, s, "cam1", t0), closedCase(t, s, "cam2", t0)
	clip := func(of ended) {
		t.Helper()
		e := alert.Evidence{ID: alert.NewID(), Source: of.raise.Source, AlertID: of.raise.ID, SHA256: "clip of " + of.raise.Source, MediaType: alert.SealedMP4, Sealed: true, Bytes: 9, At: t0}
		if _, err := s.AddEvidence(t.Context(), []alert.Evidence{e}, t0); err != nil {
			t.Fatal(err)
		}
	}
	clip(gate)
	clip(yard)
	put(t, s, t0.Add(50*day), raised("newest"))
	picture(t, s, raised("newest"), t0.Add(50*day), "newest")
	left := func(of ended, pictures, clips int) {
		t.Helper()
		list, err := s.EvidenceOf(t.Context(), of.raise.ID)
		if err != nil {
			t.Fatal(err)
		}
		sealed := 0
		for _, e := range list {
			if e.Sealed {
				sealed++
			}
		}
		if len(list)-sealed != pictures || sealed != clips {
			t.Errorf("%s has %d pictures and %d clips, want %d and %d", of.raise.Source, len(list)-sealed, sealed, pictures, clips)
		}
	}
	late, early := t0.Add(day), t0.Add(-day)
	own := map[string]time.Time{gate.raise.Source: early}
	prune(t, s, store.Horizon{Evidence: early, Clips: late, Sources: own}, 1)
	left(gate, 1, 1)
	left(yard, 1, 0)
	prune(t, s, store.Horizon{Clips: late}, 10) // pictures stay as long as their case
	left(gate, 1, 0)
	prune(t, s, store.Horizon{Evidence: late, Sources: own}, 10)
	left(gate, 1, 0)
	left(yard, 0, 0)
	prune(t, s, store.Horizon{Sources: map[string]time.Time{gate.raise.Source: late}}, 10)
	left(gate, 0, 0)
}

func testCasePictures(t *testing.T, open Opener) {
	s := opened(t, open)
	ended, goes := closedCase(t, s, "cam1", t0), closedCase(t, s, "cam2", t0)
	put(t, s, t0, raised("cam3"))
	listed := allCases(t, s, store.Query{Limit: 10, State: string(cases.Open)})
	if len(listed) != 1 {
		t.Fatalf("%d open cases", len(listed))
	}
	open3 := listed[0]
	of := func(c cases.Case) store.Received {
		return store.Received{Alert: alert.Alert{ID: c.ID, Source: c.Source}}
	}
	for name, c := range map[string]cases.Case{"held": ended.Case, "gone": goes.Case, "open": open3} {
		picture(t, s, of(c), t0, name)
	}
	hold := cases.Event{CaseID: ended.Case.ID, Type: cases.EventHeld, At: t0.Add(time.Hour), Actor: "zhang", Reason: cases.ReasonReview}
	if _, err := s.Append(t.Context(), hold, 0); err != nil {
		t.Fatal(err)
	}
	closedCase(t, s, "last", t0.Add(100*day))
	prune(t, s, store.Horizon{Cases: t0.Add(day), Evidence: t0.Add(day)}, 100)
	for name, want := range map[string]struct {
		id string
		n  int
	}{"held": {ended.Case.ID, 1}, "gone": {goes.Case.ID, 0}, "open": {open3.ID, 1}} {
		if got, err := s.EvidenceOf(t.Context(), want.id); err != nil || len(got) != want.n {
			t.Errorf("%s: %d pictures, %v: want %d", name, len(got), err, want.n)
		}
	}
	if gone, err := s.Orphans(t.Context(), 10); err != nil || !slices.Contains(gone, "object of gone") {
		t.Errorf("orphans %q, %v", gone, err)
	}
}
