package cases_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gridgate/central/cases"
	"gridgate/protocols/alert"
)

var t0 = time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)

func opened(kind alert.Kind, severity alert.Severity) cases.Event {
	return cases.Event{
		CaseID: "c1", Type: cases.EventOpened, At: t0, AlertID: "a1", Count: 1, Situation: "s1", Severity: severity,
		Opening: &cases.Opening{Key: "e/d/z/k", Kind: kind, Class: "0401", Grid: "330106109001", Source: "/edges/e/cameras/d"},
	}
}

func event(typ cases.EventType, change ...func(*cases.Event)) cases.Event {
	e := cases.Event{CaseID: "c1", Type: typ, At: t0.Add(time.Minute)}
	for _, f := range change {
		f(&e)
	}
	return e
}

func by(actor string, reason cases.Reason) func(*cases.Event) {
	return func(e *cases.Event) { e.Actor, e.Reason = actor, reason }
}

func count(n int64) func(*cases.Event)             { return func(e *cases.Event) { e.Count = n } }
func situation(s string) func(*cases.Event)        { return func(e *cases.Event) { e.Situation = s } }
func severity(s alert.Severity) func(*cases.Event) { return func(e *cases.Event) { e.Severity = s } }

func TestHistory(t *testing.T) {
	ack := event(cases.EventAcknowledged, by("zhang", ""))
	automatic := event(cases.EventClosed, by("", cases.ReasonCleared))
	clear1 := event(cases.EventCleared, situation("s1"), count(1))
	handled := event(cases.EventClosed, by("zhang", cases.ReasonHandled))
	type want struct {
		state  cases.State
		alerts int64
		active bool
		level  cases.Level
	}
	tests := map[string]struct {
		kind   alert.Kind
		events []cases.Event
		want   want
		bad    bool // the last event is refused
	}{
		"opened":                      {alert.Motion, nil, want{cases.Open, 1, true, cases.GridLevel}, false},
		"joined":                      {alert.Motion, []cases.Event{event(cases.EventJoined, count(7))}, want{cases.Open, 8, true, cases.GridLevel}, false},
		"joined by nothing":           {alert.Motion, []cases.Event{event(cases.EventJoined)}, want{cases.Open, 1, true, cases.GridLevel}, true},
		"level raised":                {alert.Motion, []cases.Event{event(cases.EventRaised, severity(alert.Critical))}, want{cases.Open, 1, true, cases.TownshipLevel}, false},
		"level not graver":            {alert.Motion, []cases.Event{event(cases.EventRaised, severity(alert.Info))}, want{cases.Open, 1, true, cases.GridLevel}, true},
		"level raised with count":     {alert.Motion, []cases.Event{event(cases.EventRaised, severity(alert.Major), count(1))}, want{cases.Open, 1, true, cases.GridLevel}, true},
		"cleared":                     {alert.Motion, []cases.Event{clear1}, want{cases.Open, 2, false, cases.GridLevel}, false},
		"cleared of another":          {alert.Motion, []cases.Event{event(cases.EventCleared, situation("s0"), count(1))}, want{cases.Open, 2, true, cases.GridLevel}, false},
		"cleared of nothing":          {alert.Motion, []cases.Event{event(cases.EventCleared, count(1))}, want{cases.Open, 1, true, cases.GridLevel}, true},
		"closed by its clear":         {alert.Motion, []cases.Event{clear1, automatic}, want{cases.Closed, 2, false, cases.GridLevel}, false},
		"life-safety stays":           {alert.SOS, []cases.Event{clear1, automatic}, want{cases.Open, 2, false, cases.GridLevel}, true},
		"acknowledged":                {alert.Motion, []cases.Event{ack}, want{cases.Acknowledged, 1, true, cases.GridLevel}, false},
		"acknowledged by nobody":      {alert.Motion, []cases.Event{event(cases.EventAcknowledged)}, want{cases.Open, 1, true, cases.GridLevel}, true},
		"acknowledged twice":          {alert.Motion, []cases.Event{ack, ack}, want{cases.Acknowledged, 1, true, cases.GridLevel}, true},
		"dispatched stays":            {alert.Motion, []cases.Event{ack, automatic}, want{cases.Acknowledged, 1, true, cases.GridLevel}, true},
		"closed by hand":              {alert.SOS, []cases.Event{handled}, want{cases.Closed, 1, true, cases.GridLevel}, false},
		"closed for no reason":        {alert.Motion, []cases.Event{event(cases.EventClosed, by("zhang", ""))}, want{cases.Open, 1, true, cases.GridLevel}, true},
		"closed as cleared":           {alert.Motion, []cases.Event{event(cases.EventClosed, by("zhang", cases.ReasonCleared))}, want{cases.Open, 1, true, cases.GridLevel}, true},
		"closed twice":                {alert.Motion, []cases.Event{handled, handled}, want{cases.Closed, 1, true, cases.GridLevel}, true},
		"joined when closed":          {alert.Motion, []cases.Event{handled, event(cases.EventJoined, count(1))}, want{cases.Closed, 1, true, cases.GridLevel}, true},
		"cleared when closed":         {alert.Motion, []cases.Event{handled, clear1}, want{cases.Closed, 2, false, cases.GridLevel}, false},
		"reopened":                    {alert.Motion, []cases.Event{clear1, automatic, event(cases.EventReopened, count(1), situation("s2"))}, want{cases.Open, 3, true, cases.GridLevel}, false},
		"reopened after a hand":       {alert.Motion, []cases.Event{handled, event(cases.EventReopened, count(1))}, want{cases.Closed, 1, true, cases.GridLevel}, true},
		"opened twice":                {alert.Motion, []cases.Event{opened(alert.Motion, alert.Info)}, want{cases.Open, 1, true, cases.GridLevel}, true},
		"another case's":              {alert.Motion, []cases.Event{event(cases.EventJoined, count(1), func(e *cases.Event) { e.CaseID = "c2" })}, want{cases.Open, 1, true, cases.GridLevel}, true},
		"held":                        {alert.Motion, []cases.Event{event(cases.EventHeld, by("zhang", cases.ReasonInsurance))}, want{cases.Open, 1, true, cases.GridLevel}, false},
		"held when closed":            {alert.Motion, []cases.Event{handled, event(cases.EventHeld, by("zhang", cases.ReasonReview))}, want{cases.Closed, 1, true, cases.GridLevel}, false},
		"held by nobody":              {alert.Motion, []cases.Event{event(cases.EventHeld, by("", cases.ReasonReview))}, want{cases.Open, 1, true, cases.GridLevel}, true},
		"held for a reason of others": {alert.Motion, []cases.Event{event(cases.EventHeld, by("zhang", cases.ReasonHandled))}, want{cases.Open, 1, true, cases.GridLevel}, true},
		"held twice":                  {alert.Motion, []cases.Event{event(cases.EventHeld, by("zhang", cases.ReasonReview)), event(cases.EventHeld, by("zhang", cases.ReasonReview))}, want{cases.Open, 1, true, cases.GridLevel}, true},
		"released":                    {alert.Motion, []cases.Event{event(cases.EventHeld, by("zhang", cases.ReasonReview)), event(cases.EventReleased, by("li", cases.ReasonSettled))}, want{cases.Open, 1, true, cases.GridLevel}, false},
		"released, never held":        {alert.Motion, []cases.Event{event(cases.EventReleased, by("li", cases.ReasonSettled))}, want{cases.Open, 1, true, cases.GridLevel}, true},
		"no such event":               {alert.Motion, []cases.Event{event("escalated")}, want{cases.Open, 1, true, cases.GridLevel}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := cases.Apply(cases.Case{}, opened(tt.kind, alert.Info))
			for _, e := range tt.events {
				if err != nil {
					t.Fatal(err)
				}
				c, err = cases.Apply(c, e)
			}
			if tt.bad != errors.Is(err, cases.ErrIllegal) {
				t.Fatalf("error %v, want one: %v", err, tt.bad)
			}
			if got := (want{c.State, c.Alerts, c.Active, c.Level}); got != tt.want {
				t.Fatalf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestRebuildRefusesWhatIsNoHistory(t *testing.T) {
	for name, events := range map[string][]cases.Event{
		"empty":          nil,
		"headless":       {event(cases.EventJoined, count(1))},
		"positions back": {at(opened(alert.Motion, alert.Info), 5), at(event(cases.EventJoined, count(1)), 5)},
	} {
		if _, err := cases.Rebuild(events); !errors.Is(err, cases.ErrIllegal) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func at(e cases.Event, position int64) cases.Event {
	e.Position = position
	return e
}

// anyEvent draws an event that may or may not be legal.
func anyEvent(t *rapid.T) cases.Event {
	types := []cases.EventType{
		cases.EventOpened, cases.EventJoined, cases.EventRaised, cases.EventCleared, cases.EventAcknowledged, cases.EventClosed,
		cases.EventReopened, cases.EventHeld, cases.EventReleased, cases.EventStepped, cases.EventUndone, "unheard-of",
	}
	e := cases.Event{
		CaseID: rapid.SampledFrom([]string{"c1", "c1", "c1", "c2", ""}).Draw(t, "case"),
		Type:   rapid.SampledFrom(types).Draw(t, "type"),
		At:     t0.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "second")) * time.Second),
		Actor:  rapid.SampledFrom([]string{"", "zhang"}).Draw(t, "actor"),
		Count:  rapid.Int64Range(-1, 3).Draw(t, "count"),
		Reason: rapid.SampledFrom([]cases.Reason{"", cases.ReasonCleared, cases.ReasonHandled, cases.ReasonFalseAlarm, cases.ReasonReview, cases.ReasonSettled}).Draw(t, "reason"),

		Situation: rapid.SampledFrom([]string{"", "s1", "s2"}).Draw(t, "situation"),
		Severity:  rapid.SampledFrom([]alert.Severity{"", alert.Info, alert.Minor, alert.Critical}).Draw(t, "severity"),
	}
	if e.Type == cases.EventStepped || e.Type == cases.EventUndone {
		e.Action, e.Workflow, e.Step = "go", "base", rapid.SampledFrom([]string{"", "there"}).Draw(t, "step")
		e.State = rapid.SampledFrom([]cases.State{"", cases.Open, cases.Acknowledged, cases.Closed}).Draw(t, "state")
		e.Assignee = rapid.SampledFrom([]string{"", "li"}).Draw(t, "assignee")
		e.From, e.Undoes = t0, rapid.Int64Range(-1, 40).Draw(t, "undoes")
	}
	if rapid.Bool().Draw(t, "opening") {
		kind := rapid.SampledFrom([]alert.Kind{alert.Motion, alert.SOS, "unheard-of"}).Draw(t, "kind")
		e.Opening = &cases.Opening{Key: "k", Kind: kind, Class: "0401"}
	}
	return e
}

// Whatever comes, the legal events alone rebuild to the state that was reached, and an illegal one changes nothing.
func TestStateIsTheHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, err := cases.Apply(cases.Case{}, at(opened(rapid.SampledFrom([]alert.Kind{alert.Motion, alert.SOS}).Draw(t, "kind"), alert.Minor), 1))
		if err != nil {
			t.Fatal(err)
		}
		history := []cases.Event{at(opened(c.Kind, alert.Minor), 1)}
		gathered := int64(1)
		former := []*cases.Outcome{nil, {}}
		for i := range rapid.IntRange(0, 40).Draw(t, "events") {
			e := at(anyEvent(t), int64(i+2))
			if e.Type == cases.EventUndone {
				e.Former = rapid.SampledFrom(former).Draw(t, "former")
			}
			next, err := cases.Apply(c, e)
			if err != nil {
				if !reflect.DeepEqual(next, c) {
					t.Fatalf("refused %+v changed the case", e)
				}
				continue
			}
			was := c.Outcome()
			c, history, gathered, former = next, append(history, e), gathered+e.Count, append(former, &was)
			if e.Type == cases.EventUndone && !reflect.DeepEqual(c.Outcome(), *e.Former) {
				t.Fatalf("taken back to %+v, want %+v", c.Outcome(), *e.Former)
			}
		}
		rebuilt, err := cases.Rebuild(history)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(rebuilt, c) {
			t.Fatalf("rebuilt %+v, stored %+v", rebuilt, c)
		}
		if c.Alerts != gathered {
			t.Fatalf("counts %d alerts, gathered %d", c.Alerts, gathered)
		}
		if c.State == cases.Closed && c.ClosedBy == "" && c.Kind == alert.SOS {
			t.Fatal("a life-safety case closed by itself")
		}
	})
}
