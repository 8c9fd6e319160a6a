package rule_test

import (
	"testing"
	"time"

	"gridgate/edge/sensor/rule"
	"gridgate/protocols/alert"
)

// FuzzCombination: whatever stands in an expression, it is refused or it can be worked out, with any numbers.
func FuzzCombination(f *testing.F) {
	for _, s := range []string{"x > 1 and not s", "age.x / 0 > x ? s : x == x", "min(x, 1, 2) + abs(-x) < 3 or age.s > 5", "x ?? s", "[x][0] > 1", "x | max(1) > 0", "let y = x; y > 1", "#", "\"\" == 'a' and s"} {
		f.Add(s, 1.5, true)
	}
	f.Fuzz(func(t *testing.T, when string, x float64, state bool) {
		r := &rule.Rule{Name: "mix", Kind: alert.Other, Combination: &rule.Combination{When: when, Inputs: map[string]rule.Input{
			"x": {Sensor: "a", Quantity: "temperature", MaxAge: time.Hour}, "s": {Sensor: "a", State: alert.Leak, MaxAge: time.Hour},
		}}}
		if mistakes := r.Check(); len(mistakes) > 0 {
			return
		}
		l := newLab(t, own(t, r), a)
		l.number("a", "temperature", x)
		phase := inactive
		if state {
			phase = active
		}
		l.state("a", alert.Leak, phase, "")
		l.to(time.Minute)
		for _, a := range l.alerts {
			if err := a.Validate(); err != nil {
				t.Errorf("%q made an alert that is none: %v", when, err)
			}
		}
	})
}
