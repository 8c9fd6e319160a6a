package care

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Profile is what is known of a model of sensor: what it measures and how. Its zero value is that of a sensor of which nothing is known.
type Profile struct {
	Name string
	// Interval is the longest time between two messages of one that works; 0: it is learnt, if it can be.
	Interval time.Duration
	Battery  Battery
	// Quantities replace, by name without a channel's number, what holds for a quantity of any sensor.
	Quantities map[string]Quantity
}

// Quantity is how one number behaves.
type Quantity struct {
	Unit     string        // UCUM code; empty: as the sensor tells it
	Min, Max *float64      // what is beyond was not measured; nil: no bound
	Stuck    time.Duration // a sensor that tells the same value for so long is broken; 0: never
	// Moves: it changes in every working sensor, so that Stuck needs no learning.
	Moves bool
	// Band and Every thin the readings out: one that differs by no more than Band from the last that was kept, and is younger than Every,
	// is left out. Every 0: all are kept.
	Band  float64
	Every time.Duration
}

// Battery is how a sensor tells its charge. The zero value means percent, and low at [lowPercent].
type Battery struct {
	Unit        string  // "%" or "V"; empty: %
	Empty, Full float64 // in Unit; both 0: 0 and 100 %
	Low         float64 // percent at which to say so; 0: [lowPercent]
}

// lowPercent leaves weeks to change the battery of a usual sensor.
const lowPercent = 15

// volts says whether the charge is to be read from the voltage.
func (b Battery) volts() bool { return b.Unit == "V" }

// percent is the charge for a value in b's unit.
func (b Battery) percent(value float64) float64 {
	empty, full := b.Empty, b.Full
	if empty == full {
		empty, full = 0, 100
	}
	return min(100, max(0, (value-empty)/(full-empty)*100))
}

func (b Battery) low() float64 {
	if b.Low == 0 {
		return lowPercent
	}
	return b.Low
}

// Quantity is how one of the profile's sensors measures a quantity.
func (p Profile) Quantity(name string) Quantity {
	base := plain(name)
	if q, told := p.Quantities[base]; told {
		return q
	}
	return Usual(base)
}

// Generic is the profile of a sensor for which none is configured.
const Generic = "generic"

// Builtin returns the profile of a usual sort of sensor.
func Builtin(name string) (Profile, bool) {
	p, known := builtin[name]
	p.Name, p.Quantities = name, maps.Clone(p.Quantities)
	return p, known
}

// BuiltinNames lists them.
func BuiltinNames() []string { return slices.Sorted(maps.Keys(builtin)) }

// Usual is what holds for a quantity of any sensor. What is called after another one, as water_temperature is, is like it, but for being
// stuck: the water of a cistern may stay as it is.
func Usual(quantity string) Quantity {
	base := plain(quantity)
	if q, known := usual[base]; known {
		return q
	}
	i := strings.LastIndexByte(base, '_')
	if i < 0 || !slices.Contains(kinds, base[i+1:]) {
		return Quantity{}
	}
	q := usual[base[i+1:]]
	q.Stuck = 0
	return q
}

// kinds are the quantities after which others are called.
var kinds = []string{"temperature", "humidity", "voltage", "current", "power", "energy", "pressure", "distance"}

// In is q with its bounds and its band in another unit, or without them if that measures something else.
func (q Quantity) In(code string) Quantity {
	if code == "" || code == q.Unit {
		return q
	}
	q.Min, q.Max = inUnit(q.Min, q.Unit, code), inUnit(q.Max, q.Unit, code)
	wide, known := Convert(q.Band, q.Unit, code)
	zero, _ := Convert(0, q.Unit, code) // a band is a difference: 0 Cel is 32 [degF], but a band of 1 Cel is one of 1.8 [degF]
	if q.Band = 0; known {
		q.Band = wide - zero
	}
	q.Unit = code
	return q
}

func inUnit(v *float64, from, to string) *float64 {
	if v == nil {
		return nil
	}
	if c, ok := Convert(*v, from, to); ok {
		return &c
	}
	return nil
}

func at(v float64) *float64 { return &v }

func between(unit string, low, high float64) Quantity {
	return Quantity{Unit: unit, Min: at(low), Max: at(high)}
}

func noisy(q Quantity) Quantity { q.Stuck = 24 * time.Hour; return q }

// usual holds for a quantity of any sensor: its unit, and what no instrument measures. The bounds are wide, since a value that is dropped
// wrongly is lost; they catch what sensors tell when they measured nothing: -127 Cel of a broken wire, 655.35 and -327.68 of Zigbee's
// invalid value. What a quantity may be at a place is a rule's.
var usual = map[string]Quantity{
	"temperature": noisy(between("Cel", -90, 650)), "device_temperature": between("Cel", -90, 650),
	"humidity": noisy(between("%", -1, 105)), "soil_moisture": between("%", -1, 105),
	"pressure": between("hPa", -2000, 2e6), "illuminance": between("lx", 0, 300_000),
	"co2": between("[ppm]", 0, 100_000), "co": between("[ppm]", 0, 60_000), "gas": between("[ppm]", 0, 1e6), "gas_lel": between("%{LEL}", 0, 200),
	"pm25": between("ug/m3", 0, 20_000), "pm10": between("ug/m3", 0, 50_000), "smoke_concentration": {Min: at(0)}, "voc": {Min: at(0)},
	"water_level": between("m", -500, 9000), "flow": {Unit: "m3/h"}, "rainfall": {Unit: "mm", Min: at(0)},
	"battery": between("%", 0, 100), "battery_voltage": between("V", 0, 100),
	"voltage": {Unit: "V"}, "current": {Unit: "A"}, "power": {Unit: "W"}, "energy": {Unit: "kW.h"}, "power_factor": between("1", -1.01, 1.01),
	"frequency":  {Unit: "Hz", Min: at(0)},
	"wind_speed": between("m/s", 0, 150), "wind_direction": between("deg", 0, 360), "noise": {Min: at(0), Max: at(200)},
	"distance": between("m", 0, 100_000), "angle": between("deg", -360, 360), "acceleration": {Unit: "m/s2"},
}

// coin is a lithium cell of 3 V, whose voltage stays until shortly before its end.
var coin = Battery{Low: 15}

// room is the air of a place where people are, or the open, and what a fire makes of it. No profile is narrower than an instrument on the
// side of a hazard: what is dropped raises no alarm.
var room = map[string]Quantity{
	"temperature": noisy(between("Cel", -60, 350)), "humidity": noisy(between("%", -1, 105)), "pressure": noisy(between("hPa", 300, 1200)),
}

// builtin are the usual sorts of sensors. None has an interval: models of one sort tell something every minute or once a day.
var builtin = map[string]Profile{
	Generic:       {},
	"smoke":       {Battery: coin, Quantities: map[string]Quantity{"temperature": room["temperature"]}},
	"heat":        {Battery: coin, Quantities: map[string]Quantity{"temperature": noisy(between("Cel", -60, 650))}},
	"gas":         {Quantities: map[string]Quantity{"temperature": room["temperature"]}},
	"co":          {Battery: coin, Quantities: map[string]Quantity{"temperature": room["temperature"]}},
	"water-leak":  {Battery: coin, Quantities: map[string]Quantity{"temperature": room["temperature"]}},
	"water-level": {Battery: Battery{Low: 20}, Quantities: map[string]Quantity{"water_level": between("m", -50, 500)}},
	"flood":       {Battery: Battery{Low: 20}, Quantities: map[string]Quantity{"water_level": between("m", -50, 500), "distance": between("m", -1, 100)}},
	"temperature": {Battery: coin, Quantities: room},
	"door":        {Battery: coin, Quantities: map[string]Quantity{"temperature": room["temperature"]}},
	"vibration":   {Battery: coin, Quantities: map[string]Quantity{"acceleration": between("m/s2", -50_000, 50_000), "temperature": room["temperature"]}},
	"power":       {Quantities: map[string]Quantity{"voltage": between("V", -1e6, 1e6), "frequency": between("Hz", 0, 1000)}},
	"sos":         {Battery: Battery{Low: 20}},
	"air-quality": {Quantities: room},
}
