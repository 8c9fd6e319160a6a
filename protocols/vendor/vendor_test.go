package vendor

import (
	"fmt"
	"testing"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func state(channel, zone string, phase observation.Phase, expires time.Duration) observation.Observation {
	return observation.Observation{Device: channel, Zone: zone, Kind: alert.Motion, Phase: phase, Expires: expires}
}

func TestAStateIsToldOnceAndExpires(t *testing.T) {
	h := &Held{}
	repeat := []observation.Observation{state("1", "", observation.Active, 5*time.Second)}
	if got := h.Take(repeat, start); len(got) != 1 || got[0].Phase != observation.Active {
		t.Fatalf("beginning: %+v", got)
	}
	for i := 1; i <= 8; i++ { // once a second: it goes on
		now := start.Add(time.Duration(i) * time.Second)
		if got := append(h.Take(repeat, now), h.Expire(now)...); len(got) != 0 {
			t.Fatalf("second %d: %+v", i, got)
		}
	}
	end := start.Add(13 * time.Second)
	if got := h.Expire(end.Add(-time.Millisecond)); len(got) != 0 {
		t.Fatalf("too early: %+v", got)
	}
	if got := h.Expire(end); len(got) != 1 || got[0].Phase != observation.Inactive || !got[0].At.Equal(end) {
		t.Fatalf("end: %+v", got)
	}
	if got := h.Expire(end.Add(time.Hour)); len(got) != 0 {
		t.Fatalf("ended twice: %+v", got)
	}
}

func TestRegionsAndChannelsAreStatesOfTheirOwn(t *testing.T) {
	h := &Held{}
	all := []observation.Observation{
		state("1", "1", observation.Active, 0), state("1", "2", observation.Active, 0), state("2", "1", observation.Active, time.Second),
	}
	if got := h.Take(all, start); len(got) != 3 {
		t.Fatalf("%+v", got)
	}
	later := start.Add(time.Minute)
	h.Take(all[:2], later)
	if got := h.Stale(later, later); len(got) != 1 || got[0].Device != "2" {
		t.Fatalf("what was not told again is over: %+v", got)
	}
	if got := h.Take([]observation.Observation{state("1", "2", observation.Inactive, 0)}, start); len(got) != 1 || got[0].Zone != "2" {
		t.Fatalf("%+v", got)
	}
	if got := h.Take(all[:1], start); len(got) != 0 {
		t.Fatalf("region 1 still holds: %+v", got)
	}
}

func TestHeldIsBounded(t *testing.T) {
	h := &Held{}
	for i := range maxHeld {
		h.Take([]observation.Observation{state(fmt.Sprint(i), "", observation.Active, time.Second)}, start)
	}
	got := h.Take([]observation.Observation{state("one too many", "", observation.Active, time.Second)}, start)
	if len(got) != 2 || got[1].Phase != observation.Inactive || len(h.states) != maxHeld {
		t.Errorf("%d states, %+v", len(h.states), got)
	}
}

func TestPulseLearns(t *testing.T) {
	p := NewPulse(5*time.Second, 2*time.Minute)
	now := start
	if p.Patience() != 2*time.Minute {
		t.Errorf("before anything is learnt: %v", p.Patience())
	}
	for range 40 {
		p.Beat(now)
		now = now.Add(10 * time.Second)
	}
	if p.Patience() != 30*time.Second {
		t.Errorf("a heartbeat every 10 s: %v", p.Patience())
	}
	for range 40 { // an event repeats, the heartbeat stops
		p.Beat(now)
		now = now.Add(time.Second)
	}
	if p.Patience() != 5*time.Second {
		t.Errorf("never less than the least: %v", p.Patience())
	}
}
