package workflow_test

import (
	"testing"
	"time"

	"gridgate/central/calendar"
	"gridgate/central/cases"
	. "gridgate/central/workflow"
	"gridgate/protocols/alert"
)

// t0 is a Monday, ten o'clock in China.
var t0 = time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC)

var limits = []Limit{
	{Name: "respond", Span: calendar.ByClock(30 * time.Minute), From: Opened, To: Taken},
	{Name: "stop-work", Span: calendar.Hours(4 * time.Hour), From: Dispatched, To: Accepted, Yellow: 0.5},
	{Name: "demolish", Span: calendar.WorkingDays(20), From: Dispatched, To: Handled},
	{Name: "close", Span: calendar.WorkingDays(25), From: Taken, To: Closed},
}

func loop(t testing.TB, id string) Loop {
	t.Helper()
	d, err := Shipped(id)
	if err != nil {
		t.Fatal(err)
	}
	c, err := calendar.Default()
	if err != nil {
		t.Fatal(err)
	}
	return Loop{Definition: d, Calendar: c, Limits: limits}
}

// The staff of a small centre with two units.
var (
	desk       = Actor{Name: "wang", Role: Operator}
	desk2      = Actor{Name: "zhao", Role: Operator}
	worker     = Actor{Name: "li", Role: Worker, Unit: "parks"}
	stranger   = Actor{Name: "sun", Role: Worker, Unit: "roads"}
	foreman    = Actor{Name: "qian", Role: Supervisor, Unit: "parks"}
	supervisor = Actor{Name: "chen", Role: Supervisor}
	verifier   = Actor{Name: "wu", Role: Verifier}
	auditor    = Actor{Name: "zheng", Role: Auditor}
	system     = Actor{Role: System, Rule: "deadline"}
)

func opened() cases.Event {
	return cases.Event{
		CaseID: "c1", Type: cases.EventOpened, At: t0, AlertID: "a1", Count: 1, Situation: "s1", Severity: alert.Minor, Position: 1,
		Opening: &cases.Opening{Key: "e/d/z/k", Kind: alert.Motion, Class: "0401", Grid: "330106109001", Source: "/edges/e/cameras/d"},
	}
}

// file is a case with its history.
type file struct {
	tb   testing.TB
	l    Loop
	c    cases.Case
	log  []cases.Event
	now  time.Time
	fail func(format string, args ...any)
}

func newFile(t testing.TB, l Loop) *file {
	t.Helper()
	f := &file{tb: t, l: l, now: t0, fail: t.Fatalf}
	f.append(opened())
	e, err := l.Begin(f.c, "", cases.GridLevel, t0)
	if err != nil {
		t.Fatal(err)
	}
	f.append(e)
	return f
}

func (f *file) append(e cases.Event) {
	e.Position = int64(len(f.log) + 1)
	c, err := cases.Apply(f.c, e)
	if err != nil {
		f.fail("%v", err)
	}
	f.c, f.log = c, append(f.log, e)
}

// do does what must be possible, an hour after the last.
func (f *file) do(who Actor, action string, change ...func(*Request)) {
	f.tb.Helper()
	f.now = f.now.Add(time.Hour)
	r := Request{Action: action, Actor: who, At: f.now}
	for _, c := range change {
		c(&r)
	}
	e, err := f.l.Do(f.c, r)
	if err != nil {
		f.fail("%s by %s at %s: %v", action, who.Name, f.c.Step, err)
	}
	f.append(e)
}

func unit(u string) func(*Request)         { return func(r *Request) { r.Unit = u } }
func note(n string) func(*Request)         { return func(r *Request) { r.Note = n } }
func rating(n int) func(*Request)          { return func(r *Request) { r.Rating = n } }
func reason(x cases.Reason) func(*Request) { return func(r *Request) { r.Reason = x } }
func by(s calendar.Span) func(*Request)    { return func(r *Request) { r.By = s } }
func assignee(a string) func(*Request)     { return func(r *Request) { r.Assignee = a } }
func helpers(u ...string) func(*Request)   { return func(r *Request) { r.Helpers = u } }
func next(u string) func(*Request)         { return func(r *Request) { r.Next = u } }
func until(at time.Time) func(*Request)    { return func(r *Request) { r.Until = at } }
func (f *file) deadline(name string) cases.Deadline {
	f.tb.Helper()
	for _, d := range f.c.Deadlines {
		if d.Name == name {
			return d
		}
	}
	f.fail("there is no deadline %s in %+v", name, f.c.Deadlines)
	return cases.Deadline{}
}
