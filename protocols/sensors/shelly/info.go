package shelly

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// describesAll says that a path of generation 1 holds a JSON object rather than one value.
func describesAll(pattern string) bool {
	return pattern == "info" || pattern == "status" || pattern == "ext_temperatures" || pattern == "ext_humidities"
}

// info is the allow-list of the status of a device of generation 1 ("Status" of each device); # is an index.
var info = map[string]field{
	"smoke": {Rule: bit(alert.Smoke)}, "flood": {Rule: bit(alert.Flood)}, "motion": {Rule: bit(alert.Motion)},
	"vibration": {Rule: bit(alert.Vibration)}, "sensor.motion": {Rule: bit(alert.Motion)}, "sensor.vibration": {Rule: bit(alert.Vibration)},
	"accel.vibration": {Rule: bit(alert.Vibration)}, "accel.tilt": {Rule: sensors.Named("angle", "deg", 0, 180)},
	"sensor.state": {Rule: doorState}, "gas_sensor.alarm_state": {Rule: gasAlarm},
	"gas_sensor.sensor_state": {sensors.Words(alert.DeviceFault, []string{"fault"}, []string{"normal"}), "sensor"},
	"concentration.ppm":       {Rule: sensors.Named("gas", "[ppm]", 0, 1e6)},
	"sensor_error":            {code(alert.DeviceFault), "sensor"}, "overtemperature": {bit(alert.DeviceFault), "overtemperature"},
	"overload": {bit(alert.DeviceFault), "overload"}, "loaderror": {bit(alert.DeviceFault), "load"},
	"bat": {Rule: sensors.Named("battery", "%", 0, 100)}, "bat.value": {Rule: sensors.Named("battery", "%", 0, 100)},
	"bat.voltage": {Rule: sensors.Named("battery_voltage", "V", 0, 50)},
	"lux":         {Rule: sensors.Named("illuminance", "lx", 0, 200_000)}, "lux.value": {Rule: sensors.Named("illuminance", "lx", 0, 200_000)},
	"hum.value": {Rule: sensors.Named("humidity", "%", 0, 100)}, "temperature": {Rule: celsius("device_temperature")},
	"voltage": {Rule: voltage}, "adcs.#.voltage": {Rule: sensors.Named("voltage", "V", 0, 100)},
	"meters.#.power": {Rule: power}, "meters.#.total": {Rule: sensors.Named("energy", "W.min", 0, 1e12)},
	"emeters.#.power": {Rule: power}, "emeters.#.voltage": {Rule: voltage}, "emeters.#.current": {Rule: current}, "emeters.#.pf": {Rule: factor},
	"emeters.#.total": {Rule: energy}, "emeters.#.total_returned": {Rule: returned},
	"emeters.#.reactive": {Rule: sensors.Named("power_reactive", "var", -1e6, 1e6)}, "emeter_n.current": {Rule: sensors.Named("current_n", "A", -1000, 1000)},
	"ext_temperature.#.tC": {Rule: celsius("temperature")}, "ext_humidity.#.hum": {Rule: sensors.Named("humidity", "%", 0, 100)},
	"inputs.#.input": {Rule: level("input")}, "relays.#.overpower": {bit(alert.DeviceFault), "overpower"},
	"relays.#.overtemperature": {bit(alert.DeviceFault), "overtemperature"}, "valves.#.state": flat["valve/#/state"],
}

// whole translates a JSON object of generation 1.
func whole(b *sensors.Builder, pattern string, payload []byte) observation.Translation {
	value, err := sensors.Decode(payload)
	object, ok := value.(map[string]any)
	switch {
	case err != nil:
		return sensors.Ignored(b.Topic, err.Error())
	case !ok:
		return sensors.Ignored(b.Topic, whyObject)
	}
	switch pattern {
	case "ext_temperatures":
		object = map[string]any{"ext_temperature": object}
	case "ext_humidities":
		object = map[string]any{"ext_humidity": object}
	}
	b.Time, _ = sensors.Time(object["unixtime"])
	w := walker{b: b, inside: object["overtemperature"] != nil}
	w.object(object, "", "")
	if w.tested {
		return b.Done(whyTest)
	}
	return b.Done(whyNothing)
}

// walker goes through an object of generation 1. Its lists are short; what lies deeper than the table is dropped.
type walker struct {
	b      *sensors.Builder
	inside bool // its thermometer is that of the device itself
	tested bool
}

func (w *walker) object(object map[string]any, path, number string) {
	if object["is_valid"] == false {
		w.b.Drop("is_valid")
		return
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		at, n := key, number
		if digits(key) {
			at, n = "#", key
		}
		w.value(object[key], strings.TrimPrefix(path+"."+at, "."), n)
	}
	w.thermometer(object, path, number)
}

func (w *walker) value(v any, path, number string) {
	f, known := info[path]
	switch inner := v.(type) {
	case map[string]any:
		w.object(inner, path, number)
		return
	case []any:
		for i, e := range inner {
			w.value(e, path+".#", strconv.Itoa(i))
		}
		return
	}
	switch {
	case isThermometer(strings.TrimSuffix(path, path[strings.LastIndex(path, ".")+1:])), path == "unixtime", path == "is_valid":
	case known && tests(v):
		w.tested = true
		w.b.Drop(path)
	case known:
		applyField(w.b, path, number, f, v)
	default:
		w.b.Drop("*")
	}
}

// isThermometer says that a path with a dot at its end is that of a device's thermometer or of a radiator's valve.
func isThermometer(path string) bool { return path == "tmp." || path == "thermostats.#.tmp." }

// thermometer takes tmp, which says its unit.
func (w *walker) thermometer(object map[string]any, path, number string) {
	if !isThermometer(path + ".") {
		return
	}
	value, unit := object["value"], "Cel"
	switch {
	case object["tC"] != nil:
		value = object["tC"]
	case object["units"] == "F":
		unit = "[degF]"
	}
	quantity := "temperature"
	if w.inside {
		quantity = "device_temperature"
	}
	applyField(w.b, "tmp", number, field{Rule: thermometer(quantity, unit)}, value)
}
