package care

import (
	"testing"
	"time"

	"gridgate/edge/sensor"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// days tells a charge once a day, starting from percent and changing by slope, with now and then an odd value.
func (b *bench) days(n int, percent, slope float64) (last []sensor.Finding) {
	for i := range n {
		b.now = b.now.Add(24 * time.Hour)
		p := percent + slope*float64(i)
		if i%10 == 7 {
			p += 3
		}
		last, _ = b.tell(reading("battery", min(100, p), "%"))
	}
	return last
}

func TestForecast(t *testing.T) {
	for _, tt := range []struct {
		name         string
		days         int
		from, slope  float64
		least, most  int // days left; -1: unknown
		says         string
		severity     alert.Severity
		percentAbout float64
	}{
		{"half a percent a day", 60, 90, -0.5, 110, 130, "", "", 60},
		{"a percent a day, nearly gone", 60, 86, -1, 24, 30, "", "", 27},
		{"a percent a day, gone in two weeks", 60, 72, -1, 12, 13, "=active ", alert.Minor, 13},
		{"too few days", 10, 90, -1, -1, -1, "", "", 81},
		{"level", 60, 80, 0, -1, -1, "", "", 80},
		{"a panel charges it", 60, 40, 0.3, -1, -1, "", "", 57},
		{"low, but for long", 60, 17, -0.05, -1, -1, "=active ", "", 14},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, Settings{})
			found := b.days(tt.days, tt.from, tt.slope)
			h := b.care.Health("d")
			left := -1
			if h.DaysLeft != nil {
				left = *h.DaysLeft
			}
			if left < tt.least || left > tt.most {
				t.Errorf("%d days left, want %d to %d", left, tt.least, tt.most)
			}
			if got := says(found, alert.LowBattery); got != tt.says {
				t.Errorf("%q at %v %%, want %q", got, *h.Battery, tt.says)
			}
			if tt.says != "" && found[0].Severity != tt.severity {
				t.Errorf("severity %q, want %q", found[0].Severity, tt.severity)
			}
			if diff := *h.Battery - tt.percentAbout; diff < -1 || diff > 1 {
				t.Errorf("%v %%, want about %v", *h.Battery, tt.percentAbout)
			}
		})
	}
}

func TestLowBatteryHasHysteresisAndEndsWithANewOne(t *testing.T) {
	b := newBench(t, Settings{Profile: Profile{Battery: Battery{Low: 20}}})
	for i, step := range []struct {
		percent float64
		says    string
	}{{25, "=inactive "}, {20, "=active "}, {26, "=active "}, {29.5, "=active "}, {30, "=inactive "}, {24, ""}, {19, "=active "}, {100, "=inactive "}} {
		b.now = b.now.Add(time.Hour)
		found, told := b.tell(reading("battery", step.percent, "%"))
		if got := says(found, alert.LowBattery); got != step.says || told.Readings[0].Value != step.percent {
			t.Errorf("step %d, %v %%: %q, want %q; %v", i, step.percent, got, step.says, told.Readings)
		}
	}
	b.days(40, 100, -2)
	if h := b.care.Health("d"); h.DaysLeft == nil || *h.DaysLeft > soonDays {
		t.Fatalf("%+v", h)
	}
	b.now = b.now.Add(time.Hour)
	if found, _ := b.tell(reading("battery", 100, "%")); says(found, alert.LowBattery) != "=inactive " || b.care.Health("d").DaysLeft != nil {
		t.Errorf("a new battery: %v, %+v", found, b.care.Health("d"))
	}
}

func TestVoltsAreACharge(t *testing.T) {
	b := newBench(t, Settings{Profile: Profile{Battery: Battery{Unit: "V", Empty: 2.4, Full: 3}}})
	_, told := b.tell(reading("battery_voltage", 2700, "mV"))
	if len(told.Readings) != 2 || told.Readings[1] != reading("battery", 50, "%") && told.Readings[1].Value != 50 {
		t.Errorf("%+v, want 50 %%", told.Readings)
	}
	if _, told = b.tell(reading("battery", 100, "%"), reading("battery_voltage", 2.4, "V")); len(told.Readings) != 2 || told.Readings[0].Value != 0 {
		t.Errorf("%+v, want the charge by the volts", told.Readings)
	}
	if _, told = b.tell(reading("voltage", 2850, "mV")); len(told.Readings) != 2 || told.Readings[1].Value != 75 {
		t.Errorf("%+v, want 75 %%", told.Readings)
	}
	for v, want := range map[float64]float64{2: 0, 3.3: 100, 2.55: 25} {
		if _, told := b.tell(reading("battery_voltage", v, "V")); told.Readings[1].Value != want {
			t.Errorf("%v V are %v %%, want %v", v, told.Readings[1].Value, want)
		}
	}
}

// TestOneVoiceTellsOfABattery: the device's own flag and ours share a situation, and neither ends what the other holds.
func TestOneVoiceTellsOfABattery(t *testing.T) {
	b := newBench(t, Settings{})
	flag := func(low observation.Phase, percent float64) (string, []observation.Observation) {
		b.now = b.now.Add(time.Hour)
		told := &sensor.Told{
			Device: &sensor.Device{ID: "d"}, Received: b.now, Readings: []observation.Reading{reading("battery", percent, "%")},
			Observations: []observation.Observation{{Device: "d", Kind: alert.LowBattery, Phase: low}, {Device: "d", Kind: alert.Smoke, Phase: observation.Inactive}},
		}
		found := b.care.Take(told)
		return says(found, alert.LowBattery), told.Observations
	}
	for i, step := range []struct {
		flag    observation.Phase
		percent float64
		says    string
		kept    int
	}{
		{observation.Inactive, 80, "=inactive ", 2}, {observation.Inactive, 10, "=active ", 1}, {observation.Active, 10, "=active ", 2},
		{observation.Active, 90, "", 2}, {observation.Inactive, 90, "", 2},
	} {
		if got, kept := flag(step.flag, step.percent); got != step.says || len(kept) != step.kept {
			t.Errorf("step %d: %q and %v, want %q and %d", i, got, kept, step.says, step.kept)
		}
	}
}
