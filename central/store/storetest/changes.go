package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// Jobs is the contract of [store.Jobs].
func Jobs(t *testing.T, open Opener) {
	tests := map[string]func(t *testing.T, open Opener){
		"steps are all or none":                    testAllOrNone,
		"a case that no alert opened":              testOpenedByHand,
		"one open case per key, whoever opens it":  testReopenedByHand,
		"the loop comes back whole":                testLoopWhole,
		"a step is taken back":                     testUndone,
		"what is due comes in its order":           testDue,
		"merged and alone again":                   testMerge,
		"cases filter by their loop":               testLoopFilters,
		"filters by grid agree with each other":    testGridFilters,
		"a job's step happens once":                testAdvance,
		"a job's step is all or none":              testAdvanceAllOrNone,
		"counts add up":                            testCounts,
		"counts of months are those of their days": testCountMonths,
		"a notice is told once":                    testNotices,
		"notices go":                               testNoticesGo,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

// byHand is the event that opens a case without an alert.
func byHand(key string, change ...func(*cases.Event)) cases.Event {
	e := cases.Event{
		CaseID: alert.NewID(), Type: cases.EventOpened, At: t0, Actor: "zhang", Severity: alert.Minor,
		Opening: &cases.Opening{Key: key, Kind: alert.Motion, Class: "0401", Grid: "330106109001", Source: "/staff", Origin: cases.ByStaff},
	}
	for _, f := range change {
		f(&e)
	}
	return e
}

// stepped takes a case to a step of its loop.
func stepped(id string, at time.Time, state cases.State, change ...func(*cases.Event)) cases.Event {
	e := cases.Event{CaseID: id, Type: cases.EventStepped, At: at, Actor: "li", Action: "go", Workflow: "base", Step: "step-" + string(state), State: state}
	if state == cases.Closed {
		e.Reason = cases.ReasonHandled
	}
	for _, f := range change {
		f(&e)
	}
	return e
}

// do appends events and fails the test unless they are taken.
func do(t *testing.T, s store.Changes, events ...cases.Event) []cases.Case {
	t.Helper()
	after, err := s.AppendAll(t.Context(), changesOf(events...))
	if err != nil {
		t.Fatal(err)
	}
	return after
}

func changesOf(events ...cases.Event) (out []store.Change) {
	for _, e := range events {
		out = append(out, store.Change{Event: e})
	}
	return out
}

func testAllOrNone(t *testing.T, open Opener) {
	s := opened(t, open)
	a, b := raised("cam1"), raised("cam2")
	put(t, s, t0, a, b)
	_, one := get(t, s, a.ID)
	_, two := get(t, s, b.ID)
	before, err := s.LastPosition(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	good := stepped(one.ID, t0.Add(time.Minute), cases.Closed)
	third := byHand("by hand")
	for name, bad := range map[string]store.Change{
		"an outdated view": {Event: stepped(two.ID, t0, cases.Open), Expect: two.Position - 1},
		"an illegal event": {Event: cases.Event{CaseID: two.ID, Type: cases.EventReleased, At: t0, Actor: "li", Reason: cases.ReasonSettled}},
		"no opening":       {Event: cases.Event{CaseID: alert.NewID(), Type: cases.EventOpened, At: t0, Severity: alert.Minor}},
		"alerts":           {Event: cases.Event{CaseID: two.ID, Type: cases.EventJoined, At: t0, Count: 1}},
	} {
		_, err := s.AppendAll(t.Context(), append(changesOf(third, good), bad))
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	missing := stepped(alert.NewID(), t0, cases.Open)
	if _, err := s.AppendAll(t.Context(), changesOf(third, good, missing)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such case: %v", err)
	}
	if after, err := s.LastPosition(t.Context()); err != nil || after != before {
		t.Fatalf("refused steps left the log at %d, %v; it was at %d", after, err, before)
	}
	again := raised("cam1")
	put(t, s, t0.Add(time.Minute), again) // what the store remembers is not what was refused
	if _, c := get(t, s, again.ID); c.ID != one.ID || c.Alerts != 2 {
		t.Fatalf("it joined %+v", c)
	}
	after := do(t, s, third, good, stepped(third.CaseID, t0, cases.Acknowledged), stepped(two.ID, t0, cases.Acknowledged))
	for i, want := range []cases.State{cases.Open, cases.Closed, cases.Acknowledged, cases.Acknowledged} {
		if after[i].State != want || i > 0 && after[i].Position != after[i-1].Position+1 {
			t.Errorf("change %d: %+v", i, after[i])
		}
	}
	if after, err := s.AppendAll(t.Context(), nil); err != nil || len(after) != 0 {
		t.Errorf("no change: %v, %v", after, err)
	}
	checkInvariant(t, s)
}

func testOpenedByHand(t *testing.T, open Opener) {
	s := opened(t, open)
	a := raised("cam")
	first := byHand(a.Key)
	c := do(t, s, first)[0]
	if c.ID != first.CaseID || c.Alerts != 0 || c.Origin != cases.ByStaff || c.State != cases.Open {
		t.Fatalf("opened %+v", c)
	}
	for name, e := range map[string]cases.Event{
		"its key is open": byHand(a.Key),
		"its id exists":   byHand("another key", func(e *cases.Event) { e.CaseID = first.CaseID }),
	} {
		if _, err := s.AppendAll(t.Context(), changesOf(e)); !errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	drill := byHand(a.Key, func(e *cases.Event) { e.Opening.Exercise = true })
	do(t, s, drill)
	put(t, s, t0, a)
	if _, c := get(t, s, a.ID); c.ID != first.CaseID || c.Alerts != 1 {
		t.Fatalf("the alert of its key joined %+v", c)
	}
	second := byHand(a.Key, func(e *cases.Event) { e.Opening.Previous = first.CaseID })
	do(t, s, stepped(first.CaseID, t0.Add(time.Minute), cases.Closed), second)
	b := raised("cam")
	put(t, s, t0.Add(time.Hour), b)
	if _, c := get(t, s, b.ID); c.ID != second.CaseID || c.Previous != first.CaseID {
		t.Fatalf("the next alert joined %+v", c)
	}
	checkInvariant(t, s)
}

// testReopenedByHand reopens a case that has a newer one of its key.
func testReopenedByHand(t *testing.T, open Opener) {
	s := opened(t, open)
	a, b := raised("cam"), raised("cam")
	put(t, s, t0, a)
	_, old := get(t, s, a.ID)
	do(t, s, stepped(old.ID, t0.Add(time.Minute), cases.Closed))
	put(t, s, t0.Add(time.Hour), b)
	_, young := get(t, s, b.ID)
	reopen := stepped(old.ID, t0.Add(2*time.Hour), cases.Open)
	if _, err := s.AppendAll(t.Context(), changesOf(reopen)); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("two cases of a key are open: %v", err)
	}
	joins := func(want string) {
		t.Helper()
		more := raised("cam")
		put(t, s, t0.Add(3*time.Hour), more)
		if _, c := get(t, s, more.ID); c.ID != want {
			t.Fatalf("the alert joined %+v", c)
		}
	}
	joins(young.ID)
	do(t, s, stepped(young.ID, t0.Add(2*time.Hour), cases.Closed), reopen)
	joins(old.ID)
	do(t, s, cases.Event{CaseID: young.ID, Type: cases.EventAnnotated, At: t0.Add(3 * time.Hour), Actor: "li", Note: "门已修好"})
	joins(old.ID)
	if _, err := s.AppendAll(t.Context(), changesOf(byHand(a.Key))); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("two cases of a key are open: %v", err)
	}
	do(t, s, stepped(old.ID, t0.Add(4*time.Hour), cases.Closed))
	last := raised("cam")
	put(t, s, t0.Add(5*time.Hour), last)
	if _, c := get(t, s, last.ID); c.Previous != young.ID || c.Alerts != 1 {
		t.Fatalf("the next case is %+v", c)
	}
	checkInvariant(t, s)
}

// testLoopWhole sets every field that an event and a case can have.
func testLoopWhole(t *testing.T, open Opener) {
	s := opened(t, open)
	origin := Filled[cases.Opening]()
	origin.Kind, origin.Grid, origin.Class = alert.SOS, "330106109001003", "0401"
	first := byHand("", func(e *cases.Event) { e.Opening = &origin })
	id := first.CaseID
	full := Filled[cases.Event]()
	full.Position, full.CaseID, full.Type, full.At, full.Opening, full.Count = 0, id, cases.EventStepped, t0.Add(time.Minute), nil, 0
	full.State, full.Rating, full.Level, full.Severity = cases.Acknowledged, 4, cases.DistrictLevel, alert.Major
	full.Into, full.Freed = "", false
	events := []cases.Event{first}
	for _, effect := range []cases.Effect{cases.Extends, cases.SendsBack, cases.Reworks, cases.Supervises} {
		full.Effect = effect
		events = append(events, full)
	}
	events = append(events, cases.Event{CaseID: id, Type: cases.EventMerged, At: full.At, Actor: "li", Rule: "neighbours", Into: alert.NewID(), Why: full.Why})
	after := do(t, s, events...)
	c := after[len(after)-1]
	if names := unset(c.Work); len(names) > 0 {
		t.Errorf("nothing sets %v", names)
	}
	if names := unset(c.Opening); len(names) > 0 {
		t.Errorf("nothing opens with %v", names)
	}
	got, history, err := s.CaseFile(t.Context(), id, 0, 100)
	if err != nil || !reflect.DeepEqual(got, c) {
		t.Fatalf("read   %+v\nstored %+v, %v", got, c, err)
	}
	for i := range events {
		events[i].Position = history[i].Position
		if !reflect.DeepEqual(history[i], events[i]) {
			t.Errorf("event %d: got %+v\nwant %+v", i, history[i], events[i])
		}
	}
	do(t, s, stepped(id, full.At.Add(time.Minute), cases.Open, func(e *cases.Event) { e.Helpers, e.Deadlines = []string{}, []cases.Deadline{} }))
	if got, err := s.Case(t.Context(), id); err != nil || got.Helpers != nil || got.Deadlines != nil || got.Assignee != c.Assignee {
		t.Errorf("without helpers and deadlines: %+v, %v", got, err)
	}
	checkInvariant(t, s)
}

// testUndone takes a step back that set every field: all of it is as it was, in the row, in the history, in lists and for the clock.
func testUndone(t *testing.T, open Opener) {
	s := opened(t, open)
	first := byHand("hydrant")
	id := first.CaseID
	due := []cases.Deadline{{Name: "close", From: t0, Warn: t0.Add(time.Hour), Due: t0.Add(2 * time.Hour)}}
	before := do(t, s, first, stepped(id, t0, cases.Acknowledged, func(e *cases.Event) { e.Deadlines, e.Unit, e.Assignee = due, "parks", "li" }))[1]
	former := before.Outcome()
	taken := do(t, s, stepped(id, t0.Add(time.Minute), cases.Closed, func(e *cases.Event) {
		e.Deadlines, e.Helpers, e.Freed, e.Level, e.Rating, e.Effect = []cases.Deadline{}, []string{"roads"}, true, cases.DistrictLevel, 5, cases.Reworks
	}))[0]
	undone := cases.Event{
		CaseID: id, Type: cases.EventUndone, At: t0.Add(2 * time.Minute), Actor: "li", Action: "go", From: t0.Add(time.Minute), Effect: cases.Reworks,
		Undoes: taken.Position, Former: &former,
	}
	after := do(t, s, undone)[0]
	got, history, err := s.CaseFile(t.Context(), id, 0, 100)
	if err != nil || !reflect.DeepEqual(got, after) || !reflect.DeepEqual(got.Outcome(), former) {
		t.Fatalf("read   %+v\nstored %+v, %v\nformer %+v", got, after, err, former)
	}
	undone.Position = after.Position
	if last := history[len(history)-1]; !reflect.DeepEqual(last, undone) {
		t.Errorf("got %+v\nwant %+v", last, undone)
	}
	rebuilt, err := cases.Rebuild(history)
	if err != nil || !reflect.DeepEqual(rebuilt, got) {
		t.Errorf("rebuilt %+v, %v", rebuilt, err)
	}
	list, _, err := s.Cases(t.Context(), store.Query{State: string(cases.Acknowledged), Unit: "parks", Assignee: "li", Limit: 10})
	if err != nil || len(list) != 1 || list[0].ID != id {
		t.Errorf("listed %+v, %v", list, err)
	}
	if next, err := s.Due(t.Context(), t0.Add(time.Hour), 10); err != nil || len(next) != 1 {
		t.Errorf("due %+v, %v", next, err)
	}
	again := byHand("hydrant")
	do(t, s, stepped(id, t0.Add(3*time.Minute), cases.Closed), again)
	undone.Position, undone.At = 0, t0.Add(4*time.Minute)
	if _, err := s.AppendAll(t.Context(), changesOf(undone)); !errors.Is(err, store.ErrConflict) {
		t.Errorf("opened beside a newer case of its key: %v", err)
	}
	checkInvariant(t, s)
}

func testDue(t *testing.T, open Opener) {
	s := opened(t, open)
	want := []string{}
	for i, minutes := range []int{40, 10, 30, 20, 50} {
		e := byHand(fmt.Sprint("key ", i))
		at := t0.Add(time.Duration(minutes) * time.Minute)
		do(t, s, e, stepped(e.CaseID, t0, cases.Acknowledged, func(e *cases.Event) {
			e.Deadlines = []cases.Deadline{{Name: "handle", From: t0, Warn: at, Due: at.Add(time.Hour)}}
		}))
		want = append(want, e.CaseID)
	}
	due := func(at time.Time, limit int) (out []int) {
		t.Helper()
		items, err := s.Due(t.Context(), at, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range items {
			out = append(out, slices.Index(want, c.ID))
		}
		return out
	}
	wantDue := func(what string, got []int, want ...int) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	at := func(minutes int) time.Time { return t0.Add(time.Duration(minutes) * time.Minute) }
	wantDue("before all", due(at(9), 10))
	wantDue("at its moment", due(at(10), 10), 1)
	wantDue("some", due(at(40), 10), 1, 3, 2, 0)
	wantDue("few", due(at(90), 2), 1, 3)
	do(t, s, cases.Event{CaseID: want[1], Type: cases.EventTold, At: at(10), Deadline: "handle", Stage: cases.Yellow},
		stepped(want[3], at(11), cases.Closed), stepped(want[2], at(11), cases.Acknowledged, func(e *cases.Event) {
			e.Deadlines = []cases.Deadline{{Name: "handle", From: t0, Left: "1h"}} // stands still
		}))
	wantDue("after one was told, one closed and one stood still", due(at(60), 10), 0, 4)
	wantDue("its next stage", due(at(70), 10), 0, 4, 1)
	checkInvariant(t, s)
}

func testMerge(t *testing.T, open Opener) {
	s := opened(t, open)
	a, b := raised("cam1"), raised("cam2")
	put(t, s, t0, a, b)
	_, parent := get(t, s, a.ID)
	_, child := get(t, s, b.ID)
	merge := cases.Event{CaseID: child.ID, Type: cases.EventMerged, At: t0, Actor: "li", Into: parent.ID}
	do(t, s, merge)
	wantParents := func(want ...string) {
		t.Helper()
		got, err := s.Parents(t.Context(), []string{child.ID, parent.ID, "another"})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("parents %v, %v, want %v", got, err, want)
		}
	}
	wantParents(parent.ID)
	more := raised("cam2")
	put(t, s, t0.Add(time.Minute), more)
	if _, c := get(t, s, more.ID); c.ID != child.ID || c.Parent != parent.ID || c.Alerts != 2 {
		t.Fatalf("a merged case no longer gathers: %+v", c)
	}
	wantCases(t, s, "children", store.Query{Parent: parent.ID}, child.ID)
	wantCases(t, s, "alone", store.Query{Parent: store.Alone}, parent.ID)
	merge.Type = cases.EventUnmerged
	do(t, s, merge)
	wantParents()
	wantCases(t, s, "children", store.Query{Parent: parent.ID})
	wantCases(t, s, "alone", store.Query{Parent: store.Alone}, parent.ID, child.ID)
	checkInvariant(t, s)
}

// wantCases pages through a list with pages of two sizes.
func wantCases(t *testing.T, s store.Store, what string, q store.Query, want ...string) {
	t.Helper()
	for _, limit := range []int{1, 500} {
		q.Limit = limit
		var got []string
		for _, c := range allCases(t, s, q) {
			got = append(got, c.ID)
		}
		sameSet(t, fmt.Sprint(what, ", limit ", limit), got, want)
	}
}
