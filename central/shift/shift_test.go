package shift

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/correlate/rules"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func draft() Handover {
	return Handover{Head: Head{ID: "1", State: Draft, From: noon.Add(-8 * time.Hour), Until: noon.Add(8 * time.Hour), Outgoing: "day"}}
}

// step is one thing that an account does.
type step struct{ what, actor string }

func (s step) do(h Handover) (Handover, error) {
	switch s.what {
	case "change":
		return h.Change(s.actor, "words", nil)
	case "sign":
		return h.Sign(s.actor, noon)
	case "accept":
		return h.Accept(s.actor, noon)
	}
	return h.Withdraw(s.actor, s.actor == "chief", noon)
}

// Each row is a life of a handover: all steps but the last go well.
func TestTwoSignatures(t *testing.T) {
	for name, tc := range map[string]struct {
		steps []step
		state State
		err   error
	}{
		"both sign":                         {[]step{{"change", "day"}, {"sign", "day"}, {"accept", "night"}}, Accepted, nil},
		"the other cannot change it":        {[]step{{"change", "night"}}, Draft, ErrOther},
		"the other cannot sign first":       {[]step{{"sign", "night"}}, Draft, ErrOther},
		"a draft cannot be accepted":        {[]step{{"accept", "night"}}, Draft, ErrState},
		"one account cannot be both":        {[]step{{"sign", "day"}, {"accept", "day"}}, Signed, ErrSame},
		"what is signed does not change":    {[]step{{"sign", "day"}, {"change", "day"}}, Signed, ErrState},
		"signing once is enough":            {[]step{{"sign", "day"}, {"sign", "day"}}, Signed, ErrState},
		"what both signed does not change":  {[]step{{"sign", "day"}, {"accept", "night"}, {"change", "day"}}, Accepted, ErrState},
		"what both signed stays":            {[]step{{"sign", "day"}, {"accept", "night"}, {"withdraw", "day"}}, Accepted, ErrState},
		"what both signed stays for chiefs": {[]step{{"sign", "day"}, {"accept", "night"}, {"withdraw", "chief"}}, Accepted, ErrState},
		"nobody takes over twice":           {[]step{{"sign", "day"}, {"accept", "night"}, {"accept", "late"}}, Accepted, ErrState},
		"a draft is withdrawn":              {[]step{{"withdraw", "day"}}, Withdrawn, nil},
		"a signed one is withdrawn":         {[]step{{"sign", "day"}, {"withdraw", "day"}}, Withdrawn, nil},
		"a chief withdraws it":              {[]step{{"sign", "day"}, {"withdraw", "chief"}}, Withdrawn, nil},
		"the other does not":                {[]step{{"sign", "day"}, {"withdraw", "night"}}, Signed, ErrOther},
		"what was withdrawn is over":        {[]step{{"withdraw", "day"}, {"accept", "night"}}, Withdrawn, ErrState},
	} {
		h, err := draft(), error(nil)
		for i, s := range tc.steps {
			before := h
			if h, err = s.do(h); err != nil && (i+1 < len(tc.steps) || !reflect.DeepEqual(h, before)) {
				t.Errorf("%s: step %d: %v, %+v", name, i, err, h)
			}
		}
		if !errors.Is(err, tc.err) || h.State != tc.state {
			t.Errorf("%s: %v, %s", name, err, h.State)
		}
		if both := h.State == Accepted; both != (h.Incoming == "night") || both == h.AcceptedAt.IsZero() {
			t.Errorf("%s: signed as %+v", name, h.Head)
		}
	}
}

func TestChangesAreBounded(t *testing.T) {
	h := draft()
	for range MaxEdits {
		var err error
		if h, err = h.Change("day", " 泵房  ", &Picture{Parked: 7}); err != nil || h.Notes != "泵房" || h.Picture.Parked != 7 {
			t.Fatalf("%v, %+v", err, h)
		}
	}
	if _, err := h.Change("day", "x", nil); !errors.Is(err, ErrEdits) {
		t.Errorf("one more change: %v", err)
	}
	if _, err := h.Sign("day", noon); err != nil {
		t.Errorf("it can still be signed: %v", err)
	}
}

func TestNotes(t *testing.T) {
	for text, bad := range map[string]bool{"": false, "三号泵停用": false, "找 13812345678": true, strings.Repeat("泵", MaxNotes): false, strings.Repeat("泵", MaxNotes+1): true} {
		if _, err := Notes(text); (err != nil) != bad || bad && (!errors.Is(err, ErrNotes) || strings.Contains(err.Error(), "138")) {
			t.Errorf("%.20q: %v", text, err)
		}
		if _, err := draft().Change("day", text, nil); (err != nil) != bad {
			t.Errorf("changed to %.20q: %v", text, err)
		}
	}
}

func TestPeriod(t *testing.T) {
	for _, tc := range []struct {
		from, until time.Duration
		bad         bool
	}{{-8, 8, false}, {-24, 24, false}, {0, 8, true}, {-8, 0, true}, {-25, 8, true}, {-8, 25, true}} {
		if err := Period(noon.Add(tc.from*time.Hour), noon, noon.Add(tc.until*time.Hour)); (err != nil) != tc.bad {
			t.Errorf("from %d to %d hours: %v", tc.from, tc.until, err)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, tc := range []struct {
		about, mine string
		within      bool
	}{{"", "", true}, {"3301", "", true}, {"", "3301", false}, {"330106", "3301", true}, {"3301", "330106", false}, {"330106 3302", "3301", false}, {"330106 3302", "3302 3301", true}} {
		h := Head{Grids: strings.Fields(tc.about)}
		if h.Within(strings.Fields(tc.mine)) != tc.within {
			t.Errorf("about %q for who sees %q: %t", tc.about, tc.mine, !tc.within)
		}
	}
}

// caseOf is a case of a severity that was opened so long before noon.
func caseOf(id string, s alert.Severity, ago time.Duration, change ...func(*cases.Case)) cases.Case {
	c := cases.Case{ID: id, Opening: cases.Opening{Kind: alert.Motion, Grid: "330106001001001"}, State: cases.Open, Severity: s, OpenedAt: noon.Add(-ago)}
	for _, f := range change {
		f(&c)
	}
	return c
}

func due(in time.Duration) func(*cases.Case) {
	return func(c *cases.Case) { c.Deadlines = []cases.Deadline{{Name: "reach", Due: noon.Add(in)}} }
}

func wakes(in time.Duration) func(*cases.Case) {
	return func(c *cases.Case) { c.State, c.WakeAt = cases.Acknowledged, noon.Add(in) }
}

func closed(ago time.Duration, why cases.Reason) func(*cases.Case) {
	return func(c *cases.Case) { c.State, c.ClosedAt, c.Reason = cases.Closed, noon.Add(-ago), why }
}

func ids(lines []CaseLine) string {
	var out []string
	for _, l := range lines {
		out = append(out, l.ID)
	}
	return strings.Join(out, " ")
}

func gather(list ...cases.Case) Picture {
	g := Gatherer{From: noon.Add(-8 * time.Hour), At: noon, Until: noon.Add(8 * time.Hour)}
	for _, c := range list {
		g.Case(c)
	}
	return g.Picture()
}

func TestPictureOfCases(t *testing.T) {
	part := func(c *cases.Case) { c.Parent = "a" }
	drill := func(c *cases.Case) { c.Exercise = true }
	p := gather(
		caseOf("a", alert.Critical, time.Hour), caseOf("b", alert.Critical, 2*time.Hour), caseOf("c", alert.Critical, time.Minute, due(-time.Minute)),
		caseOf("d", alert.Info, 72*time.Hour, due(time.Hour)), caseOf("e", alert.Minor, time.Hour, wakes(2*time.Hour)), caseOf("f", alert.Minor, time.Hour, wakes(9*time.Hour)),
		caseOf("g", alert.Minor, time.Hour, func(c *cases.Case) { c.ParkedAt = noon }, due(30*time.Minute)),
		caseOf("h", alert.Critical, time.Hour, part), caseOf("i", alert.Critical, time.Hour, drill), caseOf("j", alert.Critical, time.Hour, closed(time.Minute, cases.ReasonFalseAlarm)),
	)
	want := []Tally{{alert.Critical, 3, 0, 1}, {alert.Major, 0, 0, 0}, {alert.Minor, 1, 2, 0}, {alert.Info, 1, 0, 0}}
	if !reflect.DeepEqual(p.Open, want) || p.Parked != 1 || !p.At.Equal(noon) {
		t.Errorf("open: %+v, parked %d", p.Open, p.Parked)
	}
	if got := ids(p.Worst); got != "c b a e f g d" {
		t.Errorf("the worst: %s", got)
	}
	if got := ids(p.Due.Items); got != "g d" || p.Due.Total != 2 {
		t.Errorf("due: %s of %d", got, p.Due.Total)
	}
	if got := ids(p.Waking.Items); got != "e" {
		t.Errorf("waking: %s", got)
	}
	if got := ids(p.Exercises.Items); got != "i" {
		t.Errorf("drills: %s", got)
	}
}

func TestWhatHappened(t *testing.T) {
	p := gather(
		caseOf("in", alert.Info, time.Hour), caseOf("sos", alert.Critical, time.Hour, func(c *cases.Case) { c.Kind = alert.SOS }),
		caseOf("part", alert.Info, time.Hour, func(c *cases.Case) { c.Parent = "in" }), caseOf("before", alert.Info, 9*time.Hour),
		caseOf("false", alert.Info, time.Hour, closed(time.Minute, cases.ReasonFalseAlarm)), caseOf("cleared", alert.Info, 30*time.Hour, closed(time.Hour, cases.ReasonCleared)),
		caseOf("long closed", alert.Info, 30*time.Hour, closed(20*time.Hour, cases.ReasonHandled)),
		caseOf("drill", alert.Info, time.Hour, func(c *cases.Case) { c.Exercise = true }),
	)
	if want := (Happened{Opened: 4, LifeSafety: 1, Merged: 1, Closed: 2, Cleared: 1, FalseAlarms: 1}); p.Happened != want {
		t.Errorf("%+v, want %+v", p.Happened, want)
	}
}

func TestPictureIsBounded(t *testing.T) {
	var many []cases.Case
	for i := range 300 {
		many = append(many, caseOf(fmt.Sprintf("%03d", i), alert.Minor, time.Hour, wakes(time.Hour), due(time.Hour)))
		many = append(many, caseOf(fmt.Sprintf("d%03d", i), alert.Minor, time.Hour, func(c *cases.Case) { c.Exercise = true }))
	}
	p := gather(many...)
	if p.Open[2].Acknowledged != 300 || len(p.Worst) != MaxWorst || len(p.Due.Items) != MaxDue || p.Due.Total != 300 || len(p.Waking.Items) != MaxWaking || len(p.Exercises.Items) != MaxExercises {
		t.Errorf("%d worst, %d due of %d, %d waking, %d drills", len(p.Worst), len(p.Due.Items), p.Due.Total, len(p.Waking.Items), len(p.Exercises.Items))
	}
}

func TestPictureOfDevices(t *testing.T) {
	g := Gatherer{From: noon.Add(-8 * time.Hour), At: noon, Until: noon.Add(8 * time.Hour)}
	device := func(id, grid, state string) ingest.DeviceState {
		return ingest.DeviceState{ID: id, Family: "cameras", Grid: grid, State: state, Since: noon.Add(-time.Hour)}
	}
	edge := func(id string, ago time.Duration, devices ...ingest.DeviceState) store.Edge {
		return store.Edge{ID: id, LastSync: noon.Add(-ago), Report: ingest.SyncRequest{Devices: devices}}
	}
	here := func(grid string) bool { return grid == "1" }
	g.Edge(edge("well", time.Minute, device("good", "1", "streaming"), device("bad", "1", "stalled"), device("elsewhere", "2", "stalled")), false, here)
	g.Edge(edge("away", time.Hour, device("x", "1", "stalled"), device("y", "2", "streaming")), false, here)
	g.Edge(edge("hidden", time.Hour, device("z", "2", "streaming")), false, here)
	g.Edge(edge("empty", 2*time.Hour), true, here)
	p := g.Picture()
	if p.Devices.Total != 1 || p.Devices.Items[0].ID != "bad" || p.Devices.Items[0].Edge != "well" {
		t.Errorf("devices: %+v", p.Devices)
	}
	if p.Edges.Total != 2 || p.Edges.Items[0].ID != "empty" || p.Edges.Items[1] != (EdgeLine{ID: "away", Since: noon.Add(-time.Hour), Devices: 1}) {
		t.Errorf("edges: %+v", p.Edges)
	}
}

func TestPictureOfSilences(t *testing.T) {
	g := Gatherer{From: noon.Add(-8 * time.Hour), At: noon, Until: noon.Add(8 * time.Hour)}
	silence := func(id string, from, until time.Duration) rules.Silence {
		return rules.Silence{ID: id, Sort: rules.Maintenance, Grid: "33", Reason: "works", From: noon.Add(from), Until: noon.Add(until)}
	}
	ended := silence("ended", -time.Hour, time.Hour)
	ended.EndedAt = noon.Add(-time.Minute)
	for _, s := range []rules.Silence{silence("late", time.Hour, 3*time.Hour), silence("now", -time.Hour, 2*time.Hour), silence("over", -2*time.Hour, 0), silence("far", 9*time.Hour, 10*time.Hour), ended} {
		g.Silence(s)
	}
	p := g.Picture()
	if p.Silences.Total != 2 || p.Silences.Items[0].ID != "now" || !p.Silences.Items[0].Active || p.Silences.Items[1].Active {
		t.Errorf("%+v", p.Silences)
	}
}
