package notify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

var t0 = time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC) // 23:00 in Shanghai

func ofKind(kind alert.Kind) cases.Case {
	return cases.Case{
		ID: "c1", State: cases.Open, Level: cases.GridLevel, Position: 7, Work: cases.Work{Unit: "u1", Assignee: "worker-1", Helpers: []string{"u2"}},
		Opening: cases.Opening{Kind: kind, Class: "0401", Grid: "330106109001001", Source: "/edges/e1/cameras/gate-1", Key: "k"},
	}
}

func desk(t *testing.T, s Setup) *Desk {
	t.Helper()
	d, err := NewDesk(s, []string{"hook", "group", "post"})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func sample() Setup {
	night := []Quiet{{From: "22:00", To: "07:00"}}
	return Setup{Recipients: []Recipient{
		{ID: "desk", Role: "operator", Ways: []Way{{Channel: "hook"}}},
		{ID: "chief", Role: "supervisor", Ways: []Way{{Channel: "post", Address: "chief@town.example"}}, Quiet: night},
		{ID: "team", Unit: "u1", Ways: []Way{{Channel: "group"}, {Channel: "hook"}}, Quiet: night},
		{ID: "helpers", Unit: "u2", Ways: []Way{{Channel: "group"}}},
		{ID: "w1", Account: "worker-1", Ways: []Way{{Channel: "group"}}, Lang: English},
		{ID: "elsewhere", Role: "operator", Grids: []string{"3302"}, Ways: []Way{{Channel: "hook"}}},
	}}
}

// told writes notices as "recipient channel template local-time".
func told(notices []store.Notice) (list []string) {
	zone := time.FixedZone("", 8*3600)
	for _, n := range notices {
		list = append(list, fmt.Sprintf("%s %s %s %s", n.To, n.Channel, n.Template, n.At.In(zone).Format("02 15:04")))
	}
	return list
}

func step(change func(*cases.Event)) cases.Event {
	e := cases.Event{CaseID: "c1", Position: 7, Type: cases.EventStepped, At: t0, Actor: "z", Action: "a", Step: "s", State: cases.Open}
	change(&e)
	return e
}

func TestWhoIsToldWhatAndWhen(t *testing.T) {
	opened := cases.Event{CaseID: "c1", Position: 7, Type: cases.EventOpened, At: t0}
	red := cases.Event{CaseID: "c1", Position: 7, Type: cases.EventTold, At: t0, Deadline: "handle", Stage: cases.Red}
	for name, tc := range map[string]struct {
		kind alert.Kind
		e    cases.Event
		want []string
	}{
		"life-safety ignores quiet hours": {alert.Smoke, opened, []string{
			"desk hook life-safety 02 23:00",
			"desk hook life-safety+1 02 23:05", "chief post life-safety+1 02 23:05", "chief post life-safety+2 02 23:15"}},
		"its unit, at night": {alert.Smoke, step(func(e *cases.Event) { e.Effect, e.Unit = cases.Begins, "u1" }), []string{
			"team group entrusted 02 23:00", "team hook entrusted 02 23:00", "team group entrusted+1 02 23:05", "team hook entrusted+1 02 23:05"}},
		"another case tells nobody":    {alert.Motion, opened, nil},
		"a dispatch waits for morning": {alert.Motion, step(func(e *cases.Event) { e.Unit = "u1"; e.Helpers = []string{}; e.Assignee = "nobody" }), []string{"team group dispatched 03 07:00", "team hook dispatched 03 07:00", "team group dispatched+1 03 07:30", "team hook dispatched+1 03 07:30", "chief post dispatched+2 03 09:00"}},
		"a worker":                     {alert.Motion, step(func(e *cases.Event) { e.Assignee = "worker-1" }), []string{"w1 group assigned 02 23:00"}},
		"sent back":                    {alert.Motion, step(func(e *cases.Event) { e.Effect, e.Unit = cases.SendsBack, "u9" }), []string{"desk hook sent-back 02 23:00"}},
		"red":                          {alert.Motion, red, []string{"team group deadline-red 03 07:00", "team hook deadline-red 03 07:00", "w1 group deadline-red 02 23:00", "chief post deadline-red 03 07:00"}},
		"escalated":                    {alert.Motion, step(func(e *cases.Event) { e.Level = cases.TownshipLevel }), []string{"team group escalated 03 07:00", "team hook escalated 03 07:00", "chief post escalated 03 07:00"}},
		"joined":                       {alert.Smoke, cases.Event{CaseID: "c1", Position: 7, Type: cases.EventJoined, At: t0, Count: 3}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := desk(t, sample())
			if got := told(d.Plan(ofKind(tc.kind), tc.e, false)); !slices.Equal(got, tc.want) {
				t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
		})
	}
}

func TestNobodyIsTold(t *testing.T) {
	opened := cases.Event{CaseID: "c1", Position: 7, Type: cases.EventOpened, At: t0}
	silent := sample()
	silent.Exercises = "silent"
	merged, drill := ofKind(alert.Smoke), ofKind(alert.Smoke)
	merged.Parent, drill.Exercise = "c0", true
	for name, got := range map[string][]store.Notice{
		"silenced":          desk(t, sample()).Plan(ofKind(alert.Smoke), opened, true),
		"merged":            desk(t, sample()).Plan(merged, opened, false),
		"a silent exercise": desk(t, silent).Plan(drill, opened, false),
		"nobody is set up":  desk(t, Setup{}).Plan(ofKind(alert.Smoke), opened, false),
	} {
		if len(got) != 0 {
			t.Errorf("%s: told %v", name, told(got))
		}
	}
	if got := desk(t, sample()).Plan(drill, opened, false); len(got) != 4 {
		t.Errorf("an exercise tells %v", told(got))
	}
}

func TestRoutesAreNarrowed(t *testing.T) {
	s := sample()
	s.Routes = []Route{
		{On: []What{Opened, Merged}, To: []string{"recipient:desk"}, Classes: []string{"04"}, Grids: []string{"330106"}, Levels: []cases.Level{cases.GridLevel}, After: "30s"},
		{On: []What{Opened}, To: []string{"recipient:desk", "unit:u2"}, Classes: []string{"05"}},
	}
	d := desk(t, s)
	c := ofKind(alert.Motion)
	got := told(d.Plan(c, cases.Event{CaseID: "c1", Position: 7, Type: cases.EventOpened, At: t0.Add(45 * time.Second)}, false))
	if want := []string{"desk hook opened 02 23:01"}; !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
	c.Parent = "c0"
	if got := d.Plan(c, cases.Event{CaseID: "c1", Position: 8, Type: cases.EventMerged, At: t0, Into: "c0"}, false); len(got) != 1 {
		t.Errorf("a merge tells %v", told(got))
	}
	c.Class = "0501"
	if got := d.Plan(c, cases.Event{CaseID: "c1", Position: 9, Type: cases.EventMerged, At: t0, Into: "c0"}, false); len(got) != 0 {
		t.Errorf("another class tells %v", told(got))
	}
}

// TestEachIsToldOnce: whatever is set up, no id stands twice in a plan, planning again gives the same, and another event gives others.
func TestEachIsToldOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Setup{}
		for i := range rapid.IntRange(1, 6).Draw(t, "recipients") {
			r := Recipient{ID: fmt.Sprint("r", i), Ways: []Way{{Channel: "hook"}, {Channel: "group"}}[:1+i%2]}
			*[]*string{&r.Unit, &r.Role, &r.Account}[i%3] = rapid.SampledFrom([]string{"u1", "u2"}).Draw(t, "who")
			s.Recipients = append(s.Recipients, r)
		}
		targets := rapid.SliceOfN(rapid.SampledFrom([]string{"unit", "helpers", "assignee", "role:u1", "role:u2", "recipient:r0", "unit:u1"}), 1, 5)
		for range rapid.IntRange(1, 4).Draw(t, "routes") {
			s.Routes = append(s.Routes, Route{On: []What{Dispatched}, To: targets.Draw(t, "to"), Chain: []Link{{After: "1m", To: targets.Draw(t, "next")}}})
		}
		d, err := NewDesk(s, nil)
		if err != nil {
			t.Fatal(err)
		}
		e := step(func(e *cases.Event) { e.Unit = "u1" })
		ids := map[string]bool{}
		first := d.Plan(ofKind(alert.Motion), e, false)
		for _, n := range first {
			if caseID, ok := CaseOf(n.ID); ids[n.ID] || caseID != "c1" || !ok {
				t.Fatalf("%s stands twice or names another case", n.ID)
			}
			ids[n.ID] = true
		}
		if again := d.Plan(ofKind(alert.Motion), e, false); !slices.Equal(again, first) {
			t.Fatal("the plan differs")
		}
		e.Position++
		for _, n := range d.Plan(ofKind(alert.Motion), e, false) {
			if ids[n.ID] {
				t.Fatal("another event has the same notice")
			}
		}
	})
}

func TestNeedless(t *testing.T) {
	red := cases.Event{CaseID: "c1", Position: 7, Type: cases.EventTold, Deadline: "handle", Stage: cases.Red}
	running := cases.Deadline{Name: "handle", From: t0, Due: t0}
	with := func(change func(*cases.Case)) cases.Case { c := ofKind(alert.Smoke); change(&c); return c }
	deadline := func(change func(*cases.Deadline)) cases.Case {
		x := running
		change(&x)
		return with(func(c *cases.Case) { c.Deadlines = []cases.Deadline{x} })
	}
	ack := []store.Notice{{Position: 7, State: store.NoticeAcknowledged}}
	for name, tc := range map[string]struct {
		template string
		s        Standing
		want     bool
	}{
		"open":                  {"life-safety", Standing{Case: ofKind(alert.Smoke)}, false},
		"closed":                {"life-safety", Standing{Case: with(func(c *cases.Case) { c.State = cases.Closed })}, true},
		"closed tells of it":    {"closed", Standing{Case: with(func(c *cases.Case) { c.State = cases.Closed })}, false},
		"merged":                {"life-safety", Standing{Case: with(func(c *cases.Case) { c.Parent = "c0" })}, true},
		"merged tells of it":    {"merged", Standing{Case: with(func(c *cases.Case) { c.Parent = "c0" })}, false},
		"silenced":              {"dispatched", Standing{Case: ofKind(alert.Motion), Silenced: true}, true},
		"acknowledged, direct":  {"life-safety", Standing{Case: ofKind(alert.Smoke), Later: []cases.Event{{Type: cases.EventAcknowledged}}}, false},
		"acknowledged, chain":   {"life-safety+1", Standing{Case: ofKind(alert.Smoke), Later: []cases.Event{{Type: cases.EventAcknowledged}}}, true},
		"joined, chain":         {"life-safety+1", Standing{Case: ofKind(alert.Smoke), Later: []cases.Event{{Type: cases.EventJoined}}}, false},
		"stepped, chain":        {"life-safety+1", Standing{Case: ofKind(alert.Smoke), Later: []cases.Event{{Type: cases.EventStepped, Actor: "w"}}}, true},
		"by a rule, chain":      {"life-safety+1", Standing{Case: ofKind(alert.Smoke), Later: []cases.Event{{Type: cases.EventStepped, Rule: "r"}}}, false},
		"pressed, chain":        {"life-safety+1", Standing{Case: ofKind(alert.Smoke), Later: []cases.Event{{Type: cases.EventStepped, Actor: "w", Effect: cases.Supervises}}}, false},
		"notice acknowledged":   {"life-safety+2", Standing{Case: ofKind(alert.Smoke), Fellows: ack}, true},
		"another one's was":     {"life-safety+2", Standing{Case: ofKind(alert.Smoke), Fellows: []store.Notice{{Position: 6, State: store.NoticeAcknowledged}}}, false},
		"red":                   {"deadline-red", Standing{Event: red, Case: deadline(func(*cases.Deadline) {})}, false},
		"red, met":              {"deadline-red", Standing{Event: red, Case: deadline(func(d *cases.Deadline) { d.Met = t0 })}, true},
		"red, parked":           {"deadline-red", Standing{Event: red, Case: deadline(func(d *cases.Deadline) { d.Due, d.Left = time.Time{}, "2h" })}, true},
		"red, extended":         {"deadline-red", Standing{Event: red, Case: deadline(func(d *cases.Deadline) { d.Due = t0.Add(2 * time.Hour) })}, true},
		"red, no such deadline": {"deadline-red", Standing{Event: red, Case: ofKind(alert.Smoke)}, true},
	} {
		tc.s.Now = t0.Add(time.Hour)
		if got := desk(t, sample()).Needless(store.Notice{Template: tc.template, Position: 7}, tc.s); got != tc.want {
			t.Errorf("%s: needless is %v", name, got)
		}
	}
}

func TestQuietHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ zone, at, want string }{
		{"Asia/Shanghai", "2026-03-02T21:59:00+08:00", "2026-03-02T21:59:00+08:00"},
		{"Asia/Shanghai", "2026-03-02T22:00:00+08:00", "2026-03-03T07:30:00+08:00"}, // the next window begins where the first ends
		{"Asia/Shanghai", "2026-03-03T03:00:59+08:00", "2026-03-03T07:30:00+08:00"},
		{"Asia/Shanghai", "2026-03-03T07:30:00+08:00", "2026-03-03T07:30:00+08:00"},
		{"Europe/Berlin", "2026-03-28T23:00:00+01:00", "2026-03-29T07:30:00+02:00"}, // the clock is set forward
		{"Europe/Berlin", "2026-10-25T02:30:00+01:00", "2026-10-25T07:30:00+01:00"}, // and back
	} {
		zone := berlin
		if tc.zone != "Europe/Berlin" {
			zone = time.FixedZone("", 8*3600)
		}
		j := &judge{}
		h := newHours(j, "r", []Quiet{{"22:00", "07:00"}, {"07:00", "07:30"}}, zone)
		at, _ := time.Parse(time.RFC3339, tc.at)
		want, _ := time.Parse(time.RFC3339, tc.want)
		if got := h.next(at); !got.Equal(want) || len(j.found) > 0 {
			t.Errorf("%s: told at %s, want %s %v", tc.at, got.Format(time.RFC3339), tc.want, j.found)
		}
	}
}

// TestQuietHoursEnd: whatever the hours are, the moment found is not quiet, not before, and within two days.
func TestQuietHoursEnd(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		j := &judge{}
		clock := rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 23).Draw(t, "h"), rapid.IntRange(0, 59).Draw(t, "m"))
		})
		var quiet []Quiet
		for range rapid.IntRange(0, 4).Draw(t, "n") {
			quiet = append(quiet, Quiet{clock.Draw(t, "from"), clock.Draw(t, "to")})
		}
		h := newHours(j, "r", quiet, berlin)
		if len(j.found) > 0 {
			return // refused
		}
		at := time.Unix(rapid.Int64Range(1.77e9, 1.81e9).Draw(t, "at"), 0)
		got := h.next(at)
		local := got.In(berlin)
		if got.Before(at) || got.Sub(at) > 48*time.Hour || h.at(local.Hour()*60+local.Minute()) != nil {
			t.Fatalf("%v at %v: told at %v", quiet, at.In(berlin), local)
		}
	})
}

func TestMaxAfter(t *testing.T) {
	if d, err := time.ParseDuration(MaxAfter); err != nil || d != 4*time.Hour {
		t.Errorf("%v, %v", d, err)
	}
}
