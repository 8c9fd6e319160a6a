package mapped

import (
	"slices"

	"gridgate/protocols/alert"
	"gridgate/protocols/sensors"
)

// builtin is what [Default] reads: names in lower case with underscores ("waterLevel" and "water-level" are the same).
// A flag is true, false or a word of onWords or offWords; 0 and 1 only where the name cannot be a measurement. A number is
// in the unit given here unless the message has a "unit" that fits.
var builtin = map[string]sensors.Rule{
	"smoke": words(alert.Smoke), "smoke_alarm": bits(alert.Smoke), "smoke_detected": bits(alert.Smoke),
	"fire": bits(alert.Fire), "fire_alarm": bits(alert.Fire), "flame": bits(alert.Fire),
	"gas": wordsOr(alert.Gas, "gas", "[ppm]", 0, 1e6), "gas_alarm": bits(alert.Gas), "gas_leak": bits(alert.Gas), "gas_detected": bits(alert.Gas),
	"co": wordsOr(alert.CO, "co", "[ppm]", 0, 1e5), "co_alarm": bits(alert.CO),
	"carbon_monoxide": wordsOr(alert.CO, "co", "[ppm]", 0, 1e5), "carbon_monoxide_alarm": bits(alert.CO),
	"heat": words(alert.Heat), "heat_alarm": bits(alert.Heat), "high_temperature_alarm": bits(alert.Heat),
	"flood": bits(alert.Flood), "flood_alarm": bits(alert.Flood), "flooded": bits(alert.Flood),
	"leak": bits(alert.Leak), "leak_alarm": bits(alert.Leak), "water_leak": bits(alert.Leak), "water_leak_alarm": bits(alert.Leak),
	"water_level_alarm": bits(alert.WaterLevel), "high_water": bits(alert.WaterLevel), "level_alarm": bits(alert.WaterLevel),
	"sos": bits(alert.SOS), "sos_alarm": bits(alert.SOS), "panic": bits(alert.SOS), "emergency": bits(alert.SOS), "help": bits(alert.SOS),

	"door": words(alert.Door), "door_open": bits(alert.Door), "manhole": words(alert.Door), "manhole_open": bits(alert.Door), "window_open": bits(alert.Door),
	"contact": sensors.InvertedFlag(alert.Door), // as Zigbee says it: true is closed
	"motion":  bits(alert.Motion), "motion_detected": bits(alert.Motion), "pir": bits(alert.Motion), "occupancy": words(alert.Motion),
	"presence": words(alert.Presence), "vibration": words(alert.Vibration), "vibration_alarm": bits(alert.Vibration), "intrusion": bits(alert.Intrusion),
	"tamper": bits(alert.Tamper), "tampered": bits(alert.Tamper), "tamper_alarm": bits(alert.Tamper),
	"power_failure": bits(alert.Power), "power_outage": bits(alert.Power), "mains_failure": bits(alert.Power),
	"battery_low": bits(alert.LowBattery), "low_battery": bits(alert.LowBattery), "low_batt": bits(alert.LowBattery),
	"fault": bits(alert.DeviceFault), "device_fault": bits(alert.DeviceFault),
	"online": sensors.InvertedFlag(alert.DeviceOffline), "offline": bits(alert.DeviceOffline),

	"temperature": sensors.Amount("Cel", -100, 1500), "temp": sensors.Named("temperature", "Cel", -100, 1500),
	"temperature_c": sensors.Named("temperature", "Cel", -100, 1500), "temp_c": sensors.Named("temperature", "Cel", -100, 1500),
	"water_temperature": sensors.Amount("Cel", -50, 200), "humidity": sensors.Amount("%", 0, 100), "hum": sensors.Named("humidity", "%", 0, 100),
	"relative_humidity": sensors.Named("humidity", "%", 0, 100), "soil_moisture": sensors.Amount("%", 0, 100),
	"water_level": sensors.Amount("m", -1000, 10_000), "level_m": sensors.Named("water_level", "m", -1000, 10_000),
	"water_level_m": sensors.Named("water_level", "m", -1000, 10_000), "water_level_cm": sensors.Named("water_level", "cm", -1e5, 1e6),
	"water_level_mm": sensors.Named("water_level", "mm", -1e6, 1e7), "level_cm": sensors.Named("water_level", "cm", -1e5, 1e6),
	"level_mm": sensors.Named("water_level", "mm", -1e6, 1e7), "water_depth": sensors.Amount("m", 0, 10_000), "rainfall": sensors.Amount("mm", 0, 10_000),
	"pressure": sensors.Ranges("pressure", sensors.Range{Unit: "hPa", Lo: 300, Hi: 1200}, sensors.Range{Unit: "kPa", Lo: 30, Hi: 120}),
	"co2":      sensors.Amount("[ppm]", 0, 1e6), "gas_concentration": sensors.Named("gas", "[ppm]", 0, 1e6), "gas_ppm": sensors.Named("gas", "[ppm]", 0, 1e6),
	"co_ppm": sensors.Named("co", "[ppm]", 0, 1e5), "smoke_concentration": sensors.Amount("[ppm]", 0, 1e6),
	"pm25": sensors.Amount("ug/m3", 0, 10_000), "pm2_5": sensors.Named("pm25", "ug/m3", 0, 10_000), "pm10": sensors.Amount("ug/m3", 0, 10_000),
	"illuminance": sensors.Amount("lx", 0, 200_000), "lux": sensors.Named("illuminance", "lx", 0, 200_000),
	"battery": sensors.Amount("%", 0, 100), "battery_level": sensors.Named("battery", "%", 0, 100), "battery_percent": sensors.Named("battery", "%", 0, 100),
	"voltage": sensors.Ranges("voltage", sensors.Range{Unit: "V", Lo: 0, Hi: 999.999}, sensors.Range{Unit: "mV", Lo: 1000, Hi: 50_000}),
	"current": sensors.Amount("A", -1000, 1000), "power": sensors.Amount("W", -1e7, 1e7), "energy": sensors.Amount("kW.h", 0, 1e9),
	"flow": sensors.Amount("m3/s", -1e5, 1e5), "wind_speed": sensors.Amount("m/s", 0, 150),
}

// These are the names under which a message tells what it is about, with the state or value under another name.
var (
	subjectKeys = []string{"kind", "type", "event", "event_type", "alarm_type", "alarm", "quantity", "measurement"}
	stateKeys   = []string{"state", "status", "active", "alarm", "value"}
	eventKeys   = []string{"event", "event_type", "alarm_type", "alarm"} // their subject needs no state: it is a moment
	timeKeys    = []string{"time", "timestamp", "ts", "at", "datetime"}
	testKeys    = []string{"test", "test_mode", "testing", "self_test", "selftest", "test_alarm", "in_test"}
	scaleKeys   = []string{"temp_unit", "temperature_unit", "unit_temp", "unit_temperature", "temperature_scale", "temp_scale"}
	wrapperKeys = []string{"data", "values", "payload", "params", "readings", "sensors", "properties"}
	// named are keys that mean nothing to us but are no identity: they are named when dropped.
	named = []string{"rssi", "snr", "seq", "version", "fcnt", "linkquality", "interval"}
)

var (
	onWords  = []string{"alarm", "alert", "active", "detected", "triggered", "open", "opened", "yes", "high", "raised"}
	offWords = []string{"normal", "ok", "clear", "cleared", "inactive", "none", "closed", "no"}
)

// siblings are the units that measure the same as a default one does.
var siblings = [][]string{
	{"Cel", "[degF]"}, {"m", "cm", "mm"}, {"V", "mV"}, {"A", "mA"}, {"W", "kW"}, {"W.h", "kW.h"}, {"Pa", "hPa", "kPa"}, {"[ppm]", "%"},
}

func comparable(a, b string) bool {
	return a == b || slices.ContainsFunc(siblings, func(s []string) bool { return slices.Contains(s, a) && slices.Contains(s, b) })
}

func words(kind alert.Kind) sensors.Rule { return sensors.Words(kind, onWords, offWords) }

func bits(kind alert.Kind) sensors.Rule { return sensors.WordsOrBits(kind, onWords, offWords) }

// wordsOr takes words as a state and a number as a measurement.
func wordsOr(kind alert.Kind, quantity, unit string, lo, hi float64) sensors.Rule {
	r := sensors.Named(quantity, unit, lo, hi)
	w := words(kind)
	r.Kind, r.Observe = w.Kind, w.Observe
	return r
}
