package sparkplug

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"gridgate/protocols/alert"
	"gridgate/protocols/sensors"
)

// rules are the metrics that are read, by the last part of their name in lower case with underscores ("Water Level", "waterLevel"
// and "Sensors/water-level" are the same). A number is in the unit given here unless the metric's properties or its name tell
// another of the same kind.
var rules = map[string]sensors.Rule{
	"smoke": flag(alert.Smoke), "smoke_alarm": flag(alert.Smoke), "smoke_detected": flag(alert.Smoke), "smoke_detector": flag(alert.Smoke),
	"fire": flag(alert.Fire), "fire_alarm": flag(alert.Fire), "fire_detected": flag(alert.Fire), "flame": flag(alert.Fire), "flame_detected": flag(alert.Fire),
	"gas": either(alert.Gas, "gas", "[ppm]", 0, 1e6), "gas_alarm": flag(alert.Gas), "gas_leak": flag(alert.Gas), "gas_detected": flag(alert.Gas),
	"co": either(alert.CO, "co", "[ppm]", 0, 1e5), "co_alarm": flag(alert.CO), "co_detected": flag(alert.CO),
	"carbon_monoxide": either(alert.CO, "co", "[ppm]", 0, 1e5), "carbon_monoxide_alarm": flag(alert.CO),
	"heat_alarm": flag(alert.Heat), "heat_detected": flag(alert.Heat),
	"flood": flag(alert.Flood), "flood_alarm": flag(alert.Flood), "flooded": flag(alert.Flood), "flood_detected": flag(alert.Flood),
	"leak": flag(alert.Leak), "leak_alarm": flag(alert.Leak), "leak_detected": flag(alert.Leak), "water_leak": flag(alert.Leak), "water_leak_alarm": flag(alert.Leak),
	"water_level_alarm": flag(alert.WaterLevel), "high_water": flag(alert.WaterLevel), "high_water_alarm": flag(alert.WaterLevel), "high_level_alarm": flag(alert.WaterLevel),
	"sos": flag(alert.SOS), "sos_alarm": flag(alert.SOS), "panic": flag(alert.SOS), "panic_button": flag(alert.SOS), "panic_alarm": flag(alert.SOS),
	"emergency_call": flag(alert.SOS), "help": flag(alert.SOS),

	"door": words(alert.Door), "door_open": flag(alert.Door), "door_opened": flag(alert.Door), "manhole_open": flag(alert.Door), "window_open": flag(alert.Door), "cover_open": flag(alert.Door),
	"door_closed": sensors.InvertedFlag(alert.Door), "motion": flag(alert.Motion), "motion_detected": flag(alert.Motion), "pir": flag(alert.Motion),
	"occupancy": flag(alert.Motion), "occupied": flag(alert.Motion), "presence": flag(alert.Presence), "presence_detected": flag(alert.Presence),
	"vibration_alarm": flag(alert.Vibration), "vibration_detected": flag(alert.Vibration), "intrusion": flag(alert.Intrusion), "intrusion_alarm": flag(alert.Intrusion),
	"tamper": flag(alert.Tamper), "tampered": flag(alert.Tamper), "tamper_alarm": flag(alert.Tamper), "power_failure": flag(alert.Power),
	"power_outage": flag(alert.Power), "mains_failure": flag(alert.Power), "power_fail": flag(alert.Power), "mains_present": sensors.InvertedFlag(alert.Power),
	"battery_low": flag(alert.LowBattery), "low_battery": flag(alert.LowBattery), "fault": flag(alert.DeviceFault), "device_fault": flag(alert.DeviceFault),
	"sensor_fault": flag(alert.DeviceFault), "online": sensors.InvertedFlag(alert.DeviceOffline), "offline": flag(alert.DeviceOffline),
	"high_temperature_alarm": flag(alert.Temperature), "low_temperature_alarm": flag(alert.Temperature), "temperature_alarm": flag(alert.Temperature),
	"humidity_alarm": flag(alert.Humidity),

	"temperature": sensors.Amount("Cel", -100, 1500), "temp": sensors.Named("temperature", "Cel", -100, 1500),
	"device_temperature": sensors.Amount("Cel", -100, 300), "cpu_temperature": sensors.Named("device_temperature", "Cel", -100, 300),
	"board_temperature": sensors.Named("device_temperature", "Cel", -100, 300), "water_temperature": sensors.Amount("Cel", -50, 200),
	"dew_point": sensors.Amount("Cel", -100, 100), "dewpoint": sensors.Named("dew_point", "Cel", -100, 100),
	"humidity": sensors.Amount("%", 0, 100), "relative_humidity": sensors.Named("humidity", "%", 0, 100), "soil_moisture": sensors.Amount("%", 0, 100),
	"pressure":            sensors.Amount("hPa", 850, 1100), // without a unit only what can be no other pressure than the air's
	"barometric_pressure": air, "atmospheric_pressure": air, "air_pressure": air,
	"illuminance": sensors.Amount("lx", 0, 200_000), "lux": sensors.Named("illuminance", "lx", 0, 200_000), "light_level": sensors.Named("illuminance", "lx", 0, 200_000),
	"co2": sensors.Amount("[ppm]", 0, 1e6), "carbon_dioxide": sensors.Named("co2", "[ppm]", 0, 1e6), "gas_concentration": sensors.Named("gas", "[ppm]", 0, 1e6),
	"gas_level": sensors.Named("gas", "", 0, 1e6), "gas_lel": sensors.Named("gas_lel", "%{LEL}", 0, 100), "lel": sensors.Named("gas_lel", "%{LEL}", 0, 100),
	"smoke_concentration": sensors.Amount("[ppm]", 0, 1e6), "pm1": sensors.Amount("ug/m3", 0, 10_000), "pm25": sensors.Amount("ug/m3", 0, 10_000),
	"pm2_5": sensors.Named("pm25", "ug/m3", 0, 10_000), "pm10": sensors.Amount("ug/m3", 0, 10_000), "voc": sensors.Amount("", 0, 1e6),
	"water_level": sensors.Amount("m", -1000, 10_000), "water_depth": sensors.Amount("m", 0, 10_000), "tank_level": sensors.Amount("", 0, 1e6),
	"level": sensors.Named("level", "", -1e6, 1e6), "flow": sensors.Named("flow", "", -1e6, 1e6), "flow_rate": sensors.Named("flow", "", -1e6, 1e6),
	"rainfall": sensors.Amount("mm", 0, 10_000), "wind_speed": sensors.Amount("m/s", 0, 150), "wind_direction": sensors.Amount("deg", 0, 360),
	"noise": sensors.Amount("dB", 0, 200), "sound_level": sensors.Named("noise", "dB", 0, 200), "distance": sensors.Amount("m", 0, 1e5),
	"vibration": either(alert.Vibration, "vibration", "", -1e6, 1e6), "acceleration": sensors.Amount("m/s2", -1e4, 1e4),
	"battery": charge, "battery_level": sensors.Named("battery", "%", 0, 100), "battery_percent": sensors.Named("battery", "%", 0, 100),
	"battery_percentage": sensors.Named("battery", "%", 0, 100), "battery_soc": sensors.Named("battery", "%", 0, 100),
	"battery_voltage": volts("battery_voltage"), "voltage": volts("voltage"), "supply_voltage": volts("voltage"), "current": sensors.Amount("A", -1e5, 1e5),
	"power": sensors.Amount("W", -1e9, 1e9), "active_power": sensors.Named("power", "W", -1e9, 1e9), "energy": sensors.Amount("kW.h", 0, 1e12),
	"amps": sensors.Named("current", "A", -1e5, 1e5), "volts": volts("voltage"), "watts": sensors.Named("power", "W", -1e9, 1e9),
	"kwh": sensors.Named("energy", "kW.h", 0, 1e12), "power_factor": sensors.Amount("1", -1, 1), "frequency": sensors.Amount("Hz", 0, 1000),
}

// named are metrics that are known, say nothing for us and are no identity: they are named when dropped.
var named = []string{
	"rebirth", "reboot", "next_server", "scan_rate", "hardware_make", "hardware_model", "hardware_version", "firmware_version", "fw", "os", "os_version",
	"rssi", "snr", "uptime", "ip_address", "mac_address", "serial_number",
}

// Words of metrics that are texts.
var (
	onWords  = []string{"alarm", "alert", "active", "detected", "triggered", "open", "opened", "yes", "1"}
	offWords = []string{"normal", "ok", "clear", "cleared", "inactive", "none", "closed", "no", "0"}
)

func words(kind alert.Kind) sensors.Rule { return sensors.Words(kind, onWords, offWords) }

func flag(kind alert.Kind) sensors.Rule { return sensors.WordsOrBits(kind, onWords, offWords) }

// either takes a flag or a word as a state and a number as a measurement.
func either(kind alert.Kind, quantity, unit string, lo, hi float64) sensors.Rule {
	r := sensors.Named(quantity, unit, lo, hi)
	r.Kind, r.Observe = kind, words(kind).Observe
	return r
}

// air is a pressure whose size tells its unit.
var air = sensors.Ranges("pressure", sensors.Range{Unit: "hPa", Lo: 300, Hi: 1200}, sensors.Range{Unit: "kPa", Lo: 30, Hi: 120})

func volts(quantity string) sensors.Rule {
	return sensors.Ranges(quantity, sensors.Range{Unit: "V", Lo: 0, Hi: 999.999}, sensors.Range{Unit: "mV", Lo: 1000, Hi: 50_000})
}

// charge takes percent. What has a fraction and is less than any battery of a machine has volts could be volts, and is dropped.
var charge = sensors.Rule{Quantity: "battery", Measure: func(v any) (float64, string, bool) {
	f, ok := v.(float64)
	return f, "%", ok && f >= 0 && f <= 100 && (f == math.Trunc(f) || f > 30)
}}

// meaning is what a metric's name says.
type meaning struct {
	key     string // of rules; empty: not known
	channel string // digits by which the device tells several of a kind apart
	unit    string // UCUM, if the name has it
	path    string // how the metric is called where it is dropped
}

// unitAtEnd is a unit in brackets at the end of a name.
var unitAtEnd = regexp.MustCompile(`^(.*\S)\s*[(\[]([^()\[\]]{1,12})[)\]]$`)

// unitWords are units as the last word of a name has them.
var unitWords = []string{
	"c", "f", "celsius", "fahrenheit", "ppm", "lel", "percent", "pct", "pa", "hpa", "kpa", "bar", "mm", "cm", "m", "v", "mv", "a", "ma", "w", "kw",
	"kwh", "hz", "lux", "lx", "db",
}

// general are last parts that say nothing alone: the part before them is the subject.
var general = []string{"value", "pv", "present_value", "process_value", "current_value", "state", "status", "alarm", "active", "reading", "measurement", "raw"}

// plain are words before a name that leave it what it is.
var plain = []string{"ambient", "room", "indoor", "outdoor", "air", "current", "measured", "actual", "sensor", "environment", "local"}

// trailing are words after a name that leave it what it is.
var trailing = []string{"value", "sensor", "reading", "status", "state"}

// levelsOf splits a name at slashes, and at what gateways write in their place; a point in a number is none.
func levelsOf(name string) []string {
	var levels []string
	start := 0
	for i := 0; i < len(name); i++ {
		split := strings.IndexByte("/:\\", name[i]) >= 0
		if name[i] == '.' {
			split = i == 0 || i == len(name)-1 || !isDigit(name[i-1]) || !isDigit(name[i+1])
		}
		if split {
			levels = append(levels, name[start:i])
			start = i + 1
		}
	}
	return append(levels, name[start:])
}

// nameOf reads a metric's name: levels with slashes, the last of which says what it is (7.3).
func nameOf(name string) meaning {
	levels := levelsOf(name)
	last := len(levels) - 1
	m := wordOf(levels[last])
	if m.key == "" && last > 0 && slices.Contains(general, snake(levels[last])) {
		last--
		m = wordOf(levels[last])
	}
	if m.key == "" {
		m.path = "*"
		if word := snake(levels[len(levels)-1]); slices.Contains(named, word) {
			m.path = word
		}
		return m
	}
	for i := last - 1; i >= 0 && m.channel == ""; i-- {
		_, m.channel, _ = numbered(snake(levels[i]))
	}
	m.path = m.key
	return m
}

// wordOf reads one level.
func wordOf(level string) meaning {
	var m meaning
	if rest, ok := strings.CutSuffix(level, "%"); ok {
		level, m.unit = rest, "%"
	} else if strings.ContainsAny(level, ")]") {
		level, m.unit = cutUnit(level)
	}
	word := snake(level)
	for _, try := range []func(string) (string, string, string){whole, numbered, withUnit} {
		key, channel, unit := try(word)
		if key = subject(key); key != "" {
			m.key, m.channel = key, channel
			if m.unit == "" {
				m.unit = unit
			}
			return m
		}
	}
	return m
}

// cutUnit takes a unit in brackets from the end of a level.
func cutUnit(level string) (rest, unit string) {
	if found := unitAtEnd.FindStringSubmatch(level); found != nil {
		if code, ok := sensors.Unit(found[2]); ok {
			return found[1], code
		}
	}
	return level, ""
}

func whole(word string) (key, channel, unit string) { return word, "", "" }

func numbered(word string) (key, channel, unit string) {
	end := len(word)
	for end > 0 && isDigit(word[end-1]) {
		end--
	}
	if n := len(word) - end; n == 0 || n > 2 {
		return "", "", ""
	}
	return strings.TrimSuffix(word[:end], "_"), word[end:], ""
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func withUnit(word string) (key, channel, unit string) {
	cut := strings.LastIndexByte(word, '_')
	if cut < 0 || !slices.Contains(unitWords, word[cut+1:]) {
		return "", "", ""
	}
	spelling := word[cut+1:]
	switch spelling {
	case "pct":
		spelling = "%"
	case "lel":
		spelling = "%lel"
	}
	unit, _ = sensors.Unit(spelling)
	return word[:cut], "", unit
}

// subject is the key of rules for a word, or empty.
func subject(word string) string {
	if _, ok := rules[word]; ok {
		return word
	}
	first, rest, _ := strings.Cut(word, "_")
	if _, ok := rules[rest]; ok && slices.Contains(plain, first) {
		return rest
	}
	cut := max(0, strings.LastIndexByte(word, '_'))
	if _, ok := rules[word[:cut]]; ok && slices.Contains(trailing, word[cut+1:]) {
		return word[:cut]
	}
	return ""
}

func snake(level string) string { return sensors.Snake(strings.TrimSpace(level)) }
