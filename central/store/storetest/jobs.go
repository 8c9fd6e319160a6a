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
)

// stepOf is a step of a job that opens a case, counts it and tells of it.
func stepOf(from int64, key string) store.Advance {
	e := byHand(key)
	return store.Advance{
		Job: "job", From: from, To: from + 1, Changes: changesOf(e),
		Counts:  []store.Count{{Day: "2026-03-01", Grid: "330106109001", Class: "0401", Measure: "opened", N: 1}},
		Notices: []store.Notice{{ID: "notice of " + key, CaseID: e.CaseID, Channel: "hook", To: "unit-1", Template: "opened", At: t0}},
	}
}

// wantJob wants what n steps of stepOf leave.
func wantJob(t *testing.T, s store.Store, n int64) {
	t.Helper()
	if at, err := s.Cursor(t.Context(), "job"); err != nil || at != n {
		t.Errorf("the cursor is at %d, %v; want %d", at, err, n)
	}
	var counted int64
	counts, err := s.Counts(t.Context(), store.CountQuery{})
	for _, c := range counts {
		counted += c.N
	}
	if err != nil || counted != n {
		t.Errorf("counted %+v, %v; want %d", counts, err, n)
	}
	notices, err := s.Notices(t.Context(), t0, 1000)
	if err != nil || int64(len(notices)) != n {
		t.Errorf("%d notices, %v; want %d", len(notices), err, n)
	}
	if got := allCases(t, s, store.Query{Limit: 500, Exercise: store.No}); int64(len(got)) != n {
		t.Errorf("%d cases, want %d", len(got), n)
	}
}

// testAdvance has many do the same steps.
func testAdvance(t *testing.T, open Opener) {
	s := opened(t, open)
	const steps = 5
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for done := int64(0); done < steps; {
				_, err := s.Advance(t.Context(), stepOf(done, alert.NewID()))
				switch {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, store.ErrConflict):
					t.Error(err)
					return
				}
				if done, err = s.Cursor(t.Context(), "job"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if won.Load() != steps {
		t.Errorf("%d steps were taken", won.Load())
	}
	wantJob(t, s, steps)
	if at, err := s.Cursor(t.Context(), "another"); err != nil || at != 0 {
		t.Errorf("a job that never ran is at %d, %v", at, err)
	}
	checkInvariant(t, s)
}

func testAdvanceAllOrNone(t *testing.T, open Opener) {
	s := opened(t, open)
	if _, err := s.Advance(t.Context(), stepOf(0, "first")); err != nil {
		t.Fatal(err)
	}
	for name, a := range map[string]store.Advance{
		"a key that is open": stepOf(1, "first"),
		"an old cursor":      stepOf(0, "second"),
		"a cursor to come":   stepOf(2, "second"),
		"a step back":        {Job: "job", From: 1, To: 0},
	} {
		if _, err := s.Advance(t.Context(), a); !errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantJob(t, s, 1)
	a := stepOf(1, "second")
	a.Changes = append(a.Changes, changesOf(stepped(alert.NewID(), t0, cases.Open))...)
	if _, err := s.Advance(t.Context(), a); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such case: %v", err)
	}
	wantJob(t, s, 1)
	after, err := s.Advance(t.Context(), stepOf(1, "second"))
	if err != nil || len(after) != 1 || after[0].Key != "second" {
		t.Errorf("the second step: %+v, %v", after, err)
	}
	if _, err := s.Advance(t.Context(), store.Advance{Job: "other", To: 7}); err != nil {
		t.Error(err)
	}
	wantJob(t, s, 2)
	checkInvariant(t, s)
}

// counted adds counts by one step of a job.
func counted(t *testing.T, s store.Store, job string, counts ...store.Count) {
	t.Helper()
	from, err := s.Cursor(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Advance(t.Context(), store.Advance{Job: job, From: from, To: from + 1, Counts: counts}); err != nil {
		t.Fatal(err)
	}
}

func wantCounts(t *testing.T, s store.Store, what string, q store.CountQuery, want ...store.Count) {
	t.Helper()
	got, err := s.Counts(t.Context(), q)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, %v\nwant %+v", what, got, err, want)
	}
}

func testCounts(t *testing.T, open Opener) {
	s := opened(t, open)
	one := store.Count{Day: "2026-03-01", Grid: "330106109001", Unit: "u1", Class: "0401", Source: "cam1", Measure: "opened", N: 1}
	two := store.Count{Day: "2026-03-02", Grid: "330106110001", Class: "0501", Source: "cam2", Measure: "opened", N: 5}
	drill := one
	drill.Exercise, drill.N = true, 100
	closed := one
	closed.Measure, closed.N = "closed", 3
	counted(t, s, "job", one, two, one, drill)
	counted(t, s, "job", one, closed)
	counted(t, s, "job", store.Count{Day: "2026-03-02", Grid: "330106110001", Class: "0501", Source: "cam1", Measure: "opened", N: -2})

	sum := func(measure string, n int64) store.Count { return store.Count{Measure: measure, N: n} }
	wantCounts(t, s, "all", store.CountQuery{}, sum("closed", 3), sum("opened", 6))
	wantCounts(t, s, "an exercise", store.CountQuery{Exercise: true}, store.Count{Measure: "opened", N: 100, Exercise: true})
	opened := []string{"opened"}
	for what, q := range map[string]store.CountQuery{
		"grid":         {Grid: "330106109", Measures: opened},
		"within":       {Within: []string{"330106109", "44"}, Measures: opened},
		"unit":         {Unit: "u1", Measures: opened},
		"class":        {Class: "04", Measures: opened},
		"to":           {To: "2026-03-02", Measures: opened},
		"from and to":  {From: "2026-03-01", To: "2026-03-02", Measures: opened},
		"all of these": {From: "2026-03-01", To: "2026-03-02", Measures: opened, Grid: "33", Within: []string{"330106109001"}, Unit: "u1", Class: "0401", Source: "cam1"},
	} {
		wantCounts(t, s, what, q, sum("opened", 3))
	}
	wantCounts(t, s, "from", store.CountQuery{From: "2026-03-02"}, sum("opened", 3))
	wantCounts(t, s, "source", store.CountQuery{Source: "cam1", Measures: opened}, sum("opened", 1))
	wantCounts(t, s, "none", store.CountQuery{From: "2026-03-03"})
	wantCounts(t, s, "by source", store.CountQuery{Measures: opened, By: []string{"source"}},
		store.Count{Source: "cam1", Measure: "opened", N: 1}, store.Count{Source: "cam2", Measure: "opened", N: 5})
	areas := store.CountQuery{Measures: opened, By: []string{"grid"}, Digits: 6}
	wantCounts(t, s, "by county", areas, store.Count{Grid: "330106", Measure: "opened", N: 6})
	areas.Digits, areas.Grid = 9, "330106"
	wantCounts(t, s, "by township", areas, store.Count{Grid: "330106109", Measure: "opened", N: 3}, store.Count{Grid: "330106110", Measure: "opened", N: 3})
	byAll := store.CountQuery{Measures: []string{"opened", "closed"}, By: []string{"day", "grid", "unit", "class", "source"}}
	last := two
	last.Source, last.N = "cam1", -2
	three := one
	three.N = 3
	wantCounts(t, s, "by all", byAll, closed, three, last, two)
	byAll.Limit = 2
	wantCounts(t, s, "the first of all", byAll, closed, three)
	for _, q := range []store.CountQuery{{By: []string{"person"}}, {From: "yesterday"}, {By: []string{"grid"}, Digits: -1}} {
		if got, err := s.Counts(t.Context(), q); err == nil {
			t.Errorf("%+v: %+v", q, got)
		}
	}
}

// testCountMonths sums ranges of days over three years, which may be read from sums of months, and adds up by hand.
func testCountMonths(t *testing.T, open Opener) {
	s := opened(t, open)
	days := []string{"2024-02-29", "2024-12-31", "2025-01-01", "2025-01-31", "2025-02-01", "2025-06-15", "2025-12-31", "2026-01-01"}
	var all []store.Count
	for i, day := range days {
		all = append(all, store.Count{Day: day, Measure: "opened", N: 1 << i})
	}
	counted(t, s, "job", all...)
	bounds := append([]string{"", "2025-01-15", "2025-02-02", "2025-03-01", "2026-02-01"}, days...)
	for _, from := range bounds {
		for _, to := range bounds {
			var n int64
			months := make(map[string]int64)
			for _, c := range all {
				if c.Day >= from && (to == "" || c.Day < to) {
					n += c.N
					months[c.Day[:7]] += c.N
				}
			}
			var sum int64
			got, err := s.Counts(t.Context(), store.CountQuery{From: from, To: to})
			for _, c := range got {
				sum += c.N
			}
			if err != nil || sum != n {
				t.Errorf("%s to %s: %+v, %v; want %d", from, to, got, err, n)
			}
			got, err = s.Counts(t.Context(), store.CountQuery{From: from, To: to, By: []string{"month"}})
			byMonth := make(map[string]int64)
			for _, c := range got {
				byMonth[c.Day] += c.N
			}
			if err != nil || len(got) != len(months) || !reflect.DeepEqual(byMonth, months) {
				t.Errorf("%s to %s by month: %+v, %v; want %v", from, to, got, err, months)
			}
		}
	}
}

func testNotices(t *testing.T, open Opener) {
	s := opened(t, open)
	full := Filled[store.Notice]()
	full.State, full.At = store.NoticeWaiting, t0.Add(time.Minute)
	early := store.Notice{ID: "early", CaseID: full.CaseID, At: t0, State: store.NoticeWaiting}
	twin := full
	twin.To = "somebody else"
	if _, err := s.Advance(t.Context(), store.Advance{Job: "job", To: 1, Notices: []store.Notice{full, early, twin}}); err != nil {
		t.Fatal(err)
	}
	wait := func(at time.Time, limit int, want ...store.Notice) {
		t.Helper()
		if got, err := s.Notices(t.Context(), at, limit); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("at %v wait %+v, %v\nwant %+v", at, got, err, want)
		}
	}
	wait(t0.Add(-1), 10)
	wait(t0, 10, early)
	wait(t0.Add(time.Hour), 10, early, full)
	wait(t0.Add(time.Hour), 1, early)
	early.At, early.Attempts, early.Trouble = t0.Add(2*time.Minute), 1, "502"
	full.State, full.Done = store.NoticeSent, t0.Add(time.Minute)
	for _, n := range []store.Notice{early, full} {
		if err := s.SettleNotice(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	wait(t0.Add(time.Minute), 10)
	wait(t0.Add(time.Hour), 10, early)
	if got, err := s.NoticesOf(t.Context(), full.CaseID); err != nil || !reflect.DeepEqual(got, []store.Notice{full, early}) {
		t.Errorf("of the case: %+v, %v", got, err)
	}
	if err := s.SettleNotice(t.Context(), store.Notice{ID: "none"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such notice: %v", err)
	}
	for _, tt := range []struct {
		before time.Time
		limit  int
		want   int
	}{{t0.Add(time.Minute), 10, 0}, {t0.Add(time.Hour), 10, 1}, {t0.Add(time.Hour), 10, 0}} {
		if n, err := s.PruneNotices(t.Context(), tt.before, tt.limit); err != nil || n != tt.want {
			t.Errorf("pruned %d, %v, want %d", n, err, tt.want)
		}
	}
	wait(t0.Add(time.Hour), 10, early) // it waits however old it is
}

// testNoticesGo prunes a case: its notices go with it, what was counted of it stays.
func testNoticesGo(t *testing.T, open Opener) {
	s := opened(t, open)
	old, young := closedCase(t, s, "old", t0), closedCase(t, s, "young", t0.Add(100*day))
	a := store.Advance{Job: "job", To: 6, Counts: []store.Count{{Day: "2026-03-01", Measure: "closed", N: 2}}}
	for _, c := range []ended{old, young} {
		a.Notices = append(a.Notices, store.Notice{ID: c.Case.ID, CaseID: c.Case.ID, At: t0})
	}
	if _, err := s.Advance(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	prune(t, s, store.Horizon{Cases: t0.Add(day)}, 100)
	wantGone(t, s, old)
	if got, err := s.Notices(t.Context(), t0, 10); err != nil || len(got) != 1 || got[0].CaseID != young.Case.ID || got[0].State != store.NoticeWaiting {
		t.Errorf("notices %+v, %v", got, err)
	}
	if at, err := s.Cursor(t.Context(), "job"); err != nil || at != 6 {
		t.Errorf("the cursor is at %d, %v", at, err)
	}
	wantCounts(t, s, "all", store.CountQuery{}, store.Count{Measure: "closed", N: 2})
}
