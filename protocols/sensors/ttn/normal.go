package ttn

import (
	"maps"
	"slices"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// schema is the allow-list of the network's payload schema, with its units (lorawan-devices, lib/payload.json).
var schema = map[string]map[string]sensors.Rule{
	"air": {
		"temperature":      sensors.Named("temperature", "Cel", -100, 300),
		"relativeHumidity": sensors.Named("humidity", "%", 0, 100),
		"pressure":         sensors.Named("pressure", "hPa", 300, 1200),
		"co2":              sensors.Named("co2", "[ppm]", 100, 100_000),
		"lightIntensity":   sensors.Named("illuminance", "lx", 0, 250_000),
	},
	"soil": {
		"temperature": sensors.Named("soil_temperature", "Cel", -100, 300),
		"moisture":    sensors.Named("soil_moisture", "%", 0, 100),
		"pH":          sensors.Named("ph", "[pH]", 0, 14),
		"ec":          sensors.Named("conductivity", "dS/m", 0, 1000),
	},
	"wind": {
		"speed":     sensors.Named("wind_speed", "m/s", 0, 150),
		"direction": sensors.Named("wind_direction", "deg", 0, 360),
	},
	"rain": {
		"intensity":  sensors.Named("rain_intensity", "mm/h", 0, 1000),
		"cumulative": sensors.Named("rainfall_total", "mm", 0, 1e6),
	},
	"water": {
		"leak":        {Kind: alert.Leak, Observe: truth},
		"temperature": {},
	},
	"action": {
		"contactState": sensors.Words(alert.Door, []string{"open"}, []string{"closed"}),
		"motion":       {},
	},
}

// deeper are the parts of the schema that stand one level down.
var deeper = map[string]map[string]sensors.Rule{
	"action.motion":     {"detected": {Kind: alert.Motion, Observe: truth}},
	"water.temperature": {"current": sensors.Named("water_temperature", "Cel", -50, 200), "avg": sensors.Named("water_temperature", "Cel", -50, 200)},
}

func truth(v any) (observation.Phase, bool) {
	b, ok := v.(bool)
	if b {
		return observation.Active, ok
	}
	return observation.Inactive, ok
}

const normalPath = "uplink_message.normalized_payload."

// normal reads the normalized payload.
func (u *uplink) normal(b *sensors.Builder) {
	for _, key := range slices.Sorted(maps.Keys(u.normalized)) {
		v := u.normalized[key]
		part, isObject := v.(map[string]any)
		rules, known := schema[key]
		switch {
		case key == "battery":
			b.Apply(normalPath+key, key, "", sensors.Named("battery_voltage", "V", 0, 100), v)
		case key == "time":
			b.Drop(normalPath + key)
		case known && isObject:
			normalPart(b, key, part, rules)
		default:
			b.Drop(normalPath + "*")
		}
	}
}

func normalPart(b *sensors.Builder, name string, part map[string]any, rules map[string]sensors.Rule) {
	for _, key := range slices.Sorted(maps.Keys(part)) {
		rule, ok := rules[key]
		path := name + "." + key
		inner, isObject := part[key].(map[string]any)
		switch {
		case !ok:
			b.Drop(normalPath + name + ".*")
		case isObject && deeper[path] != nil:
			normalPart(b, path, inner, deeper[path])
		default:
			b.Apply(normalPath+path, key, "", rule, part[key])
		}
	}
}
