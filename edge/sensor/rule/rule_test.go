package rule_test

import (
	"testing"
	"time"

	"gridgate/edge/schedule"
	"gridgate/edge/sensor"
	"gridgate/edge/sensor/rule"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

const (
	active   = observation.Active
	inactive = observation.Inactive
)

func TestAThresholdHasHysteresisAndWaits(t *testing.T) {
	l := newLab(t, own(t, hot(45, time.Minute, 30*time.Second)), a)
	l.number("a", "temperature", 49.9)
	l.number("a", "temperature", 50)
	l.to(30 * time.Second)
	l.number("a", "temperature", 46) // in the band: it goes on
	l.to(2 * time.Minute)
	l.number("a", "temperature", 46)
	l.want("hot raised 1m0s")
	l.number("a", "temperature", 44.9)
	l.to(2*time.Minute + 20*time.Second)
	l.number("a", "temperature", 51) // it returned before it was cleared
	l.to(4 * time.Minute)
	l.number("a", "temperature", 44.9)
	l.to(5 * time.Minute)
	l.want("hot raised 1m0s, hot cleared 4m30s")
	if r := l.alerts[0].Reading; r == nil || *r != (alert.Measure{Quantity: "temperature", Value: 50, Unit: "Cel"}) {
		t.Errorf("it was concluded from %+v", r)
	}
}

func TestOneOddNumberThatWaitsIsNoAlarm(t *testing.T) {
	l := newLab(t, own(t, hot(45, time.Minute, 0)), a)
	l.number("a", "temperature", 80)
	l.to(20 * time.Second)
	l.number("a", "temperature", 20)
	l.to(5 * time.Minute)
	l.want("")
}

func TestAWaitSurvivesARestart(t *testing.T) {
	l := newLab(t, own(t, hot(45, 5*time.Minute, 0)), a)
	l.number("a", "temperature", 55)
	l.to(2 * time.Minute)
	l.restart()
	l.to(10 * time.Minute)
	l.want("hot raised 5m0s")
	l.restart()
	l.number("a", "temperature", 20)
	l.want("hot raised 5m0s, hot cleared 10m0s")
}

func TestWhatIsNoSampleIsLeftOut(t *testing.T) {
	l := newLab(t, own(t, hot(45, 0, 0)), a)
	l.numberAt("a", "temperature", 20, begin)
	l.numberAt("a", "temperature", 60, begin.Add(-time.Minute)) // late
	l.say("a", observation.Translation{Readings: []observation.Reading{{Quantity: "temperature", Value: 60, Unit: "V"}}})
	l.dialect.next = observation.Translation{Readings: []observation.Reading{{Quantity: "temperature", Value: 60, Unit: "Cel"}}}
	if err := l.hub.Handle(t.Context(), sensor.Message{Topic: "a", Retained: true, Received: l.now}); err != nil {
		t.Fatal(err)
	}
	l.want("")
	l.to(6 * time.Minute)
	l.numberAt("a", "temperature", 60, begin.Add(-time.Minute)) // its clock was set back
	l.want("hot raised 6m0s")
}

func TestNumbersAreConverted(t *testing.T) {
	l := newLab(t, own(t, hot(45, 0, 0)), a)
	l.say("a", observation.Translation{Readings: []observation.Reading{{Quantity: "temperature", Value: 140, Unit: "[degF]"}}})
	if r := l.alerts[0].Reading; *r != (alert.Measure{Quantity: "temperature", Value: 60, Unit: "Cel"}) {
		t.Errorf("it was concluded from %+v", r)
	}
}

// TestALateHazardIsNotLeftOut: a clock that was set back must not hide gas.
func TestALateHazardIsNotLeftOut(t *testing.T) {
	r := &rule.Rule{Name: "gas", Kind: alert.Gas, Level: &rule.Level{Quantity: "gas_lel", Above: p(20)}}
	l := newLab(t, own(t, r), a)
	l.numberAt("a", "gas_lel", 0, begin.Add(time.Hour))
	l.numberAt("a", "gas_lel", 30, begin)
	l.want("gas raised 0s")
}

func TestEachChannelIsWatchedForItself(t *testing.T) {
	l := newLab(t, own(t, hot(45, 0, 0)), a)
	l.number("a", "temperature", 20)
	l.number("a", "temperature_2", 60)
	l.number("a", "temperature", 20)
	l.want("hot raised 0s in 2")
	for range 40 {
		l.number("a", "temperature_20", 20) // no channel has this unit in the test, but it is bounded all the same
	}
}

func TestARateNeedsEnoughNumbers(t *testing.T) {
	rise := &rule.Rule{Name: "rise", Kind: alert.WaterLevel,
		Rate: &rule.Rate{Level: rule.Level{Quantity: "water_level", Above: p(0.3), Clear: p(0.1)}, Per: time.Hour, Over: 15 * time.Minute}}
	l := newLab(t, own(t, rise), a)
	level := 1.0
	l.number("a", "water_level", level)
	for i := 1; i <= 8; i++ {
		l.to(time.Duration(i) * 3 * time.Minute)
		level += 0.02 // 0.4 m in an hour
		l.number("a", "water_level", level)
	}
	l.want("rise raised 12m0s")
	if r := l.alerts[0].Reading; r.Quantity != "water_level_rate" || r.Unit != "m/h" || r.Value < 0.39 || r.Value > 0.41 {
		t.Errorf("it was concluded from %+v", r)
	}
	l.to(2 * time.Hour) // a sensor that tells only what changed
	l.number("a", "water_level", level)
	l.want("rise raised 12m0s, rise cleared 2h0m0s")
}

// TestAHeapIsNoRise: what waited at a broker comes at once, without times of its own.
func TestAHeapIsNoRise(t *testing.T) {
	rise := &rule.Rule{Name: "rise", Kind: alert.WaterLevel,
		Rate: &rule.Rate{Level: rule.Level{Quantity: "water_level", Above: p(0.3)}, Per: time.Hour, Over: 15 * time.Minute}}
	l := newLab(t, own(t, rise), a)
	for v := 1.0; v < 2; v += 0.1 {
		l.number("a", "water_level", v)
	}
	for i := 1; i < 10; i++ {
		l.to(time.Duration(i) * 3 * time.Minute)
		l.number("a", "water_level", 2)
	}
	l.want("")
}

func TestAStateThatHoldsTooLong(t *testing.T) {
	r := &rule.Rule{Name: "open", Kind: alert.Door, Severity: alert.Major, State: alert.Door, For: 15 * time.Minute}
	l := newLab(t, own(t, r), a)
	l.state("a", alert.Door, active, "")
	l.state("a", alert.Door, active, "back")
	l.to(10 * time.Minute)
	l.state("a", alert.Door, inactive, "")
	l.to(20 * time.Minute)
	l.want("open raised 15m0s in back")
	l.state("a", alert.Door, inactive, "back")
	l.want("open raised 15m0s in back, open cleared 20m0s in back")
}

func TestARuleWatchesWithinItsSchedule(t *testing.T) {
	night, err := schedule.New([]schedule.Window{{From: 9 * time.Hour, To: 10 * time.Hour}}, schedule.Calendar{}, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	r := &rule.Rule{Name: "open", Kind: alert.Door, State: alert.Door, For: 10 * time.Minute, Schedule: night}
	l := newLab(t, own(t, r), a)
	l.state("a", alert.Door, active, "")
	l.to(3 * time.Hour)
	l.want("open raised 1h10m0s, open cleared 2h0m0s")
}

func TestARuleWatchesInItsModes(t *testing.T) {
	r := &rule.Rule{Name: "open", Kind: alert.Door, State: alert.Door, Modes: []sensor.Mode{sensor.WalkTest}}
	l := newLab(t, own(t, r), a)
	l.state("a", alert.Door, active, "")
	l.to(time.Minute)
	if err := l.hub.SetMode("a", sensor.WalkTest); err != nil {
		t.Fatal(err)
	}
	l.to(2 * time.Minute)
	if err := l.hub.SetMode("a", sensor.Armed); err != nil {
		t.Fatal(err)
	}
	l.to(3 * time.Minute)
	l.want("open raised 1m5s (drill), open cleared 2m5s (drill)")
}

func TestAbsenceWhileOthersAreHeard(t *testing.T) {
	r := &rule.Rule{Name: "mute", Kind: alert.DeviceFault, Absence: &rule.Absence{Quantity: "temperature", After: 10 * time.Minute, Others: true}}
	l := newLab(t, own(t, r), a, b)
	for i := range 6 {
		l.to(time.Duration(i) * 5 * time.Minute)
		l.number("a", "temperature", 20)
		l.number("b", "humidity", 50)
	}
	l.want("mute raised 10m5s")
	if l.alerts[0].Source != alert.SensorSource("e1", "b") {
		t.Errorf("it is said of %s", l.alerts[0].Source)
	}
	l.restart()
	l.to(26 * time.Minute)
	l.number("b", "temperature", 20)
	l.to(3 * time.Hour) // now nobody is heard: that is the gateway's
	l.want("mute raised 10m5s, mute cleared 26m0s")
}

func TestACombinationIsUndecidedWithoutItsInputs(t *testing.T) {
	r := &rule.Rule{Name: "dry-pump", Kind: alert.Other, Combination: &rule.Combination{
		When: "pump > 100 and not wet and age.pump < 60",
		Inputs: map[string]rule.Input{
			"pump": {Sensor: "a", Quantity: "power", MaxAge: 10 * time.Minute}, "wet": {Sensor: "b", State: alert.Leak, MaxAge: time.Hour},
		},
	}}
	if m := r.Check(); len(m) > 0 {
		t.Fatal(m)
	}
	set := rule.Set{NoDefaults: true, Own: []rule.Own{{Rule: r, Selector: rule.Selector{Sensors: []string{"a"}}}}}
	l := newLab(t, set, a, b)
	l.number("a", "power", 500)
	l.to(time.Minute)
	l.want("")
	l.number("a", "power", 500)
	l.state("b", alert.Leak, inactive, "")
	l.want("dry-pump raised 1m0s")
	l.to(2*time.Minute + 5*time.Second)
	l.want("dry-pump raised 1m0s, dry-pump cleared 2m0s") // by the age alone
	l.number("a", "power", 500)
	l.to(30 * time.Minute) // too old: nothing is said
	l.want("dry-pump raised 1m0s, dry-pump cleared 2m0s, dry-pump raised 2m5s, dry-pump cleared 3m5s")
}

func TestMissingInputsSayWhatTheRuleSays(t *testing.T) {
	for missing, want := range map[rule.Missing]string{rule.Undecided: "", rule.False: "", rule.True: "dark raised 5s"} {
		r := &rule.Rule{Name: "dark", Kind: alert.Power, Combination: &rule.Combination{
			When: "v < 100", Missing: missing, Inputs: map[string]rule.Input{"v": {Sensor: "a", Quantity: "voltage", MaxAge: time.Minute}},
		}}
		l := newLab(t, own(t, r), a)
		l.to(time.Minute)
		l.want(want)
	}
}

// TestInAWalkTestARuleMakesExercises, and a disarmed sensor keeps what is no hazard to itself.
func TestInAWalkTestARuleMakesExercises(t *testing.T) {
	l := newLab(t, own(t, hot(45, 0, 0)), a)
	if err := l.hub.SetMode("a", sensor.WalkTest); err != nil {
		t.Fatal(err)
	}
	l.number("a", "temperature", 60)
	l.want("hot raised 0s (drill)")
	l = newLab(t, own(t, hot(45, 0, 0)), a)
	if err := l.hub.SetMode("a", sensor.Disarmed); err != nil {
		t.Fatal(err)
	}
	l.number("a", "temperature", 60)
	l.want("")
}

func TestRulesSayWhatTheyWatch(t *testing.T) {
	for want, r := range map[string]*rule.Rule{
		"temperature >= 50 Cel until below 45, for 1m, over for 30s":   hot(45, time.Minute, 30*time.Second),
		"nothing is heard for 2h, while another sensor of the rule is": {Name: "mute", Kind: alert.Other, Absence: &rule.Absence{After: 2 * time.Hour, Others: true}},
		"no co for 1h30m": {Name: "mute", Kind: alert.Other, Absence: &rule.Absence{Quantity: "co", After: 90 * time.Minute}},
		"the rate of water_level <= -2 m/(600.s), over 45s, while armed, or disarmed": {Name: "drain", Kind: alert.Other, Modes: []sensor.Mode{sensor.Armed, sensor.Disarmed},
			Rate: &rule.Rate{Level: rule.Level{Quantity: "water_level", Below: p(-2)}, Per: 10 * time.Minute, Over: 45 * time.Second}},
	} {
		if m := r.Check(); len(m) > 0 || r.Watches() != want {
			t.Errorf("%s, want %s; %v", r.Watches(), want, m)
		}
	}
}

// TestOurClockIsSetBack: an edge finds the time after it ran for a while with a wrong one. No rule sleeps until the wrong time comes again.
func TestOurClockIsSetBack(t *testing.T) {
	s := rule.New(rule.Options{Now: func() time.Time { return begin }, Applied: []rule.Applied{
		{Sensor: "a", Rule: &rule.Rule{Name: "low", Kind: alert.Temperature, Level: &rule.Level{Quantity: "temperature", Unit: "Cel", Below: new(3.0), Clear: new(5.0)}}},
		{Sensor: "a", Rule: &rule.Rule{Name: "silent", Kind: alert.DeviceOffline, Absence: &rule.Absence{After: time.Hour}}},
	}})
	take := func(v float64, at time.Time) (out []rule.Finding) {
		return s.Take(&sensor.Told{Device: &sensor.Device{ID: "a"}, Received: at, Readings: []observation.Reading{{Quantity: "temperature", Value: v, Unit: "Cel"}}})
	}
	says := func(found []rule.Finding, kind alert.Kind) (phase observation.Phase) {
		for _, f := range found {
			if f.Observation.Kind == kind {
				phase = f.Observation.Phase
			}
		}
		return phase
	}
	take(20, begin.Add(5*time.Hour))
	if got := says(take(1, begin), alert.Temperature); got != active {
		t.Errorf("the cold after the clock was set back is %q", got)
	}
	take(1, begin.Add(5*time.Hour))
	s.Tick(begin)
	if got := says(s.Tick(begin.Add(2*time.Hour)), alert.DeviceOffline); got != active {
		t.Errorf("two hours of silence after the clock was set back are %q", got)
	}
}
