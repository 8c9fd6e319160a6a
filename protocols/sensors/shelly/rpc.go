package shelly

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// notification translates a frame of <prefix>/events/rpc.
func notification(b *sensors.Builder, frame map[string]any, known resolver) observation.Translation {
	params, _ := frame["params"].(map[string]any)
	b.Time, _ = sensors.Time(params["ts"])
	t := teller{b: b, known: known}
	switch frame["method"] {
	case "NotifyStatus", "NotifyFullStatus":
		for _, name := range slices.Sorted(maps.Keys(params)) {
			if name != "ts" {
				t.component(name, params[name])
			}
		}
	case "NotifyEvent":
		events, _ := params["events"].([]any)
		for _, e := range events {
			event, _ := e.(map[string]any)
			t.event(event)
		}
	default:
		return sensors.Ignored(b.Topic, whyFrame)
	}
	return b.Done(t.why())
}

// events are what components tell in words, where the word alone says what it means.
var events = map[string]map[string]field{
	"smoke": {
		"alarm":     {Rule: happens(alert.Smoke, observation.Active)},
		"alarm_off": {Rule: happens(alert.Smoke, observation.Inactive)},
	},
	"flood": {
		"alarm":           {Rule: happens(alert.Flood, observation.Active)},
		"alarm_off":       {Rule: happens(alert.Flood, observation.Inactive)},
		"cable_unplugged": {happens(alert.DeviceFault, observation.Active), "flood"},
		"cable_plugged":   {happens(alert.DeviceFault, observation.Inactive), "flood"},
	},
}

func happens(kind alert.Kind, phase observation.Phase) sensors.Rule {
	return sensors.Rule{Kind: kind, Observe: func(any) (observation.Phase, bool) { return phase, true }}
}

// event takes one event of a component or of a script.
func (t *teller) event(event map[string]any) {
	name, _ := event["component"].(string)
	word, _ := event["event"].(string)
	m := component.FindStringSubmatch(name)
	if m == nil {
		t.b.Drop("*")
		return
	}
	word = strings.TrimPrefix(word, m[1]+".")
	f, known := events[m[1]][word]
	data, isData := event["data"].(map[string]any)
	switch {
	case tests(word):
		t.tested = true
		t.b.Drop(m[1] + ".event")
	case known:
		applyField(t.b, m[1]+".event", strings.TrimLeft(m[2], "0"), f, nil)
	case m[1] == "script" && isData:
		t.bluetooth(data)
	case components[m[1]] != nil || slices.Contains(quietComponents, m[1]):
		t.b.Drop(m[1] + ".event")
	default:
		t.b.Drop("*")
	}
}

// mac is a Bluetooth address, the name of a device that a gateway tells of.
var mac = regexp.MustCompile(`^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$`)

// bluetooth takes what a script decoded from the advertisement of another device: that of the maker's own sensors, by their
// examples' name shelly-blu. Without the marks of BTHome nothing is read.
func (t *teller) bluetooth(data map[string]any) {
	address, _ := data["address"].(string)
	_, versioned := data["BTHome_version"]
	if !mac.MatchString(address) || !versioned && data["pid"] == nil {
		t.b.Drop("script.event")
		return
	}
	gateway := t.b.Device
	t.b.Device = address
	for _, key := range slices.Sorted(maps.Keys(data)) {
		rule, known := bthome[key]
		switch {
		case known:
			t.object(key, rule, data[key])
		case slices.Contains(quietObjects, key):
			t.b.Drop("bthome." + key)
		default:
			t.b.Drop("*")
		}
	}
	t.b.Device = gateway
}

// object takes one object of an advertisement. A device that has several of a kind sends a list.
func (t *teller) object(key string, rule sensors.Rule, v any) {
	list, several := v.([]any)
	if !several {
		t.b.Apply("bthome."+key, key, "", rule, v)
		return
	}
	if rule.Quantity == "" {
		rule.Quantity = key
	}
	for i, v := range list {
		applyField(t.b, "bthome."+key, strconv.Itoa(i+1), field{Rule: rule}, v)
	}
}

// bthome is the allow-list of objects by the names that the maker's scripts give them (bthome.io, "Format").
var bthome = map[string]sensors.Rule{
	"smoke": bit(alert.Smoke), "carbon_monoxide": bit(alert.CO), "heat": bit(alert.Heat), "motion": bit(alert.Motion),
	"occupancy": bit(alert.Presence), "presence": bit(alert.Presence), "window": bit(alert.Door), "door": bit(alert.Door),
	"garage_door": bit(alert.Door), "opening": bit(alert.Door), "vibration": bit(alert.Vibration), "tamper": bit(alert.Tamper),
	"battery_low": bit(alert.LowBattery), "problem": bit(alert.DeviceFault), "water_leak": bit(alert.Leak),
	"temperature": celsius(""), "dewpoint": celsius("dew_point"), "dew point": celsius("dew_point"),
	"humidity": sensors.Amount("%", 0, 100), "battery": sensors.Amount("%", 0, 100),
	"illuminance": sensors.Amount("lx", 0, 200_000), "pressure": sensors.Amount("hPa", 300, 1200), "co2": sensors.Amount("[ppm]", 0, 100_000),
	"pm2_5": sensors.Named("pm25", "ug/m3", 0, 10_000), "pm10": sensors.Amount("ug/m3", 0, 10_000), "tvoc": sensors.Named("voc", "ug/m3", 0, 100_000),
	"voltage": sensors.Amount("V", 0, 1000), "current": sensors.Amount("A", -1000, 1000), "energy": sensors.Amount("kW.h", 0, 1e9),
	"rotation": sensors.Named("angle", "deg", -360, 360), "distance_mm": sensors.Named("distance", "mm", 0, 100_000),
	"distance_m": sensors.Named("distance", "m", 0, 10_000), "acceleration": sensors.Amount("m/s2", 0, 1000),
	"precipitation": sensors.Named("rainfall", "mm", 0, 10_000), "wind_speed": sensors.Amount("m/s", 0, 150),
	"wind speed": sensors.Named("wind_speed", "m/s", 0, 150), "wind_direction": sensors.Amount("deg", 0, 360),
	"wind direction": sensors.Named("wind_direction", "deg", 0, 360), "uv_index": sensors.Amount("1", 0, 50),
}

// quietObjects are objects that say nothing for us, or whose name stands for several things: gas is a volume or an alarm,
// power a wattage or a flag, moisture a share or a flag, speed that of wind or of anything.
var quietObjects = []string{
	"address", "rssi", "pid", "encryption", "BTHome_version", "button", "dimmer", "channel", "gas", "power", "moisture", "speed",
	"count", "local_name", "model", "device_type", "firmware_version", "generic_boolean", "moving", "light", "rain_status", "raining",
	"service_data", "UV index", "direction", "battery_charging", "connectivity", "lock", "plug", "running", "safety", "sound", "cold",
}
