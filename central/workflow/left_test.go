package workflow_test

import (
	"testing"
	"time"

	. "gridgate/central/workflow"
)

// What is left counts as the deadline counts: by the clock, or in working time, which stands still after hours.
func TestLeft(t *testing.T) {
	f := newFile(t, loop(t, BaseID))
	f.do(desk, "acknowledge")
	f.do(desk, "dispatch", unit("parks"))
	at := func(now time.Time) map[string]TimeLeft {
		out := map[string]TimeLeft{}
		for _, l := range f.l.Left(f.c, now) {
			out[l.Name] = l
		}
		return out
	}
	left := at(f.now.Add(30 * time.Minute)) // Monday, half past twelve in China: nobody works until two
	if l := left["stop-work"]; !l.Working || l.Running || l.Left != 4*time.Hour || l.Day != 7*time.Hour {
		t.Errorf("%+v", l)
	}
	if l := at(f.now.Add(3 * time.Hour))["stop-work"]; !l.Running || l.Left != 3*time.Hour {
		t.Errorf("an hour of work later: %+v", l)
	}
	if l := at(f.now.AddDate(0, 0, 7))["stop-work"]; l.Left >= 0 {
		t.Errorf("a week later: %+v", l)
	}
	if _, waits := left["respond"]; waits || len(left) != 3 {
		t.Errorf("what was met has time left: %+v", left)
	}
	f.do(worker, "accept")
	f.do(foreman, "park", note("rain"))
	if left := at(f.now); len(left) != 0 {
		t.Errorf("what stands still has time left: %+v", left)
	}
}
