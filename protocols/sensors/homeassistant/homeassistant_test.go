package homeassistant

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
	"gridgate/protocols/sensors/sensorstest"
)

// say writes a translation down in short.
func say(t observation.Translation) string {
	var out []string
	for _, o := range t.Observations {
		s := fmt.Sprintf("%s=%s", o.Kind, o.Phase)
		if o.Zone != "" {
			s = fmt.Sprintf("%s(%s)=%s", o.Kind, o.Zone, o.Phase)
		}
		out = append(out, s)
	}
	for _, r := range t.Readings {
		out = append(out, fmt.Sprintf("%s=%v%s", r.Quantity, r.Value, r.Unit))
	}
	for _, d := range t.Dropped {
		out = append(out, "-"+d)
	}
	return strings.Join(out, " ")
}

// described is a session that has heard descriptions: topics below the prefix, and payloads.
func heard(t *testing.T, descriptions ...string) *Session {
	t.Helper()
	s := newSession(Dialect{})
	for i := 0; i < len(descriptions); i += 2 {
		got := s.Translate("homeassistant/"+descriptions[i]+"/config", []byte(descriptions[i+1]), true)
		if got.Ignored == "" || len(got.Observations)+len(got.Readings) > 0 {
			t.Fatalf("a description tells something: %+v", got)
		}
	}
	return s
}

func TestStates(t *testing.T) {
	for _, c := range []struct{ name, topic, description, payload, want string }{
		{"door is open", "binary_sensor/hall/front_door", `{"stat_t":"t","dev_cla":"door"}`, "ON", "door(front)=active"},
		{"window", "binary_sensor/hall/window", `{"stat_t":"t","dev_cla":"window"}`, "OFF", "door=inactive"},
		{"garage door", "binary_sensor/hall/g", `{"stat_t":"t","dev_cla":"garage_door"}`, "ON", "door=active"},
		{"opening", "binary_sensor/hall/o", `{"stat_t":"t","dev_cla":"opening"}`, "ON", "door=active"},
		{"smoke", "binary_sensor/hall/smoke", `{"stat_t":"t","dev_cla":"smoke"}`, "ON", "smoke=active"},
		{"gas", "binary_sensor/hall/gas", `{"stat_t":"t","dev_cla":"gas"}`, "ON", "gas=active"},
		{"co", "binary_sensor/hall/co", `{"stat_t":"t","dev_cla":"carbon_monoxide"}`, "ON", "co=active"},
		{"heat", "binary_sensor/hall/heat", `{"stat_t":"t","dev_cla":"heat"}`, "ON", "heat=active"},
		{"a heater", "binary_sensor/hall/x", `{"stat_t":"t","dev_cla":"heat","name":"Heating"}`, "ON", "-binary_sensor"},
		{"binary moisture is a leak", "binary_sensor/hall/m", `{"stat_t":"t","dev_cla":"moisture"}`, "ON", "leak=active"},
		{"numeric moisture is of soil", "sensor/hall/m", `{"stat_t":"t","dev_cla":"moisture","unit_of_meas":"%"}`, "44", "soil_moisture=44%"},
		{"problem", "binary_sensor/hall/p", `{"stat_t":"t","dev_cla":"problem"}`, "ON", "device-fault=active"},
		{"problem of its own name", "binary_sensor/hall/leak", `{"stat_t":"t","dev_cla":"problem"}`, "ON", "leak=active"},
		{"safety does not say what", "binary_sensor/hall/alarm", `{"stat_t":"t","dev_cla":"safety"}`, "ON", "-binary_sensor"},
		{"safety of a clear name", "binary_sensor/hall/carbon_monoxide", `{"stat_t":"t","dev_cla":"safety"}`, "ON", "co=active"},
		{"an SOS button", "binary_sensor/hall/hall_sos", `{"stat_t":"t","dev_cla":"safety"}`, "ON", "sos=active"},
		{"no class, clear name", "binary_sensor/hall/smoke_alarm", `{"stat_t":"t"}`, "ON", "smoke=active"},
		{"no class, clear name in a room", "binary_sensor/hall/kitchen_smoke", `{"stat_t":"t"}`, "ON", "smoke(kitchen)=active"},
		{"no class, unclear name", "binary_sensor/hall/alarm", `{"stat_t":"t"}`, "ON", "-binary_sensor"},
		{"mains that fail", "binary_sensor/hall/mains", `{"stat_t":"t","dev_cla":"power"}`, "OFF", "power=active"},
		{"a kettle that is off", "binary_sensor/hall/kettle", `{"stat_t":"t","dev_cla":"power"}`, "OFF", "-binary_sensor"},
		{"low battery", "binary_sensor/hall/batt", `{"stat_t":"t","dev_cla":"battery"}`, "ON", "low-battery=active"},
		{"connectivity is inverted", "binary_sensor/hall/status", `{"stat_t":"t","dev_cla":"connectivity","pl_on":"online","pl_off":"offline"}`, "offline", "device-offline=active"},
		{"whose presence nobody asks", "binary_sensor/hall/phone", `{"stat_t":"t","dev_cla":"presence"}`, "ON", "-binary_sensor"},
		{"occupancy", "binary_sensor/hall/o", `{"stat_t":"t","dev_cla":"occupancy"}`, "ON", "presence=active"},
		{"payloads of other types", "binary_sensor/hall/smoke", `{"stat_t":"t","dev_cla":"smoke","pl_on":true,"pl_off":false,"val_tpl":"{{ value_json.a }}"}`, `{"a":true}`, "smoke=active"},
		{"payloads that are numbers", "binary_sensor/hall/smoke", `{"stat_t":"t","dev_cla":"smoke","pl_on":1,"pl_off":"0"}`, `0.0`, "smoke=inactive"},
		{"another payload", "binary_sensor/hall/smoke", `{"stat_t":"t","dev_cla":"smoke"}`, `on`, "-smoke"},
		{"no end of its own", "binary_sensor/hall/v", `{"stat_t":"t","dev_cla":"vibration","off_dly":5}`, `ON`, "vibration=momentary"},
		{"a partial message", "binary_sensor/hall/smoke", `{"stat_t":"t","dev_cla":"smoke","val_tpl":"{{ 'ON' if value_json.smoke else 'OFF' }}"}`, `{"battery":3}`, "-smoke"},
		{"alarm panel", "alarm_control_panel/hall/a", `{"stat_t":"t"}`, `triggered`, "intrusion=active"},
		{"armed says who is home", "alarm_control_panel/hall/a", `{"stat_t":"t"}`, `armed_home`, "intrusion=inactive"},
		{"a gate", "cover/hall/cover", `{"stat_t":"t","dev_cla":"gate"}`, `open`, "door=active"},
		{"a shutter", "cover/hall/c", `{"stat_t":"t","dev_cla":"shutter"}`, `open`, "-cover"},
		{"a lock", "lock/hall/l", `{"stat_t":"t"}`, `UNLOCKED`, "-lock"},
		{"a person", "device_tracker/hall/zhangsan", `{"stat_t":"t"}`, `home`, "-device_tracker"},
		{"an unknown component", "zhangsan/hall/x", `{"stat_t":"t"}`, `home`, "-*"},
	} {
		s := heard(t, c.topic, c.description)
		if got := say(s.Translate("t", []byte(c.payload), false)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ name, object, description, payload, want string }{
		{"temperature", "temp", `"dev_cla":"temperature","unit_of_meas":"°C"`, "21.5", "temperature=21.5Cel"},
		{"fahrenheit stays", "temp", `"device_class":"temperature","unit_of_measurement":"°F"`, "70", "temperature=70[degF]"},
		{"no unit", "temp", `"dev_cla":"temperature"`, "21.5", "-sensor"},
		{"a unit of something else", "temp", `"dev_cla":"temperature","unit_of_meas":"%"`, "21.5", "-sensor"},
		{"no value", "temp", `"dev_cla":"temperature","unit_of_meas":"°C"`, "unavailable", "-temperature"},
		{"not possible", "temp", `"dev_cla":"temperature","unit_of_meas":"°C"`, "-127", "-temperature"},
		{"case tells mega from milli", "e", `"dev_cla":"energy","unit_of_meas":"MWh"`, "2", "energy=2MW.h"},
		{"gas is a volume", "g", `"dev_cla":"gas","unit_of_meas":"m³"`, "2", "gas_volume=2m3"},
		{"explosive limit", "g", `"unit_of_meas":"%LEL"`, "12", "gas_lel=12%{LEL}"},
		{"of no class, unit says it", "x", `"unit_of_meas":"lx"`, "2", "illuminance=2lx"},
		{"of no class, name says it", "hall_co2", `"unit_of_meas":"ppm"`, "420", "co2=420[ppm]"},
		{"of no class, friendly name says it", "l", `"name":"Water level","unit_of_meas":"mm"`, "420", "water_level=420mm"},
		{"of no class", "x", `"unit_of_meas":"%"`, "2", "-sensor"},
		{"a battery in volts", "b", `"dev_cla":"battery","unit_of_meas":"V"`, "2.9", "battery_voltage=2.9V"},
		{"a chip", "cpu_temperature", `"dev_cla":"temperature","unit_of_meas":"°C"`, "60", "device_temperature=60Cel"},
		{"power factor", "pf", `"dev_cla":"power_factor"`, "0.9", "power_factor=0.91"},
		{"enum", "e", `"dev_cla":"enum","options":["a"]`, "a", "-sensor"},
		{"timestamp", "e", `"dev_cla":"timestamp"`, "2026-01-01T00:00:00Z", "-sensor"},
		{"weight of a person", "w", `"dev_cla":"weight","unit_of_meas":"kg"`, "80", "-sensor"},
		{"radio", "r", `"dev_cla":"signal_strength","unit_of_meas":"dBm"`, "-80", "-sensor"},
		{"template", "t", `"dev_cla":"pressure","unit_of_meas":"hPa","val_tpl":"{{ float(value_json.pa) * 0.01 | is_defined }}"`, `{"pa":101325}`, "pressure=1013.25hPa"},
		{"refused template", "t", `"dev_cla":"pressure","unit_of_meas":"hPa","val_tpl":"{{ states('zhangsan') }}"`, `1`, "-sensor"},
		{"made up", "t", `"dev_cla":"temperature","unit_of_meas":"°C","val_tpl":"{{ value_json.t | default(0) }}"`, `{}`, "-temperature"},
	} {
		s := heard(t, "sensor/node/"+c.object, `{"stat_t":"t",`+c.description+`}`)
		if got := say(s.Translate("t", []byte(c.payload), false)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRefusalsSayWhy(t *testing.T) {
	for description, want := range map[string]string{
		`{"stat_t":"t","dev_cla":"smoke","val_tpl":"{{ states('sensor.zhangsan') }}"}`: "described, and not read: the function states in its template",
		`{"stat_t":"t","dev_cla":"zhangsan"}`:                                          "described, and not read: " + errClass.Error(),
		`{"stat_t":"t/#/x","dev_cla":"smoke"}`:                                         "described, and not read: " + errTopic.Error(),
		`{"stat_t":"t","dev_cla":"smoke","e":""}`:                                      "described, and not read: " + errRaw.Error(),
		`{"stat_t":"t","dev_cla":"smoke","pl_on":"x","pl_off":"x"}`:                    "described, and not read: " + errWords.Error(),
		`[1]`: errObject.Error(),
		`{`:   "not valid JSON",
	} {
		got := newSession(Dialect{}).Translate("homeassistant/binary_sensor/a/config", []byte(description), false)
		if got.Ignored != want || got.Quiet {
			t.Errorf("%s: %q, quiet %v, want %q", description, got.Ignored, got.Quiet, want)
		}
	}
	got := newSession(Dialect{}).Translate("homeassistant/sensor/a/config", []byte(`{"stat_t":"t","dev_cla":"temperature","unit_of_meas":"C","exp_aft":300}`), false)
	if got.Ignored != "remembered: temperature in Cel, void after 300 s" || !got.Quiet {
		t.Errorf("%q", got.Ignored)
	}
}

func TestDeviceIsNodeThenIdentifierThenObject(t *testing.T) {
	for topic, want := range map[string]string{"sensor/node/o": "node", "sensor/o": "AA:BB", "sensor/p": "p", "sensor/q": "q"} {
		d := `{"stat_t":"t","dev_cla":"temperature","unit_of_meas":"C","dev":{"ids":["AA:BB"]}}`
		switch topic {
		case "sensor/p":
			d = `{"stat_t":"t","dev_cla":"temperature","unit_of_meas":"C"}`
		case "sensor/q":
			d = `{"stat_t":"t","dev_cla":"temperature","unit_of_meas":"C","device":{"identifiers":"Zhang San's phone"}}`
		}
		got := heard(t, topic, d).Translate("t", []byte("1"), false)
		if len(got.Readings) != 1 || got.Readings[0].Device != want {
			t.Errorf("%s: %+v, want %s", topic, got.Readings, want)
		}
	}
}

func TestBaseTopic(t *testing.T) {
	s := heard(t,
		"sensor/n/a", `{"~":"base","stat_t":"~/state","dev_cla":"temperature","unit_of_meas":"C"}`,
		"sensor/n/b", `{"~":"end","stat_t":"tele/~","dev_cla":"humidity","unit_of_meas":"%","avty":[{"t":"~/LWT"}]}`)
	for topic, want := range map[string]string{"base/state": "temperature=1Cel", "tele/end": "humidity=1%", "tele/~": ""} {
		if got := say(s.Translate(topic, []byte("1"), false)); got != want {
			t.Errorf("%s: %q, want %q", topic, got, want)
		}
	}
	if got := say(s.Translate("end/LWT", []byte("offline"), false)); got != "device-offline=active" {
		t.Errorf("availability: %q", got)
	}
}

// One message may serve many entities, of several devices, and a topic may hold wildcards.
func TestOneMessageForMany(t *testing.T) {
	s := heard(t,
		"sensor/A-tempc", `{"stat_t":"+/+/BT/A","dev_cla":"temperature","unit_of_meas":"°C","val_tpl":"{{ value_json.tempc | is_defined }}","dev":{"ids":["A"]}}`,
		"sensor/A-hum", `{"stat_t":"+/+/BT/A","dev_cla":"humidity","unit_of_meas":"%","val_tpl":"{{ value_json.hum | is_defined }}","dev":{"ids":["A"]}}`,
		"binary_sensor/A-open", `{"stat_t":"home/gw/BT/A","dev_cla":"door","pl_on":"True","pl_off":"False","val_tpl":"{{ value_json.open }}","dev":{"ids":["A"]}}`,
		"sensor/B-hum", `{"stat_t":"home/#","dev_cla":"humidity","unit_of_meas":"%","val_tpl":"{{ value_json.hum }}","dev":{"ids":["B"]}}`)
	got := s.Translate("home/gw/BT/A", []byte(`{"tempc":21.5,"hum":40,"open":false,"zhangsan":1}`), false)
	if say(got) != "door=inactive temperature=21.5Cel humidity=40% humidity=40%" {
		t.Errorf("%s", say(got))
	}
	var devices []string
	for _, r := range got.Readings {
		devices = append(devices, r.Device)
	}
	if !slices.Equal(devices, []string{"A", "A", "B"}) {
		t.Errorf("devices %v", devices)
	}
	if got := s.Translate("home/gw/BT/A", []byte(`{"rssi":1}`), false); got.Ignored != whyNothing || got.Quiet {
		t.Errorf("a message without any: %+v", got)
	}
}

func TestNamesTellSensorsOfOneDeviceApart(t *testing.T) {
	temperature := func(topic string) string {
		return `{"stat_t":"` + topic + `","dev_cla":"temperature","unit_of_meas":"C"}`
	}
	leak := func(topic string) string { return `{"stat_t":"` + topic + `","dev_cla":"moisture"}` }
	s := heard(t, "sensor/n/outdoor_temperature", temperature("a"))
	if got := say(s.Translate("a", []byte("1"), false)); got != "temperature=1Cel" {
		t.Errorf("alone: %s", got)
	}
	s = heard(t, "sensor/n/outdoor_temperature", temperature("a"), "sensor/n/temperature_2", temperature("b"), "sensor/n/temperature", temperature("c"),
		"sensor/n/zhangsan", temperature("d"), "sensor/n/lisi", temperature("e"), "binary_sensor/n/kitchen_leak", leak("f"), "binary_sensor/n/zhangsan_leak", leak("g"))
	for topic, want := range map[string]string{
		"a": "temperature_outdoor=1Cel", "b": "temperature_2=1Cel", "c": "temperature_" + mark("temperature") + "=1Cel",
		"d": "temperature_" + mark("zhangsan") + "=1Cel", "e": "temperature_" + mark("lisi") + "=1Cel",
	} {
		if got := say(s.Translate(topic, []byte("1"), false)); got != want {
			t.Errorf("%s: %s, want %s", topic, got, want)
		}
	}
	s.Translate("homeassistant/sensor/n/lisi/config", []byte(`{"stat_t":"e","dev_cla":"temperature","unit_of_meas":"C","name":"Zhang San outside"}`), false)
	if got := say(s.Translate("e", []byte("1"), false)); got != "temperature_outside=1Cel" {
		t.Errorf("by its name: %s", got)
	}
	for topic, want := range map[string]string{"f": "leak(kitchen)=active", "g": "leak=active"} {
		if got := say(s.Translate(topic, []byte("ON"), false)); got != want {
			t.Errorf("%s: %s, want %s", topic, got, want)
		}
	}
}

func TestDeviceDiscovery(t *testing.T) {
	s := heard(t, "device/pump", `{"dev":{"ids":"x","name":"Zhang San"},"o":{"name":"y"},"~":"p","stat_t":"~/s","avty_t":"~/up","pl_avail":"1","pl_not_avail":"0","cmps":{
		"t":{"p":"sensor","dev_cla":"temperature","unit_of_meas":"°C","val_tpl":"{{value_json.t}}"},
		"wet":{"platform":"binary_sensor","device_class":"moisture","val_tpl":"{{value_json.w}}","pl_on":1,"pl_off":0},
		"own":{"p":"sensor","dev_cla":"humidity","unit_of_meas":"%","stat_t":"p/h"},
		"gone":{"p":"sensor"},"cam":{"p":"camera","topic":"p/c"},"zhang san":{"p":"sensor","dev_cla":"voltage","unit_of_meas":"V","stat_t":"p/v"}}}`)
	for topic, c := range map[string]struct{ payload, want string }{
		"p/s":  {`{"t":20,"w":1}`, "leak=active temperature=20Cel -camera"},
		"p/h":  {"44", "humidity=44%"},
		"p/v":  {"3", "voltage=3V"},
		"p/up": {"0", "device-offline=active"},
	} {
		got := s.Translate(topic, []byte(c.payload), false)
		if say(got) != c.want {
			t.Errorf("%s: %s, want %s", topic, say(got), c.want)
		}
		if len(got.Readings) > 0 && got.Readings[0].Device != "pump" {
			t.Errorf("device %s", got.Readings[0].Device)
		}
	}
}

func TestCallsForHelp(t *testing.T) {
	s := heard(t,
		"device_automation/n/action_panic", `{"automation_type":"trigger","topic":"n/action","type":"action","subtype":"panic","payload":"panic"}`,
		"device_automation/n/action_on", `{"automation_type":"trigger","topic":"n/action","type":"action","subtype":"on","payload":"on"}`,
		"event/n/button", `{"stat_t":"n/event","dev_cla":"button","event_types":["press","SOS"]}`,
		"event/n/hall", `{"stat_t":"n/seen","dev_cla":"motion","event_types":["motion_detected"],"val_tpl":"{{ value }}"}`)
	for _, c := range []struct {
		topic, payload string
		retained       bool
		want           string
	}{
		{"n/action", "panic", false, "sos=momentary -device_automation"},
		{"n/action", "on", false, "-device_automation -device_trigger"},
		{"n/action", "panic", true, "-device_automation -device_trigger"},
		{"n/event", `{"event_type":"SOS"}`, false, "sos=momentary"},
		{"n/event", `{"event_type":"press"}`, false, "-event"},
		{"n/event", `SOS`, false, "-event"},
		{"n/seen", `{"event_type":"motion_detected"}`, false, "motion(hall)=momentary"},
	} {
		if got := say(s.Translate(c.topic, []byte(c.payload), c.retained)); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.topic, c.payload, got, c.want)
		}
	}
}

func TestAvailability(t *testing.T) {
	description := func(mode string) string {
		return `{"stat_t":"t","dev_cla":"smoke","avty_mode":"` + mode + `","avty":[{"t":"gw/state","val_tpl":"{{ value_json.state }}"},{"topic":"n/up"},{"t":"t"}]}`
	}
	on, off := `{"state":"online"}`, `{"state":"offline"}`
	for mode, want := range map[string][]string{
		"all":    {"", "inactive", "active", "", "inactive", "active"},
		"any":    {"inactive", "inactive", "inactive", "active", "inactive", "inactive"},
		"latest": {"inactive", "inactive", "active", "active", "inactive", "active"},
	} {
		s := heard(t, "binary_sensor/n/smoke", description(mode))
		for i, m := range []struct{ topic, payload string }{
			{"gw/state", on}, {"n/up", "online"}, {"gw/state", off}, {"n/up", "offline"}, {"gw/state", on}, {"n/up", "offline"},
		} {
			if i == 3 && mode == "all" || i == 4 && mode == "all" {
				m.topic, m.payload = "gw/state", on
				if i == 3 {
					m.payload = "zhangsan"
				}
			}
			got := s.Translate(m.topic, []byte(m.payload), false)
			phase := ""
			if len(got.Observations) == 1 {
				phase = string(got.Observations[0].Phase)
			}
			if phase != want[i] {
				t.Errorf("%s, message %d: %q, want %q", mode, i, phase, want[i])
			}
		}
	}
}

// What ESPHome tells without a description is read only where the name leaves no doubt.
func TestUndescribed(t *testing.T) {
	for _, c := range []struct{ topic, payload, want string }{
		{"hall-node/binary_sensor/smoke/state", "ON", "smoke=active"},
		{"a/b/hall/binary_sensor/hall_smoke/state", "OFF", "smoke=inactive"},
		{"hall/binary_sensor/front_door/state", "ON", ""},
		{"hall/sensor/humidity/state", "44.1", "humidity=44.1%"},
		{"hall/sensor/temperature/state", "20", ""},
		{"hall/sensor/humidity/state", "nan", "-humidity"},
		{"hall/status", "offline", "device-offline=active"},
		{"hall/status", "zhangsan", ""},
		{"homeassistant/status", "online", ""},
		{"hall/switch/pump/command", "ON", ""},
		{"zhangsan/state", "ON", ""},
	} {
		got := Dialect{}.Translate(c.topic, []byte(c.payload), false)
		if say(got) != c.want || (got.Ignored == "") != (c.want != "" && c.want[0] != '-') {
			t.Errorf("%s %s: %q %q, want %q", c.topic, c.payload, say(got), got.Ignored, c.want)
		}
	}
}

func TestRecognise(t *testing.T) {
	for _, c := range []struct {
		dialect        sensors.Recogniser
		topic, payload string
		want           sensors.Likeness
	}{
		{Dialect{}, "homeassistant/sensor/a/b/config", `{"stat_t":"t"}`, sensors.Surely},
		{Dialect{}, "homeassistant/device/a/config", `{"cmps":{}}`, sensors.Surely},
		{Dialect{}, "homeassistant/sensor/a/config", ``, sensors.Likely},
		{Dialect{}, "homeassistant/sensor/a/config", `{"zhangsan":1}`, sensors.Perhaps},
		{Dialect{}, "homeassistant/sensor/a/config", `zhangsan`, sensors.Unlike},
		{Dialect{}, "hall/binary_sensor/smoke/state", `ON`, sensors.Likely},
		{Dialect{}, "hall/sensor/x/state", `{}`, sensors.Perhaps},
		{Dialect{}, "zigbee2mqtt/hall", `{"smoke":true}`, sensors.Unlike},
	} {
		got, because := c.dialect.Recognise(c.topic, []byte(c.payload))
		if got != c.want || strings.Contains(because, "zhangsan") || (because == "") != (got == sensors.Unlike) {
			t.Errorf("%T %s: %v because %q, want %v", c.dialect, c.topic, got, because, c.want)
		}
	}
}

func TestAlsoAsksForDescriptionsOnly(t *testing.T) {
	got := Dialect{}.Also("hall/#")
	if !slices.Equal(got, []string{"homeassistant/+/+/config", "homeassistant/+/+/+/config"}) || len(newSession(Dialect{}).Asks()) > 0 {
		t.Errorf("%v", got)
	}
	s := heard(t, "sensor/n/o", `{"stat_t":"a/+","dev_cla":"temperature","unit_of_meas":"C"}`)
	if !s.Expects("a/b") || s.Expects("a/b/c") {
		t.Error("a session does not say which topics it waits for")
	}
	if got := (ESPHome{Dialect{Prefix: "ha/x"}}).Also(""); got[0] != "ha/x/+/+/config" {
		t.Errorf("%v", got)
	}
}

func TestNoIdentityComesOut(t *testing.T) {
	s := newSession(Dialect{})
	for i, m := range []struct{ topic, payload string }{
		{"homeassistant/sensor/n/zhangsan_temperature/config", `{"stat_t":"t","dev_cla":"temperature","unit_of_meas":"C","name":"Zhang San","dev":{"ids":["Zhang San"],"name":"zhangsan"},"zhangsan":1,"val_tpl":"{{ value_json.zhangsan }}"}`},
		{"homeassistant/sensor/n/zhangsan2_temperature/config", `{"stat_t":"t","dev_cla":"temperature","unit_of_meas":"C","val_tpl":"{{ value_json.zhangsan }}"}`},
		{"homeassistant/binary_sensor/n/13800138000/config", `{"stat_t":"t","dev_cla":"door","pl_on":"Zhang San","avty_t":"u","pl_avail":"zhangsan"}`},
		{"homeassistant/binary_sensor/n/13800138001/config", `{"stat_t":"t","dev_cla":"zhangsan"}`},
		{"homeassistant/event/n/e/config", `{"stat_t":"t","event_types":["zhangsan","sos"],"dev_cla":"京A12345"}`},
		{"homeassistant/zhang/n/e2/config", `{"stat_t":"t","p":"zhangsan"}`},
		{"homeassistant/sensor/n/e3/config", `{"stat_t":"t","val_tpl":"{{ zhangsan(value_json.zhangsan) }}","dev_cla":"temperature","unit_of_meas":"zhangsan"}`},
		{"homeassistant/device/n2/config", `{"cmps":{"Zhang San":{"p":"zhangsan","x":1},"京A12345":{"p":"sensor","dev_cla":"voltage","unit_of_meas":"V","stat_t":"t"}}}`},
		{"homeassistant/device_tracker/n/e4/config", `{"stat_t":"t","name":"Zhang San"}`},
		{"t", `{"zhangsan":7,"name":"Zhang San"}`}, {"t", "Zhang San"}, {"t", `{"event_type":"zhangsan"}`}, {"t", "7"}, {"u", "zhangsan"}, {"u", "京A12345"},
		{"homeassistant/binary_sensor/n/13800138000/config", ""},
	} {
		got := s.Translate(m.topic, []byte(m.payload), false)
		got.Meta.Topic = ""
		sensorstest.Hides(t, fmt.Sprintf("message %d", i), got)
	}
}

// The longest quantity that can come of a description is still a name.
func TestLongestNamesAreNames(t *testing.T) {
	s := newSession(Dialect{})
	for _, object := range []string{"compressor_staircase_collector_basement_zz", "compressor_staircase_collector_basement_yy"} {
		s.Translate("homeassistant/sensor/n/"+object+"/config", []byte(`{"stat_t":"`+object+`","name":"smoke corridor refrigerator","unit_of_meas":"ppm"}`), true)
	}
	got := s.Translate("compressor_staircase_collector_basement_zz", []byte("7"), false)
	if sensorstest.Sound(t, got); len(got.Readings) != 1 || !strings.HasPrefix(got.Readings[0].Quantity, "smoke_concentration_compressor_staircase_collector_x") {
		t.Errorf("%+v", got)
	}
}
