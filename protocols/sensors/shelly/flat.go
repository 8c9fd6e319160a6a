package shelly

import (
	"strings"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// field is a rule and the part of the device that it is about.
type field struct {
	sensors.Rule
	zone string
}

// flat is the allow-list of value paths of generation 1; # is the number of a channel. A zero field is known and dropped.
var flat = map[string]field{
	"sensor/smoke":         {Rule: bit(alert.Smoke)},
	"sensor/flood":         {Rule: bit(alert.Flood)},
	"sensor/gas":           {Rule: gasAlarm},
	"sensor/operation":     {sensors.Words(alert.DeviceFault, []string{"fault"}, []string{"normal"}), "sensor"},
	"sensor/self_test":     {},
	"sensor/concentration": {Rule: sensors.Named("gas", "[ppm]", 0, 1e6)},
	"sensor/state":         {Rule: doorState},
	"sensor/motion":        {Rule: bit(alert.Motion)},
	"sensor/vibration":     {Rule: bit(alert.Vibration)},
	"sensor/tilt":          {Rule: sensors.Named("angle", "deg", 0, 180)},
	"sensor/lux":           {Rule: sensors.Named("illuminance", "lx", 0, 200_000)},
	"sensor/humidity":      {Rule: sensors.Named("humidity", "%", 0, 100)},
	"sensor/battery":       {Rule: sensors.Named("battery", "%", 0, 100)},
	"sensor/error":         {code(alert.DeviceFault), "sensor"},
	"sensor/illumination":  {}, "sensor/act_reasons": {}, "sensor/wakeupevent": {}, "sensor/ext_power": {}, "sensor/charger": {},
	"sensor/active": {}, "sensor/timestamp": {},

	"temperature":        {Rule: celsius("device_temperature")},
	"overtemperature":    {bit(alert.DeviceFault), "overtemperature"},
	"overpower":          {bit(alert.DeviceFault), "overpower"},
	"loaderror":          {bit(alert.DeviceFault), "load"},
	"voltage":            {Rule: sensors.Named("voltage", "V", 0, 1000)},
	"voltage/#":          {Rule: sensors.Named("voltage", "V", 0, 1000)},
	"adc/#":              {Rule: sensors.Named("voltage", "V", 0, 100)},
	"ext_temperature/#":  {Rule: celsius("temperature")},
	"ext_humidity/#":     {Rule: sensors.Named("humidity", "%", 0, 100)},
	"input/#":            {Rule: level("input")},
	"ext_switch/#":       {Rule: level("ext_switch")},
	"valve/#/state":      {sensors.Words(alert.DeviceFault, []string{"failure"}, []string{"closed", "opened"}), "valve"},
	"temperature_status": {}, "temperature_f": {}, "ext_temperature_f/#": {}, "longpush/#": {}, "input_event/#": {}, "relay/#/overpower_value": {},

	"relay/#":          {overpower, "overpower"},
	"relay/#/power":    {Rule: sensors.Named("power", "W", -1e6, 1e6)},
	"relay/#/energy":   {Rule: sensors.Named("energy", "W.min", 0, 1e12)},
	"roller/#/power":   {Rule: sensors.Named("power", "W", -1e6, 1e6)},
	"roller/#/energy":  {Rule: sensors.Named("energy", "W.min", 0, 1e12)},
	"light/#/power":    {Rule: sensors.Named("power", "W", -1e6, 1e6)},
	"light/#/energy":   {Rule: sensors.Named("energy", "W.min", 0, 1e12)},
	"white/#/power":    {Rule: sensors.Named("power", "W", -1e6, 1e6)},
	"white/#/energy":   {Rule: sensors.Named("energy", "W.min", 0, 1e12)},
	"color/#/power":    {Rule: sensors.Named("power", "W", -1e6, 1e6)},
	"color/#/energy":   {Rule: sensors.Named("energy", "W.min", 0, 1e12)},
	"emeter/#/power":   {Rule: sensors.Named("power", "W", -1e6, 1e6)},
	"emeter/#/voltage": {Rule: sensors.Named("voltage", "V", 0, 1000)},
	"emeter/#/current": {Rule: sensors.Named("current", "A", -1000, 1000)},
	"emeter/#/pf":      {Rule: sensors.Named("power_factor", "1", -1, 1)},
	"emeter/#/total":   {Rule: sensors.Named("energy", "W.h", 0, 1e12)},
	"roller/#":         {}, "roller/#/pos": {}, "roller/#/stop_reason": {}, "light/#": {}, "light/#/status": {}, "white/#": {},
	"white/#/status": {}, "color/#": {}, "color/#/status": {}, "emeter/#/energy": {}, "emeter/#/returned_energy": {},
	"emeter_n/current":        {Rule: sensors.Named("current_n", "A", -1000, 1000)},
	"emeter/#/reactive_power": {Rule: sensors.Named("power_reactive", "var", -1e6, 1e6)},
	"emeter/#/total_returned": {Rule: sensors.Named("energy_returned", "W.h", 0, 1e12)},
}

var (
	gasAlarm  = sensors.Words(alert.Gas, []string{"mild", "heavy"}, []string{"none"})
	doorState = sensors.Words(alert.Door, []string{"open", "opened"}, []string{"close", "closed"})
	// overpower is the third word of a relay. That it is on or off tells nothing.
	overpower = sensors.Moments(alert.DeviceFault, "overpower")
)

// channelled is a path with # for its number, and the number.
func channelled(path []string) (pattern, number string) {
	out := make([]string, len(path))
	for i, level := range path {
		out[i] = level
		if digits(level) {
			out[i], number = "#", level
		}
	}
	return strings.Join(out, "/"), number
}

func digits(s string) bool {
	return s != "" && len(s) <= 5 && strings.Trim(s, "0123456789") == ""
}

// flat translates a message of generation 1.
func (d Dialect) flat(b *sensors.Builder, path []string, payload []byte) observation.Translation {
	pattern, number := channelled(path)
	if describesAll(pattern) {
		return whole(b, pattern, payload)
	}
	value := word(payload)
	if tests(value) {
		b.Drop(pattern)
		return b.Done(whyTest)
	}
	f, known := flat[pattern]
	switch {
	case pattern == "sensor/temperature":
		b.Apply(pattern, "", "", d.thermometer(), value)
	case known:
		applyField(b, pattern, number, f, value)
	default:
		b.Drop("*")
	}
	return b.Done(whyNothing)
}

func (d Dialect) thermometer() sensors.Rule {
	if d.Fahrenheit {
		return thermometer("temperature", "[degF]")
	}
	return celsius("temperature")
}

func thermometer(quantity, unit string) sensors.Rule {
	if unit == "[degF]" {
		return sensors.Named(quantity, unit, -148, 572)
	}
	return celsius(quantity)
}

// applyField takes a value of one channel. Channel 0 is the first, and has no number in what comes out.
func applyField(b *sensors.Builder, path, number string, f field, value any) {
	zone := f.zone
	if number = strings.TrimLeft(number, "0"); number != "" {
		zone = strings.TrimSpace(zone + " " + number)
		if f.Measure != nil {
			f.Quantity += "_" + number
		}
	}
	b.Apply(path, "", zone, f.Rule, value)
}
