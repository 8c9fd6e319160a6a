package zigbee2mqtt

import (
	"regexp"
	"strings"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// fields is the allow-list: what each key of a payload means.
var fields = map[string]sensors.Rule{
	// Hazards.
	"smoke":                 sensors.Flag(alert.Smoke),
	"smoke_state":           sensors.Words(alert.Smoke, alarmWords, calmWords),
	"smoke_alarm":           sensors.Words(alert.Smoke, alarmWords, calmWords),
	"gas":                   sensors.Flag(alert.Gas),
	"gas_state":             sensors.Words(alert.Gas, alarmWords, calmWords),
	"gas_alarm":             sensors.Words(alert.Gas, alarmWords, calmWords),
	"carbon_monoxide":       sensors.Flag(alert.CO),
	"co_state":              sensors.Words(alert.CO, alarmWords, calmWords),
	"heat":                  sensors.Flag(alert.Heat),
	"water_leak":            sensors.Flag(alert.Leak),
	"liquid_state":          sensors.Words(alert.WaterLevel, []string{"high"}, []string{"normal", "low"}),
	"sos":                   sensors.Flag(alert.SOS),
	"sos_alarm":             sensors.Flag(alert.SOS),
	"gas_sensor_state":      sensors.Words(alert.Gas, alarmWords, calmWords),
	"water":                 sensors.Flag(alert.Leak),
	"water_sensor":          sensors.Flag(alert.Leak),
	"current_device_status": sensors.Words(alert.Leak, []string{"water_leakage", "water_shortage & water_leakage"}, []string{"normal_state", "water_shortage"}), // valves
	"water_leakage_state":   sensors.Words(alert.Leak, []string{"water_leakage_yes"}, []string{"water_leakage_no"}),

	// What moves and what opens.
	"occupancy":           sensors.Flag(alert.Motion),
	"presence":            sensors.Flag(alert.Presence),
	"presence_state":      sensors.Words(alert.Presence, presenceWords, []string{"none"}),
	"contact":             sensors.InvertedFlag(alert.Door),
	"garage_door_contact": sensors.InvertedFlag(alert.Door),
	"door_state":          sensors.Words(alert.Door, []string{"open", "error_forced_open"}, []string{"closed"}),
	"opening_state":       sensors.Words(alert.Door, []string{"open", "tilted"}, []string{"closed"}),
	"motion_status":       sensors.Flag(alert.Motion),
	"human_motion_state":  sensors.Words(alert.Presence, presenceWords, []string{"none"}),
	"handle_position":     sensors.Words(alert.Door, []string{"open", "tilted"}, []string{"closed"}),
	"vibration":           sensors.Flag(alert.Vibration),

	// Limits that the device itself watches.
	"temperature_alarm":        sensors.Words(alert.Temperature, limitWords, withinWords),
	"temperature_warning":      sensors.Words(alert.Temperature, limitWords, withinWords),
	"temperature_alarm_status": sensors.Words(alert.Temperature, limitWords, withinWords),
	"alarm_temperature":        sensors.Words(alert.Temperature, limitWords, withinWords),
	"humidity_alarm":           sensors.Words(alert.Humidity, limitWords, withinWords),
	"humidity_warning":         sensors.Words(alert.Humidity, limitWords, withinWords),
	"humidity_alarm_status":    sensors.Words(alert.Humidity, limitWords, withinWords),
	"alarm_humidity":           sensors.Words(alert.Humidity, limitWords, withinWords),

	// The state of the device.
	"tamper":                sensors.Flag(alert.Tamper),
	"battery_low":           sensors.Words(alert.LowBattery, []string{"low"}, []string{"normal"}),
	"battery_state":         sensors.Words(alert.LowBattery, []string{"low"}, []string{"middle", "medium", "high", "full", "charged"}),
	"ac_status":             sensors.Flag(alert.Power), // IAS zone status, bit 7: mains fault
	"power_outage":          sensors.Words(alert.Power, []string{"outage_detected"}, []string{"power_ok"}),
	"mains_power_connected": sensors.InvertedFlag(alert.Power),
	"ac_connected":          {Kind: alert.Power, Observe: mains},
	"trouble":               sensors.Flag(alert.DeviceFault), // IAS zone status, bit 6
	"fault_alarm":           {Kind: alert.DeviceFault, Observe: fault},
	"end_of_life":           sensors.Flag(alert.DeviceFault),
	"battery_defect":        sensors.Flag(alert.DeviceFault),
	"overheat":              sensors.Words(alert.DeviceFault, []string{"overheated"}, []string{"no alert"}),
	"overload_protection":   sensors.Words(alert.DeviceFault, []string{"alarm active"}, []string{"normal"}),
	"device_fault":          sensors.Flag(alert.DeviceFault),
	"fault":                 {Kind: alert.DeviceFault, Observe: fault},
	"fault_state":           {Kind: alert.DeviceFault, Observe: fault},
	"self_test":             selfTest,
	"self_test_result":      selfTest,
	"test_alarm_result":     selfTest,

	// Measurements. The bounds leave out what devices send for "no value".
	"temperature":          sensors.Amount("Cel", -100, 300),
	"local_temperature":    sensors.Amount("Cel", -100, 300),
	"device_temperature":   sensors.Amount("Cel", -100, 300),
	"probe_temperature":    sensors.Amount("Cel", -100, 300),
	"soil_temperature":     sensors.Amount("Cel", -100, 300),
	"floor_temperature":    sensors.Amount("Cel", -100, 300),
	"ntc_temperature":      sensors.Amount("Cel", -100, 300),
	"outdoor_temperature":  sensors.Amount("Cel", -100, 300),
	"external_temperature": sensors.Amount("Cel", -100, 300),
	"room_temperature":     sensors.Amount("Cel", -100, 300),
	"water_temperature":    sensors.Amount("Cel", -100, 300),
	"temperature_probe":    sensors.Named("probe_temperature", "Cel", -100, 300),
	"cpu_temperature":      sensors.Named("device_temperature", "Cel", -100, 300),
	"dew_point":            sensors.Amount("Cel", -100, 300),
	"moisture":             sensors.Amount("%", 0, 100),
	"humidity":             sensors.Amount("%", 0, 100),
	"soil_moisture":        sensors.Amount("%", 0, 100),
	"pressure": sensors.Ranges("pressure",
		sensors.Range{Unit: "hPa", Lo: 300, Hi: 1200}, sensors.Range{Unit: "kPa", Lo: 30, Hi: 120}),
	"illuminance":     sensors.Amount("lx", 0, 200_000),
	"illuminance_lux": sensors.Named("illuminance", "lx", 0, 200_000),
	"ambient_light":   sensors.Named("illuminance", "lx", 0, 200_000),

	"battery":              sensors.Amount("%", 0, 100),
	"battery_value":        sensors.Named("battery", "%", 0, 100),
	"smoke_battery":        sensors.Amount("%", 0, 100),
	"voltage":              volts("voltage"),
	"battery_voltage":      volts("battery_voltage"),
	"mains_voltage":        sensors.Amount("V", 0, 1000),
	"current":              sensors.Amount("A", -1000, 1000),
	"leakage_current":      sensors.Amount("mA", 0, 100_000),
	"power":                sensors.Amount("W", -1e6, 1e6),
	"total_power":          sensors.Amount("W", -1e6, 1e6),
	"power_apparent":       sensors.Amount("V.A", -1e6, 1e6),
	"energy":               sensors.Amount("kW.h", 0, 1e9),
	"produced_energy":      sensors.Amount("kW.h", 0, 1e9),
	"ac_frequency":         sensors.Amount("Hz", 0, 1000),
	"leakage":              sensors.Named("leakage_current", "mA", 0, 100_000),
	"power_reactive":       sensors.Amount("var", -1e6, 1e6),
	"total_power_apparent": sensors.Amount("V.A", -1e6, 1e6),
	"total_power_reactive": sensors.Amount("var", -1e6, 1e6),
	"total_energy":         sensors.Amount("kW.h", 0, 1e9),
	"energy_produced":      sensors.Named("produced_energy", "kW.h", 0, 1e9),
	"energy_today":         sensors.Amount("kW.h", 0, 1e6),
	"energy_yesterday":     sensors.Amount("kW.h", 0, 1e6),
	"energy_month":         sensors.Amount("kW.h", 0, 1e7),

	"co2":                   sensors.Amount("[ppm]", 0, 100_000),
	"eco2":                  sensors.Amount("[ppm]", 0, 100_000),
	"co":                    sensors.Amount("[ppm]", 0, 100_000),
	"co_ppm":                sensors.Named("co", "[ppm]", 0, 100_000),
	"carbon_monoxide_value": sensors.Named("co", "[ppm]", 0, 100_000),
	"gas_density":           sensors.Named("gas_lel", "%{LEL}", 0, 100),
	"smoke_concentration":   sensors.Amount("[ppm]", 0, 100_000),
	// Some devices tell percent of the lower explosive limit under this name; above 100 it can only be ppm.
	"gas_value":      sensors.Ranges("gas_value", sensors.Range{Unit: "[ppm]", Lo: 101, Hi: 1e6}),
	"hcho":           sensors.Amount("mg/m3", 0, 1000),
	"pm1":            sensors.Amount("ug/m3", 0, 10_000),
	"pm25":           sensors.Amount("ug/m3", 0, 10_000),
	"pm4":            sensors.Amount("ug/m3", 0, 10_000),
	"pm10":           sensors.Amount("ug/m3", 0, 10_000),
	"voc_index":      sensors.Amount("1", 0, 500),
	"uv_index":       sensors.Amount("1", 0, 50),
	"wind_speed":     sensors.Amount("m/s", 0, 150),
	"wind_direction": sensors.Amount("deg", 0, 360),
	"precipitation":  sensors.Named("rainfall", "mm", 0, 10_000),
	"noise":          sensors.Amount("dB[SPL]", 0, 200),
	"noise_level":    sensors.Named("noise", "dB[SPL]", 0, 200),
	"distance":       sensors.Amount("m", 0, 1000),
	"flow":           sensors.Amount("m3/h", 0, 100_000),
	"tank_level":     sensors.Named("liquid_level_percent", "%", 0, 100),
	"filling":        sensors.Named("liquid_level_percent", "%", 0, 100),
	"soil_fertility": sensors.Amount("uS/cm", 0, 100_000),

	"smoke_density_dbm":    sensors.Amount("dB/m", 0, 100),
	"liquid_level_percent": sensors.Amount("%", 0, 100),
	"liquid_depth":         sensors.Amount("m", 0, 1000),
	"water_level":          sensors.Amount("cm", 0, 100_000),
}

// Words of the converters' enumerations, by what they mean.
var (
	alarmWords    = []string{"alarm"}
	calmWords     = []string{"normal", "none"}
	presenceWords = []string{"presence", "peaceful", "small_movement", "large_movement", "motion", "stationary", "active", "static", "small", "large"}
	limitWords    = []string{"lower_alarm", "upper_alarm", "low", "high", "over_temperature", "below_min_temperature", "over_humidity", "below_min_humdity"}
	withinWords   = []string{"cancel", "canceled", "none", "normal", "off"}

	// selfTest tells a fault that a test found. That a test runs is nothing to tell.
	selfTest = sensors.Rule{Kind: alert.DeviceFault, Observe: func(v any) (observation.Phase, bool) {
		word, _ := v.(string)
		switch strings.ReplaceAll(strings.ToLower(word), " ", "_") {
		case "failure", "check_failure", "comm_fault", "radar_fault":
			return observation.Active, true
		case "success", "check_success":
			return observation.Inactive, true
		}
		return "", false
	}}
)

// volts tells millivolts, as battery devices send, from the volts of meters and plugs: no battery of a sensor has a volt or
// less, and no meter reads a thousand volts.
func volts(quantity string) sensors.Rule {
	return sensors.Ranges(quantity, sensors.Range{Unit: "mV", Lo: 1000, Hi: 50_000}, sensors.Range{Unit: "V", Lo: 0, Hi: 999.999})
}

var (
	faultName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	faultCode = regexp.MustCompile(`^e[0-9](_e[0-9])*$`)
)

// mains takes a flag, or the words of a reading device that says how its mains are.
func mains(v any) (observation.Phase, bool) {
	switch word, _ := v.(string); word {
	case "connected", "connected_with_issues":
		v = true
	case "disconnected":
		v = false
	}
	there, ok := sensors.Truth(v)
	if there {
		return observation.Inactive, ok
	}
	return observation.Active, ok
}

// fault takes a flag, or the name of a fault, of which only that there is one is told.
func fault(v any) (observation.Phase, bool) {
	if b, ok := sensors.Truth(v); ok {
		if b {
			return observation.Active, true
		}
		return observation.Inactive, true
	}
	word, _ := v.(string)
	switch {
	case word == "none", word == "clear", word == "normal", word == "ok":
		return observation.Inactive, true
	case faultCode.MatchString(word), faultName.MatchString(word) && strings.Contains(word, "_"):
		return observation.Active, true
	}
	return "", false
}

// actions are the values of "action" that ask for help, as the converters spell them (IAS ACE keypads and emergency buttons).
var actions = map[alert.Kind]sensors.Rule{
	alert.SOS:  sensors.Moments(alert.SOS, "emergency", "panic", "sos", "emergency_panic", "police_panic"),
	alert.Fire: sensors.Moments(alert.Fire, "fire", "fire_panic"),
}

// hazards are the kinds that a device under test must not raise.
var hazards = map[alert.Kind]bool{
	alert.Smoke: true, alert.Fire: true, alert.Gas: true, alert.CO: true, alert.Heat: true, alert.Leak: true,
	alert.WaterLevel: true, alert.SOS: true,
}

// known names keys that are no allow-list entries but common enough to be named when dropped. None can be an identity.
var known = map[string]bool{
	"linkquality": true, "update": true, "update_available": true, "elapsed": true, "device": true, "last_seen": true,
	"state": true, "brightness": true, "color": true, "color_mode": true, "color_temp": true, "position": true, "alarm": true,
	"test": true, "test_mode": true, "selftest": true, "preheat": true, "preheating": true, "silence": true,
	"power_outage_count": true, "power_on_behavior": true, "identify": true, "sensitivity": true, "motion_sensitivity": true,
	"occupancy_timeout": true, "motion_state": true, "target_distance": true, "voc": true, "formaldehyd": true,
	"formaldehyde": true, "power_factor": true, "smoke_density": true, "smoke_level": true, "fall_status": true,
	"siren": true, "alarm_1": true, "alarm_2": true, "alarm_state": true, "alarm_status": true, "alarm_switch": true, "testing": true,
	"test_in_progress": true, "muted": true, "tilt": true, "error": true, "lock_state": true, "co2_state": true, "co2_alarm": true,
	"warning": true, "battery_level": true, "child_lock": true, "water_consumed": true,
}

// channel is the ending by which a device tells several of its sensors apart: the names of endpoints in the converters'
// definitions, and the alarms of an IAS zone.
var channel = regexp.MustCompile(`^(.+?)_((?:alarm|zone|wire|input|meter|phase)_[0-9]{1,2}|both_zones|phase_[abc]|(?:l|ch|p|th|c|s)?[0-9]{1,2}|` +
	`[abc]|left|right|top|bottom|center|middle|up|down|front|back|usb|main_switch|ds|bme|water|heat|floor|z1_top|z2_bottom|in|out|ext)$`)

// lookup returns the rule of a key and the channel in it.
func lookup(key string) (r sensors.Rule, zone string, ok bool) {
	if r, ok := fields[key]; ok {
		return r, "", true
	}
	m := channel.FindStringSubmatch(key)
	if m == nil {
		return r, "", false
	}
	r, ok = fields[m[1]]
	if ok && r.Measure != nil {
		r.Quantity = key
	}
	return r, m[2], ok
}
