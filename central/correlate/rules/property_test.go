package rules

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gridgate/central/cases"
	"gridgate/protocols/alert"
)

// all is a file with every sort of rule, tight enough for short histories.
const all = `rules:
  - {id: inhibit, sort: inhibit, name: {zh: 一, en: one}, cause: 'kind == "power"', held: 'kind in ["video-loss", "smoke", "sos"]', same: [edge], within: 10m}
  - {id: confirm, sort: confirm, name: {zh: 二, en: two}, of: ['kind == "smoke"', 'kind == "heat"'], same: [grid], within: 2m, severity: critical, level: district}
  - {id: group, sort: group, name: {zh: 三, en: three}, same: [grid, kind], near: true, within: 5m}
  - {id: flap, sort: flapping, name: {zh: 四, en: four}, times: 3, within: 20m}
  - {id: mixed, sort: group, name: {zh: 五, en: five}, match: 'rank < 3 or lifeSafety', same: [grid], within: 1m}
  - {id: river, sort: water, name: {zh: 六, en: six}, match: 'kind == "flood"', merge: true, rivers: [{name: {zh: 清, en: Qing}, grids: ["330106109001", "330106109002"]}], within: 5m}
  - {id: storm, sort: storm, name: {zh: 七, en: seven}, same: [community], times: 4, within: 10m}
`

// history draws a log as ingest, people and the clock could have written it. The world's engine follows along.
func history(t *rapid.T, w *world) {
	kinds := []alert.Kind{alert.Motion, alert.Smoke, alert.Heat, alert.Power, alert.VideoLoss, alert.Flood, alert.SOS, alert.Door}
	grids := []string{gridA, gridB, gridC}
	for i := range rapid.IntRange(1, 40).Draw(t, "steps") {
		w.after(time.Duration(rapid.IntRange(0, 200).Draw(t, "seconds")) * time.Second)
		ids := w.ids()
		switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
		case what < 5 || len(ids) == 0:
			change := func(*cases.Event) {}
			if rapid.IntRange(0, 5).Draw(t, "drill") == 0 {
				change = exercise
			}
			w.open(fmt.Sprint("c", i), rapid.SampledFrom(kinds).Draw(t, "kind"), rapid.SampledFrom(grids).Draw(t, "grid"), fmt.Sprint("d", rapid.IntRange(0, 3).Draw(t, "device")), change)
		default:
			w.step(rapid.SampledFrom(ids).Draw(t, "case"), what, rapid.SampledFrom(ids).Draw(t, "into"))
		}
	}
}

func (w *world) ids() (ids []string) {
	for _, e := range w.log {
		if e.Type == cases.EventOpened {
			ids = append(ids, e.CaseID)
		}
	}
	return ids
}

// step does something to a case if that is possible.
func (w *world) step(id string, what int, into string) {
	e := map[int]cases.Event{
		5: {Type: cases.EventJoined, Count: 2},
		6: {Type: cases.EventClosed, Reason: cases.ReasonCleared},
		7: {Type: cases.EventReopened, Count: 1},
		8: {Type: cases.EventUnmerged, Into: w.cases[id].Parent, Actor: "zhang"},
		9: {Type: cases.EventClosed, Reason: cases.ReasonHandled, Actor: "zhang"},
	}[what]
	e.CaseID, e.At = id, w.now
	if _, err := cases.Apply(w.cases[id], e); err == nil {
		w.do(e)
	}
}

// TestRules: whatever happens, the engine ends (world.follow demands it), never hides life-safety, never mixes drills, makes no circle, and does
// not put a case back where a person took it from.
func TestRules(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, all)
		history(rt, w)
		taken, now := map[string]bool{}, map[string]cases.Case{}
		for _, e := range w.log {
			child, parent := now[e.CaseID], now[e.Into]
			switch {
			case e.Type == cases.EventUnmerged:
				taken[e.CaseID+e.Into], taken[e.Into+e.CaseID] = true, true
			case e.Type == cases.EventMerged && (lifeSafety(child) && !lifeSafety(parent) || e.Rule == "inhibit" && lifeSafety(child) || e.Rule == "storm" && lifeSafety(child)):
				rt.Fatalf("%s hid life-safety (%s under %s)", e.Rule, child.Kind, parent.Kind)
			case e.Type == cases.EventMerged && (child.Exercise != parent.Exercise || taken[e.CaseID+e.Into] || parent.State == cases.Closed || parent.Parent != ""):
				rt.Fatalf("%s merged %+v into %+v", e.Rule, child, parent)
			}
			c, err := cases.Apply(child, e)
			if err != nil {
				rt.Fatal(err)
			}
			now[e.CaseID] = c
		}
		for id, c := range now {
			for n := 0; c.Parent != ""; n++ {
				if c = now[c.Parent]; n > len(now) {
					rt.Fatalf("%s is part of itself", id)
				}
			}
		}
	})
}

// TestGroupsDoNotMatter: the same log gives the same decisions, however it is cut.
func TestGroupsDoNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, all)
		history(rt, w)
		again, s := []Decision{}, NewState()
		for rest := w.log; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "cut")
			again = append(again, w.engine.Next(s, w.items(s, rest[:n]))...)
			rest = rest[n:]
		}
		if len(again)+len(w.by) > 0 && !reflect.DeepEqual(again, w.by) {
			rt.Fatalf("cut otherwise, it decides\n%+v\nnot\n%+v", again, w.by)
		}
	})
}

// TestLearnedWindow: an engine that learned the log so far decides what follows as one that saw it all.
func TestLearnedWindow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, all)
		history(rt, w)
		if len(w.log) == 0 {
			return
		}
		cut := rapid.IntRange(0, len(w.log)).Draw(rt, "cut")
		for cut < len(w.log) && w.log[cut].Rule != "" { // a restart begins after what was decided together
			cut++
		}
		s := NewState()
		w.engine.Learn(s, w.items(s, w.log[:cut]))
		got := w.engine.Next(s, w.items(s, w.log[cut:]))
		var want []Decision
		for _, d := range w.by {
			if d.By > int64(cut) {
				want = append(want, d)
			}
		}
		if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
			rt.Fatalf("after learning %d of %d it decides\n%+v\nnot\n%+v", cut, len(w.log), got, want)
		}
	})
}

// TestWindowIsBounded: however many cases come at once, the window holds so many and no more, and forgets what is old altogether.
func TestWindowIsBounded(t *testing.T) {
	w := newWorld(t, one(Storm, "same: [grid]; times: 50; within: 10m")+"  - {id: g, sort: group, name: {zh: 一, en: one}, same: [edge], within: 1m}\n")
	items := make([]Item, 0, MaxCases+500)
	for i := range cap(items) {
		items = append(items, Item{Event: cases.Event{
			Position: int64(i + 1), CaseID: fmt.Sprint("c", i), Type: cases.EventOpened, At: t0.Add(time.Duration(i) * time.Millisecond), Count: 1, Severity: alert.Minor,
			Opening: &cases.Opening{Key: fmt.Sprint("k", i), Kind: alert.Door, Class: "0406", Grid: gridA, Source: alert.SensorSource("e", fmt.Sprint("d", i))},
		}})
	}
	decisions := w.engine.Next(w.state, items)
	if w.state.Len() != MaxCases || len(decisions) < len(items)-1 {
		t.Errorf("%d cases in the window, %d decisions of %d events", w.state.Len(), len(decisions), len(items))
	}
	last := items[0]
	last.Event.At = t0.Add(25 * time.Hour)
	last.Event.CaseID = "last"
	w.engine.Next(w.state, []Item{last})
	if w.state.Len() != 1 || len(w.state.buckets) != 2 {
		t.Errorf("a day later: %d cases, %d buckets", w.state.Len(), len(w.state.buckets))
	}
}
