package indicators_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gridgate/central/cases"
	"gridgate/central/indicators"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

var (
	t0       = time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC) // in Shanghai the next day has begun
	shanghai = time.FixedZone("Asia/Shanghai", 8*3600)
)

const camera = "/edges/e/cameras/gate"

// log is a case-event log with its cursor and counts, in memory.
type log struct {
	events []cases.Event
	cases  map[string]cases.Case
	cursor int64
	sums   map[store.Count]int64
	limit  int // events of a page at most; 0: what is asked
}

func newLog() *log { return &log{cases: map[string]cases.Case{}, sums: map[store.Count]int64{}} }

// add appends an event if the case allows it.
func (l *log) add(e cases.Event) bool {
	e.Position = int64(len(l.events) + 1)
	c, err := cases.Apply(l.cases[e.CaseID], e)
	if err != nil {
		return false
	}
	l.cases[e.CaseID], l.events = c, append(l.events, e)
	return true
}

func (l *log) Events(_ context.Context, after int64, limit int) ([]cases.Event, error) {
	if l.limit > 0 {
		limit = min(limit, l.limit)
	}
	return l.events[after:min(int64(len(l.events)), after+int64(limit))], nil
}

func (l *log) CaseFile(_ context.Context, id string, before int64, limit int) (cases.Case, []cases.Event, error) {
	var history []cases.Event
	for _, e := range l.events {
		if e.CaseID == id && (before == 0 || e.Position < before) {
			history = append(history, e)
		}
	}
	return l.cases[id], history[max(0, len(history)-min(limit, 3)):], nil
}

func (l *log) Cursor(context.Context, string) (int64, error) { return l.cursor, nil }

func (l *log) Advance(_ context.Context, a store.Advance) ([]cases.Case, error) {
	if a.From != l.cursor || a.Job != indicators.Name {
		return nil, store.ErrConflict
	}
	l.cursor = a.To
	for _, c := range a.Counts {
		n := c.N
		c.N = 0
		l.sums[c] += n
	}
	return nil, nil
}

// Counts answers with all, told apart by grid.
func (l *log) Counts(_ context.Context, _ store.CountQuery) (out []store.Count, err error) {
	for c, n := range l.sums {
		out = append(out, store.Count{Grid: c.Grid, Measure: c.Measure, N: n})
	}
	return out, nil
}

func opened(id string) cases.Event {
	return cases.Event{
		CaseID: id, Type: cases.EventOpened, At: t0, Count: 1, Severity: alert.Minor,
		Opening: &cases.Opening{Key: id, Kind: alert.Motion, Class: "0401", Grid: "330106109001", Source: camera},
	}
}

func step(id, to string, state cases.State, after time.Duration, change func(*cases.Event)) cases.Event {
	e := cases.Event{
		CaseID: id, Type: cases.EventStepped, At: t0.Add(after), Actor: "zhang", Action: "go", Workflow: "base", Step: to, State: state,
	}
	change(&e)
	return e
}

func count(t *testing.T, l *log) {
	t.Helper()
	j := &indicators.Job{Store: l, Zone: shanghai}
	if err := j.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := j.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestWhatBecomesOfCases(t *testing.T) {
	l := newLog()
	due := []cases.Deadline{{Name: "handle", From: t0, Warn: t0.Add(time.Hour), Due: t0.Add(2 * time.Hour)}}
	for _, e := range []cases.Event{
		opened("late"), opened("early"), opened("wrong"), opened("gone"),
		step("late", "dispatch", cases.Acknowledged, time.Minute, func(e *cases.Event) { e.Unit, e.Deadlines = "water", due }),
		step("early", "dispatch", cases.Acknowledged, 3*time.Minute, func(e *cases.Event) { e.Unit, e.Deadlines = "water", due }),
		{CaseID: "late", Type: cases.EventTold, At: t0.Add(2 * time.Hour), Deadline: "handle", Stage: cases.Red},
		step("late", "dispatch", cases.Acknowledged, 3*time.Hour, func(e *cases.Event) { e.Effect = cases.Reworks }),
		step("late", "done", cases.Closed, 4*time.Hour, func(e *cases.Event) { e.Reason = cases.ReasonVerified }),
		step("late", "done", cases.Closed, 5*time.Hour, func(e *cases.Event) { e.Rating = 3 }),
		step("early", "done", cases.Closed, time.Hour, func(e *cases.Event) { e.Reason, e.Rating = cases.ReasonVerified, 5 }),
		{CaseID: "wrong", Type: cases.EventClosed, At: t0.Add(time.Hour), Actor: "zhang", Reason: cases.ReasonFalseAlarm},
		{CaseID: "gone", Type: cases.EventCleared, At: t0.Add(time.Minute), Situation: "s", Count: 1},
		{CaseID: "gone", Type: cases.EventClosed, At: t0.Add(time.Minute), Reason: cases.ReasonCleared},
		{CaseID: "gone", Type: cases.EventReopened, At: t0.Add(2 * time.Minute), Count: 1},
	} {
		if !l.add(e) {
			t.Fatalf("the log refuses %+v", e)
		}
	}
	count(t, l)
	rows, err := indicators.Report(t.Context(), l, store.CountQuery{})
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	half, quarter, third, four := 0.75, 0.25, 1.0/4, 4.0
	steps := rows[0].Steps
	slices.SortFunc(steps, func(a, b indicators.Reached) int { return len(b.Step) - len(a.Step) })
	want := indicators.Row{
		Grid: "330106109001", Opened: 4, Closed: 4, ClosedInTime: 3, Cleared: 1, FalseAlarms: 1, Reopened: 1, Overdue: 1, Reworked: 1, Rated: 2,
		InTimeRate: &half, ReworkRate: &quarter, OverdueRate: &quarter, FalseAlarmRate: &third, Rating: &four,
		Steps: []indicators.Reached{{Step: "dispatch", Times: 2, MeanSeconds: 120}, {Step: "done", Times: 2, MeanSeconds: 2.5 * 3600}},
	}
	if !reflect.DeepEqual(rows[0], want) {
		t.Errorf("got %+v\nwant %+v", rows[0], want)
	}
	device := store.Count{Day: "2026-03-02", Grid: "330106109001", Class: "0401", Source: camera, Measure: indicators.FalseAlarms}
	if l.sums[device] != 1 {
		t.Errorf("the camera's false alarm is not counted: %v", l.sums)
	}
	if day := (store.Count{Day: "2026-03-02", Grid: "330106109001", Class: "0401", Source: camera, Measure: indicators.Opened}); l.sums[day] != 4 {
		t.Errorf("days are not those of the centre's zone: %v", l.sums)
	}
}

// A report that would be cut off is refused: of a part of the sums no line would be right.
func TestAReportIsWhole(t *testing.T) {
	l := newLog()
	l.add(opened("a"))
	count(t, l)
	if rows, err := indicators.Report(t.Context(), l, store.CountQuery{Limit: 1}); !errors.Is(err, indicators.ErrTooMany) {
		t.Errorf("%+v, %v", rows, err)
	}
}

// However the log is cut into pages, and whoever counts them after whom, the figures are the same.
func TestPagesDoNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		whole := newLog()
		ids := []string{"a", "b"}
		for range rapid.IntRange(1, 40).Draw(rt, "events") {
			id := rapid.SampledFrom(ids).Draw(rt, "case")
			whole.add(rapid.SampledFrom([]cases.Event{
				opened(id), {CaseID: id, Type: cases.EventJoined, At: t0, Count: 2},
				step(id, "dispatch", cases.Acknowledged, time.Minute, func(e *cases.Event) { e.Parked = rapid.Bool().Draw(rt, "parked") }),
				step(id, "done", cases.Closed, time.Hour, func(e *cases.Event) { e.Rating = rapid.IntRange(0, 5).Draw(rt, "stars") }),
				{CaseID: id, Type: cases.EventClosed, At: t0, Actor: "li", Reason: cases.ReasonFalseAlarm},
			}).Draw(rt, "event"))
		}
		cut := &log{events: whole.events, cases: whole.cases, sums: map[store.Count]int64{}, limit: rapid.IntRange(1, 5).Draw(rt, "page")}
		count(t, whole)
		for cut.cursor < int64(len(cut.events)) { // another central goes on after each page
			all := cut.events
			cut.events = all[:min(int64(len(all)), cut.cursor+int64(cut.limit))]
			count(t, cut)
			cut.events = all
		}
		if !reflect.DeepEqual(cut.sums, whole.sums) {
			rt.Fatalf("in pages %v, at once %v", cut.sums, whole.sums)
		}
	})
}
