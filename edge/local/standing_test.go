package local

import (
	"testing"
	"time"

	"gridgate/protocols/alert"
)

// TestAKindStandsWhileOneOfItsSituationsDoes: a gas sensor's own flag and two rules on its number are three situations.
func TestAKindStandsWhileOneOfItsSituationsDoes(t *testing.T) {
	s, now := newStanding(), time.Now()
	a := alert.Alert{Source: alert.SensorSource("e", "gas"), Kind: alert.Gas}
	tell := func(situation string, state alert.State) {
		a.Situation, a.State = situation, state
		s.apply(a, now)
	}
	whole := entity{Kind: alert.Gas}
	for _, id := range []string{"flag", "low", "low", "high"} {
		tell(id, alert.Raised)
	}
	for _, id := range []string{"high", "high", "flag"} {
		tell(id, alert.Cleared)
		if !s.on(entityOf(a)) || !s.on(whole) {
			t.Errorf("after the end of %s nothing stands, but low does", id)
		}
	}
	tell("low", alert.Cleared)
	if s.on(entityOf(a)) || s.on(whole) {
		t.Error("what is over stands")
	}
}
