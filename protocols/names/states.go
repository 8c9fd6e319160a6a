package names

import (
	"slices"
	"strings"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// state is what a name means that tells a condition.
type state struct {
	kind     alert.Kind
	bits     bool     // 1 and 0 are a flag: the name cannot be a measurement or a count
	inverted bool     // the name says that all is well
	flag     bool     // true and false are understood
	on, off  []string // words beside those that all understand, without spaces
}

// Words that say of any condition whether it holds, in lower case without spaces, dashes and underscores.
var (
	onWords  = []string{"true", "on", "yes", "alarm", "alarming", "alert", "active", "detected", "triggered", "trigger", "abnormal"}
	offWords = []string{"false", "off", "no", "normal", "ok", "clear", "cleared", "inactive", "none", "notdetected", "undetected", "noalarm", "idle", "nottriggered", "untriggered", "release", "released", "alarmrelease", "safe"}

	openWords   = []string{"open", "opened", "opening"}
	closedWords = []string{"close", "closed"}
	limitWords  = []string{"thresholdalarm", "mutationalarm", "hightemperaturealarm", "lowtemperaturealarm", "high", "low", "overtemperature", "overlimit"}
	withinWords = []string{"thresholdalarmrelease", "mutationalarmrelease", "hightemperaturealarmrelease", "lowtemperaturealarmrelease"}
)

// phase reads a value; ok is false for one that leaves a doubt.
func (s state) phase(v any) (observation.Phase, bool) {
	on, ok := s.truth(v)
	if on != s.inverted {
		return observation.Active, ok
	}
	return observation.Inactive, ok
}

func (s state) truth(v any) (on, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, s.flag
	case float64:
		return v == 1, s.bits && (v == 0 || v == 1)
	case string:
		return s.word(v)
	}
	return false, false
}

func (s state) word(text string) (on, ok bool) {
	if len(text) > maxName {
		return false, false
	}
	word := strings.NewReplacer(" ", "", "_", "", "-", "").Replace(strings.ToLower(text))
	switch {
	case slices.Contains(s.on, word):
		return true, true
	case slices.Contains(s.off, word):
		return false, true
	case !s.flag:
		return false, false
	case slices.Contains(onWords, word):
		return true, true
	}
	return false, slices.Contains(offWords, word)
}

// words takes true, false and words; bits takes 1 and 0, too.
func words(k alert.Kind, on ...string) state { return state{kind: k, flag: true, on: on} }
func bits(k alert.Kind, on ...string) state  { return state{kind: k, flag: true, bits: true, on: on} }

// opening takes only words: whether true is open or closed differs between vendors.
func opening(bits bool) state {
	return state{kind: alert.Door, bits: bits, on: openWords, off: closedWords}
}

func open() state {
	return state{kind: alert.Door, flag: true, bits: true, on: openWords, off: closedWords}
}
func limit(k alert.Kind) state {
	return state{kind: k, flag: true, bits: true, on: limitWords, off: withinWords}
}
func (s state) quiet(off ...string) state { s.off = append(slices.Clone(s.off), off...); return s }

// states is the allow-list of names that tell a condition.
var states = merged(
	named(words(alert.Smoke, "smoke", "smokealarm", "smokedetected"), "smoke", "smoke_state", "smoke_status", "smoke_sensor_status", "yan_gan", "yangan"),
	named(bits(alert.Smoke, "smokealarm", "smokedetected").quiet("smokealarmrelease"), "smoke_alarm", "smoke_detected", "smoke_detection", "smoke_sensor_state", "smoke_alarm_state", "smoke_alarm_status", "smoke_detection_state", "smoke_event", "smog_alarm"),
	named(words(alert.Fire, "fire"), "fire", "fire_status", "flame", "flame_status", "flame_state"),
	named(bits(alert.Fire), "fire_alarm", "flame_alarm", "fire_detected", "fire_alarm_state", "flame_detected", "flame_sensor_state"),
	named(words(alert.Gas, "leak", "gasleak"), "gas", "gas_status", "gas_state"),
	named(bits(alert.Gas), "gas_alarm", "gas_leak", "gas_detected", "gas_sensor_state", "gas_alarm_state", "gas_leak_alarm", "combustible_gas_alarm", "natural_gas_alarm"),
	named(words(alert.CO), "co_status", "co_state", "carbon_monoxide"),
	named(bits(alert.CO), "co_alarm", "carbon_monoxide_alarm", "co_detected", "co_sensor_state", "co_alarm_state"),
	named(bits(alert.Heat), "heat_alarm", "high_temperature_alarm", "heat_detected"),

	named(bits(alert.Leak, "leak", "leaked", "leaking", "leakage").quiet("nonleak", "noleak", "dry"), "leak", "leak_status", "leakage_status", "water_leak", "water_leak_status", "water_leak_alarm", "leak_alarm",
		"leak_detected", "water_leak_detected", "water_sensor_state", "water_leakage", "water_immersion", "water_immersion_state", "water_immersion_status", "immersion_alarm", "water_immersion_alarm", "leak_state", "water_leak_state", "leakage_alarm", "water_alarm_state"),
	named(words(alert.Leak, "leak", "leaked"), "waterleak"), // Elsys: a number from 0 to 255
	named(bits(alert.Flood), "flood", "flood_alarm", "flood_detected", "flooding"),
	named(limit(alert.WaterLevel), "water_level_alarm", "level_alarm", "liquid_level_alarm", "high_water", "overflow_alarm", "overflow", "high_water_alarm", "water_level_over"),
	named(bits(alert.SOS, "pressed", "push", "pushed"), "sos", "sos_alarm", "panic", "panic_alarm", "emergency", "emergency_alarm", "help", "sos_event", "panic_button", "emergency_button", "sos_button", "emergency_call", "help_alarm", "sos_state", "sos_status",
		"emergence_alarm", "emergence_button_alarm", "emergency_button_alarm", "panic_button_alarm"),

	named(open(), "door_open", "door_open_status", "window_open", "manhole_open", "cover_open", "box_open", "cabinet_open", "door_open_alarm"),
	named(opening(false), "door", "door_status", "door_state", "contact", "contact_status", "magnet_status", "magnet", "magnet_state", "window", "window_status", "window_state", "manhole", "manhole_status",
		"lift_door", "reed_state", "box_door", "door_sensor_status", "contact_sensor", "door_contact"),
	named(opening(true), "contact_state", "door_contact_state", "door_sensor_state"), // Aliyun: 0 closed, 1 open
	named(words(alert.Motion, "motion", "occupied", "moving"), "motion", "occupancy_motion"),
	named(bits(alert.Motion, "motion", "occupied"), "motion_detected", "pir", "pir_status", "pir_state", "motion_alarm_state", "motion_alarm", "pir_alarm", "motion_status", "infrared_alarm"),
	named(words(alert.Presence, "occupied", "presence").quiet("vacant", "unoccupied", "absent"), "occupancy", "occupied", "human_presence", "people_presence", "occupancy_status", "presence_status"),
	named(bits(alert.Presence, "occupied", "presence").quiet("vacant", "unoccupied", "absent"), "presence", "presence_state"),
	named(words(alert.Vibration, "vibration"), "vibration", "vibration_status", "vibration_state"),
	named(bits(alert.Vibration), "vibration_alarm", "shock_alarm", "shake_alarm", "acceleration_alarm"),
	named(bits(alert.Intrusion), "intrusion", "intrusion_alarm", "intruder_alarm"),

	named(limit(alert.Temperature), "temperature_alarm", "over_temperature", "over_temperature_alarm", "temperature_abnormal", "low_temperature_alarm", "high_low_temperature_alarm", "temp_alarm"),
	named(limit(alert.Humidity), "humidity_alarm", "humidity_abnormal"),
	named(bits(alert.Tamper, "uninstalled", "removed", "disassembled").quiet("installed"), "tamper", "tamper_status", "tamper_alarm", "tampered", "tamper_state", "disassembled_alarm", "demolition_alarm", "tamper_detected", "anti_tamper", "temper_alarm", "dismantle_alarm", "tamper_switch_alarm"),
	named(bits(alert.Power, "acpoweroff").quiet("acpoweron"), "power_failure", "power_outage", "mains_failure", "power_off_alarm", "power_loss", "power_event", "power_down", "power_fail", "power_cut", "power_down_alarm", "power_failure_alarm", "outage_alarm"),
	named(bits(alert.LowBattery, "low"), "battery_low", "low_battery", "low_batt", "low_battery_alarm", "low_power", "bat_low", "battery_alarm", "battery_low_alarm", "low_supply_voltage", "low_voltage_alarm", "low_electricity", "low_battery_state", "low_bat", "under_volt_error", "low_power_alarm"),
	named(bits(alert.DeviceFault, "fault", "failure", "failed").quiet("success"), "fault", "device_fault", "fault_alarm", "malfunction", "sensor_fault", "hardware_fault", "device_error", "broken_sensor", "fault_status", "device_failure", "sensor_failure"),
	named(state{kind: alert.DeviceOffline, flag: true, inverted: true}, "online"),
	named(bits(alert.DeviceOffline), "offline"),
)

// failures are the ends of names that tell one part of a device which does not work.
var failures = []string{"_failure", "_fault", "_malfunction"}

// underTest are the names by which a device says that somebody tests it.
var underTest = named(bits("", "pushed", "pressed", "testing", "start", "started"), "test", "test_mode", "testing", "self_test", "test_button_pressed", "test_alarm", "self_check", "self_checking", "test_button", "self_test_state", "in_test")

// hazards are the kinds that a device under test must not raise.
var hazards = []alert.Kind{alert.Smoke, alert.Fire, alert.Gas, alert.CO, alert.Heat, alert.Leak, alert.Flood, alert.WaterLevel, alert.SOS}

func named(s state, names ...string) map[string]state {
	out := make(map[string]state, len(names))
	for _, name := range names {
		out[name] = s
	}
	return out
}

func merged(tables ...map[string]state) map[string]state {
	out := map[string]state{}
	for _, t := range tables {
		for name, s := range t {
			out[name] = s
		}
	}
	return out
}
