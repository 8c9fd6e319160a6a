package tasmota

import (
	"maps"
	"regexp"
	"slices"

	"gridgate/protocols/alert"
	"gridgate/protocols/sensors"
)

// zigbeeKeys is the allow-list of what devices behind the Zigbee bridge tell ("Zigbee", list of attributes).
var zigbeeKeys = map[string]sensors.Rule{
	"Fire": bit(alert.Smoke), "Smoke": bit(alert.Smoke), "CO": bit(alert.CO), "Gas": bit(alert.Gas), "Water": bit(alert.Leak),
	"PersonalAlarm": bit(alert.SOS), "Panic": bit(alert.SOS), "Occupancy": bit(alert.Motion), "Contact": bit(alert.Door),
	"Movement": bit(alert.Vibration), "Vibration": bit(alert.Vibration), "GlassBreak": bit(alert.Vibration), "Tamper": bit(alert.Tamper),
	"BatteryLow": bit(alert.LowBattery), "LowBattery": bit(alert.LowBattery),
	"AqaraVibrationMode": sensors.Moments(alert.Vibration, "vibrate", "vibration", "tilt", "drop"),

	"Temperature": sensors.Named("temperature", "Cel", -100, 300), "Humidity": sensors.Named("humidity", "%", 0, 100),
	"BatteryPercentage": sensors.Named("battery", "%", 0, 100), "Battery": sensors.Named("battery", "%", 0, 100), "TuyaBattery": sensors.Named("battery", "%", 0, 100),
	"BatteryVoltage": sensors.Named("battery_voltage", "V", 0, 50), "Voltage": sensors.Named("voltage", "V", 0, 1000),
	"RMSVoltage": sensors.Named("voltage", "V", 0, 1000), "RMSCurrent": sensors.Named("current", "A", 0, 1000),
	"ActivePower": sensors.Named("power", "W", -1e6, 1e6), "EnergyTotal": sensors.Named("energy", "kW.h", 0, 1e9),
}

// zigbeeQuiet are keys of the bridge that can be named. Illuminance has no unit that the bridge would tell.
var zigbeeQuiet = map[string]bool{
	"LinkQuality": true, "Endpoint": true, "Device": true, "Name": true, "Group": true, "Power": true, "Dimmer": true, "Illuminance": true,
	"ModelId": true, "Manufacturer": true, "LastSeen": true, "Click": true, "ZoneType": true, "ZoneState": true, "Reachable": true,
	"ZoneStatusChangeZone": true, "BatteryLastSeenEpoch": true, "LastSeenEpoch": true, "PressureUnit": true, "SeaPressure": true,
}

var shortAddress = regexp.MustCompile(`^0x[0-9A-Fa-f]{4}$`)

// isZigbee says that an object is what a device behind the bridge told, without a wrapper (SetOption118).
func isZigbee(object map[string]any) bool {
	device, _ := object["Device"].(string)
	return shortAddress.MatchString(device) && object["LinkQuality"] != nil
}

// bridged takes what devices behind the Zigbee bridge told: by their address, by a name, or without either.
func (r *report) bridged(devices map[string]any) {
	if isZigbee(devices) {
		r.zigbee("", devices)
		return
	}
	for _, key := range slices.Sorted(maps.Keys(devices)) {
		if object, ok := devices[key].(map[string]any); ok {
			r.zigbee(key, object)
		}
	}
}

// zigbee takes what one device told. Its name is its short address, never the name that somebody gave it.
func (r *report) zigbee(name string, object map[string]any) {
	bridge := r.b.Device
	if device, _ := object["Device"].(string); shortAddress.MatchString(device) {
		name = device
	}
	if shortAddress.MatchString(name) {
		r.b.Device = name
	}
	status, isStatus := zoneStatus(object)
	testing := isStatus && status&(1<<8) != 0
	for _, key := range slices.Sorted(maps.Keys(object)) {
		rule, known := zigbeeKeys[key]
		switch {
		case known && testing && hazards[rule.Kind]:
			r.tested = true
			r.b.Drop(key)
		case known:
			r.b.Apply(key, "", "", rule, object[key])
		case key == "Pressure":
			r.barometer(object)
		case key == "ZoneStatus" || key == "ZoneStatusChange":
		case zigbeeQuiet[key]:
			r.b.Drop(key)
		default:
			r.b.Drop("*")
		}
	}
	if isStatus {
		r.zone(object, status)
	}
	r.b.Device = bridge
}

func (r *report) barometer(object map[string]any) {
	r.readUnits(map[string]any{"PressureUnit": object["PressureUnit"]})
	if object["PressureUnit"] == nil {
		r.readUnits(nil)
	}
	r.b.Apply("Pressure", "", "", r.rule(value{measure: chipKeys["Pressure"]}, "pressure"), object["Pressure"])
}

// hazards are the kinds that a device under test must not raise.
var hazards = map[alert.Kind]bool{
	alert.Smoke: true, alert.Gas: true, alert.CO: true, alert.Leak: true, alert.SOS: true, alert.Vibration: true, alert.Motion: true,
}

// zoneTypes are the types of IAS zones (ZCL 8.2.2.2.1.2) and what their alarm means.
var zoneTypes = map[float64]alert.Kind{
	0x0D: alert.Motion, 0x15: alert.Door, 0x28: alert.Smoke, 0x2A: alert.Leak, 0x2B: alert.CO, 0x2C: alert.SOS, 0x2D: alert.Vibration, 0x010F: alert.SOS,
}

func zoneStatus(object map[string]any) (int, bool) {
	for _, key := range []string{"ZoneStatusChange", "ZoneStatus"} {
		if f, ok := object[key].(float64); ok && f >= 0 && f <= 0xFFFF && f == float64(int(f)) {
			return int(f), true
		}
	}
	return 0, false
}

// zone takes the bits of a zone's status (ZCL 8.2.2.2.1.3): those that are the same for all types, and the alarm where the
// message says of which type the device is.
func (r *report) zone(object map[string]any, status int) {
	has := func(bit int) any { return status&(1<<bit) != 0 }
	r.b.Apply("ZoneStatus", "", "", bit(alert.Tamper), has(2))
	r.b.Apply("ZoneStatus", "", "", bit(alert.LowBattery), has(3))
	r.b.Apply("ZoneStatus", "", "", bit(alert.DeviceFault), has(6))
	r.b.Apply("ZoneStatus", "", "", bit(alert.Power), has(7))
	of, _ := object["ZoneType"].(float64)
	kind, ok := zoneTypes[of]
	switch {
	case !ok:
		r.untyped(object, status)
	case status&(1<<8) != 0 && hazards[kind]:
		r.tested = true
	default:
		r.b.Apply("ZoneStatus", "", "", bit(kind), status&3 != 0)
	}
}

// untyped tells the alarm of a zone of which nobody said what it watches: a reading of 0 or 1, for a rule.
func (r *report) untyped(object map[string]any, status int) {
	for key := range object {
		if kind := zigbeeKeys[key].Kind; hazards[kind] || kind == alert.Door {
			return
		}
	}
	if status&(1<<8) != 0 {
		r.tested = true
		return
	}
	r.b.Read("ZoneStatus", "zone_alarm", "1", map[bool]float64{true: 1}[status&3 != 0])
}

// lorawan takes what devices behind the LoRaWAN bridge told, as far as the firmware decodes it.
func (r *report) lorawan(devices map[string]any) {
	bridge := r.b.Device
	for _, key := range slices.Sorted(maps.Keys(devices)) {
		object, ok := devices[key].(map[string]any)
		if !ok {
			continue
		}
		if device, _ := object["Device"].(string); shortAddress.MatchString(device) {
			r.b.Device = device
		}
		for _, k := range slices.Sorted(maps.Keys(object)) {
			rule, known := lorawanKeys[k]
			if !known {
				r.b.Drop("*")
				continue
			}
			r.b.Apply("LwReceived."+k, "", "", rule, object[k])
		}
		r.b.Device = bridge
	}
}

var lorawanKeys = map[string]sensors.Rule{
	"DoorOpen": bit(alert.Door), "Leak": bit(alert.Leak), "WaterLeak": bit(alert.Leak),
	"Temperature": sensors.Named("temperature", "Cel", -100, 300), "Humidity": sensors.Named("humidity", "%", 0, 100),
	"Battery": sensors.Named("battery_voltage", "V", 0, 5),
}
