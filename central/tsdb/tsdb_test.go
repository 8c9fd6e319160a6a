package tsdb

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

var epoch = time.UnixMilli(0).UTC()

func at(ms int64) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }

func TestValidateNamesTheRule(t *testing.T) {
	good := func() Sample {
		return Sample{Metric: "gridgate_reading", Labels: map[string]string{"edge": "e1"}, Value: 1, At: at(1)}
	}
	if err := good().Validate(); err != nil {
		t.Errorf("good sample: %v", err)
	}
	many := map[string]string{}
	for i := range MaxLabels + 1 {
		many[fmt.Sprintf("l%d", i)] = "x"
	}
	for want, change := range map[string]func(*Sample){
		"metric name":   func(s *Sample) { s.Metric = "gridgate__reading" },
		"at least two":  func(s *Sample) { s.Metric = strings.Repeat("a_", MaxNameLength) + "b" },
		"label name":    func(s *Sample) { s.Labels["_x"] = "y" },
		"is reserved":   func(s *Sample) { s.Labels["result"] = "y" },
		"more than 16":  func(s *Sample) { s.Labels = many },
		"edge is empty": func(s *Sample) { s.Labels["edge"] = "" },
		"longer than":   func(s *Sample) { s.Labels["edge"] = strings.Repeat("x", MaxValueLength+1) },
		"valid UTF-8":   func(s *Sample) { s.Labels["edge"] = "\xc3" },
		"backslash":     func(s *Sample) { s.Labels["edge"] = `a\` },
		"control":       func(s *Sample) { s.Labels["edge"] = "a\u0085b" },
		"finite":        func(s *Sample) { s.Value = math.Inf(1) },
		"time":          func(s *Sample) { s.At = time.Time{} },
	} {
		s := good()
		change(&s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want it to tell %q", err, want)
		}
	}
}

func TestRangeIsWidenedToWholeSteps(t *testing.T) {
	for _, c := range []struct{ from, to, step, wantFrom, wantTo int64 }{
		{1, 5, 0, 1, 5},
		{0, 60, 60, 0, 60},
		{1, 61, 60, 0, 120},
		{59, 60, 60, 0, 60},
		{-1, 1, 60, -60, 60},
	} {
		s := Selector{From: at(c.from), To: at(c.to), Step: time.Duration(c.step) * time.Millisecond}
		if from, to := s.Range(); from != c.wantFrom || to != c.wantTo {
			t.Errorf("%+v: [%d, %d)", c, from, to)
		}
	}
	s := Selector{From: at(1).Add(time.Microsecond), To: at(2).Add(time.Microsecond)}
	if from, to := s.Range(); from != 1 || to != 3 {
		t.Errorf("microseconds: [%d, %d), want [1, 3)", from, to)
	}
}

func TestScreenSortsAndRefuses(t *testing.T) {
	now := at(100_000)
	a := Admission{MaxSeries: 2, Past: time.Minute, Ahead: time.Second, Now: func() time.Time { return now }}
	sample := func(device string, ms int64, v float64) Sample {
		return Sample{Metric: "a_b", Labels: map[string]string{"device": device}, Value: v, At: at(ms)}
	}
	admitted, refused := a.Screen([]Sample{
		sample("x", 100_000, 1), sample("y", 99_000, 2), sample("z", 99_000, 3), sample("x", 90_000, 4), // z: one series too many
		sample("x", 100_000, 1), sample("x", 100_000, 9), // once more, then with another value
		sample("x", 101_001, 5), sample("x", 39_999, 6), // ahead, past
	})
	var got []string
	for _, in := range admitted {
		got = append(got, fmt.Sprint(in.Index, "@", in.Ms))
	}
	if want := "3@90000 1@99000 0@100000"; strings.Join(got, " ") != want {
		t.Errorf("admitted %v, want %s", got, want)
	}
	for i, why := range map[int]string{2: "too many", 5: ReasonOtherValue, 6: "ahead", 7: "ago"} {
		if !strings.Contains(refused[i], why) {
			t.Errorf("sample %d: %q, want %q", i, refused[i], why)
		}
	}
	if len(refused) != 4 {
		t.Errorf("refused %v", refused)
	}
	if a.Forget(); a.Full() {
		t.Error("full after it forgot all")
	}
}

// What edges tell of themselves takes no room from what their sensors measure, and goes on where it was there before.
func TestSpareSeriesLeaveRoom(t *testing.T) {
	a := Admission{MaxSeries: 5, Now: func() time.Time { return at(0) }}
	screen := func(device string, spare bool) Rejection {
		_, refused := a.Screen([]Sample{{Metric: "a_b", Labels: map[string]string{"device": device}, At: at(0), Spare: spare}})
		return refused
	}
	for i, tc := range []struct {
		device string
		spare  bool
		taken  bool
	}{
		{"a", true, true}, {"b", true, true}, {"c", false, true},
		{"d", true, false}, {"d", false, true}, {"a", true, true}, {"e", false, true}, {"f", false, false}, {"b", true, true},
	} {
		if refused := screen(tc.device, tc.spare); (len(refused) == 0) != tc.taken {
			t.Errorf("%d: series %s, spare %v: refused %v", i, tc.device, tc.spare, refused)
		}
	}
}

func TestSeriesIDsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, labels := range []map[string]string{nil, {"a": "b"}, {"a": "bc"}, {"ab": "c"}, {"a": "b", "c": "d"}, {"a": "b c=d"}} {
		id := SeriesID("m_n", labels)
		if seen[id] {
			t.Errorf("%v has an id that was seen", labels)
		}
		seen[id] = true
	}
}

func TestCollectorHoldsItsBounds(t *testing.T) {
	c := NewCollector(Selector{})
	g := c.Series("a_b", nil)
	for ms := range int64(MaxPoints) {
		if err := g.Add(ms, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Series("a_b", map[string]string{"x": "y"}).Add(1, 1); !errors.Is(err, ErrTooManyPoints) {
		t.Errorf("one point too many: %v", err)
	}
	c = NewCollector(Selector{Step: time.Millisecond * MaxPoints})
	g = c.Series("a_b", nil)
	for ms := range int64(2 * MaxPoints) {
		if err := g.Add(ms, float64(ms/MaxPoints)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.Result()
	if err != nil || len(got) != 1 || len(got[0].Points) != 2 || got[0].Points[1] != (Point{At: at(MaxPoints), Value: 1}) {
		t.Errorf("means: %v, %v", got, err)
	}
}

func TestCollectorMeansBeforeTheEpoch(t *testing.T) {
	c := NewCollector(Selector{Step: time.Second})
	for ms, v := range map[int64]float64{-1: 4} {
		if err := c.Series("a_b", nil).Add(ms, v); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := c.Result(); len(got) != 1 || got[0].Points[0] != (Point{At: at(-1000), Value: 4}) {
		t.Errorf("got %v", got)
	}
}

func TestRejectionNamesTheFirst(t *testing.T) {
	r := Rejection{7: "late", 3: "early"}
	if got := r.Error(); got != "2 samples refused, the first at index 3: early" {
		t.Error(got)
	}
	if err := (Rejection{}).OrNil(); err != nil {
		t.Errorf("an empty rejection is an error: %v", err)
	}
}
