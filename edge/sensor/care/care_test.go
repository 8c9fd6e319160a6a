package care

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gridgate/edge/sensor"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

var start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// bench is one device and a clock that only tests move.
type bench struct {
	t    testing.TB
	care *Care
	now  time.Time
	home bool
}

func newBench(t testing.TB, s Settings) *bench {
	t.Helper()
	b := &bench{t: t, now: start, home: s.Home}
	b.open(Options{Devices: map[string]Settings{"d": s}})
	return b
}

func (b *bench) open(o Options) {
	b.t.Helper()
	o.Now = func() time.Time { return b.now }
	c, err := New(o)
	if err != nil {
		b.t.Fatal(err)
	}
	b.care = c
}

func reading(quantity string, value float64, unit string) observation.Reading {
	return observation.Reading{Device: "d", Quantity: quantity, Value: value, Unit: unit}
}

// tell is a message of now.
func (b *bench) tell(readings ...observation.Reading) ([]sensor.Finding, *sensor.Told) {
	told := &sensor.Told{Device: &sensor.Device{ID: "d", Home: b.home}, Received: b.now, Readings: readings}
	return b.care.Take(told), told
}

// says are the phases of findings of a kind, by who says so.
func says(found []sensor.Finding, kind alert.Kind) string {
	out := ""
	for _, f := range found {
		if f.Observation.Kind == kind {
			out += fmt.Sprintf("%s=%s ", f.By, f.Observation.Phase)
		}
	}
	return out
}

func builtinProfile(t testing.TB, name string) Profile {
	t.Helper()
	p, known := Builtin(name)
	if !known {
		t.Fatalf("no profile %s", name)
	}
	return p
}

func TestUnitsAreConverted(t *testing.T) {
	for _, tt := range []struct {
		quantity string
		value    float64
		unit     string
		want     float64
		in       string
	}{
		{"temperature", 212, "[degF]", 100, "Cel"},
		{"temperature", 273.15, "K", 0, "Cel"},
		{"temperature_2", 32, "[degF]", 0, "Cel"},
		{"pressure", 101.325, "kPa", 1013.25, "hPa"},
		{"pressure", 29.9213, "[in_i'Hg]", 1013.25161, "hPa"},
		{"pressure", 1, "[psi]", 68.948, "hPa"},
		{"water_level", 150, "cm", 1.5, "m"},
		{"water_level", 10, "[ft_i]", 3.048, "m"},
		{"wind_speed", 36, "km/h", 10, "m/s"},
		{"wind_speed", 10, "[kn_i]", 5.14444444, "m/s"},
		{"flow", 1, "L/s", 3.6, "m3/h"},
		{"flow", 60, "L/min", 3.6, "m3/h"},
		{"energy", 1500, "W.h", 1.5, "kW.h"},
		{"energy", 7.2, "MJ", 2, "kW.h"},
		{"battery_voltage", 2950, "mV", 2.95, "V"},
		{"co", 50_000, "[ppb]", 50, "[ppm]"},
		{"co2", 0.1, "%{vol}", 1000, "[ppm]"},
		{"pm25", 0.035, "mg/m3", 35, "ug/m3"},
		{"humidity", 0.55, "1", 55, "%"},
		{"acceleration", 1, "[g]", 9.80665, "m/s2"},
		{"temperature", 21.5, "furlong", 21.5, "furlong"}, // as told
		{"gas_lel", 12, "%{LEL}", 12, "%{LEL}"},
		{"gas", 12, "mg/m3", 12, "mg/m3"}, // of which gas, nobody says
		{"turbidity", 3, "NTU", 3, "NTU"},
		{"water_temperature", 50, "[degF]", 10, "Cel"}, {"leakage_current", 30, "mA", 0.03, "A"}, {"smoke_battery", 80, "%", 80, "%"},
		{"hot_water", 50, "L", 50, "L"}, {"battery_voltage_1", 2900, "mV", 2.9, "V"},
	} {
		b := newBench(t, Settings{})
		_, told := b.tell(reading(tt.quantity, tt.value, tt.unit))
		if len(told.Readings) != 1 {
			t.Errorf("%v %s of %s is gone", tt.value, tt.unit, tt.quantity)
			continue
		}
		if r := told.Readings[0]; math.Abs(r.Value-tt.want) > 1e-6 || r.Unit != tt.in {
			t.Errorf("%v %s of %s is %v %s, want %v %s", tt.value, tt.unit, tt.quantity, r.Value, r.Unit, tt.want, tt.in)
		}
	}
}

func TestConversionGoesThereAndBack(t *testing.T) {
	var codes []string
	for code := range measures {
		codes = append(codes, code)
	}
	codes = append(codes, "Cel", "[degF]", "K")
	rapid.Check(t, func(rt *rapid.T) {
		from, to := rapid.SampledFrom(codes).Draw(rt, "from"), rapid.SampledFrom(codes).Draw(rt, "to")
		v := rapid.Float64Range(-1e6, 1e6).Draw(rt, "value")
		there, ok := Convert(v, from, to)
		back, alsoOK := Convert(there, to, from)
		if ok != alsoOK {
			rt.Fatalf("%s to %s: %v, and back: %v", from, to, ok, alsoOK)
		}
		if isTemperature(from) && ok {
			if math.Abs(back-v) > 1e-2 {
				rt.Fatalf("%v %s is %v %s is %v", v, from, there, to, back)
			}
		} else if ok && math.Abs(back-v) > 1e-6*math.Abs(v) {
			rt.Fatalf("%v %s is %v %s is %v", v, from, there, to, back)
		}
	})
}

func TestNoTwoUnitsInOneSeries(t *testing.T) {
	b := newBench(t, Settings{})
	for i, tt := range []struct {
		unit string
		kept int
	}{{"NTU", 1}, {"mg/L", 0}, {"NTU", 1}} {
		if _, told := b.tell(reading("turbidity", 1, tt.unit)); len(told.Readings) != tt.kept {
			t.Errorf("message %d in %s: %d readings, want %d", i, tt.unit, len(told.Readings), tt.kept)
		}
	}
	if b.care.Counts().OtherUnit != 1 {
		t.Errorf("counts = %+v", b.care.Counts())
	}
	b.now = b.now.Add(unitLasts + time.Minute)
	if _, told := b.tell(reading("turbidity", 1, "mg/L")); len(told.Readings) != 1 {
		t.Error("a unit that nobody tells any more keeps others out")
	}
	if _, told := b.tell(reading("turbidity", 0.002, "kg/m3")); told.Readings[0] != reading("turbidity", 2, "mg/L") {
		t.Errorf("%+v is not in the unit of its series", told.Readings)
	}
}

func TestImplausibleThreeTimesIsAFault(t *testing.T) {
	b := newBench(t, Settings{Profile: builtinProfile(t, "temperature")})
	for i, step := range []struct {
		value float64
		kept  int
		says  string
	}{
		{21, 1, "care-temperature=inactive "}, {-127, 0, ""}, {-127, 0, ""}, {21, 1, ""}, {655.35, 0, ""}, {655.35, 0, ""},
		{655.35, 0, "care-temperature=active "}, {-127, 0, "care-temperature=active "}, {21, 1, "care-temperature=inactive "},
	} {
		b.now = b.now.Add(repeatEnd)
		found, told := b.tell(reading("temperature", step.value, "Cel"))
		if got := says(found, alert.DeviceFault); got != step.says || len(told.Readings) != step.kept {
			t.Errorf("step %d, %v Cel: %q and %d readings, want %q and %d", i, step.value, got, len(told.Readings), step.says, step.kept)
		}
	}
	if b.care.Counts().Implausible != 6 {
		t.Errorf("counts = %+v", b.care.Counts())
	}
}

// TestAFaultOfOneQuantityIsNotEndedByAnother, nor by what comes late.
func TestAFaultOfOneQuantityIsNotEndedByAnother(t *testing.T) {
	b := newBench(t, Settings{})
	for range badInARow {
		b.now = b.now.Add(time.Hour)
		b.tell(reading("temperature_1", -127, "Cel"), reading("temperature_2", 20, "Cel"))
	}
	if h := b.care.Health("d"); len(h.Faults) != 1 || h.Faults[0] != "temperature_1: implausible" {
		t.Errorf("faults = %v", h.Faults)
	}
	found, _ := b.tell(reading("temperature_2", 20.5, "Cel"), reading("humidity", 50, "%"))
	if got := says(found, alert.DeviceFault); got != "care-humidity=inactive " {
		t.Errorf("%q", got)
	}
}

// TestNoHazardIsImplausible: what is dropped raises no alarm.
func TestNoHazardIsImplausible(t *testing.T) {
	for _, name := range BuiltinNames() {
		for _, r := range []observation.Reading{
			reading("temperature", 300, "Cel"), reading("temperature", 572, "[degF]"), reading("co", 12_000, "[ppm]"), reading("gas_lel", 120, "%{LEL}"),
			reading("gas", 900_000, "[ppm]"), reading("pm25", 15_000, "ug/m3"), reading("co2", 90_000, "[ppm]"), reading("water_level", 80, "m"),
			reading("smoke_concentration", 1e6, "[ppm]"), reading("humidity", 100, "%"), reading("voltage", 0, "V"), reading("distance", 0, "m"),
		} {
			if _, told := newBench(t, Settings{Profile: builtinProfile(t, name)}).tell(r); len(told.Readings) != 1 {
				t.Errorf("%s drops %v %s of %s", name, r.Value, r.Unit, r.Quantity)
			}
		}
	}
}

func TestAnUnknownChargeIsNoFault(t *testing.T) {
	b := newBench(t, Settings{})
	for range 5 {
		if found, told := b.tell(reading("battery", 255, "%")); len(found)+len(told.Readings) != 0 {
			t.Errorf("255 %% makes %v and %v", found, told.Readings)
		}
	}
}

// week tells a temperature every half hour that moves by day and night.
func (b *bench) week(days int) {
	for range days * 48 {
		b.now = b.now.Add(30 * time.Minute)
		hours := b.now.Sub(start).Hours()
		b.tell(reading("temperature", tidy(20+math.Round(50*math.Sin(hours/24*2*math.Pi))/10), "Cel"))
	}
}

func TestStuck(t *testing.T) {
	explicit := Profile{Quantities: map[string]Quantity{"temperature": {Unit: "Cel", Stuck: 24 * time.Hour, Moves: true}}}
	for _, tt := range []struct {
		name   string
		s      Settings
		learns int // days
		stuck  bool
	}{
		{"learnt", Settings{}, 10, true},
		{"not learnt for long enough", Settings{}, 5, false},
		{"never moved", Settings{}, 0, false},
		{"the profile knows", Settings{Profile: explicit}, 0, true},
		{"in a home", Settings{Profile: explicit, Home: true}, 10, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, tt.s)
			b.week(tt.learns)
			var last []sensor.Finding
			for range 25 {
				b.now = b.now.Add(time.Hour)
				last, _ = b.tell(reading("temperature", 19.25, "Cel"))
			}
			if got := says(last, alert.DeviceFault) == "care-temperature=active "; got != tt.stuck {
				t.Fatalf("stuck after 25 hours: %v, want %v", got, tt.stuck)
			}
			b.now = b.now.Add(time.Hour)
			found, _ := b.tell(reading("temperature", 19.3, "Cel"))
			if got := says(found, alert.DeviceFault) == "care-temperature=inactive "; got != tt.stuck {
				t.Errorf("moved again: %v", found)
			}
		})
	}
}

// TestASensorThatSeldomSpeaksIsNotStuck: one that tells changes only has nothing to tell.
func TestASensorThatSeldomSpeaksIsNotStuck(t *testing.T) {
	b := newBench(t, Settings{})
	b.week(10)
	for range sameAtLeast - 1 {
		b.now = b.now.Add(24 * time.Hour)
		if found, _ := b.tell(reading("temperature", 19.25, "Cel")); says(found, alert.DeviceFault) != "" {
			t.Fatalf("%v", found)
		}
	}
}

func TestWhatComesLateChangesNothing(t *testing.T) {
	b := newBench(t, Settings{})
	now, old := reading("temperature", 20, "Cel"), reading("temperature", 5, "Cel")
	now.At, old.At = b.now, b.now.Add(-time.Hour)
	b.tell(now)
	if _, told := b.tell(old); len(told.Readings) != 1 {
		t.Error("an old reading is gone")
	}
	if v := b.care.Health("d").Values; len(v) != 1 || v[0].Value != 20 {
		t.Errorf("last values %+v", v)
	}
}

func TestLastValuesAreMerged(t *testing.T) {
	b := newBench(t, Settings{})
	b.tell(reading("temperature", 20, "Cel"))
	b.now = b.now.Add(time.Minute)
	b.tell(reading("humidity", 40, "%"))
	if v := b.care.Health("d").Values; len(v) != 2 || v[0].Quantity != "humidity" || !v[1].At.Equal(start) {
		t.Errorf("last values %+v", v)
	}
}

// TestSeveralDevicesOnOneTopicAreNotMixed: one that is empty and one that is full make no battery that comes and goes.
func TestSeveralDevicesOnOneTopicAreNotMixed(t *testing.T) {
	b := newBench(t, Settings{})
	full, empty := reading("battery", 90, "%"), reading("battery", 5, "%")
	empty.Device = "e"
	b.tell(full)
	for range 5 {
		b.now = b.now.Add(time.Hour)
		lowFound, _ := b.tell(empty, observation.Reading{Device: "e", Quantity: "temperature", Value: -127, Unit: "Cel"})
		fullFound, told := b.tell(full, observation.Reading{Device: "d", Quantity: "temperature", Value: 50, Unit: "[degF]"})
		if len(lowFound)+len(fullFound) != 0 || len(told.Readings) != 2 || told.Readings[1].Value != 10 {
			t.Fatalf("%v, %v, %v", lowFound, fullFound, told.Readings)
		}
	}
}

// TestMemoryIsBounded whatever a device calls its quantities.
func TestMemoryIsBounded(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, Settings{})
		for i := range maxValues + 3 {
			b.now = b.now.Add(rapid.SampledFrom([]time.Duration{time.Second, time.Hour, 30 * time.Hour}).Draw(rt, "later"))
			name := fmt.Sprintf("q%d", i)
			v := rapid.SampledFrom([]float64{0, 1, math.NaN(), math.Inf(1), 1e300, -1e300}).Draw(rt, "value")
			unit := rapid.SampledFrom([]string{"Cel", "m", "x", "%"}).Draw(rt, "unit")
			if _, told := b.tell(reading(name, v, unit), reading("temperature", v, unit)); len(told.Readings) > 2 {
				rt.Fatal("readings were made up")
			}
			b.care.Heard("d", b.now)
			b.care.Time("d", b.now.Add(time.Duration(v)), b.now, true)
		}
		d := b.care.devices["d"]
		if !d.memory.sound(b.now) {
			rt.Fatalf("not bounded: %d values", len(d.Values))
		}
	})
}

// TestAHomeTellsItsHealthOnly.
func TestAHomeTellsItsHealthOnly(t *testing.T) {
	b := newBench(t, Settings{Home: true})
	for range 600 {
		b.now = b.now.Add(time.Hour)
		b.care.Heard("d", b.now)
		b.care.Time("d", b.now.Add(-8*time.Hour), b.now, true)
		found, _ := b.tell(reading("temperature", -127, "Cel"), reading("battery", 50, "%"))
		for _, f := range found {
			if f.Reading != nil {
				t.Fatalf("finding %+v of a home has a value", f)
			}
		}
	}
	h := b.care.Health("d")
	if h.Silence != 0 || h.ClockBehind != 0 || len(h.Values) != 0 {
		t.Errorf("health of a home tells %+v", h)
	}
	if h.Battery == nil || len(h.Faults) != 1 {
		t.Errorf("health of a home lacks %+v", h)
	}
	b.tell(reading("temperature", 23.25, "Cel"))
	if text, err := b.care.devices["d"].encode(); err != nil || strings.Contains(string(text), "23.25") {
		t.Errorf("the file holds %s, %v", text, err)
	}
	if silent, judged := b.care.Silent("d", b.now, b.now.Add(73*time.Hour)); !silent || !judged {
		t.Error("one that speaks like a clock is not missed")
	}
}

func TestStrangersPass(t *testing.T) {
	b := newBench(t, Settings{})
	told := &sensor.Told{Device: &sensor.Device{ID: "other"}, Received: b.now, Readings: []observation.Reading{reading("temperature", -127, "Cel")}}
	if found := b.care.Take(told); found != nil || len(told.Readings) != 1 {
		t.Errorf("%v, %v", found, told.Readings)
	}
	if silent, judged := b.care.Silent("other", time.Time{}, b.now); silent || judged {
		t.Error("a stranger is missed")
	}
	if _, err := New(Options{Devices: map[string]Settings{"": {}}}); err == nil {
		t.Error("a device without an id is taken")
	}
	if h := b.care.Health("other"); h.Battery != nil || b.care.Tick(b.now) != nil {
		t.Errorf("%+v", h)
	}
	b.care.Heard("other", b.now)
	if _, believed := b.care.Time("other", b.now.Add(-25*time.Hour), b.now, true); believed {
		t.Error("a stranger's clock is believed")
	}
}

// TestATimeToComeKeepsNothingOut: a device whose clock is a day ahead, or an edge whose own was set back, goes on being looked at.
func TestATimeToComeKeepsNothingOut(t *testing.T) {
	b := newBench(t, Settings{})
	ahead := reading("temperature", 20, "Cel")
	ahead.At = start.Add(20 * time.Hour)
	b.tell(ahead)
	b.now = start.Add(time.Minute)
	b.tell(reading("temperature", 21, "Cel"))
	if v := b.care.Health("d").Values; len(v) != 1 || v[0].Value != 21 || !v[0].At.Equal(b.now) {
		t.Errorf("the last value is %+v", v)
	}
}
