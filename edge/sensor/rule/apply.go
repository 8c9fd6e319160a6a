package rule

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gridgate/edge/sensor"
	"gridgate/protocols/alert"
)

// Sensor is what rules are chosen by.
type Sensor struct {
	ID      string
	Profile string // of the file or built in; empty: generic
	Sort    string // built-in profile that Profile is like; empty: generic
	Place   string // kind of place
	Home    bool   // only hazards leave
}

// Selector chooses sensors: by id, or by profile.
type Selector struct{ Sensors, Profiles []string }

// has says whether a profile is chosen by name, or by the built-in one that it is like.
func (s Selector) has(of Sensor) bool {
	return slices.Contains(s.Profiles, of.Profile) || slices.Contains(s.Profiles, of.sort())
}

func (s Sensor) sort() string {
	if s.Sort == "" {
		return "generic"
	}
	return s.Sort
}

// Own is a rule of the file. It replaces the built-in one of its name for the sensors that it chooses.
type Own struct {
	Rule *Rule
	Selector
}

// Off switches a built-in rule off for some sensors; without a selector, for all.
type Off struct {
	Rule string
	Selector
}

// Set is what the configuration says of rules. Every rule was checked.
type Set struct {
	NoDefaults bool
	Own        []Own
	Off        []Off
}

// Applied is a rule that watches a sensor, and why; or, with Refused, one that was chosen and must not.
type Applied struct {
	Sensor  string
	Rule    *Rule
	Why     string
	Refused string
}

// Apply says which rules watch which sensors, in the order of the sensors.
func (s Set) Apply(sensors []Sensor) []Applied {
	defaults := Defaults()
	homes, named := map[string]bool{}, map[string][]int{}
	for _, of := range sensors {
		homes[of.ID] = of.Home
	}
	for i, own := range s.Own {
		for _, id := range own.Sensors {
			named[id] = append(named[id], i)
		}
	}
	var out []Applied
	for _, of := range sensors {
		mine := s.own(of, named[of.ID])
		mine = append(mine, s.defaults(defaults, of, mine)...)
		for i := range mine {
			mine[i].Refused = refused(mine[i].Rule, of, homes)
		}
		out = append(out, mine...)
	}
	return out
}

// own are the rules of the file for a sensor that those of the numbers in named name.
func (s Set) own(of Sensor, named []int) (out []Applied) {
	for i, own := range s.Own {
		switch {
		case slices.Contains(named, i):
			out = append(out, Applied{Sensor: of.ID, Rule: own.Rule, Why: "the file names the sensor"})
		case own.has(of):
			out = append(out, Applied{Sensor: of.ID, Rule: own.Rule, Why: "the file names its profile"})
		}
	}
	return out
}

// defaults are the built-in rules of a sensor, but for those that the file replaces or switches off.
func (s Set) defaults(all []Default, of Sensor, own []Applied) (out []Applied) {
	if s.NoDefaults {
		return nil
	}
	for i := range all {
		d := &all[i]
		replaced := slices.ContainsFunc(own, func(a Applied) bool { return a.Rule.Name == d.Name })
		fits := slices.Contains(d.Profiles, of.sort()) && (len(d.Places) == 0 || slices.Contains(d.Places, of.Place))
		if fits && !replaced && !s.off(d.Name, of) {
			out = append(out, Applied{Sensor: of.ID, Rule: &d.Rule, Why: "built in for the profile " + of.sort()})
		}
	}
	return out
}

func (s Set) off(name string, of Sensor) bool {
	return slices.ContainsFunc(s.Off, func(o Off) bool {
		everybody := len(o.Sensors)+len(o.Profiles) == 0
		return o.Rule == name && (everybody || slices.Contains(o.Sensors, of.ID) || o.has(of))
	})
}

// refused says why a rule must not watch a sensor: in a home, what tells whether somebody is in is nobody's business, whatever a
// rule would call it; and nothing outside may be concluded from it.
func refused(r *Rule, of Sensor, homes map[string]bool) string {
	if of.Home && !sensor.LeavesHome(r.Kind) {
		return "only hazards leave a home"
	}
	if c := r.Combination; c != nil {
		for _, name := range sortedInputs(c) {
			in := c.Inputs[name]
			if homes[in.Sensor] && (!of.Home || !in.hazard(r)) {
				return fmt.Sprintf("the input %s is in a home, and would tell more than a hazard", name)
			}
		}
		return ""
	}
	switch l := r.level(); {
	case !of.Home:
	case r.Absence != nil && !failing(r):
		return "that a sensor of a home is silent is no more than its failure"
	case r.State != "" && !sensor.LeavesHome(r.State), l != nil && !tells(r, l):
		return "what it looks at would tell whether somebody is in"
	}
	return ""
}

// failing: of a sensor that says nothing any more, no more than that.
func failing(r *Rule) bool {
	return r.Absence.Quantity == "" && (r.Kind == alert.DeviceOffline || r.Kind == alert.DeviceFault)
}

// hazard says whether an input of a home may be looked at for a rule of the same home.
func (in Input) hazard(r *Rule) bool {
	if in.State != "" {
		return sensor.LeavesHome(in.State)
	}
	return sensor.MeasuredAtHome(plain(in.Quantity))
}

// What a temperature of a home may say: that it is hotter than anybody lives in, or gets hot as in a fire. Neither tells who is at home.
const (
	homeHeat = 45 // Cel
	homeRise = 5  // Cel in a minute
)

// tells says whether a number of a home is one of a hazard: those that may leave it as readings, and the heat of a fire.
func tells(r *Rule, l *Level) bool {
	if sensor.MeasuredAtHome(plain(l.Quantity)) {
		return true
	}
	if r.Kind != alert.Heat || l.Quantity != "temperature" || l.Unit != "Cel" || l.Above == nil {
		return false
	}
	if r.Rate != nil {
		return *l.Above/r.Rate.Per.Minutes() >= homeRise
	}
	return *l.Above >= homeHeat && (l.Clear == nil || *l.Clear >= homeHeat)
}

func sortedInputs(c *Combination) []string { return slices.Sorted(maps.Keys(c.Inputs)) }

// plain is a quantity without the number of its channel.
func plain(quantity string) string {
	base := strings.TrimRight(quantity, "0123456789")
	if len(base) < len(quantity) && len(base) > 1 && base[len(base)-1] == '_' {
		return base[:len(base)-1]
	}
	return quantity
}
