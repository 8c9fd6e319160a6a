package rule

import (
	"slices"
	"time"

	"gridgate/protocols/alert"
)

// Default is a built-in rule and the profiles, and kinds of place, whose sensors have it.
type Default struct {
	Rule
	Profiles []string
	Places   []string // empty: any
}

// Profiles are the built-in names by which the defaults are chosen. Smoke and flame, leaks, doors, vibration, mains and calls for help
// are told by the sensors themselves, as states; no number stands for them here.
var Profiles = []string{
	"smoke", "gas", "co", "heat", "water-leak", "water-level", "flood", "temperature", "door", "vibration", "power", "sos", "air-quality", "generic",
}

func at(v float64) *float64 { return &v }

func above(quantity string, on, clear float64) *Level {
	return &Level{Quantity: quantity, Unit: usualUnits[quantity], Above: at(on), Clear: at(clear)}
}

func below(quantity string, on, clear float64) *Level {
	return &Level{Quantity: quantity, Unit: usualUnits[quantity], Below: at(on), Clear: at(clear)}
}

// Defaults returns the built-in rules. Every number has its source. Gas in ppm has none, since what is explosive depends on which
// gas it is: methane from 44,000, propane from 17,000 ppm (IEC 60079-20-1); only a reading in percent of that limit can be judged.
func Defaults() []Default {
	return slices.Concat(gases(), heats(), waters(), mains())
}

// DefaultNames are the names of the built-in rules, in the order of the alphabet.
func DefaultNames() []string {
	var names []string
	for _, d := range Defaults() {
		names = append(names, d.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func gases() []Default {
	all := Profiles // these quantities mean the hazard, whatever tells them
	return []Default{
		{Profiles: all, Rule: Rule{Name: "gas-low", Kind: alert.Gas, Severity: alert.Major, For: 30 * time.Second, Level: above("gas_lel", 10, 7),
			Source: "GB 15322.1-2019, low alarm from 5 to 25 %LEL"}},
		{Profiles: all, Rule: Rule{Name: "gas-high", Kind: alert.Gas, Severity: alert.Critical, For: 10 * time.Second, Level: above("gas_lel", 20, 15),
			Source: "EN 50194-1, alarm from 3 to 20 %LEL"}},
		{Profiles: all, Rule: Rule{Name: "co-50", Kind: alert.CO, For: time.Hour, Level: above("co", 50, 40),
			Source: "EN 50291-1, at 50 ppm alarm between 60 and 90 min; at 30 ppm none within 120 min"}},
		{Profiles: all, Rule: Rule{Name: "co-100", Kind: alert.CO, For: 10 * time.Minute, Level: above("co", 100, 80),
			Source: "EN 50291-1, at 100 ppm alarm between 10 and 40 min"}},
		{Profiles: all, Rule: Rule{Name: "co-300", Kind: alert.CO, For: time.Minute, Level: above("co", 300, 240),
			Source: "EN 50291-1, at 300 ppm alarm within 3 min"}},
	}
}

func heats() []Default {
	rooms := []string{"smoke", "heat", "temperature"}
	return []Default{
		{Profiles: rooms, Rule: Rule{Name: "heat", Kind: alert.Heat, For: 30 * time.Second, Level: above("temperature", 57, 50),
			Source: "EN 54-5 class A1, static response from 54 to 65 Cel; UL 521 ordinary rating from 57 Cel"}},
		{Profiles: rooms, Rule: Rule{Name: "heat-rise", Kind: alert.Heat, Severity: alert.Major,
			Rate:   &Rate{Level: *above("temperature", 8.3, 3), Per: time.Minute, Over: 2 * time.Minute},
			Source: "UL 521, rate of rise of 8.3 K/min (15 F/min)"}},
		{Profiles: []string{"temperature"}, Places: []string{"plant-room"},
			Rule: Rule{Name: "freezing", Kind: alert.Temperature, Severity: alert.Major, For: 10 * time.Minute, Level: below("temperature", 3, 5),
				Source: "water freezes at 0 Cel; 3 K of warning for pipes near an outer wall"}},
	}
}

// waters have no standard: 0.3 m in an hour is a street underpass that fills in the time that closing it takes. In tanks and wells the
// same rise is ordinary, so that for them it is no hazard to life.
func waters() []Default {
	rise := func() *Rate {
		return &Rate{Level: *above("water_level", 0.3, 0.1), Per: time.Hour, Over: 15 * time.Minute}
	}
	return []Default{
		{Profiles: []string{"flood"}, Rule: Rule{Name: "water-rise", Kind: alert.Flood, For: time.Minute, Rate: rise(),
			Source: "no standard: 0.3 m in an hour"}},
		{Profiles: []string{"water-level"}, Rule: Rule{Name: "water-rise", Kind: alert.WaterLevel, For: time.Minute, Rate: rise(),
			Source: "no standard: 0.3 m in an hour"}},
	}
}

// mains are those of 220 V. What is wrong with another network is for its own rules: replace these, or switch them off.
func mains() []Default {
	return []Default{
		{Profiles: []string{"power"}, Rule: Rule{Name: "undervoltage", Kind: alert.Power, For: time.Minute, Level: below("voltage", 198, 203),
			Source: "GB/T 12325-2008, 220 V less 10 %"}},
		{Profiles: []string{"power"}, Rule: Rule{Name: "overvoltage", Kind: alert.Power, For: time.Minute, Level: above("voltage", 242, 236),
			Source: "220 V and 10 %; GB/T 12325-2008 allows 7 % (235.4 V), below which it is over"}},
	}
}
