package shelly

import (
	"maps"
	"slices"
	"strings"

	"gridgate/protocols/alert"
	"gridgate/protocols/sensors"
)

// Rules that several components share.
var (
	power     = sensors.Named("power", "W", -1e6, 1e6)
	apparent  = sensors.Named("power_apparent", "V.A", -1e6, 1e6)
	voltage   = sensors.Named("voltage", "V", 0, 1000)
	current   = sensors.Named("current", "A", -1000, 1000)
	factor    = sensors.Named("power_factor", "1", -1, 1)
	frequency = sensors.Named("frequency", "Hz", 0, 1000)
	energy    = sensors.Named("energy", "W.h", 0, 1e12)
	returned  = sensors.Named("energy_returned", "W.h", 0, 1e12)
)

// output is what every component tells that switches and measures: switches, covers, lamps, meters.
var output = map[string]sensors.Rule{
	"apower": power, "act_power": power, "aprtpower": apparent, "aprt_power": apparent, "voltage": voltage, "current": current,
	"pf": factor, "freq": frequency, "aenergy.total": energy, "ret_aenergy.total": returned,
	"temperature.tC": celsius("device_temperature"), "errors": faults,
}

// components is the allow-list: what the keys of each component mean (gen2 "Components and Services").
var components = map[string]map[string]sensors.Rule{
	"smoke":       {"alarm": bit(alert.Smoke), "errors": faults},
	"flood":       {"alarm": bit(alert.Flood), "errors": faults},
	"temperature": {"tC": celsius("temperature"), "errors": faults},
	"humidity":    {"rh": sensors.Named("humidity", "%", 0, 100), "errors": faults},
	"illuminance": {"lux": sensors.Named("illuminance", "lx", 0, 200_000), "errors": faults},
	"devicepower": {"battery.percent": sensors.Named("battery", "%", 0, 100), "battery.V": sensors.Named("battery_voltage", "V", 0, 50), "errors": faults},
	"voltmeter":   {"voltage": sensors.Named("voltage", "V", -1000, 1000), "errors": faults},
	"input":       {"state": level("input"), "percent": sensors.Named("input_percent", "%", 0, 100), "errors": faults},

	"presencezone": {"value": bit(alert.Presence), "state": bit(alert.Presence), "errors": faults},
	"bthomedevice": {"battery": sensors.Named("battery", "%", 0, 100), "errors": faults},
	"blutrv":       {"current_C": celsius("temperature"), "battery": sensors.Named("battery", "%", 0, 100), "errors": faults},
	"bthomesensor": {},

	"switch": output, "cover": output, "light": output, "rgb": output, "rgbw": output, "cct": output, "pm1": output, "em1": output,
	"cb":      output,
	"em1data": {"total_act_energy": energy, "total_act_ret_energy": returned},
	"em": {
		"total_act_power": power, "total_aprt_power": apparent, "total_current": current, "errors": faults,
		"n_current": sensors.Named("current_n", "A", -1000, 1000), "n_errors": faults,
	},
	"emdata": {"total_act": energy, "total_act_ret": returned, "errors": faults},
}

// phases are the keys of one phase of a meter, without the letter before them.
var phases = map[string]sensors.Rule{
	"act_power": power, "aprt_power": apparent, "voltage": voltage, "current": current, "pf": factor, "freq": frequency,
	"errors": faults, "total_act_energy": energy, "total_act_ret_energy": returned,
}

// quietComponents tell of networks, scripts and what users define: nothing of them is read.
var quietComponents = []string{
	"ble", "blugw", "bthome", "bthomecontrol", "boolean", "button", "cloud", "cury", "dali", "enum", "eth", "group", "ht_ui", "kvs", "knx", "matter", "media",
	"modbus", "mqtt", "number", "object", "plugs_ui", "presence", "schedule", "script", "service", "sys", "text", "thermostat",
	"ui", "wall_display", "webhook", "wifi", "ws", "zigbee", "devices", "media_status", "bm", "lora", "rgbcct", "update",
}

// quietKeys are keys of components that say nothing for us and can be named.
var quietKeys = []string{
	"id", "output", "source", "tF", "mute", "illumination", "external.present", "xvoltage", "xpercent", "freq", "xfreq", "state",
	"aenergy.by_minute", "aenergy.minute_ts", "ret_aenergy.by_minute", "ret_aenergy.minute_ts", "temperature.tF", "value",
	"counts.total", "counts.xtotal", "counts.by_minute", "counts.minute_ts", "counts.xby_minute", "brightness", "current_pos",
	"pos_control", "last_direction", "calibration", "rssi", "packet_id", "last_updated_ts", "paired", "rpc", "rsv", "num_objects",
	"flags", "user_calibrated_phase", "current_C", "target_C", "pos", "timer_started_at", "timer_duration", "ct", "rgb", "mode", "safety",
	"total_cycles", "target_pos", "slat_pos", "move_timeout", "move_started_at", "transition", "connected", "white", "last_event_ts",
}

// teller gathers what components say.
type teller struct {
	b      *sensors.Builder
	known  resolver // of sensors behind a gateway; nil: their values mean nothing
	tested bool
}

func (t *teller) why() string {
	if t.tested {
		return whyTest
	}
	return whyNothing
}

// component takes the status of one component, whole or in part.
func (t *teller) component(name string, v any) {
	m := component.FindStringSubmatch(name)
	if m == nil {
		t.b.Drop("*")
		return
	}
	kind, number := m[1], strings.TrimLeft(m[2], "0")
	rules, known := components[kind]
	object, isObject := v.(map[string]any)
	switch {
	case !known && slices.Contains(quietComponents, kind), known && !isObject:
		t.b.Drop(kind)
	case !known:
		t.b.Drop("*")
	case kind == "bthomesensor" && t.known != nil && object["value"] != nil:
		t.sensor(number, object["value"])
	default:
		t.keys(kind, number, rules, flattened(kind, object))
	}
}

// sensor takes the value of a sensor behind a gateway, if the gateway said what it measures.
func (t *teller) sensor(number string, value any) {
	rule, ok := t.known(t.b.Device, number)
	if !ok {
		t.b.Drop("bthomesensor.value")
		return
	}
	applyField(t.b, "bthomesensor.value", number, field{Rule: rule}, value)
}

// keys takes the keys of a component that is known, in alphabetical order.
func (t *teller) keys(kind, number string, rules map[string]sensors.Rule, object map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		rule, phase, known := lookup(kind, key, rules)
		path := kind + "." + key
		f := field{Rule: rule}
		switch {
		case known:
			if rule.Kind == alert.DeviceFault {
				f.zone = strings.TrimSpace(kind + " " + phase)
			}
			if phase != "" && rule.Measure != nil {
				f.Quantity += "_" + phase
			}
			applyField(t.b, path, number, f, object[key])
		case slices.Contains(quietKeys, key):
			t.b.Drop(path)
		default:
			t.b.Drop("*")
		}
	}
}

// lookup finds the rule of a key. The keys of a meter begin with the letter of their phase.
func lookup(kind, key string, rules map[string]sensors.Rule) (r sensors.Rule, phase string, ok bool) {
	if r, ok = rules[key]; ok {
		return r, "", true
	}
	letter, rest, cut := strings.Cut(key, "_")
	if cut && (kind == "em" || kind == "emdata") && (letter == "a" || letter == "b" || letter == "c") {
		r, ok = phases[rest]
		return r, letter, ok
	}
	return r, "", false
}

// flattened joins the keys of the objects in an object with dots. On USB power there is no battery to tell of.
func flattened(kind string, object map[string]any) map[string]any {
	flat := make(map[string]any, len(object))
	for key, v := range object {
		inner, ok := v.(map[string]any)
		if !ok {
			flat[key] = v
			continue
		}
		for below, v := range inner {
			flat[key+"."+below] = v
		}
	}
	if kind == "devicepower" && flat["external.present"] == true {
		delete(flat, "battery.percent")
		delete(flat, "battery.V")
	}
	return flat
}
