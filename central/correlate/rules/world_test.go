package rules

import (
	"fmt"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/protocols/alert"
)

var t0 = time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)

const (
	gridA = "330106109001"
	gridB = "330106109002"
	gridC = "330106109003"
)

// next says which grids of the tests touch: A-B and B-C.
type next struct{}

func (next) Near(a, b string) bool {
	return a+b == gridA+gridB || a+b == gridB+gridA || a+b == gridB+gridC || a+b == gridC+gridB
}

// world is a log, the cases that it adds up to, and an engine that follows it; what the engine decides goes into the log, too.
type world struct {
	t      testing.TB
	engine *Engine
	state  *State
	log    []cases.Event
	cases  map[string]cases.Case
	by     []Decision
	now    time.Time
}

func newWorld(t testing.TB, text string, change ...func(*Options)) *world {
	t.Helper()
	f, err := Parse("rules.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	o := Options{File: f, Neighbours: next{}}
	for _, c := range change {
		c(&o)
	}
	e, err := NewEngine(o)
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, engine: e, state: NewState(), cases: map[string]cases.Case{}, now: t0}
}

// put appends an event to the log.
func (w *world) put(e cases.Event) {
	w.t.Helper()
	e.Position, e.At = int64(len(w.log)+1), w.now
	c, err := cases.Apply(w.cases[e.CaseID], e)
	if err != nil {
		w.t.Fatalf("event %d of %s: %v", e.Position, e.CaseID, err)
	}
	w.cases[e.CaseID] = c
	w.log = append(w.log, e)
}

// follow lets the engine see what is new, until it has nothing more to say.
func (w *world) follow(from int) {
	w.t.Helper()
	for rounds := 0; from < len(w.log); rounds++ {
		if rounds > 1 {
			w.t.Fatal("the engine answers its own events")
		}
		events := w.log[from:]
		from = len(w.log)
		decisions := w.engine.Next(w.state, w.items(w.state, events))
		w.by = append(w.by, decisions...)
		for _, d := range decisions {
			w.put(d.Event)
		}
	}
}

func (w *world) items(s *State, events []cases.Event) (out []Item) {
	wanted := map[string]bool{}
	for _, id := range w.engine.Wants(s, events) {
		wanted[id] = true
	}
	for _, e := range events {
		it := Item{Event: e}
		if wanted[e.CaseID] {
			c := w.then(e)
			it.Case = &c
		}
		out = append(out, it)
	}
	return out
}

// then is the case of an event as the event left it.
func (w *world) then(e cases.Event) cases.Case {
	var history []cases.Event
	for _, past := range w.log[:e.Position] {
		if past.CaseID == e.CaseID {
			history = append(history, past)
		}
	}
	c, err := cases.Rebuild(history)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// do appends an event and lets the engine follow.
func (w *world) do(e cases.Event) {
	w.t.Helper()
	from := len(w.log)
	w.put(e)
	w.follow(from)
}

// open opens a case: kind, device ("edge/device"), grid.
func (w *world) open(id string, kind alert.Kind, grid, device string, change ...func(*cases.Event)) {
	w.t.Helper()
	traits, _ := alert.TraitsOf(kind)
	e := cases.Event{
		CaseID: id, Type: cases.EventOpened, AlertID: "a-" + id, Count: 1, Severity: traits.Severity,
		Opening: &cases.Opening{Key: alert.KeyOf("e1", device, "", kind), Kind: kind, Class: traits.Class, Grid: grid, Source: alert.SensorSource("e1", device)},
	}
	for _, c := range change {
		c(&e)
	}
	w.do(e)
}

func exercise(e *cases.Event) { e.Opening.Exercise = true }

func (w *world) close(id string) {
	w.t.Helper()
	w.do(cases.Event{CaseID: id, Type: cases.EventClosed, Reason: cases.ReasonCleared})
}

func (w *world) join(id string) {
	w.t.Helper()
	w.do(cases.Event{CaseID: id, Type: cases.EventJoined, Count: 1})
}

func (w *world) after(d time.Duration) { w.now = w.now.Add(d) }

// parents demands that the cases stand under others as told, in pairs of child and parent.
func (w *world) parents(pairs ...string) {
	w.t.Helper()
	want := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		want[pairs[i]] = pairs[i+1]
	}
	for id, c := range w.cases {
		if c.Parent != want[id] {
			w.t.Errorf("%s is part of %q, want %q", id, c.Parent, want[id])
		}
	}
}

// said lists the events that rules made of a case, as "type rule".
func (w *world) said(id string) (out []string) {
	for _, e := range w.log {
		if e.CaseID == id && e.Rule != "" {
			out = append(out, fmt.Sprintf("%s %s", e.Type, e.Rule))
			if e.Why == nil || e.Why.ZH == "" || e.Why.EN == "" {
				w.t.Errorf("%s %s of %s has no words", e.Type, e.Rule, id)
			}
		}
	}
	return out
}
