package local

import (
	"testing"
	"time"

	"gridgate/protocols/alert"
)

// noon is a day on which nothing happens.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(s float64) time.Time { return noon.Add(time.Duration(s * float64(time.Second))) }

// hall is a siren in a hall, for fire and smoke.
func hall() *siren {
	return &siren{Siren: Siren{
		Name: "hall", Kinds: []alert.Kind{alert.Smoke, alert.Fire}, Topic: "hall/set", On: []byte("on"), Off: []byte("off"),
		Duration: 60 * time.Second, MinGap: 10 * time.Second, MaxAge: 30 * time.Second,
	}}
}

// smoke is an alert of a detector in the hall.
func smoke(change ...func(*alert.Alert)) alert.Alert {
	return made(alert.Smoke, alert.Raised, change...)
}

// made builds an alert as edge/raise would.
func made(kind alert.Kind, state alert.State, change ...func(*alert.Alert)) alert.Alert {
	traits, _ := alert.TraitsOf(kind)
	var a alert.Alert
	a.ID, a.Source, a.Kind, a.State, a.Severity = alert.NewID(), alert.SensorSource("e1", "smoke-1"), kind, state, traits.Severity
	a.Grid, a.Zone, a.Origin, a.Clock = "110101001001001", "hall", "zigbee2mqtt", alert.EdgeClock
	a.OccurredAt, a.RaisedAt = noon, noon
	if state != alert.Momentary {
		a.Situation = a.ID
	}
	for _, c := range change {
		c(&a)
	}
	a.Key = alert.KeyOf("e1", deviceOf(a), a.Zone, kind)
	return a
}

func drill(a *alert.Alert) { a.Exercise = true }

func from(device string) func(*alert.Alert) {
	return func(a *alert.Alert) { a.Source = alert.SensorSource("e1", device) }
}

// obey takes the command that waits, as a broker would: "on", "off" or "".
func obey(s *siren, now time.Time) string {
	s.advance(now)
	if s.command.number == 0 {
		return ""
	}
	m := s.message()
	s.sent(s.command.number)
	return string(m.Payload)
}

func TestASirenSoundsForItsTimeAndFallsSilent(t *testing.T) {
	s := hall()
	s.hear(smoke(), at(0))
	for _, step := range []struct {
		at   float64
		want string
	}{{0, "on"}, {1, ""}, {59.9, ""}, {60, "off"}, {61, ""}, {3600, ""}} {
		if got := obey(s, at(step.at)); got != step.want {
			t.Errorf("at %v s: command %q, want %q", step.at, got, step.want)
		}
	}
}

func TestWhatASirenFollows(t *testing.T) {
	tests := map[string]struct {
		alert  alert.Alert
		change func(*Siren)
		want   bool
	}{
		"its kind":                         {smoke(), func(*Siren) {}, true},
		"another kind":                     {made(alert.Door, alert.Raised), func(*Siren) {}, false},
		"the end of it":                    {made(alert.Smoke, alert.Cleared), func(*Siren) {}, false},
		"a moment":                         {made(alert.Fire, alert.Momentary), func(*Siren) {}, true},
		"a drill":                          {smoke(drill), func(*Siren) {}, false},
		"a drill, if told":                 {smoke(drill), func(s *Siren) { s.Exercise = true }, true},
		"its device":                       {smoke(from("a")), func(s *Siren) { s.Devices = []string{"a"} }, true},
		"another device":                   {smoke(from("b")), func(s *Siren) { s.Devices = []string{"a"} }, false},
		"grave enough":                     {smoke(), func(s *Siren) { s.MinSeverity = alert.Critical }, true},
		"not grave enough":                 {smoke(func(a *alert.Alert) { a.Severity = alert.Major }), func(s *Siren) { s.MinSeverity = alert.Critical }, false},
		"while it is asleep":               {smoke(), func(s *Siren) { s.Asleep = func(time.Time) bool { return true } }, false},
		"while it is not":                  {smoke(), func(s *Siren) { s.Asleep = func(time.Time) bool { return false } }, true},
		"of least gravity, if any will do": {smoke(func(a *alert.Alert) { a.Severity = alert.Info }), func(*Siren) {}, true},
	}
	for name, tt := range tests {
		s := hall()
		tt.change(&s.Siren)
		if s.hear(tt.alert, at(0)); (obey(s, at(0)) == "on") != tt.want {
			t.Errorf("%s: sounds %v, want %v", name, !tt.want, tt.want)
		}
	}
}

// A storm of situations is one sounding, which has a longest length, and then quiet.
func TestAStormIsOneSounding(t *testing.T) {
	s := hall()
	var commands []string
	var times []float64
	for i := range 600 {
		now := float64(i)
		s.hear(smoke(), at(now))
		if c := obey(s, at(now)); c != "" {
			commands, times = append(commands, c), append(times, now)
		}
	}
	want := []float64{0, 240, 250, 490, 500}
	if len(times) != len(want) {
		t.Fatalf("commands %v at %v, want them at %v", commands, times, want)
	}
	for i, w := range want {
		if times[i] != w || (commands[i] == "on") != (i%2 == 0) {
			t.Errorf("command %q at %v s, want %v s", commands[i], times[i], w)
		}
	}
}

func TestWhatComesInTheGapSoundsAfterIt(t *testing.T) {
	s := hall()
	s.hear(smoke(), at(0))
	obey(s, at(0))
	obey(s, at(60))
	s.hear(smoke(), at(62))
	if got := obey(s, at(69.9)); got != "" {
		t.Errorf("command %q in the gap", got)
	}
	if got, wake := obey(s, at(70)), s.wake(); got != "on" || !wake.Equal(at(130)) {
		t.Errorf("command %q after the gap, ends at %v", got, wake)
	}
}

func TestSilenceLastsUntilTheNextSituation(t *testing.T) {
	s := hall()
	s.hear(smoke(), at(0))
	obey(s, at(0))
	s.silence(at(5))
	if got := obey(s, at(5)); got != "off" || !s.status().Silenced {
		t.Errorf("command %q, silenced %v", got, s.status().Silenced)
	}
	for now := 6.0; now < 100; now++ {
		if got := obey(s, at(now)); got != "" {
			t.Errorf("command %q %v s after the start, though it was silenced", got, now)
		}
	}
	s.hear(smoke(), at(100))
	if got := obey(s, at(100)); got != "on" || s.status().Silenced {
		t.Errorf("a new situation: command %q, silenced %v", got, s.status().Silenced)
	}
}

func TestSilenceForgetsWhatWaitsForTheGap(t *testing.T) {
	s := hall()
	s.hear(smoke(), at(0))
	obey(s, at(60))
	s.hear(smoke(), at(61))
	s.silence(at(62))
	obey(s, at(62))
	if got := obey(s, at(80)); got != "" {
		t.Errorf("command %q, though it was silenced", got)
	}
}

// TestSilenceDelaysNothing: somebody silences a siren that is silent, and the next situation sounds at once.
func TestSilenceDelaysNothing(t *testing.T) {
	s := hall()
	s.silence(at(0))
	if got := obey(s, at(0)); got != "off" {
		t.Errorf("command %q", got)
	}
	s.hear(smoke(), at(1))
	if got := obey(s, at(1)); got != "on" {
		t.Errorf("command %q for a situation after it", got)
	}
	obey(s, at(61))
	s.silence(at(70))
	s.hear(smoke(), at(72)) // after the gap of the sounding
	if got := obey(s, at(72)); got != "on" {
		t.Errorf("command %q for a situation after the gap", got)
	}
}

// TestNoSirenStartsLate: the broker is away. A command that is too old becomes one to be silent, and is counted.
func TestNoSirenStartsLate(t *testing.T) {
	s := hall()
	s.hear(smoke(), at(0))
	s.advance(at(30))
	if !s.command.on {
		t.Error("dropped while it was of use")
	}
	if got := obey(s, at(31)); got != "off" || s.status().Dropped != 1 || s.status().Sounding {
		t.Errorf("command %q, status %+v", got, s.status())
	}
	s.hear(smoke(), at(3600))
	if got := obey(s, at(3601)); got != "on" {
		t.Errorf("an hour later a new situation brings %q", got)
	}
	late := hall()
	late.hear(smoke(), at(0))
	late.hear(smoke(), at(3600)) // nobody asked for an hour
	if got := obey(late, at(3600)); got != "on" || !late.ends.Equal(at(3660)) {
		t.Errorf("command %q, ends %v", got, late.ends)
	}
}

func TestASirenThatWouldStillSoundResumes(t *testing.T) {
	for _, tt := range []struct {
		restart float64
		want    string
	}{{20, "on"}, {59, "on"}, {60, ""}, {3600, ""}} {
		s := hall()
		s.resume(smoke(), at(tt.restart))
		if got := obey(s, at(tt.restart)); got != tt.want {
			t.Errorf("restarted after %v s: command %q, want %q", tt.restart, got, tt.want)
		}
		if tt.want == "on" && !s.ends.Equal(at(60)) {
			t.Errorf("restarted after %v s it sounds until %v", tt.restart, s.ends)
		}
	}
}

// A command that was replaced while it was under way does not count as told.
func TestANewerCommandIsStillToBeTold(t *testing.T) {
	s := hall()
	s.hear(smoke(), at(0))
	under := s.command.number
	s.silence(at(1))
	s.sent(under)
	if got := obey(s, at(1)); got != "off" {
		t.Errorf("command %q", got)
	}
}
