package names

// known are the names that tell nothing here and can be no identity: they are named when dropped.
var known = set(
	"rssi", "snr", "lora_snr", "fcnt", "f_cnt", "f_port", "fport", "port", "seq", "version", "protocol_version", "tsl_version", "ipso_version", "firmware_version", "hardware_version",
	"software_version", "sw_ver", "hw_ver", "sw_version", "fw", "datecode", "lorawan_class", "device_status", "reset_event", "valid", "err", "error", "interval", "report_interval", "reporting_interval",
	"alarm", "alarm_status", "alarm_state", "alarm_type", "status", "state", "event", "event_type", "type", "mode", "mod", "work_mode", "command", "cmd", "action", "button", "press",
	"interrupt_flag", "sensor_flag", "message_type", "exti_trigger", "exit_trigger", "node_type", "hardware_mode", "hardware_flag", "bat_status", "ext_sensor", "ext", "digital_istatus", "digital_i_status",
	"door_open_times", "last_door_open_duration", "water_leak_times", "last_water_leak_duration", "open_times", "count", "pulse", "pulse_count", "counter", "uptime", "boot",
	"history", "datalog", "config", "settings", "light_level", "light", "light_intensity", "light_status", "infrared", "infrared_and_visible", "activity", "daylight", "position", "tilt", "liquid",
	"x", "y", "z", "acceleration_x", "acceleration_y", "acceleration_z", "adc", "analog", "digital", "analog_input", "analog_output", "digital_input", "digital_output", "accelerometer", "gyrometer",
	"power_switch", "switch", "relay", "relay_status", "valve", "socket_status", "lock_status", "brightness", "threshold", "time", "timestamp", "ts", "unit", "value",
	"battery_capacity", "battery_type", "battery_change", "min_time", "max_time", "iaq", "smoke_sensor_value", "keep_alive", "restart", "frame_count", "concentration",
)

func set(names ...string) map[string]bool {
	out := make(map[string]bool, len(names))
	for _, name := range names {
		out[name] = true
	}
	return out
}

// wrappers are the names under which codecs and models put what they tell.
var wrappers = set("data", "values", "payload", "params", "readings", "sensors", "properties", "decoded", "telemetry", "measurements", "attributes", "fields", "sensor", "report", "result", "generic", "output", "environment", "sensor_data")
