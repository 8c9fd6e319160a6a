package correlate_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gridgate/central/cases"
	"gridgate/central/correlate"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

var t0 = time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)

// id is the n-th id that an edge minted: a UUIDv7 that sorts by n.
func id(n int) string { return fmt.Sprintf("019ca000-%04x-7000-8000-000000000000", n) }

func raised(n int, s alert.Severity) store.Received {
	return store.Received{ReceivedAt: t0, Alert: alert.Alert{
		ID: id(n), Situation: id(n), State: alert.Raised, Kind: alert.Motion, Severity: s, Key: "e/cam/gate/motion", Grid: "330106109001",
		Source: "/edges/e/cameras/cam", Zone: "gate", OccurredAt: t0.Add(time.Duration(n) * time.Second),
	}}
}

func momentary(n int, s alert.Severity) store.Received {
	a := raised(n, s)
	a.State, a.Situation = alert.Momentary, ""
	return a
}

func cleared(n, situation int) store.Received {
	a := raised(n, alert.Info)
	a.State, a.Situation = alert.Cleared, id(situation)
	return a
}

func ofKind(k alert.Kind, a store.Received) store.Received {
	a.Kind = k
	return a
}

// township plays the store: it keeps the cases of one key and what ended before its raise.
type township struct {
	cases  []cases.Case
	tomb   map[string]bool
	raised map[string]bool
	alerts int64 // that have a case
}

// ingest plays one transaction and returns the events told, like "opened 1, joined 3".
func (w *township) ingest(t interface{ Fatal(...any) }, now time.Time, alerts ...store.Received) string {
	if w.tomb == nil {
		w.tomb, w.raised = map[string]bool{}, map[string]bool{}
	}
	var newest *cases.Case
	before := len(w.cases)
	if before > 0 {
		newest = &w.cases[before-1]
	}
	rule := correlate.KeyRule{ReopenWithin: correlate.ReopenWithin, NewID: func() string { return fmt.Sprintf("case-%d", before+1) }}
	events := rule.Decide(newest, alerts, func(s string) bool { return w.tomb[s] }, now)
	var told []string
	for _, e := range events {
		if e.Type == cases.EventOpened {
			w.cases = append(w.cases, cases.Case{})
		}
		c := &w.cases[len(w.cases)-1]
		next, err := cases.Apply(*c, e)
		if err != nil {
			t.Fatal(err)
		}
		*c = next
		told = append(told, fmt.Sprintf("%s %d", e.Type, e.Count))
	}
	w.note(alerts, before > 0, events)
	return strings.Join(told, ", ")
}

// note remembers what a store would.
func (w *township) note(alerts []store.Received, has bool, events []cases.Event) {
	opener := ""
	for _, e := range events {
		if e.Type == cases.EventOpened {
			opener = e.AlertID
		}
	}
	for _, a := range alerts {
		has = has || a.ID == opener
		if has {
			w.alerts++
		}
		w.raised[a.ID] = true
	}
	for _, a := range alerts {
		if a.State == alert.Cleared && !w.raised[a.Situation] {
			w.tomb[a.Situation] = true
		}
	}
}

// newest is how the newest case stands, in words.
func (w *township) newest() string {
	if len(w.cases) == 0 {
		return "none"
	}
	c := w.cases[len(w.cases)-1]
	words := []string{c.ID, string(c.State), string(c.Severity), fmt.Sprint(c.Alerts)}
	if c.Active {
		words = append(words, "active")
	}
	return strings.Join(words, " ")
}

// step is one moment of a timeline: alerts that arrive together, or what an operator does; and what follows.
type step struct {
	after  time.Duration // since the start
	alerts []store.Received
	does   cases.EventType // by an operator
	told   string
	stands string
}

func TestTimelines(t *testing.T) {
	const min = time.Minute
	one := func(a ...store.Received) []store.Received { return a }
	storm := make([]store.Received, 1000)
	for i := range storm {
		storm[i] = momentary(i+2, alert.Info)
	}
	timelines := map[string][]step{
		"the first alert opens, further ones join": {
			{after: 0, alerts: one(raised(1, alert.Info)), told: "opened 1", stands: "case-1 open info 1 active"},
			{after: min, alerts: one(momentary(2, alert.Info)), told: "joined 1", stands: "case-1 open info 2 active"},
		},
		"a storm is one event": {
			{after: 0, alerts: one(momentary(1, alert.Info)), told: "opened 1", stands: "case-1 open info 1"},
			{after: min, alerts: storm, told: "joined 1000", stands: "case-1 open info 1001"},
		},
		"a graver alert raises the level, once": {
			{after: 0, alerts: one(raised(1, alert.Info)), told: "opened 1", stands: "case-1 open info 1 active"},
			{after: min, alerts: one(momentary(2, alert.Minor), momentary(3, alert.Critical), momentary(4, alert.Major)), told: "joined 3, level-raised 0", stands: "case-1 open critical 4 active"},
		},
		"its clear closes it": {
			{after: 0, alerts: one(raised(1, alert.Info)), told: "opened 1", stands: "case-1 open info 1 active"},
			{after: min, alerts: one(cleared(2, 1)), told: "cleared 1, closed 0", stands: "case-1 closed info 2"},
		},
		"a clear does not close what somebody took on": {
			{after: 0, alerts: one(raised(1, alert.Info)), told: "opened 1", stands: "case-1 open info 1 active"},
			{after: min, does: cases.EventAcknowledged, stands: "case-1 acknowledged info 1 active"},
			{after: 2 * min, alerts: one(cleared(2, 1)), told: "cleared 1", stands: "case-1 acknowledged info 2"},
			{after: 3 * min, alerts: one(raised(3, alert.Info)), told: "joined 1", stands: "case-1 acknowledged info 3 active"},
		},
		"a clear does not close life-safety": {
			{after: 0, alerts: one(ofKind(alert.Smoke, raised(1, alert.Critical))), told: "opened 1", stands: "case-1 open critical 1 active"},
			{after: min, alerts: one(ofKind(alert.Smoke, cleared(2, 1))), told: "cleared 1", stands: "case-1 open critical 2"},
		},
		"the same key soon after an automatic close reopens": {
			{after: 0, alerts: one(raised(1, alert.Info), cleared(2, 1)), told: "opened 1, cleared 1, closed 0", stands: "case-1 closed info 2"},
			{after: 29 * min, alerts: one(raised(3, alert.Minor)), told: "reopened 1, level-raised 0", stands: "case-1 open minor 3 active"},
		},
		"later it is a new case": {
			{after: 0, alerts: one(raised(1, alert.Info), cleared(2, 1)), told: "opened 1, cleared 1, closed 0", stands: "case-1 closed info 2"},
			{after: 30 * min, alerts: one(raised(3, alert.Info)), told: "opened 1", stands: "case-2 open info 1 active"},
		},
		"after an operator closed it, it is a new case at once": {
			{after: 0, alerts: one(raised(1, alert.Info)), told: "opened 1", stands: "case-1 open info 1 active"},
			{after: min, does: cases.EventClosed, stands: "case-1 closed info 1 active"},
			{after: 2 * min, alerts: one(cleared(2, 1), raised(3, alert.Info)), told: "cleared 1, opened 1", stands: "case-2 open info 1 active"},
			{after: 3 * min, alerts: one(cleared(4, 3)), told: "cleared 1, closed 0", stands: "case-2 closed info 2"},
		},
		"flapping within one group is told once": {
			{after: 0, alerts: one(raised(1, alert.Info), cleared(2, 1), raised(3, alert.Info), cleared(4, 3), raised(5, alert.Info)), told: "opened 1, joined 2, cleared 2", stands: "case-1 open info 5 active"},
			{after: min, alerts: one(cleared(6, 5), raised(7, alert.Info), cleared(8, 7)), told: "joined 1, cleared 2, closed 0", stands: "case-1 closed info 8"},
		},
		"a clear overtakes its raise": {
			{after: 0, alerts: one(cleared(2, 1)), told: "", stands: "none"},
			{after: min, alerts: one(raised(1, alert.Info)), told: "opened 1, cleared 0, closed 0", stands: "case-1 closed info 1"},
		},
		"a clear overtakes its raise, life-safety": {
			{after: 0, alerts: one(ofKind(alert.SOS, cleared(2, 1))), told: "", stands: "none"},
			{after: min, alerts: one(ofKind(alert.SOS, raised(1, alert.Critical))), told: "opened 1, cleared 0", stands: "case-1 open critical 1"},
		},
		"a clear overtakes its raise within a group": {
			{after: 0, alerts: one(cleared(2, 1), raised(1, alert.Info)), told: "opened 1, cleared 0, closed 0", stands: "case-1 closed info 1"},
		},
		"a late raise that is over joins a case that goes on": {
			{after: 0, alerts: one(raised(5, alert.Info)), told: "opened 1", stands: "case-1 open info 1 active"},
			{after: min, alerts: one(cleared(2, 1)), told: "cleared 1", stands: "case-1 open info 2 active"},
			{after: 2 * min, alerts: one(raised(1, alert.Info)), told: "joined 1", stands: "case-1 open info 3 active"},
			{after: 3 * min, alerts: one(cleared(6, 5)), told: "cleared 1, closed 0", stands: "case-1 closed info 4"},
		},
		"the backlog does not end what goes on now": {
			{after: 0, alerts: one(raised(5, alert.Info)), told: "opened 1", stands: "case-1 open info 1 active"},
			{after: min, alerts: one(raised(1, alert.Info)), told: "joined 1", stands: "case-1 open info 2 active"},
			{after: 2 * min, alerts: one(cleared(2, 1)), told: "cleared 1", stands: "case-1 open info 3 active"},
			{after: 3 * min, alerts: one(cleared(6, 5)), told: "cleared 1, closed 0", stands: "case-1 closed info 4"},
		},
		"a second clear of the same situation closes nothing": {
			{after: 0, alerts: one(raised(1, alert.Info), cleared(2, 1)), told: "opened 1, cleared 1, closed 0", stands: "case-1 closed info 2"},
			{after: min, alerts: one(momentary(3, alert.Info)), told: "reopened 1", stands: "case-1 open info 3"},
			{after: 2 * min, alerts: one(cleared(4, 1)), told: "cleared 1", stands: "case-1 open info 4"},
		},
	}
	for name, steps := range timelines {
		t.Run(name, func(t *testing.T) {
			var w township
			for i, s := range steps {
				if s.does != "" {
					w.operate(t, s.does, t0.Add(s.after))
				} else if told := w.ingest(t, t0.Add(s.after), s.alerts...); told != s.told {
					t.Fatalf("step %d: told %q, want %q", i, told, s.told)
				}
				if got := w.newest(); got != s.stands {
					t.Fatalf("step %d: stands %q, want %q", i, got, s.stands)
				}
			}
		})
	}
}

// operate lets an operator do something to the newest case.
func (w *township) operate(t interface{ Fatal(...any) }, typ cases.EventType, now time.Time) {
	c := &w.cases[len(w.cases)-1]
	e := cases.Event{CaseID: c.ID, Type: typ, At: now, Actor: "zhang"}
	if typ == cases.EventClosed {
		e.Reason = cases.ReasonHandled
	}
	next, err := cases.Apply(*c, e)
	if err != nil {
		t.Fatal(err)
	}
	*c = next
}

func TestOpeningSaysWhatTheCaseIsAbout(t *testing.T) {
	previous := cases.Case{ID: "old", State: cases.Closed, ClosedBy: "zhang"}
	a := raised(1, alert.Major)
	a.Exercise = true
	e := correlate.ByKey(&previous, []store.Received{a}, func(string) bool { return false }, t0)[0]
	want := &cases.Opening{
		Key: a.Key, Kind: alert.Motion, Class: "0401", Grid: a.Grid, Source: a.Source, Zone: "gate", Exercise: true, Previous: "old",
	}
	if !reflect.DeepEqual(e.Opening, want) || e.Severity != alert.Major || e.AlertID != a.ID || !e.From.Equal(a.OccurredAt) {
		t.Fatalf("got %+v with opening %+v", e, e.Opening)
	}
	if e.CaseID == "" || e.CaseID == "old" {
		t.Fatalf("case id %q is not a new one", e.CaseID)
	}
}

// Cutting a stream of alerts into groups, in any way, changes no case; and the cases count every alert that found one.
func TestGroupsDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]alert.Kind{alert.Motion, alert.SOS}).Draw(t, "kind")
		severities := rapid.SampledFrom([]alert.Severity{alert.Info, alert.Minor, alert.Critical})
		var alerts []store.Received
		for n := range rapid.IntRange(1, 30).Draw(t, "alerts") {
			order := rapid.IntRange(0, 9).Draw(t, "order")*100 + n // ids arrive out of order
			var a store.Received
			switch rapid.SampledFrom([]alert.State{alert.Raised, alert.Cleared, alert.Momentary}).Draw(t, "state") {
			case alert.Raised:
				a = raised(order, severities.Draw(t, "severity"))
			case alert.Momentary:
				a = momentary(order, severities.Draw(t, "severity"))
			default:
				if len(alerts) == 0 {
					continue
				}
				a = cleared(order, 0)
				a.Situation = alerts[rapid.IntRange(0, len(alerts)-1).Draw(t, "of")].ID
			}
			alerts = append(alerts, ofKind(kind, a))
		}
		alerts = rapid.Permutation(alerts).Draw(t, "arrival")
		var single, grouped township
		now, rest := t0, alerts
		for len(rest) > 0 {
			n := rapid.IntRange(1, len(rest)).Draw(t, "group")
			for _, a := range rest[:n] {
				single.ingest(t, now, a)
			}
			grouped.ingest(t, now, rest[:n]...)
			rest = rest[n:]
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "minutes")) * time.Minute)
		}
		if !reflect.DeepEqual(single.cases, grouped.cases) {
			t.Fatalf("one by one %+v\ngrouped    %+v", single.cases, grouped.cases)
		}
		var sum int64
		for _, c := range grouped.cases {
			sum += c.Alerts
		}
		if sum != grouped.alerts {
			t.Fatalf("cases count %d alerts, %d found one", sum, grouped.alerts)
		}
	})
}
