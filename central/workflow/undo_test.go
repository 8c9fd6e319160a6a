package workflow_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"gridgate/central/calendar"
	"gridgate/central/cases"
	. "gridgate/central/workflow"
)

// undo takes the last step back, a minute later.
func (f *file) undo(who Actor) {
	f.tb.Helper()
	f.now = f.now.Add(time.Minute)
	e, err := f.l.Undo(f.log, who, f.now)
	if err != nil {
		f.fail("undo by %s: %v", who.Name, err)
	}
	f.append(e)
}

// Deadlines come back as they were: their ends stand where they stood, with the time that ran meanwhile, and what stood still stands still.
func TestUndoGivesDeadlinesBack(t *testing.T) {
	f := newFile(t, loop(t, BaseID))
	f.do(desk, "dispatch", unit("parks"))
	f.do(worker, "accept")
	running := f.c
	for _, step := range []func(){
		func() { f.do(foreman, "park", note("rain")); f.undo(foreman) },
		func() { f.do(foreman, "extend", note("rain"), by(calendar.WorkingDays(2))); f.undo(foreman) },
		func() { f.do(worker, "send-back", note("not ours")); f.undo(worker) },
		func() { f.do(desk, "false-alarm"); f.undo(desk) },
		func() { f.do(worker, "feed-back"); f.undo(worker) },
	} {
		step()
		if got, want := f.c.Outcome(), running.Outcome(); !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	}
	f.do(foreman, "park", note("rain"))
	parked := f.c
	f.do(worker, "unpark")
	f.undo(worker)
	if got, want := f.c.Outcome(), parked.Outcome(); !reflect.DeepEqual(got, want) || got.ParkedAt.IsZero() {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
	rebuilt, err := cases.Rebuild(f.log)
	if err != nil || !reflect.DeepEqual(rebuilt, f.c) {
		t.Fatalf("rebuilt %+v, %v\nwant %+v", rebuilt, err, f.c)
	}
}

// What cannot be taken back says why, in both languages.
func TestUndoSaysWhyNot(t *testing.T) {
	alerts := func(f *file) {
		f.append(cases.Event{CaseID: "c1", Type: cases.EventJoined, At: f.now, Count: 40})
	}
	for name, tc := range map[string]struct {
		do   func(f *file)
		who  Actor
		wait time.Duration
		want Kind // "": it is taken back
	}{
		"nothing was done":        {func(*file) {}, desk, 0, MovedOn}, // intake is a step of the system
		"at the last moment":      {func(*file) {}, desk, UndoWithin - 1, ""},
		"a moment too late":       {func(*file) {}, desk, UndoWithin, TooLate},
		"by somebody else":        {func(*file) {}, desk2, 0, NotYourStep},
		"after alerts":            {alerts, desk, time.Second, ""},
		"after it was taken back": {func(f *file) { f.undo(desk) }, desk, 0, NothingToUndo},
		"after a deadline turned": {func(f *file) {
			f.append(cases.Event{CaseID: "c1", Type: cases.EventTold, At: f.now, Deadline: "close", Stage: cases.Yellow})
		}, desk, 0, MovedOn},
		"after a graver alert": {func(f *file) {
			f.append(cases.Event{CaseID: "c1", Type: cases.EventRaised, At: f.now, Severity: "critical"})
		}, desk, 0, MovedOn},
		"after a hold": {func(f *file) {
			f.append(cases.Event{CaseID: "c1", Type: cases.EventHeld, At: f.now, Actor: "wang", Reason: cases.ReasonReview})
		}, desk, 0, MovedOn},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFile(t, loop(t, BaseID))
			if name != "nothing was done" {
				f.do(desk, "acknowledge")
			}
			tc.do(f)
			_, err := f.l.Undo(f.log, tc.who, f.now.Add(tc.wait))
			var r *Refusal
			switch {
			case tc.want == "" && err == nil:
			case !errors.As(err, &r) || r.Kind != tc.want || r.Words.ZH == "" || r.Words.EN == "":
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
