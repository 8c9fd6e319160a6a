package rule

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"gridgate/edge/raise"
	"gridgate/edge/sensor"
	"gridgate/protocols/alert"
)

// Mistake is what is wrong with a rule, by the field of the configuration that holds it, and what to write instead.
type Mistake struct{ Field, Message, Remedy string }

var (
	ruleName     = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,58}$`)
	quantityName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	unitCode     = regexp.MustCompile(`^[!-~]{1,32}$`)
)

// checker collects mistakes.
type checker struct {
	rule  *Rule
	found []Mistake
}

func (c *checker) demand(ok bool, field, message, remedy string) {
	if !ok {
		c.found = append(c.found, Mistake{field, message, remedy})
	}
}

// Check judges r and makes it ready; one without a mistake can be applied.
func (r *Rule) Check() []Mistake {
	c := &checker{rule: r}
	c.demand(ruleName.MatchString(r.Name), "name", "not a name", fmt.Sprintf("write lower-case letters, digits, dots or dashes, at most %d", MaxName))
	c.demand(r.Kind.Valid(), "kind", "unknown kind", "write one of: "+kinds())
	c.demand(r.Severity == "" || r.Severity.Rank() >= 0, "severity", "unknown severity", "write info, minor, major or critical, or leave it out")
	c.demand(r.Zone == "" || alert.ValidZone(r.Zone), "zone", "not a name", "write letters and digits, at most 64")
	c.modes()
	conditions := 0
	for _, set := range []bool{r.Level != nil, r.Rate != nil, r.State != "", r.Absence != nil, r.Combination != nil} {
		if set {
			conditions++
		}
	}
	if conditions != 1 {
		c.demand(false, "quantity", "a rule has one condition", "write either quantity with above or below, or state, or absent, or when")
		return c.found
	}
	c.condition()
	c.waits()
	return c.found
}

func (c *checker) condition() {
	switch r := c.rule; {
	case r.Level != nil:
		c.level(r.Level)
	case r.Rate != nil:
		c.rate(r.Rate)
	case r.State != "":
		c.demand(r.State.Valid(), "state", "unknown kind", "write the kind that the sensor tells, one of: "+kinds())
	case r.Absence != nil:
		a := r.Absence
		c.demand(a.After >= minAbsence && a.After <= maxAbsence, "absent", "out of range", fmt.Sprintf("write %v to %v", minAbsence, maxAbsence))
		c.demand(a.Quantity == "" || quantityName.MatchString(a.Quantity), "quantity", "not a name", "write a lower-case name such as temperature")
	default:
		c.combination(r.Combination)
	}
}

func (c *checker) waits() {
	r := c.rule
	longest, why := r.Longest()
	c.demand(r.For >= 0 && r.For <= longest, "for", "out of range: "+why, fmt.Sprintf("write 0s to %v", longest))
	c.demand(r.Hold >= 0 && r.Hold <= maxHold, "hold", "out of range", fmt.Sprintf("write 0s to %v", maxHold))
}

// Longest is how long the condition of a rule may be made to hold, and why. Carbon monoxide is dangerous by its time and amount; the
// standard for its detectors says by when they must have warned.
func (r *Rule) Longest() (time.Duration, string) {
	l := r.Level
	switch {
	case r.Kind != alert.CO && r.Kind.Lane() == alert.LifeSafety:
		return raise.LongestWait(r.Kind), "a hazard to life must not wait"
	case r.Kind != alert.CO:
		return raise.LongestWait(r.Kind), "a wait of more than a day"
	case l == nil || l.Quantity != "co" || l.Unit != "[ppm]" || l.Above == nil:
		return 2 * time.Minute, "a hazard to life must not wait"
	case *l.Above >= 300:
		return 3 * time.Minute, "at 300 ppm EN 50291-1 demands the alarm within 3 min"
	case *l.Above >= 100:
		return 40 * time.Minute, "at 100 ppm EN 50291-1 demands the alarm within 40 min"
	}
	return 90 * time.Minute, "at 50 ppm EN 50291-1 demands the alarm within 90 min"
}

// modes demands that what endangers life is watched at all times: such a sensor cannot be disarmed either.
func (c *checker) modes() {
	r := c.rule
	for i, m := range r.Modes {
		known := slices.Contains([]sensor.Mode{sensor.Armed, sensor.Disarmed, sensor.WalkTest}, m)
		c.demand(known, fmt.Sprintf("modes[%d]", i), "unknown mode", "write armed, disarmed or walk-test")
	}
	urgent := r.Kind.Lane() == alert.LifeSafety
	c.demand(!urgent || len(r.Modes) == 0, "modes", "a hazard to life is watched in every mode", "remove modes")
	c.demand(!urgent || r.Schedule.Always(), "schedule", "a hazard to life is watched at all times", "remove schedule")
}

func (c *checker) level(l *Level) {
	c.quantity("", l.Quantity, &l.Unit)
	switch {
	case (l.Above == nil) == (l.Below == nil):
		c.demand(false, "above", "either above or below is demanded", "write one of the two; a band is two rules")
	case l.Clear != nil && l.Above != nil:
		c.demand(*l.Clear <= *l.Above, "clear", "it lies above the value at which the rule begins", "write a value that is not greater than above")
	case l.Clear != nil:
		c.demand(*l.Clear >= *l.Below, "clear", "it lies below the value at which the rule begins", "write a value that is not less than below")
	}
}

// quantity demands a name and a unit; where there is a usual unit, that is meant by none.
func (c *checker) quantity(at, name string, unit *string) {
	c.demand(quantityName.MatchString(name), at+"quantity", "not a name", "write a lower-case name such as temperature")
	if *unit == "" {
		*unit = UsualUnit(name)
	}
	c.demand(unitCode.MatchString(*unit), at+"unit", "the unit is demanded for this quantity", "write its UCUM code, for example Cel, m or %")
}

func (c *checker) rate(r *Rate) {
	c.level(&r.Level)
	c.demand(len(r.Unit) <= 20, "unit", "too long for a rate of it", "write at most 20 letters")
	c.demand(r.Per >= time.Second && r.Per <= maxOver, "per", "out of range", fmt.Sprintf("write the time of the rate, 1s to %v, for example 1h", maxOver))
	c.demand(r.Over >= minOver && r.Over <= maxOver, "over", "out of range", fmt.Sprintf("write the time over which it is measured, %v to %v", minOver, maxOver))
	if (r.Above != nil && *r.Above <= 0) || (r.Below != nil && *r.Below >= 0) {
		c.demand(false, "above", "no change at all would be on", "write above: a rise greater than 0, or below: a fall less than 0")
	}
}

func (c *checker) combination(k *Combination) {
	c.demand(len(k.Inputs) >= 1 && len(k.Inputs) <= MaxInputs, "inputs", "no input, or too many", fmt.Sprintf("name 1 to %d: inputs: {pump: {sensor: pump-1, quantity: power, max_age: 10m}}", MaxInputs))
	for _, name := range sortedInputs(k) {
		in := k.Inputs[name]
		at := "inputs." + name
		c.demand(inputName.MatchString(name) && name != ages && !slices.Contains(pure, name), at, "not a name for an expression", "write lower-case letters, digits and _, and neither age nor a function")
		c.demand((in.Quantity == "") != (in.State == ""), at, "either a quantity or a state is demanded", "write quantity: temperature or state: door")
		if in.Quantity != "" {
			c.quantity(at+".", in.Quantity, &in.Unit)
			k.Inputs[name] = in
		}
		c.demand(in.State == "" || in.State.Valid(), at+".state", "unknown kind", "write one of: "+kinds())
		c.demand(in.MaxAge >= time.Second && in.MaxAge <= maxAge, at+".max_age", "out of range", fmt.Sprintf("write how old it may be, 1s to %v", maxAge))
	}
	if k.Missing == "" {
		k.Missing = Undecided
	}
	c.demand(slices.Contains([]Missing{Undecided, True, False}, k.Missing), "missing", "unknown", "write undecided, true or false")
	program, err := k.compile()
	if err != nil {
		c.demand(false, "when", err.Error(), "compare inputs, for example: pump < 5 and level > 0.3; age.pump is in seconds")
	}
	k.program = program
}

func kinds() string {
	var names []string
	for _, k := range alert.Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// UsualUnit is the UCUM code that is meant where a rule names none; empty: it must name one.
func UsualUnit(quantity string) string { return usualUnits[plain(quantity)] }

// usualUnits are those in which quantities come from a sensor's profile.
var usualUnits = map[string]string{
	"temperature": "Cel", "device_temperature": "Cel", "humidity": "%", "pressure": "hPa", "illuminance": "lx", "co2": "[ppm]", "co": "[ppm]",
	"gas": "[ppm]", "gas_lel": "%{LEL}", "pm25": "ug/m3", "pm10": "ug/m3", "water_level": "m", "flow": "m3/h", "battery": "%", "battery_voltage": "V",
	"voltage": "V", "current": "A", "power": "W", "energy": "kW.h", "power_factor": "1", "frequency": "Hz", "soil_moisture": "%", "wind_speed": "m/s",
	"wind_direction": "deg", "rainfall": "mm", "noise": "dB", "distance": "m", "angle": "deg", "acceleration": "m/s2",
}
