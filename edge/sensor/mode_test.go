package sensor

import (
	"errors"
	"slices"
	"testing"

	"gridgate/edge/raise"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// TestADisarmedSensorKeepsQuiet but for hazards to life, what it says of itself, what is over, and its readings.
func TestADisarmedSensorKeepsQuiet(t *testing.T) {
	r := &recorder{}
	h := hub(t, r, device("s1"))
	if err := h.SetMode("s1", Disarmed); err != nil {
		t.Fatal(err)
	}
	handle(t, h, message("zigbee2mqtt/s1", `{"contact":false,"smoke":true,"tamper":true,"battery_low":true,"temperature":21.5}`))
	handle(t, h, message("zigbee2mqtt/s1", `{"contact":true}`))
	var kinds []alert.Kind
	for _, s := range r.told() {
		if s.Phase == observation.Active {
			kinds = append(kinds, s.Kind)
		}
		if s.Exercise {
			t.Errorf("%s is an exercise", s.Kind)
		}
	}
	slices.Sort(kinds)
	if want := []alert.Kind{alert.LowBattery, alert.Smoke, alert.Tamper}; !slices.Equal(kinds, want) {
		t.Errorf("told %v, want %v", kinds, want)
	}
	if !slices.ContainsFunc(r.told(), func(s raise.Signal) bool { return s.Kind == alert.Door && s.Phase == observation.Inactive }) || len(r.readings) == 0 {
		t.Error("what is over and readings are told")
	}
	if st := h.Status(); st[0].Lane != alert.LifeSafety {
		t.Errorf("lane %q", st[0].Lane)
	}
}

// TestAWalkTestIsAnExercise, but for what the sensor says of itself; and then it is over.
func TestAWalkTestIsAnExercise(t *testing.T) {
	r := &recorder{}
	h := hub(t, r, device("s1"))
	for _, m := range []Mode{WalkTest, Armed} {
		if err := h.SetMode("s1", m); err != nil || h.Mode("s1") != m {
			t.Fatal(err)
		}
		handle(t, h, message("zigbee2mqtt/s1", `{"smoke":true,"battery_low":true}`))
	}
	exercises := map[alert.Kind][]bool{}
	for _, s := range r.told() {
		exercises[s.Kind] = append(exercises[s.Kind], s.Exercise)
	}
	if !slices.Equal(exercises[alert.Smoke], []bool{true, false}) || !slices.Equal(exercises[alert.LowBattery], []bool{false, false}) {
		t.Errorf("exercises: %v", exercises)
	}
}

func TestModesOfSensorsAreChecked(t *testing.T) {
	h := hub(t, &recorder{}, device("s1"))
	if err := h.SetMode("s2", Armed); !errors.Is(err, ErrNoDevice) {
		t.Errorf("a sensor of somewhere else: %v", err)
	}
	if err := h.SetMode("s1", "asleep"); err == nil || h.Mode("s1") != Armed {
		t.Errorf("an unknown mode: %v", err)
	}
}

// TestNoHazardToLifeIsDisarmed: every kind is decided.
func TestNoHazardToLifeIsDisarmed(t *testing.T) {
	for _, k := range alert.Kinds() {
		if k.Lane() == alert.LifeSafety && Disarmable(k) {
			t.Errorf("%s can be disarmed", k)
		}
	}
	if !Disarmable(alert.Door) || Disarmable(alert.DeviceOffline) {
		t.Error("a door cannot be disarmed, or silence can")
	}
}
