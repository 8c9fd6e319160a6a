package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gridgate/edge/sensor/rule"
	"gridgate/protocols/kit/conf"
)

// withRule is a good file with one rule of its own and a second sensor that is in no home.
func withRule(text string) string {
	const hall = "  - {id: hall, dialect: zigbee2mqtt, topic: z/hall, profile: temperature}\nlocal:"
	return strings.Replace(good, "local:", hall, 1) + "rules:\n  own:\n    - {" + text + "}\n"
}

const level = "name: warm, sensors: [hall], kind: temperature, quantity: temperature, above: 30"

func TestEveryMistakeOfARuleNamesItsPlace(t *testing.T) {
	for _, c := range []struct{ rule, field, message string }{
		{"name: Warm, " + strings.TrimPrefix(level, "name: warm, "), "name", "not a name"},
		{strings.Replace(level, "kind: temperature", "kind: warmth", 1), "kind", "unknown kind"},
		{level + ", severity: dire", "severity", "unknown severity"},
		{level + ", zone: '/'", "zone", "not a name"},
		{level + ", for: 25h", "for", "out of range"},
		{level + ", hold: 25h", "hold", "out of range"},
		{strings.Replace(level, "kind: temperature", "kind: smoke", 1) + ", for: 3m", "for", "a hazard to life must not wait"},
		{"name: co, sensors: [hall], kind: co, quantity: co, above: 300, for: 4m", "for", "within 3 min"},
		{"name: co, sensors: [hall], kind: co, quantity: co, above: 100, for: 41m", "for", "within 40 min"},
		{"name: co, sensors: [hall], kind: co, quantity: co, above: 30, for: 2h", "for", "within 90 min"},
		{"name: co, sensors: [hall], kind: co, state: co, for: 3m", "for", "must not wait"},
		{strings.Replace(level, "kind: temperature", "kind: gas", 1) + ", modes: [armed]", "modes", "in every mode"},
		{strings.Replace(level, "kind: temperature", "kind: gas", 1) + `, schedule: [{from: "22:00", to: "06:00"}]`, "schedule", "at all times"},
		{level + ", modes: [asleep]", "modes[0]", "unknown mode"},
		{level + `, schedule: [{from: "22", to: "06:00"}]`, "schedule[0].from", "not a time of day"},
		{level + ", below: 3", "above", "either above or below"},
		{strings.Replace(level, ", above: 30", "", 1), "above", "either above or below"},
		{level + ", clear: 31", "clear", "above the value"},
		{strings.Replace(level, "above: 30", "below: 3, clear: 2", 1), "clear", "below the value"},
		{strings.Replace(level, "quantity: temperature", "quantity: Heat", 1), "quantity", "not a name"},
		{strings.Replace(level, "quantity: temperature", "quantity: murk", 1), "unit", "the unit is demanded"},
		{level + ", per: 1h", "per", "a rate needs"},
		{level + ", per: 25h, over: 1h", "per", "out of range"},
		{level + ", per: 1h, over: 1s", "over", "out of range"},
		{strings.Replace(level, "above: 30", "above: 0", 1) + ", per: 1h, over: 1h", "above", "no change at all"},
		{level + ", state: door", "quantity", "one condition"},
		{"name: none, sensors: [hall], kind: door", "quantity", "one condition"},
		{"name: open, sensors: [hall], kind: door, state: ajar", "state", "unknown kind"},
		{"name: mute, sensors: [hall], kind: other, absent: 1s", "absent", "out of range"},
		{"name: mute, sensors: [hall], kind: other, absent: 1h, quantity: Heat", "quantity", "not a name"},
		{"name: warm, kind: temperature, quantity: temperature, above: 30", "sensors", "for no sensor"},
		{strings.Replace(level, "[hall]", "[hull]", 1), "sensors[0]", "no such sensor"},
		{level + ", profiles: [cold]", "profiles[0]", "no such profile"},
		{when("x > 1", "x: {sensor: hull, quantity: power, max_age: 1m}"), "inputs.x.sensor", "no such sensor"},
		{strings.Replace(when("x > 1", input), "[hall]", "[hall, smoke-1]", 1), "sensors", "said of one sensor"},
		{when("x > 1", "x: {sensor: hall, quantity: power}"), "inputs.x.max_age", "out of range"},
		{when("x > 1", "x: {sensor: hall, max_age: 1m}"), "inputs.x", "either a quantity or a state"},
		{when("x > 1", "x: {sensor: hall, state: ajar, max_age: 1m}"), "inputs.x.state", "unknown kind"},
		{when("x > 1", "x: {sensor: hall, quantity: murk, max_age: 1m}"), "inputs.x.unit", "the unit is demanded"},
		{when("X > 1", "X: {sensor: hall, quantity: power, max_age: 1m}"), "inputs.X", "not a name"},
		{when("x > 1", ""), "inputs", "no input"},
		{when("x > 1", input) + ", missing: perhaps", "missing", "unknown"},
		{when("x", input), "when", "bool"},
		{when("y > 1", input), "when", "unknown name y"},
		{when("all([x], # > 1)", input), "when", "loop"},
		{when("x in 1..9", input), "when", "not allowed"},
		{when("x ** x > 1", input), "when", "not allowed"},
		{when("age.y > 1 and x > 1", input), "when", "age of no input"},
		{when("x > 1", input+", y: {sensor: hall, quantity: voltage, max_age: 1m}"), "when", "y is not looked at"},
		{when("x > 1"+strings.Repeat(" or x > 1", 100), input), "when", "nodes"},
		{"name: home, sensors: [smoke-1], kind: door, state: door", "sensors", "stands in a home"},
		{"name: home, sensors: [smoke-1], kind: sos, state: door", "sensors", "stands in a home"},
		{"name: home, sensors: [smoke-1], kind: gas, quantity: power, above: 9", "sensors", "stands in a home"},
		{"name: home, sensors: [smoke-1], kind: heat, quantity: temperature, above: 22", "sensors", "stands in a home"},
		{when("x", "x: {sensor: smoke-1, state: door, max_age: 1h}"), "sensors", "stands in a home"},
		{when("x", "x: {sensor: smoke-1, state: smoke, max_age: 1h}"), "sensors", "stands in a home"},
	} {
		var problems conf.Problems
		text := withRule(c.rule)
		if _, err := Load(write(t, text)); !errors.As(err, &problems) {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		found, line := false, strings.Count(text, "\n")
		for _, p := range problems {
			found = found || p.Field == "rules.own[0]."+c.field && strings.Contains(p.Message, c.message) && p.Line == line && p.Remedy != ""
		}
		if !found {
			t.Errorf("%s: want %s: %s at line %d, have\n%v", c.rule, c.field, c.message, line, problems)
		}
	}
}

const input = "x: {sensor: hall, quantity: power, max_age: 1m}"

func when(expression, inputs string) string {
	return fmt.Sprintf("name: mix, sensors: [hall], kind: other, when: %q, inputs: {%s}", expression, inputs)
}

func TestTheSectionRulesIsJudged(t *testing.T) {
	for section, want := range map[string]string{
		"default: maybe":                          "rules.default",
		"off: [{rule: warmth}]":                   "rules.off[0].rule",
		"off: [{rule: heat, sensors: [x]}]":       "rules.off[0].sensors[0]",
		"off: [{rule: heat, profiles: [x]}]":      "rules.off[0].profiles[0]",
		"own: [{" + twice + "}, {" + twice + "}]": "rules.own[1].name",
		"own: [{" + twice + ", wait: 1m}]":        "wait",
	} {
		_, err := Load(write(t, good+"rules: {"+section+"}\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", section, err, want)
		}
	}
}

const twice = "name: warm, profiles: [temperature], kind: heat, quantity: temperature, above: 60"

// TestRulesApply: by name, by profile, by the profile that one is like; in the place of built-in ones, and switched off.
func TestRulesApply(t *testing.T) {
	const sensors = "  - {id: a, dialect: mapped, topic: a, profile: gauge}\n  - {id: b, dialect: mapped, topic: b, profile: temperature, place: {kind: plant-room}}\n" +
		"  - {id: c, dialect: mapped, topic: c}\nlocal:"
	const rules = `rules:
  off: [{rule: gas-low}, {rule: co-50, profiles: [temperature, generic]}, {rule: co-100, sensors: [a, b]}]
  own:
    - {name: water-rise, profiles: [gauge], kind: flood, quantity: water_level, above: 1, per: 1h, over: 10m}
    - {name: warm, profiles: [water-level, temperature], kind: temperature, quantity: temperature, above: 30}
`
	c, err := Load(write(t, strings.Replace(good, "local:", sensors, 1)+rules))
	if err != nil {
		t.Fatal(err)
	}
	set, err := c.RuleSet()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, a := range set.Apply(c.RuleSensors()) {
		name := a.Rule.Name
		if a.Refused != "" {
			name = "not " + name
		}
		got[a.Sensor] = append(got[a.Sensor], name)
	}
	for id, want := range map[string]string{
		"a": "water-rise warm gas-high co-50 co-300", "b": "warm gas-high co-300 heat heat-rise freezing", "c": "gas-high co-100 co-300",
		"smoke-1": "water-rise not warm gas-high co-50 co-100 co-300",
	} {
		if have := strings.Join(got[id], " "); have != want {
			t.Errorf("%s has %s, want %s", id, have, want)
		}
	}
	c.Rules = Rules{Default: "off"}
	if set, err = c.RuleSet(); err != nil || len(set.Apply(c.RuleSensors())) != 0 {
		t.Errorf("rules are left that were switched off: %v", err)
	}
}

// TestTheDefaultsAreGood: each built-in rule would pass as one of the file, is for a profile that exists, and says its source.
func TestTheDefaultsAreGood(t *testing.T) {
	var c Config
	for _, d := range rule.Defaults() {
		if m := d.Check(); len(m) > 0 || d.Source == "" {
			t.Errorf("%s: %v, source %q", d.Name, m, d.Source)
		}
		for _, p := range d.Profiles {
			if _, known := c.Profile(p); !known {
				t.Errorf("%s is for %s, of which nothing is known", d.Name, p)
			}
		}
		for _, place := range d.Places {
			if !PlaceKind(place).Known() {
				t.Errorf("%s is for %s, which is no kind of place", d.Name, place)
			}
		}
	}
}
