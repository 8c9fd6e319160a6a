package workflow_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gridgate/central/calendar"
	"gridgate/central/cases"
	. "gridgate/central/workflow"
)

// TestWalk walks random histories, legal and illegal steps mixed, over all shipped loops.
func TestWalk(t *testing.T) {
	for _, id := range ShippedIDs() {
		t.Run(id, func(t *testing.T) {
			l := loop(t, id)
			rapid.Check(t, func(rt *rapid.T) { walk(rt, t, l) })
		})
	}
}

func walk(rt *rapid.T, t *testing.T, l Loop) {
	f := newFile(t, l)
	f.fail = rt.Fatalf
	handlers := map[string]bool{} // who accepted or fed back since the case was last dispatched
	for range rapid.IntRange(1, 30).Draw(rt, "steps") {
		f.now = f.now.Add(time.Duration(rapid.Int64Range(0, int64(30*time.Hour)).Draw(rt, "pause")))
		r := anyRequest(rt, l.Definition, f)
		before := f.c
		e, err := l.Do(f.c, r)
		if err != nil {
			if !reflect.DeepEqual(before, f.c) || !reflect.DeepEqual(e, cases.Event{}) {
				rt.Fatalf("refused %+v and changed something", r)
			}
			continue
		}
		f.append(e)
		were := maps.Clone(handlers)
		watch(rt, l, before, f.c, e, handlers)
		if rapid.IntRange(0, 4).Draw(rt, "undo") == 0 && takeBack(rt, l, f, before, r.Actor) {
			handlers = were
		}
	}
	rebuilt, err := cases.Rebuild(f.log)
	if err != nil || !reflect.DeepEqual(rebuilt, f.c) {
		rt.Fatalf("rebuilt %+v, %v\nwant %+v", rebuilt, err, f.c)
	}
	finish(rt, f)
}

// takeBack takes the newest step back, with or without alerts in between: the case is what it was, but for what the alerts changed, and
// nobody takes it back again.
func takeBack(rt *rapid.T, l Loop, f *file, before cases.Case, who Actor) bool {
	for range rapid.IntRange(0, 2).Draw(rt, "alerts") {
		if f.now = f.now.Add(time.Second); f.c.State != cases.Closed {
			f.append(cases.Event{CaseID: "c1", Type: cases.EventJoined, At: f.now, Count: 2, Situation: "s2"})
		}
	}
	late := f.now.Add(time.Duration(rapid.Int64Range(0, int64(2*UndoWithin)).Draw(rt, "hesitation")))
	for _, other := range []Actor{{Name: "somebody", Role: Operator}, {Role: System, Rule: "deadline"}} {
		if _, err := l.Undo(f.log, other, late); err == nil {
			rt.Fatalf("%+v took back what %+v did", other, who)
		}
	}
	e, err := l.Undo(f.log, who, late)
	taken := f.log[len(f.log)-1]
	for i := len(f.log) - 1; taken.Type != cases.EventStepped; i-- {
		taken = f.log[i]
	}
	if may := who.Name != "" && late.Before(taken.At.Add(UndoWithin)); (err == nil) != may {
		rt.Fatalf("undo %v after the step by %+v: %v", late.Sub(taken.At), who, err)
	}
	if err != nil {
		return false
	}
	f.now = late
	f.append(e)
	if got, want := f.c.Outcome(), before.Outcome(); !reflect.DeepEqual(got, want) {
		rt.Fatalf("taken back to %+v\nwant %+v", got, want)
	}
	if _, err := l.Undo(f.log, who, late); err == nil {
		rt.Fatalf("taken back twice")
	}
	return true
}

// watch holds what must be true of every step.
func watch(rt *rapid.T, l Loop, before, after cases.Case, e cases.Event, handlers map[string]bool) {
	switch e.Action {
	case "dispatch", "redispatch", "hand-over", "reopen":
		clear(handlers)
	case "accept", "feed-back":
		handlers[e.Actor] = true
	case "verify", "evaluate", "rework":
		if e.Rule == "" && handlers[e.Actor] {
			rt.Fatalf("%s handled it and did %s", e.Actor, e.Action)
		}
	}
	if step, ok := l.Definition.Step(after.Step); !ok || step.Phase != after.State {
		rt.Fatalf("stands at %q in state %s", after.Step, after.State)
	}
	for _, d := range after.Deadlines {
		if !after.ParkedAt.IsZero() && d.Runs() && d.Due.After(e.At) {
			rt.Fatalf("parked, and %+v runs", d)
		}
		if after.ParkedAt.IsZero() && d.Left != "" {
			rt.Fatalf("not parked, and %+v stands still", d)
		}
		if d.Runs() && d.Warn.After(d.Due) {
			rt.Fatalf("yellow after red: %+v", d)
		}
	}
	if after.State == cases.Closed && !after.NextAt().IsZero() || after.State == cases.Closed && before.State != cases.Closed && after.Reason == "" {
		rt.Fatalf("closed with %q, next at %v", after.Reason, after.NextAt())
	}
}

var staff = []Actor{desk, desk2, worker, stranger, foreman, supervisor, verifier, auditor, system, {Name: "li", Role: Verifier}, {Name: "wang", Role: Worker, Unit: "parks"}}

func anyRequest(rt *rapid.T, d *Definition, f *file) Request {
	ids := []string{"unheard-of"}
	for _, a := range d.Actions {
		if len(a.From) == 0 || slices.Contains(a.From, f.c.Step) || rapid.IntRange(0, 9).Draw(rt, "illegal") == 0 {
			ids = append(ids, a.ID)
		}
	}
	r := Request{Action: rapid.SampledFrom(ids).Draw(rt, "action"), Actor: rapid.SampledFrom(staff).Draw(rt, "who"), At: f.now}
	a, _ := d.Action(r.Action)
	for _, field := range a.Needs {
		if rapid.IntRange(0, 9).Draw(rt, "forget") > 0 {
			fill(rt, &r, field)
		}
	}
	for _, field := range a.May {
		if rapid.IntRange(0, 3).Draw(rt, "add") == 0 {
			fill(rt, &r, field)
		}
	}
	if len(a.Reasons) > 1 {
		r.Reason = rapid.SampledFrom(append(slices.Clone(a.Reasons), "", "unheard-of")).Draw(rt, "reason")
	}
	return r
}

func fill(rt *rapid.T, r *Request, field Field) {
	units := []string{"parks", "roads"}
	switch field {
	case FieldUnit:
		r.Unit = rapid.SampledFrom(units).Draw(rt, "unit")
	case FieldNext:
		r.Next = "the district"
	case FieldHelpers:
		r.Helpers = rapid.SliceOfN(rapid.SampledFrom(units), 0, 2).Draw(rt, "helpers")
	case FieldAssignee:
		r.Assignee = rapid.SampledFrom([]string{"li", "wang"}).Draw(rt, "assignee")
	case FieldNote:
		r.Note = "井盖已换"
	case FieldUntil:
		r.Until = r.At.Add(time.Duration(rapid.IntRange(-1, 40).Draw(rt, "days")) * 24 * time.Hour)
	case FieldRating:
		r.Rating = rapid.IntRange(-1, 6).Draw(rt, "rating")
	case FieldBy:
		r.By = rapid.SampledFrom([]calendar.Span{calendar.WorkingDays(2), calendar.Hours(time.Hour), calendar.ByClock(time.Hour)}).Draw(rt, "by")
	}
}

// finish leads the case to an end from wherever the walk left it, by what is offered.
func finish(rt *rapid.T, f *file) {
	for range 12 {
		step, _ := f.l.Definition.Step(f.c.Step)
		if step.End {
			return
		}
		f.now = f.now.Add(time.Hour)
		if !forward(f) {
			rt.Fatalf("stuck at %s: %+v", f.c.Step, f.c)
		}
	}
	rt.Fatalf("no end after twelve steps: %s", f.c.Step)
}

// forward does the first of the actions that lead towards an end.
func forward(f *file) bool {
	who := append(slices.Clone(staff), Actor{Name: f.c.Handler, Role: Worker}, Actor{Name: "somebody", Role: Supervisor})
	for _, action := range []string{"evaluate", "verify", "feed-back", "accept", "unpark", "redispatch", "dispatch", "sift", "acknowledge"} {
		for _, actor := range who {
			r := Request{Action: action, Actor: actor, At: f.now}
			if a, _ := f.l.Definition.Action(action); slices.Contains(a.Needs, FieldUnit) {
				r.Unit = "parks"
			} else if slices.Contains(a.Needs, FieldRating) {
				r.Rating = 3
			}
			if e, err := f.l.Do(f.c, r); err == nil {
				f.append(e)
				return true
			}
		}
	}
	return false
}
