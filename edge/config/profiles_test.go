package config

import (
	"strings"
	"testing"
	"time"

	"gridgate/edge/sensor/care"
)

func TestAProfileHoldsWhatItsSortHolds(t *testing.T) {
	c, err := Load(write(t, good))
	if err != nil {
		t.Fatal(err)
	}
	p, known := c.Profile("gauge")
	if !known || p.Name != "gauge" || p.Interval != 10*time.Minute || p.Battery != (care.Battery{Unit: "V", Empty: 2.4, Full: 3, Low: 20}) {
		t.Errorf("profile = %+v", p)
	}
	q := p.Quantity("water_level_2")
	if q.Unit != "cm" || *q.Max != 900 || *q.Min != -5000 || q.Band != 1 || q.Every != usualEvery {
		t.Errorf("water level = %+v, min %v, want the built-in bounds in centimetres", q, *q.Min)
	}
	if got := c.Sort("gauge"); got != "water-level" {
		t.Errorf("sort = %s", got)
	}
	if _, known := c.Profile("other"); known || c.Sort("") != care.Generic || c.Sort("smoke") != "smoke" {
		t.Error("a profile that nobody wrote is known, or a built-in one is not what it is")
	}
	if s := c.Sensors[0]; s.Mode != "disarmed" || s.Severity["smoke"] != "major" {
		t.Errorf("sensor = %+v", s)
	}
	if c, err = Load(write(t, strings.Replace(good, ", mode: disarmed", "", 1))); err != nil || c.Sensors[0].Mode != "armed" {
		t.Errorf("mode of a sensor that has none: %v, %v", c.Sensors[0].Mode, err)
	}
}

func TestEveryMistakeOfAProfileNamesItsPlace(t *testing.T) {
	eachIsFound(t, []mistake{
		{"profile of a stranger", "profile: gauge", "profile: gague", "sensors[0].profile", "no profile"},
		{"mode of a sensor", "mode: disarmed", "mode: off", "sensors[0].mode", "unknown mode"},
		{"severity of no kind", "{smoke: major}", "{face: major}", "sensors[0].severity.face", "unknown kind"},
		{"unknown severity", "{smoke: major}", "{smoke: huge}", "sensors[0].severity.smoke", "unknown severity"},
		{"name of a built-in profile", "name: gauge", "name: smoke", "profiles[0].name", "built-in"},
		{"profile like no other", "like: water-level", "like: gauge", "profiles[0].like", "no built-in profile"},
		{"interval of a blink", "interval: 10m", "interval: 1s", "profiles[0].interval", "out of range"},
		{"unit of no charge", "unit: V", "unit: A", "profiles[0].battery.unit", "not a unit of a charge"},
		{"battery upside down", "full: 3.0", "full: 2.0", "profiles[0].battery.full", "no more than an empty one"},
		{"volts without a scale", "empty: 2.4, full: 3.0", "low: 10", "profiles[0].battery.full", "say nothing of the charge"},
		{"low at noon", "full: 3.0", "full: 3.0, low: 80", "profiles[0].battery.low", "out of range"},
		{"no quantity", "{water_level:", "{Water:", "profiles[0].quantities.Water", "not the name of a quantity"},
		{"unit misspelt", "unit: cm", "unit: °C", "profiles[0].quantities.water_level.unit", "not a UCUM code"},
		{"bounds upside down", "max: 900", "max: 900, min: 900", "profiles[0].quantities.water_level.max", "not more than min"},
		{"stuck at once", "max: 900", "max: 900, stuck: 1s", "profiles[0].quantities.water_level.stuck", "out of range"},
		{"negative band", "dead_band: 1", "dead_band: -1", "profiles[0].quantities.water_level.dead_band", "is negative"},
		{"band for a week", "dead_band: 1", "dead_band: 1, at_least_every: 168h", "profiles[0].quantities.water_level.at_least_every", "out of range"},
	})
}
