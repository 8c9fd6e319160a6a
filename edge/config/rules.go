package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gridgate/edge/schedule"
	"gridgate/edge/sensor"
	"gridgate/edge/sensor/care"
	"gridgate/edge/sensor/rule"
	"gridgate/protocols/alert"
)

// Rules make alarms of what sensors measure.
type Rules struct {
	Default string    `yaml:"default"` // on, or off: none of the built-in rules
	Off     []RuleOff `yaml:"off"`     // built-in rules that do not apply
	Own     []Rule    `yaml:"own"`
}

// RuleOff switches a built-in rule off: for some sensors, or without a selector for all.
type RuleOff struct {
	Rule     string   `yaml:"rule"`
	Sensors  []string `yaml:"sensors"`
	Profiles []string `yaml:"profiles"`
}

// Rule is one rule; see the fields of rule.Rule. It has one condition: quantity with above or below, and with per and over the rate of
// that; state; absent; or when.
type Rule struct {
	Name     string        `yaml:"name"` // that of a built-in rule: it takes its place
	Sensors  []string      `yaml:"sensors"`
	Profiles []string      `yaml:"profiles"` // of the file or built in
	Kind     string        `yaml:"kind"`
	Severity string        `yaml:"severity"`
	Zone     string        `yaml:"zone"`
	For      time.Duration `yaml:"for"`
	Hold     time.Duration `yaml:"hold"`
	Schedule []Window      `yaml:"schedule"`
	Modes    []string      `yaml:"modes"`

	Quantity string        `yaml:"quantity"`
	Unit     string        `yaml:"unit"`
	Above    *float64      `yaml:"above"`
	Below    *float64      `yaml:"below"`
	Clear    *float64      `yaml:"clear"`
	Per      time.Duration `yaml:"per"`
	Over     time.Duration `yaml:"over"`

	State string `yaml:"state"`

	Absent      time.Duration `yaml:"absent"`
	WhileOthers bool          `yaml:"while_others"`

	When    string               `yaml:"when"`
	Inputs  map[string]RuleInput `yaml:"inputs"`
	Missing string               `yaml:"missing"`
}

// RuleInput is what a combination looks at.
type RuleInput struct {
	Sensor   string        `yaml:"sensor"`
	Quantity string        `yaml:"quantity"`
	Unit     string        `yaml:"unit"`
	State    string        `yaml:"state"`
	MaxAge   time.Duration `yaml:"max_age"`
}

// Bounds of the rules of the file.
const (
	maxRules    = 500
	maxRulesOff = 500
)

// RuleSet makes what applies to sensors of the section rules. The configuration was validated: an error is a mistake in this program.
func (c *Config) RuleSet() (rule.Set, error) {
	set := rule.Set{NoDefaults: c.Rules.Default == "off"}
	for _, o := range c.Rules.Off {
		set.Off = append(set.Off, rule.Off{Rule: o.Rule, Selector: rule.Selector{Sensors: o.Sensors, Profiles: o.Profiles}})
	}
	for i, r := range c.Rules.Own {
		awake, err := c.Schedule(r.Schedule)
		if err != nil {
			return set, fmt.Errorf("rule %s: %w", r.Name, err)
		}
		built := r.build(awake)
		if wrong := built.Check(); len(wrong) > 0 {
			return set, fmt.Errorf("rule %d: %s: %s", i, wrong[0].Field, wrong[0].Message)
		}
		set.Own = append(set.Own, rule.Own{Rule: built, Selector: rule.Selector{Sensors: r.Sensors, Profiles: r.Profiles}})
	}
	return set, nil
}

// RuleSensors are the sensors as rules choose them.
func (c *Config) RuleSensors() []rule.Sensor {
	out := make([]rule.Sensor, len(c.Sensors))
	for i, s := range c.Sensors {
		out[i] = rule.Sensor{ID: s.ID, Profile: s.Profile, Sort: c.Sort(s.Profile), Place: string(s.Place.Kind), Home: s.Place.Kind.Private()}
	}
	return out
}

func (r Rule) build(awake schedule.Schedule) *rule.Rule {
	out := &rule.Rule{
		Name: r.Name, Kind: alert.Kind(r.Kind), Severity: alert.Severity(r.Severity), Zone: r.Zone, For: r.For, Hold: r.Hold,
		Schedule: awake, State: alert.Kind(r.State),
	}
	for _, m := range r.Modes {
		out.Modes = append(out.Modes, sensor.Mode(m))
	}
	level := rule.Level{Quantity: r.Quantity, Unit: r.Unit, Above: r.Above, Below: r.Below, Clear: r.Clear}
	switch {
	case r.Per > 0 || r.Over > 0:
		out.Rate = &rule.Rate{Level: level, Per: r.Per, Over: r.Over}
	case r.Above != nil || r.Below != nil || r.Quantity != "" && r.Absent == 0:
		out.Level = &level
	}
	if r.Absent != 0 {
		out.Absence = &rule.Absence{Quantity: r.Quantity, After: r.Absent, Others: r.WhileOthers}
	}
	if r.When != "" || len(r.Inputs) > 0 {
		out.Combination = &rule.Combination{When: r.When, Inputs: map[string]rule.Input{}, Missing: rule.Missing(r.Missing)}
		for name, in := range r.Inputs {
			out.Combination.Inputs[name] = rule.Input{Sensor: in.Sensor, Quantity: in.Quantity, Unit: in.Unit, State: alert.Kind(in.State), MaxAge: in.MaxAge}
		}
	}
	return out
}

// rules judges the section rules, after the sensors.
func (j *judge) rules(c *Config) {
	j.demand(slices.Contains([]string{"", "on", "off"}, c.Rules.Default), "rules.default", "unknown", "write on or off")
	j.demand(len(c.Rules.Own) <= maxRules, "rules.own", "too many rules", fmt.Sprintf("at most %d", maxRules))
	j.demand(len(c.Rules.Off) <= maxRulesOff, "rules.off", "too many", fmt.Sprintf("at most %d", maxRulesOff))
	known := map[string]bool{}
	for _, s := range c.Sensors {
		known[s.ID] = true
	}
	j.rulesOff(c, known)
	before := len(j.problems)
	seen := map[string]bool{}
	for i, r := range c.Rules.Own {
		j.ownRule(c, fmt.Sprintf("rules.own[%d]", i), r, known, seen)
	}
	if len(j.problems) == before {
		j.private(c)
	}
}

func (j *judge) rulesOff(c *Config, known map[string]bool) {
	names := rule.DefaultNames()
	for i, o := range c.Rules.Off {
		at := fmt.Sprintf("rules.off[%d]", i)
		j.demand(slices.Contains(names, o.Rule), at+".rule", "no built-in rule has this name", "write one of: "+strings.Join(names, ", "))
		j.chosen(c, at, o.Sensors, o.Profiles, known)
	}
}

// chosen demands that what a selector names is there.
func (j *judge) chosen(c *Config, at string, sensors, profiles []string, known map[string]bool) {
	for k, id := range sensors {
		j.demand(known[id], fmt.Sprintf("%s.sensors[%d]", at, k), "no such sensor", "name one of the list sensors by its id")
	}
	for k, p := range profiles {
		_, there := c.Profile(p)
		j.demand(there, fmt.Sprintf("%s.profiles[%d]", at, k), "no such profile", "name one of the list profiles, or a built-in one: "+strings.Join(care.BuiltinNames(), ", "))
	}
}

func (j *judge) ownRule(c *Config, at string, r Rule, known, seen map[string]bool) {
	before := len(j.problems)
	j.windows(at+".schedule", r.Schedule)
	j.demand(!seen[r.Name], at+".name", "the name is used twice", "give each rule a name of its own")
	seen[r.Name] = true
	j.demand(len(r.Sensors)+len(r.Profiles) > 0, at+".sensors", "the rule is for no sensor", "write sensors: [ID] or profiles: [NAME]")
	j.chosen(c, at, r.Sensors, r.Profiles, known)
	if (r.Per > 0) != (r.Over > 0) {
		j.bad(at+".per", "a rate needs the time that it is for and the time over which it is measured", "write both, for example per: 1h and over: 15m")
	}
	if r.When != "" || len(r.Inputs) > 0 {
		j.demand(len(r.Sensors) == 1 && len(r.Profiles) == 0, at+".sensors", "a combination is said of one sensor", "name one; the others are its inputs")
		for name, in := range r.Inputs {
			j.demand(known[in.Sensor], at+".inputs."+name+".sensor", "no such sensor", "name one of the list sensors by its id")
		}
	}
	if len(j.problems) > before {
		return
	}
	awake, err := c.Schedule(r.Schedule)
	if err != nil {
		return // the time zone or the calendar is wrong, and is told so
	}
	for _, m := range r.build(awake).Check() {
		j.bad(at+"."+m.Field, m.Message, m.Remedy)
	}
}

// private refuses rules that name a sensor in a home of which they would tell more than a hazard.
func (j *judge) private(c *Config) {
	set, err := c.RuleSet()
	if err != nil {
		return
	}
	for _, a := range set.Apply(c.RuleSensors()) {
		i := slices.IndexFunc(set.Own, func(o rule.Own) bool { return o.Rule == a.Rule })
		if a.Refused != "" && i >= 0 && slices.Contains(c.Rules.Own[i].Sensors, a.Sensor) {
			j.bad(fmt.Sprintf("rules.own[%d].sensors", i), "a sensor of it stands in a home: "+a.Refused, "choose others; no setting allows it")
		}
	}
}
