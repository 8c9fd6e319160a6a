package raise_test

import (
	"testing"
	"time"

	"gridgate/edge/raise"
	"gridgate/protocols/alert"
)

// bench is a raiser on a log that survives it.
type bench struct {
	*testing.T
	log raise.Memory
	clock
	raiser *raise.Raiser
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, clock: clock{now: start}}
	b.restart()
	return b
}

// restart is a crash and a new start on the same log.
func (b *bench) restart() {
	r, err := raise.New(b.Context(), raise.Options{Log: &b.log, Now: b.clock.Now})
	if err != nil {
		b.Fatal(err)
	}
	b.raiser = r
}

func (b *bench) raise(s raise.Signal, want string) {
	b.Helper()
	s.At = b.now
	alerts, err := b.raiser.Raise(b.Context(), "", []raise.Signal{s}, nil)
	if got := states(alerts); err != nil || got != want {
		b.Errorf("at %v: %q, %v; want %q", b.now.Sub(start), got, err, want)
	}
}

func (b *bench) at(d time.Duration, want string) {
	b.Helper()
	b.now = start.Add(d)
	alerts, err := b.raiser.Advance(b.Context(), b.now)
	if got := states(alerts); err != nil || got != want {
		b.Errorf("at %v: %q, %v; want %q", d, got, err, want)
	}
}

func TestASignalsPatienceSurvivesARestart(t *testing.T) {
	b := newBench(t)
	hot := signal(alert.Heat, active, 0)
	hot.By, hot.Patience = "rule.heat", &raise.Debounce{MinActive: 5 * time.Minute, ClearHold: time.Minute}
	b.raise(hot, "")
	b.at(2*time.Minute, "")
	b.restart()
	b.at(4*time.Minute+59*time.Second, "")
	b.restart()
	b.at(5*time.Minute, "raised")
	hot.Phase = inactive
	b.raise(hot, "")
	b.restart()
	b.at(5*time.Minute+59*time.Second, "")
	b.at(6*time.Minute, "cleared")
	if open := b.raiser.Open(); len(open) != 0 {
		t.Errorf("still open: %v", open)
	}
}

func TestAClockSetBackEndsALongWait(t *testing.T) {
	for back, want := range map[time.Duration]string{time.Second: "", 4 * time.Minute: "", 6 * time.Minute: "raised"} {
		b := newBench(t)
		hot := signal(alert.Heat, active, 0)
		hot.Patience = &raise.Debounce{MinActive: 5 * time.Minute}
		b.raise(hot, "")
		b.restart()
		b.at(-back, want)
	}
}

// TestARuleAndItsDeviceDoNotEndEachOther: what one says is over, the other may still say.
func TestARuleAndItsDeviceDoNotEndEachOther(t *testing.T) {
	b := newBench(t)
	device, rule := signal(alert.Gas, active, 0), signal(alert.Gas, active, 0)
	rule.By = "rule.gas"
	b.raise(rule, "raised")
	device.Phase = inactive
	b.raise(device, "")
	device.Phase = active
	b.raise(device, "raised")
	rule.Phase = inactive
	b.raise(rule, "cleared")
	if open := b.raiser.Open(); len(open) != 1 || open[0].By() != "" {
		t.Errorf("open are %+v", open)
	}
	device.Phase = inactive
	b.raise(device, "cleared")
}

// TestNothingHoldsBackAHazardForLong: a hazard to life waits for two minutes at most, but for carbon monoxide.
func TestNothingHoldsBackAHazardForLong(t *testing.T) {
	for kind, want := range map[alert.Kind]time.Duration{alert.Gas: 2 * time.Minute, alert.Flood: 2 * time.Minute, alert.CO: 90 * time.Minute, alert.Heat: 24 * time.Hour} {
		b := newBench(t)
		s := signal(kind, active, 0)
		s.Patience = &raise.Debounce{MinActive: 48 * time.Hour}
		b.raise(s, "")
		b.at(want-time.Second, "")
		b.at(want, "raised")
	}
}
