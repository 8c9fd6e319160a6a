package rules

import (
	"strings"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

func (w *world) history(id string) (events []cases.Event) {
	for _, e := range w.log {
		if e.CaseID == id {
			events = append(events, e)
		}
	}
	return events
}

// TestExplain: an alert's answer says which rule put it where, in both languages, and no longer what a person undid.
func TestExplain(t *testing.T) {
	w := newWorld(t, one(Group, "same: [grid, kind]; within: 10m"))
	w.open("c1", alert.Door, gridA, "d1")
	w.after(time.Minute)
	w.open("c2", alert.Door, gridA, "d2")
	a := store.StoredAlert{CaseID: "c2"}
	a.ID, a.Key = "a-c2", w.cases["c2"].Key
	joined := a
	joined.ID = "a-later"
	tests := []struct {
		a      store.StoredAlert
		zh, en []string
	}{
		{a, []string{"由它立案", "同网格、同告警种类，10分钟内"}, []string{"opened one", "the same grid, the same kind, within 10 min"}},
		{joined, []string{"归入同一案件", "规则“规则”"}, []string{"Same key, same case", `Rule "a rule"`}},
		{store.StoredAlert{}, []string{"未并入"}, []string{"joined none"}},
	}
	for _, test := range tests {
		got := Explain(test.a, w.cases["c2"], w.history("c2"))
		if len(got) != len(test.zh) {
			t.Fatalf("%+v, want %d sentences", got, len(test.zh))
		}
		for i := range got {
			if !strings.Contains(got[i].ZH, test.zh[i]) || !strings.Contains(got[i].EN, test.en[i]) {
				t.Errorf("sentence %d: %+v", i, got[i])
			}
		}
	}
	w.do(cases.Event{CaseID: "c2", Type: cases.EventUnmerged, Into: "c1", Actor: "zhang"})
	if got := ExplainCase(w.cases["c2"], w.history("c2")); len(got) != 0 {
		t.Errorf("after the unmerge: %+v", got)
	}
	w.do(cases.Event{CaseID: "c2", Type: cases.EventMerged, Into: "c1", Actor: "zhang"})
	if got := ExplainCase(w.cases["c2"], w.history("c2")); len(got) != 1 || !strings.Contains(got[0].EN, "zhang merged it into the case c1 by hand") {
		t.Errorf("merged by hand: %+v", got)
	}
}
