package workflow_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/central/calendar"
	"gridgate/central/cases"
	. "gridgate/central/workflow"
)

// TestProfiles leads a case through each shipped loop from the alert to its evaluation.
func TestProfiles(t *testing.T) {
	for id, want := range map[string]string{
		BaseID:                "collect open dispatch handle feedback verify evaluate",
		"report-route-verify": "collect open dispatch handle feedback verify evaluate",
		"seven-orders":        "collect follow-up open dispatch handle feedback evaluate",
		"accept-dispatch":     "collect open dispatch handle feedback verify evaluate",
	} {
		t.Run(id, func(t *testing.T) {
			f := newFile(t, loop(t, id))
			f.do(desk, "acknowledge")
			if id == "seven-orders" {
				f.do(desk, "sift")
			}
			f.do(desk, "dispatch", unit("parks"))
			f.do(worker, "accept")
			f.do(worker, "feed-back")
			if id != "seven-orders" {
				f.do(verifier, "verify")
			}
			f.do(supervisor, "evaluate", rating(5))
			var steps []string
			for _, e := range f.log[1:] {
				steps = append(steps, e.Step)
			}
			if got := strings.Join(steps, " "); got != want {
				t.Errorf("steps %s, want %s", got, want)
			}
			if f.c.State != cases.Closed || f.c.Reason != cases.ReasonVerified || f.c.Rating != 5 || f.c.Handler != "li" || f.c.Unit != "parks" {
				t.Errorf("%+v", f.c)
			}
			for _, d := range f.c.Deadlines {
				if d.Met.IsZero() {
					t.Errorf("%s was not met: %+v", d.Name, d)
				}
			}
			rebuilt, err := cases.Rebuild(f.log)
			if err != nil || !reflect.DeepEqual(rebuilt, f.c) {
				t.Errorf("rebuilt %+v, %v\nwant %+v", rebuilt, err, f.c)
			}
		})
	}
}

// TestRefusals: each says what and why, in both languages, and of what kind it is.
func TestRefusals(t *testing.T) {
	f := newFile(t, loop(t, BaseID))
	f.do(desk, "dispatch", unit("parks"))
	f.do(worker, "accept")
	handling := *f
	f.do(worker, "feed-back")
	for name, tt := range map[string]struct {
		at     *file
		who    Actor
		action string
		change []func(*Request)
		kind   Kind
		field  Field
		words  string
	}{
		"no such action":      {f, desk, "wave", nil, NoSuchAction, "action", "no action"},
		"role":                {f, auditor, "verify", nil, NotAllowed, "", "role \"auditor\" may not"},
		"integrator":          {f, Actor{Name: "x", Role: Integrator}, "verify", nil, NotAllowed, "", "may not"},
		"step":                {f, worker, "accept", nil, NotFromHere, "", "stands at \"Fed back\""},
		"the handler":         {f, Actor{Name: "li", Role: Verifier}, "verify", nil, SamePerson, "", "somebody else"},
		"the handler reworks": {f, Actor{Name: "li", Role: Verifier}, "rework", []func(*Request){note("x")}, SamePerson, "", "somebody else"},
		"other handler":       {&handling, Actor{Name: "zhou", Role: Worker, Unit: "parks"}, "feed-back", nil, NotAllowed, "", "who accepted"},
		"other unit":          {&handling, stranger, "send-back", []func(*Request){note("x")}, NotAllowed, "", "unit \"parks\""},
		"not of the centre":   {f, foreman, "false-alarm", nil, NotAllowed, "", "centre itself"},
		"note missing":        {f, verifier, "rework", nil, Missing, FieldNote, "\"note\" is demanded"},
		"note too long":       {f, verifier, "rework", []func(*Request){note(strings.Repeat("长", cases.MaxNote+1))}, BadField, FieldNote, "note"},
		"field not taken":     {f, verifier, "verify", []func(*Request){unit("x")}, BadField, FieldUnit, "takes no field"},
		"another reason":      {f, verifier, "verify", []func(*Request){reason(cases.ReasonDuplicate)}, BadField, FieldReason, "takes no field"},
		"until is past":       {f, desk, "snooze", []func(*Request){until(t0)}, BadField, FieldUntil, "until"},
		"until is far":        {f, desk, "snooze", []func(*Request){until(t0.AddDate(1, 0, 0))}, BadField, FieldUntil, "until"},
		"helpers":             {&handling, desk, "co-handle", []func(*Request){helpers(make([]string, 9)...)}, BadField, FieldHelpers, "helpers"},
		"calendar":            {&handling, supervisor, "extend", []func(*Request){note("x"), by(calendar.WorkingDays(300))}, NotCovered, "", "does not cover 2027"},
	} {
		t.Run(name, func(t *testing.T) {
			r := Request{Action: tt.action, Actor: tt.who, At: f.now}
			for _, c := range tt.change {
				c(&r)
			}
			before := tt.at.c
			_, err := tt.at.l.Do(tt.at.c, r)
			var refusal *Refusal
			if !errors.As(err, &refusal) || refusal.Kind != tt.kind || refusal.Field != string(tt.field) || !strings.Contains(err.Error(), tt.words) {
				t.Fatalf("%+v, want %s %s %q", err, tt.kind, tt.field, tt.words)
			}
			if refusal.Words.ZH == "" || strings.Contains(refusal.Words.ZH+refusal.Words.EN, "%!") {
				t.Errorf("words %+v", refusal.Words)
			}
			if !reflect.DeepEqual(before, tt.at.c) {
				t.Error("the case changed")
			}
		})
	}
}

// TestCalendarGapIsNamed: the error beneath is the calendar's.
func TestCalendarGapIsNamed(t *testing.T) {
	f := newFile(t, loop(t, BaseID))
	_, err := f.l.Do(f.c, Request{Action: "dispatch", Actor: desk, At: time.Date(2026, 12, 28, 2, 0, 0, 0, time.UTC), Unit: "parks"})
	var gap *calendar.GapError
	if !errors.As(err, &gap) || gap.Year != 2027 {
		t.Fatalf("%v", err)
	}
	late := f.c
	late.Workflow, late.OpenedAt = "", time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	l := f.l
	l.Limits = []Limit{{Name: "x", Span: calendar.WorkingDays(1), From: Opened, To: Taken}}
	e, err := l.Begin(late, "parks", cases.TownshipLevel, late.OpenedAt)
	if !errors.As(err, &gap) || gap.Year != 2031 || e.Step != "collect" || e.Unit != "parks" || e.Level != cases.TownshipLevel || e.Deadlines != nil {
		t.Fatalf("%+v, %v: it begins without the clock, and says so", e, err)
	}
	if _, err := l.Begin(f.c, "", "", t0); !errors.Is(err, cases.ErrIllegal) {
		t.Errorf("begun twice: %v", err)
	}
}

func TestBeginWhereTheCaseStands(t *testing.T) {
	l := loop(t, BaseID)
	ack := cases.Event{CaseID: "c1", Type: cases.EventAcknowledged, At: t0, Actor: "wang", Until: t0.Add(time.Hour)}
	gone := cases.Event{CaseID: "c1", Type: cases.EventClosed, At: t0, Reason: cases.ReasonCleared}
	for want, more := range map[string]*cases.Event{"collect": nil, "open": &ack, "desk": &gone} {
		c, err := cases.Apply(cases.Case{}, opened())
		if more != nil && err == nil {
			c, err = cases.Apply(c, *more)
		}
		if err != nil {
			t.Fatal(err)
		}
		e, err := l.Begin(c, "", "", t0.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		after, err := cases.Apply(c, e)
		if err != nil || after.Step != want || after.State != c.State || !after.WakeAt.Equal(c.WakeAt) || after.Reason != c.Reason || !after.ClosedAt.Equal(c.ClosedAt) {
			t.Errorf("begins at %s, want %s: %+v, %v", after.Step, want, after, err)
		}
		if more == &gone && !slices.ContainsFunc(l.Possible(after, desk, t0), func(o Offer) bool { return o.Action == "reopen" }) {
			t.Error("what closed by itself cannot be reopened")
		}
	}
}

// TestExceptions leads a case through all that is not the straight way.
func TestExceptions(t *testing.T) {
	f := newFile(t, loop(t, BaseID))
	f.do(desk, "acknowledge", until(t0.Add(5*time.Hour)))
	if !f.c.WakeAt.Equal(t0.Add(5*time.Hour)) || f.c.Assignee != "wang" {
		t.Fatalf("%+v", f.c)
	}
	f.do(supervisor, "supervise")
	if f.c.WakeAt.IsZero() || f.c.Supervised != 1 {
		t.Fatalf("supervising ended the acknowledgement: %+v", f.c)
	}
	f.do(system, "lapse")
	if f.c.State != cases.Open || f.c.Assignee != "" || !f.c.WakeAt.IsZero() || f.log[len(f.log)-1].Rule != "deadline" {
		t.Fatalf("%+v", f.c)
	}
	f.do(desk, "dispatch", unit("roads"), helpers("parks"), assignee("sun"))
	f.do(stranger, "send-back", note("not our road"))
	if f.c.SentBack != 1 || f.c.Assignee != "" || len(f.c.Deadlines) != 2 {
		t.Fatalf("%+v", f.c)
	}
	f.do(desk, "redispatch", unit("parks"), helpers([]string{}...))
	if d := f.deadline("stop-work"); !d.From.Equal(f.now) || f.c.Unit != "parks" || len(f.c.Helpers) != 0 {
		t.Fatalf("%+v: the clock starts anew", f.c)
	}
	f.do(worker, "accept")
	f.do(desk, "co-handle", helpers("roads", "water"))
	f.do(stranger, "progress", note("fence is up"))
	f.do(foreman, "hand-over", assignee("zhou"))
	f.do(worker, "accept")
	f.do(worker, "feed-back")
	f.do(verifier, "rework", note("half of it is left"))
	if f.c.Reworked != 1 || !f.deadline("demolish").Runs() {
		t.Fatalf("%+v", f.c)
	}
	f.do(supervisor, "escalate")
	f.do(supervisor, "de-escalate")
	f.do(worker, "feed-back")
	f.do(verifier, "verify")
	f.do(desk, "reopen", note("it is back"))
	if f.c.State != cases.Acknowledged || len(f.c.Deadlines) != 0 || f.c.Handler != "" || !f.c.ClosedAt.IsZero() {
		t.Fatalf("%+v", f.c)
	}
	f.do(desk, "not-ours", next("district water bureau"))
	if f.c.State != cases.Closed || f.c.Reason != cases.ReasonNotOurs || f.c.Unit != "district water bureau" {
		t.Fatalf("%+v", f.c)
	}
}

func TestExtensionTiers(t *testing.T) {
	f := newFile(t, loop(t, BaseID))
	f.do(desk, "dispatch", unit("parks"))
	due := f.deadline("demolish").Due
	f.do(foreman, "extend", note("rain"), by(calendar.WorkingDays(2)))
	if got := f.deadline("demolish").Due; !got.Equal(due.AddDate(0, 0, 2)) || f.c.Extended != 1 {
		t.Fatalf("extended to %v from %v", got, due)
	}
	second := Request{Action: "extend", Actor: foreman, At: f.now, Note: "more rain", By: calendar.WorkingDays(1)}
	var refusal *Refusal
	if _, err := f.l.Do(f.c, second); !errors.As(err, &refusal) || refusal.Kind != NotAllowed {
		t.Fatalf("the second extension by the unit: %v", err)
	}
	f.do(supervisor, "extend", note("more rain"), by(calendar.WorkingDays(1)))
	second.Actor = supervisor
	if _, err := f.l.Do(f.c, second); !errors.As(err, &refusal) || refusal.Kind != Exhausted {
		t.Fatalf("the third extension: %v", err)
	}
}

// TestParking: what was left is left, to the nanosecond of working time, and what is overdue stays so.
func TestParking(t *testing.T) {
	f := newFile(t, loop(t, BaseID))
	f.do(desk, "dispatch", unit("parks"))
	f.do(worker, "accept")
	before, err := f.l.Calendar.Between(f.now.Add(time.Hour), f.deadline("demolish").Due)
	if err != nil {
		t.Fatal(err)
	}
	f.do(foreman, "park", note("frost"))
	d := f.deadline("demolish")
	if d.Runs() || d.Left == "" || !d.Next().IsZero() || f.c.ParkedAt.IsZero() || !f.c.NextAt().IsZero() {
		t.Fatalf("%+v", d)
	}
	f.do(supervisor, "progress", note("still frost"))
	if !f.c.ParkedAt.Equal(f.now.Add(-time.Hour)) {
		t.Fatal("a note changed since when it is parked")
	}
	f.now = f.now.AddDate(0, 0, 40)
	f.do(foreman, "unpark")
	after, err := f.l.Calendar.Between(f.now, f.deadline("demolish").Due)
	if err != nil || after != before || !f.c.ParkedAt.IsZero() || f.deadline("demolish").Left != "" {
		t.Fatalf("%v was left, %v is, %v", before, after, err)
	}
}

// TestOutOfTheParking: a case that another action leads out of its parking leaves no clock behind that stands still.
func TestOutOfTheParking(t *testing.T) {
	parked := func(l Loop) *file {
		f := newFile(t, l)
		f.do(desk, "dispatch", unit("parks"))
		f.do(worker, "accept")
		f.do(foreman, "park", note("frost"))
		return f
	}
	still := func(f *file) bool {
		return slices.ContainsFunc(f.c.Deadlines, func(d cases.Deadline) bool { return d.Left != "" || d.Calm != "" })
	}
	for action, who := range map[string]Actor{"false-alarm": desk, "follow": system} {
		f := parked(loop(t, BaseID))
		was := f.c.Deadlines
		f.do(who, action)
		if f.c.State != cases.Closed || f.deadline("close").Met.IsZero() || still(f) || !f.c.NextAt().IsZero() {
			t.Errorf("%s: %s, %+v", action, f.c.State, f.c.Deadlines)
		}
		if who.Name != "" {
			if f.undo(who); !slices.Equal(f.c.Deadlines, was) {
				t.Errorf("%s taken back: %+v, want %+v", action, f.c.Deadlines, was)
			}
		}
	}
	l := loop(t, BaseID)
	silent := *l.Definition
	silent.Actions = slices.Clone(silent.Actions)
	i := slices.IndexFunc(silent.Actions, func(a Action) bool { return a.ID == "unpark" })
	silent.Actions[i].Clocks = Clocks{}
	l.Definition = &silent
	f := parked(l)
	if f.do(foreman, "unpark"); still(f) || !f.deadline("demolish").Runs() {
		t.Errorf("led on: %+v", f.c.Deadlines)
	}
}

// TestOffers: what is offered is what may be done, and each offer says what it demands.
func TestOffers(t *testing.T) {
	f := newFile(t, loop(t, BaseID))
	got := map[string][]string{}
	for _, who := range []Actor{desk, worker, auditor, verifier} {
		for _, o := range f.l.Possible(f.c, who, f.now) {
			got[who.Role] = append(got[who.Role], o.Action)
			if o.Titles.ZH == "" || o.Needs == nil || o.May == nil || o.Reasons == nil {
				t.Errorf("offer %+v", o)
			}
		}
	}
	want := []string{"acknowledge", "snooze", "dispatch", "escalate", "de-escalate", "false-alarm", "not-ours", "close"}
	want = slices.DeleteFunc(want, func(a string) bool { return a == "de-escalate" }) // it is at the lowest level
	if !slices.Equal(got[Operator], want) || len(got[Auditor]) != 0 || len(got[Verifier]) != 0 {
		t.Errorf("offers %v, want the operator's %v", got, want)
	}
}
