package indicators_test

import (
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/indicators"
	"gridgate/central/store"
)

// What is taken back leaves the figures as if it had not been done, whatever it was.
func TestWhatIsTakenBackDoesNotCount(t *testing.T) {
	for name, change := range map[string]func(*cases.Event){
		"closed":  func(e *cases.Event) { e.State, e.Reason = cases.Closed, cases.ReasonFalseAlarm },
		"rated":   func(e *cases.Event) { e.Rating = 4 },
		"parked":  func(e *cases.Event) { e.Parked = true },
		"rework":  func(e *cases.Event) { e.Effect = cases.Reworks },
		"pressed": func(e *cases.Event) { e.Effect, e.Unit = cases.Supervises, "roads" },
	} {
		t.Run(name, func(t *testing.T) {
			before, err := cases.Rebuild([]cases.Event{opened("c"), step("c", "here", cases.Acknowledged, time.Minute, func(*cases.Event) {})})
			if err != nil {
				t.Fatal(err)
			}
			taken := step("c", "there", cases.Acknowledged, time.Hour, change)
			after, err := cases.Apply(before, taken)
			if err != nil {
				t.Fatal(err)
			}
			former := before.Outcome()
			undone := cases.Event{
				CaseID: "c", Type: cases.EventUndone, At: taken.At.Add(2 * time.Minute), Actor: "zhang", Action: taken.Action, From: taken.At, Effect: taken.Effect,
				Undoes: 1, Former: &former,
			}
			after.Position = 1
			again, err := cases.Apply(after, undone)
			if err != nil {
				t.Fatal(err)
			}
			sums := map[store.Count]int64{}
			for _, c := range append(indicators.Of(before, after, taken, time.UTC), indicators.Of(after, again, undone, time.UTC)...) {
				n := c.N
				c.N = 0
				sums[c] += n
			}
			if len(sums) < 2 {
				t.Fatalf("it counted for nothing: %v", sums)
			}
			for c, n := range sums {
				if n != 0 {
					t.Errorf("%+v: %d", c, n)
				}
			}
		})
	}
}
