package rule_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gridgate/edge/sensor/rule"
	"gridgate/protocols/alert"
)

// all are sets of one rule of each sort, on numbers of sensor a.
func all(t fatal) rule.Set {
	set := rule.Set{NoDefaults: true}
	for _, r := range []*rule.Rule{
		hot(45, 0, 0),
		{Name: "warm", Kind: alert.Temperature, For: 3 * time.Minute, Hold: time.Minute, Level: &rule.Level{Quantity: "temperature", Above: p(40), Clear: p(35)}},
		{Name: "cold", Kind: alert.Temperature, Zone: "yard", For: time.Minute, Level: &rule.Level{Quantity: "temperature", Below: p(3)}},
		{Name: "rise", Kind: alert.Heat, Rate: &rule.Rate{Level: rule.Level{Quantity: "temperature", Above: p(8)}, Per: time.Minute, Over: 2 * time.Minute}},
		{Name: "mute", Kind: alert.DeviceFault, Absence: &rule.Absence{After: 5 * time.Minute}},
		{Name: "mix", Kind: alert.Other, Combination: &rule.Combination{When: "x > 30",
			Inputs: map[string]rule.Input{"x": {Sensor: "a", Quantity: "temperature", MaxAge: time.Minute}}}},
	} {
		set.Own = append(set.Own, own(t, r).Own...)
	}
	return set
}

// TestRulesAlternate: whatever is told in whatever order, and wherever it starts anew, of each rule raised and cleared take turns.
func TestRulesAlternate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLab(t, all(t), a)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			l.to(l.now.Sub(begin) + time.Duration(rapid.IntRange(0, 120).Draw(t, "seconds"))*time.Second)
			v, late := rapid.Float64Range(-10, 80).Draw(t, "value"), rapid.SampledFrom([]int{0, 0, 0, 1, 90, 600}).Draw(t, "late")
			l.numberAt("a", "temperature", v, l.now.Add(-time.Duration(late)*time.Second))
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				l.restart()
			}
		}
		up := map[string]string{}
		for _, a := range l.alerts {
			switch {
			case a.State == alert.Raised && up[a.Key] == "":
				up[a.Key] = a.ID
			case a.State == alert.Cleared && up[a.Key] == a.Situation:
				delete(up, a.Key)
			default:
				t.Fatalf("%s is %s out of turn: %s", a.Key, a.State, l.ours())
			}
		}
	})
}

// TestNothingFlapsWithinTheBand: once raised, no number of the band changes anything; nor do they begin anything.
func TestNothingFlapsWithinTheBand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLab(t, own(t, hot(45, 0, 0)), a)
		want := ""
		if rapid.Bool().Draw(t, "raised") {
			l.number("a", "temperature", 50)
			want = "hot raised 0s"
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			l.to(l.now.Sub(begin) + time.Duration(rapid.IntRange(0, 200).Draw(t, "seconds"))*time.Second)
			l.number("a", "temperature", rapid.Float64Range(45, 49.99).Draw(t, "value"))
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				l.restart()
			}
		}
		l.want(want)
	})
}

// TestARestartChangesNoThreshold: with restarts anywhere, thresholds bring the same alerts at the same times.
func TestARestartChangesNoThreshold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := all(t)
		set.Own = set.Own[:3]
		steady, torn := newLab(t, set, a), newLab(t, set, a)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			wait := time.Duration(rapid.IntRange(0, 24).Draw(t, "waits")) * 5 * time.Second
			v, again := rapid.Float64Range(-10, 80).Draw(t, "value"), rapid.IntRange(0, 2).Draw(t, "restart") == 0
			for _, l := range []*lab{steady, torn} {
				l.to(l.now.Sub(begin) + wait)
				l.number("a", "temperature", v)
			}
			if again {
				torn.restart()
			}
		}
		steady.to(3 * time.Hour)
		torn.to(3 * time.Hour)
		torn.want(steady.ours())
	})
}

// TestLateAndOddNumbersMakeNoRate: the quantity rises at less than the rule's rate; numbers come late, doubled, and at most one of those
// in a window is wrong by anything.
func TestLateAndOddNumbersMakeNoRate(t *testing.T) {
	rise := &rule.Rule{Name: "rise", Kind: alert.WaterLevel,
		Rate: &rule.Rate{Level: rule.Level{Quantity: "water_level", Above: p(0.3)}, Per: time.Hour, Over: 15 * time.Minute}}
	rapid.Check(t, func(t *rapid.T) {
		l := newLab(t, own(t, rise), a)
		slope := rapid.Float64Range(-2, 0.29).Draw(t, "slope")
		truth := func(at time.Time) float64 { return 1 + slope*at.Sub(begin).Hours() }
		since := 5 // good numbers since the last wrong one
		for i := range rapid.IntRange(5, 60).Draw(t, "steps") {
			l.to(l.now.Sub(begin) + time.Duration(rapid.IntRange(60, 400).Draw(t, "seconds"))*time.Second)
			late := time.Duration(rapid.SampledFrom([]int{0, 0, 0, 30, 3000}).Draw(t, "late")) * time.Second
			at := l.now.Add(-late)
			v := truth(at)
			if since >= 16 && rapid.Bool().Draw(t, fmt.Sprint("wrong ", i)) {
				v, since = rapid.Float64Range(-100, 100).Draw(t, "odd"), 0
			}
			since++
			for range rapid.IntRange(1, 3).Draw(t, "times") {
				l.numberAt("a", "water_level", v, at)
			}
		}
		l.want("")
	})
}
