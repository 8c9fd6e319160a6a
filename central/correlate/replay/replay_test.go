package replay

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/correlate/rules"
	"gridgate/protocols/alert"
)

var t0 = time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)

// memory is a log in memory.
type memory struct{ events []cases.Event }

func (m *memory) Events(_ context.Context, after int64, limit int) ([]cases.Event, error) {
	from := min(int(after), len(m.events))
	return slices.Clone(m.events[from:min(from+limit, len(m.events))]), nil
}

func (m *memory) LastPosition(context.Context) (int64, error) { return int64(len(m.events)), nil }

func (m *memory) Case(_ context.Context, id string) (cases.Case, error) {
	var history []cases.Event
	for _, e := range m.events {
		if e.CaseID == id {
			history = append(history, e)
		}
	}
	return cases.Rebuild(history)
}

func (m *memory) put(at time.Duration, e cases.Event) {
	e.Position, e.At = int64(len(m.events)+1), t0.Add(at)
	m.events = append(m.events, e)
}

func (m *memory) open(at time.Duration, id string, kind alert.Kind) {
	traits, _ := alert.TraitsOf(kind)
	m.put(at, cases.Event{CaseID: id, Type: cases.EventOpened, Count: 1, Severity: traits.Severity, Opening: &cases.Opening{
		Key: id, Kind: kind, Class: traits.Class, Grid: "330106109001", Source: alert.SensorSource("e1", id),
	}})
}

func engine(t *testing.T, text string) *rules.Engine {
	t.Helper()
	f, err := rules.Parse("rules.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	e, err := rules.NewEngine(rules.Options{File: f})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func group(id, within string) string {
	return "rules:\n  - {id: " + id + ", sort: group, name: {zh: 一, en: one}, same: [grid, kind], within: " + within + "}\n"
}

// run plays a log and returns what differed, as signed pairs, and the summary.
func play(t *testing.T, m *memory, old, tried string, since time.Duration) (out []string, sum Summary) {
	t.Helper()
	sum, err := Run(t.Context(), Options{Log: m, Old: engine(t, old), New: engine(t, tried), Since: t0.Add(since), Tell: func(d Difference) error {
		out = append(out, fmt.Sprintf("%v %s>%s", d.New, d.Event.CaseID, d.Event.Into))
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return out, sum
}

// TestHistoryWithoutItsRules: what rules did then does not count, what people did does, and the same rules differ in nothing.
func TestHistoryWithoutItsRules(t *testing.T) {
	m := &memory{}
	m.open(0, "a", alert.Door)
	m.open(time.Minute, "b", alert.Door)
	m.put(time.Minute, cases.Event{CaseID: "b", Type: cases.EventMerged, Into: "a", Rule: "g", Why: &cases.Words{ZH: "x", EN: "x"}})
	m.open(2*time.Minute, "c", alert.Door)
	m.put(2*time.Minute, cases.Event{CaseID: "c", Type: cases.EventMerged, Into: "b", Actor: "zhang"})
	m.open(5*time.Minute, "d", alert.Door)
	if out, sum := play(t, m, group("g", "10m"), group("g", "10m"), 0); len(out) != 0 || sum.Old[cases.EventMerged] != 3 || sum.Events != 5 {
		t.Errorf("the same rules differ in %q; %+v", out, sum)
	}
	out, sum := play(t, m, group("g", "10m"), group("other", "90s"), 0)
	if want := []string{"false c>a", "false d>a"}; !slices.Equal(out, want) || sum.Elsewise != 1 || sum.OnlyOld != 2 || sum.Cases != 4 {
		t.Errorf("differences %q, want %q; %+v", out, want, sum)
	}
}

// TestOnlySince: what was before the time fills the window, and is not told.
func TestOnlySince(t *testing.T) {
	m := &memory{}
	m.open(0, "a", alert.Door)
	m.open(time.Minute, "b", alert.Door)
	m.open(5*time.Minute, "c", alert.Door)
	out, sum := play(t, m, "rules: []", group("g", "10m"), 3*time.Minute)
	if want := []string{"true c>a"}; !slices.Equal(out, want) || sum.Events != 1 {
		t.Errorf("differences %q, want %q; %+v", out, want, sum)
	}
}

// TestPendingIsBounded: however much differs, only so much waits.
func TestPendingIsBounded(t *testing.T) {
	told := 0
	p := newPending(func(Difference) error { told++; return nil })
	var many []rules.Decision
	for i := range maxPending + 10 {
		many = append(many, rules.Decision{At: t0, Event: cases.Event{Type: cases.EventMerged, CaseID: fmt.Sprint(i), Into: "x"}})
	}
	if err := p.compare(many, nil); err != nil || told != 10 || len(p.open) != maxPending {
		t.Errorf("told %d, %d wait, %v", told, len(p.open), err)
	}
	if err := p.flush(time.Time{}); err != nil || p.onlyOld != maxPending+10 || len(p.open)+len(p.queue) != 0 {
		t.Errorf("in the end %d, %d wait, %v", p.onlyOld, len(p.open), err)
	}
}
