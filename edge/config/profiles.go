package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"gridgate/edge/sensor/care"
	"gridgate/protocols/alert"
	"gridgate/protocols/sensors"
)

// Profile is what is known of a model of sensor, which sensors name.
type Profile struct {
	Name       string                     `yaml:"name"`
	Like       string                     `yaml:"like"`     // built-in profile that holds where this one says nothing; empty: generic
	Interval   time.Duration              `yaml:"interval"` // it tells something at least so often; 0: that is learnt
	Battery    ProfileBattery             `yaml:"battery"`
	Quantities map[string]ProfileQuantity `yaml:"quantities"` // by name, without a channel's number
}

// ProfileBattery is how the model tells its charge.
type ProfileBattery struct {
	Unit  string  `yaml:"unit"`  // "%", or V: the charge is read from battery_voltage; empty: %
	Empty float64 `yaml:"empty"` // in unit
	Full  float64 `yaml:"full"`
	Low   float64 `yaml:"low"` // percent at which to say so; 0: that of Like, or 15
}

// ProfileQuantity is how the model measures one number. What is left out is as in Like.
type ProfileQuantity struct {
	Unit  string        `yaml:"unit"` // UCUM code to which readings are converted
	Min   *float64      `yaml:"min"`  // in Unit; what is beyond was not measured
	Max   *float64      `yaml:"max"`
	Stuck time.Duration `yaml:"stuck"` // the same value for so long: the sensor is broken
	// DeadBand and Every thin readings out: one that is no further from the last is sent after Every only.
	DeadBand float64       `yaml:"dead_band"`
	Every    time.Duration `yaml:"at_least_every"`
}

// Bounds of profiles.
const (
	maxProfiles   = 256
	maxQuantities = 64
	minInterval   = 10 * time.Second
	maxInterval   = 31 * 24 * time.Hour
	minStuck      = 10 * time.Minute
	maxEvery      = 24 * time.Hour
	usualEvery    = 15 * time.Minute
)

var quantityName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// Profile returns the profile of a sensor, of the file or built in; without a name the generic one. An unknown name is false.
func (c *Config) Profile(name string) (care.Profile, bool) {
	if name == "" {
		name = care.Generic
	}
	i := slices.IndexFunc(c.Profiles, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		return care.Builtin(name)
	}
	return c.Profiles[i].build(), true
}

// Sort is the built-in profile that a sensor's profile is like: by it built-in rules are chosen.
func (c *Config) Sort(profile string) string {
	for _, p := range c.Profiles {
		if p.Name == profile {
			profile = p.Like
		}
	}
	if profile == "" {
		return care.Generic
	}
	return profile
}

func (p Profile) build() care.Profile {
	like := p.Like
	if like == "" {
		like = care.Generic
	}
	out, _ := care.Builtin(like)
	own := map[string]care.Quantity{}
	for name, q := range p.Quantities {
		own[name] = q.over(out.Quantity(name))
	}
	if out.Quantities == nil {
		out.Quantities = map[string]care.Quantity{}
	}
	maps.Copy(out.Quantities, own)
	out.Name, out.Interval = p.Name, p.Interval
	low := out.Battery.Low
	if p.Battery != (ProfileBattery{}) {
		out.Battery = care.Battery(p.Battery)
	}
	if out.Battery.Low == 0 {
		out.Battery.Low = low
	}
	return out
}

// over is q where it says something, and base where not.
func (q ProfileQuantity) over(base care.Quantity) care.Quantity {
	out := base.In(q.Unit)
	if q.Min != nil {
		out.Min = q.Min
	}
	if q.Max != nil {
		out.Max = q.Max
	}
	if q.Stuck > 0 {
		out.Stuck, out.Moves = q.Stuck, true
	}
	out.Band, out.Every = q.DeadBand, q.Every
	return out
}

// profiles judges the profiles of the file.
func (j *judge) profiles(c *Config) {
	j.demand(len(c.Profiles) <= maxProfiles, "profiles", "too many profiles", fmt.Sprintf("at most %d", maxProfiles))
	seen := map[string]bool{}
	for i := range c.Profiles {
		p := &c.Profiles[i]
		at := fmt.Sprintf("profiles[%d]", i)
		j.name(at+".name", p.Name, seen)
		builtin := care.BuiltinNames()
		j.demand(!slices.Contains(builtin, p.Name), at+".name", "a built-in profile has this name", "write another one, and like: "+p.Name)
		j.demand(p.Like == "" || slices.Contains(builtin, p.Like), at+".like", "no built-in profile has this name", "write one of: "+strings.Join(builtin, ", "))
		j.demand(p.Interval == 0 || p.Interval >= minInterval && p.Interval <= maxInterval, at+".interval", "out of range", fmt.Sprintf("write %v to %v, or leave it out: it is learnt then", minInterval, maxInterval))
		j.battery(at+".battery", p.Battery)
		j.demand(len(p.Quantities) <= maxQuantities, at+".quantities", "too many quantities", fmt.Sprintf("at most %d", maxQuantities))
		for _, name := range slices.Sorted(maps.Keys(p.Quantities)) {
			q := p.Quantities[name]
			j.quantity(at+".quantities."+name, name, &q)
			p.Quantities[name] = q
		}
	}
}

func (j *judge) battery(at string, b ProfileBattery) {
	j.demand(slices.Contains([]string{"", "%", "V"}, b.Unit), at+".unit", "not a unit of a charge", `write "%" or V`)
	j.demand(b.Empty < b.Full || b.Empty == b.Full && b.Full == 0, at+".full", "a full battery has no more than an empty one", "write for example empty: 2.4, full: 3.0")
	j.demand(b.Unit != "V" || b.Full > 0, at+".full", "volts say nothing of the charge without it", "write for example empty: 2.4, full: 3.0")
	j.demand(b.Low >= 0 && b.Low <= 50, at+".low", "out of range", "write a percentage of 0 to 50, for example 15")
}

func (j *judge) quantity(at, name string, q *ProfileQuantity) {
	j.demand(quantityName.MatchString(name), at, "not the name of a quantity", "write it as translate shows it, for example temperature, without the number of a channel")
	j.unit(at+".unit", name, q.Unit)
	j.demand(q.Min == nil || q.Max == nil || *q.Min < *q.Max, at+".max", "is not more than min", "write what the model can measure at least and at most")
	j.demand(q.Stuck == 0 || q.Stuck >= minStuck && q.Stuck <= maxInterval, at+".stuck", "out of range", fmt.Sprintf("write %v to %v, or leave it out", minStuck, maxInterval))
	j.demand(q.DeadBand >= 0, at+".dead_band", "is negative", "write how far a reading may be from the last one that was sent")
	if q.DeadBand > 0 && q.Every == 0 {
		q.Every = usualEvery
	}
	j.demand(q.Every == 0 || q.Every >= time.Second && q.Every <= maxEvery, at+".at_least_every", "out of range", fmt.Sprintf("write 1s to %v", maxEvery))
}

// unit judges the unit of a quantity: one that readings can be converted to.
func (j *judge) unit(field, quantity, code string) {
	if code == "" || care.Known(code) || code == care.Usual(quantity).Unit {
		return
	}
	remedy := "write a UCUM code, for example Cel, kPa or mg/m3"
	if better, known := sensors.Unit(code); known {
		remedy = "write " + better
	}
	j.bad(field, "not a UCUM code that values can be converted to", remedy)
}

// sensorCare judges how a sensor is cared for, and fills what it leaves out.
func (j *judge) sensorCare(at string, c *Config, s *Sensor) {
	if _, known := c.Profile(s.Profile); !known {
		j.bad(at+".profile", "no profile has this name", "write the name of one under profiles, or one of: "+strings.Join(care.BuiltinNames(), ", "))
	}
	if s.Mode == "" {
		s.Mode = "armed"
	}
	j.demand(slices.Contains([]string{"armed", "disarmed", "walk-test"}, s.Mode), at+".mode", "unknown mode", "write armed, disarmed or walk-test")
	for _, kind := range slices.Sorted(maps.Keys(s.Severity)) {
		field := at + ".severity." + kind
		j.demand(alert.Kind(kind).Valid(), field, "unknown kind", "write a kind of alert, for example smoke")
		j.demand(alert.Severity(s.Severity[kind]).Rank() >= 0, field, "unknown severity", "write info, minor, major or critical")
	}
}
