package zigbee2mqtt

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// say writes a translation in short: "smoke=active smoke/1=inactive temperature=21.5Cel -dropped !ignored".
func say(t observation.Translation) string {
	var out []string
	for _, o := range t.Observations {
		name := string(o.Kind)
		if o.Zone != "" {
			name += "/" + o.Zone
		}
		out = append(out, name+"="+string(o.Phase))
	}
	for _, r := range t.Readings {
		out = append(out, fmt.Sprintf("%s=%v%s", r.Quantity, r.Value, r.Unit))
	}
	for _, d := range t.Dropped {
		out = append(out, "-"+d)
	}
	if t.Ignored != "" {
		out = append(out, "!")
	}
	return strings.Join(out, " ")
}

func TestPayloads(t *testing.T) {
	for payload, want := range map[string]string{
		`{"smoke":true}`: "smoke=active",
		`{"smoke":"ON","smoke_density_dbm":0.12}`:                                   "smoke=active smoke_density_dbm=0.12dB/m",
		`{"smoke_state":"alarm"}`:                                                   "smoke=active",
		`{"smoke_state":"detecting"}`:                                               "-smoke_state !",
		`{"smoke_alarm_1":true,"smoke":false}`:                                      "smoke=inactive smoke/alarm_1=active",
		`{"smoke":true,"test":true}`:                                                "-smoke !",
		`{"smoke":false,"test":true}`:                                               "smoke=inactive",
		`{"test":true}`:                                                             "!",
		`{"self_test":"checking"}`:                                                  "-self_test !",
		`{"self_test":true}`:                                                        "-self_test !",
		`{"self_test_result":"failure"}`:                                            "device-fault=active",
		`{"smoke":true,"self_test":"checking"}`:                                     "-self_test -smoke !",
		`{"gas":true,"self_test":true}`:                                             "-gas -self_test !",
		`{"carbon_monoxide":true,"testing":true}`:                                   "-carbon_monoxide -testing !",
		`{"smoke":true,"test_in_progress":true}`:                                    "-smoke -test_in_progress !",
		`{"smoke":true,"testing":false}`:                                            "smoke=active -testing",
		`{"current_device_status":"water_leakage","flow":0}`:                        "leak=active flow=0m3/h",
		`{"current_device_status":"normal_state"}`:                                  "leak=inactive",
		`{"current_device_status":"Zhang San"}`:                                     "-current_device_status !",
		`{"temperature":68,"temperature_unit":"fahrenheit","humidity":40}`:          "humidity=40% -* -temperature",
		`{"temperature":20,"temperature_unit":"celsius"}`:                           "temperature=20Cel -*",
		`{"gas":true,"preheat":true}`:                                               "gas=active -preheat",
		`{"gas":3.1}`:                                                               "-gas !",
		`{"gas_sensor_state":"alarm","co_state":"normal","co":3}`:                   "co=inactive gas=active co=3[ppm]",
		`{"gas_density":12}`:                                                        "gas_lel=12%{LEL}",
		`{"carbon_monoxide_value":40}`:                                              "co=40[ppm]",
		`{"water_leakage_state":"water_leakage_yes"}`:                               "leak=active",
		`{"water":true}`:                                                            "leak=active",
		`{"water_leak_wire_2":true,"water_leak_both_zones":false}`:                  "leak/both_zones=inactive leak/wire_2=active",
		`{"battery_low":"Low"}`:                                                     "low-battery=active",
		`{"opening_state":"tilted"}`:                                                "door=active",
		`{"door_state":"error_forced_open"}`:                                        "door=active",
		`{"ac_connected":"disconnected"}`:                                           "power=active",
		`{"ac_connected":true}`:                                                     "power=inactive",
		`{"fault_alarm":"e1_e2"}`:                                                   "device-fault=active",
		`{"fault_alarm":"none"}`:                                                    "device-fault=inactive",
		`{"overheat":"Overheated"}`:                                                 "device-fault=active",
		`{"voltage_ch3":230,"power_p1":5,"power_main_switch":7}`:                    "power_main_switch=7W power_p1=5W voltage_ch3=230V",
		`{"state_left":"ON","state":"OFF"}`:                                         "-* -state !",
		`{"temperature_probe":-4,"dew_point":2}`:                                    "dew_point=2Cel probe_temperature=-4Cel",
		`{"noise":61.5,"wind_direction":270,"precipitation":2}`:                     "noise=61.5dB[SPL] rainfall=2mm wind_direction=270deg",
		`{"noise":true}`:                                                            "-noise !",
		`{"siren":true,"alarm":true,"alarm_1":true}`:                                "-alarm -alarm_1 -siren !",
		`{"action":"disarm","action_code":"1234","users":{"1":"x"},"pin_code":"9"}`: "-* -action !",
		`{"gas":true,"gas_value":420}`:                                              "gas=active gas_value=420[ppm]",
		`{"gas_value":12}`:                                                          "-gas_value !",
		`{"carbon_monoxide":true,"co":55}`:                                          "co=active co=55[ppm]",
		`{"heat":true}`:                                                             "heat=active",
		`{"water_leak":true}`:                                                       "leak=active",
		`{"water_leak":1}`:                                                          "-water_leak !",
		`{"water_leak":null}`:                                                       "-water_leak !",
		`{"liquid_state":"high","liquid_depth":0.8}`:                                "water-level=active liquid_depth=0.8m",
		`{"sos":true}`:                                                              "sos=active",
		`{"action":"emergency"}`:                                                    "sos=momentary",
		`{"action":"panic","action_code":"1234","action_transaction":3}`:            "sos=momentary -*",
		`{"action":"fire"}`:                                                         "fire=momentary",
		`{"action":"single"}`:                                                       "-action !",
		`{"action":""}`:                                                             "!",
		`{"action":7}`:                                                              "-action !",
		`{"occupancy":true,"illuminance":12}`:                                       "motion=active illuminance=12lx",
		`{"presence":false}`:                                                        "presence=inactive",
		`{"contact":false}`:                                                         "door=active",
		`{"contact":true}`:                                                          "door=inactive",
		`{"contact_l1":false,"contact_l2":true}`:                                    "door/l1=active door/l2=inactive",
		`{"vibration":true}`:                                                        "vibration=active",
		`{"vibration":37}`:                                                          "-vibration !",
		`{"tamper":true,"battery_low":false}`:                                       "low-battery=inactive tamper=active",
		`{"battery":87,"voltage":2995}`:                                             "battery=87% voltage=2995mV",
		`{"battery":255}`:                                                           "-battery !",
		`{"voltage":231.4,"current":0.52,"power":118.3,"energy":12.75}`:             "current=0.52A energy=12.75kW.h power=118.3W voltage=231.4V",
		`{"temperature":-12.4,"humidity":61.2,"pressure":1013.2}`:                   "humidity=61.2% pressure=1013.2hPa temperature=-12.4Cel",
		`{"pressure":101.3}`:                                                        "pressure=101.3kPa",
		`{"pressure":200}`:                                                          "-pressure !",
		`{"temperature":"21"}`:                                                      "-temperature !",
		`{"temperature":-273.15,"humidity":655.35}`:                                 "-humidity -temperature !",
		`{"co2":612,"voc":120,"pm25":8}`:                                            "co2=612[ppm] pm25=8ug/m3 -voc",
		`{"temperature_l1":20,"temperature_l2":21}`:                                 "temperature_l1=20Cel temperature_l2=21Cel",
		`{"temperature_alarm":"upper_alarm"}`:                                       "temperature=active",
		`{"temperature_alarm":"cancel"}`:                                            "temperature=inactive",
		`{"ac_status":true,"trouble":false}`:                                        "power=active device-fault=inactive",
		`{"power_outage":"outage_detected"}`:                                        "power=active",
		`{"mains_power_connected":false}`:                                           "power=active",
		`{"fault":"surge_alarm"}`:                                                   "device-fault=active",
		`{"fault":"Li Si at 5"}`:                                                    "-fault !",
		`{"linkquality":80,"update":{"state":"idle"}}`:                              "-linkquality -update !",
		`{}`:                       "!",
		`[]`:                       "!",
		`"x"`:                      "!",
		`{"smoke":true`:            "!",
		`{"smoke":true}{}`:         "!",
		`{"smoke":true,"smoke":0}`: "!",
		``:                         "!",
	} {
		if got := say(Dialect{}.Translate("zigbee2mqtt/dev", []byte(payload), false)); got != want {
			t.Errorf("%s\n got %s\nwant %s", payload, got, want)
		}
	}
}

func TestTopics(t *testing.T) {
	tests := []struct{ base, topic, payload, device, want string }{
		{"", "zigbee2mqtt/floor 1/hall", `{"smoke":true}`, "floor 1/hall", "smoke=active"},
		{"home/z2m", "home/z2m/hall", `{"smoke":true}`, "hall", "smoke=active"},
		{"home/z2m", "other/hall", `{"smoke":true}`, "", "!"},
		{"", "zigbee2mqtt", `{"smoke":true}`, "", "!"},
		{"", "zigbee2mqtt/bridge/devices", `[{"friendly_name":"Li"}]`, "", "!"},
		{"", "zigbee2mqtt/hall/set", `{"smoke":true}`, "", "!"},
		{"", "zigbee2mqtt/hall/get/smoke", `{"smoke":""}`, "", "!"},
		{"", "zigbee2mqtt/hall/availability", `offline`, "hall", "device-offline=active"},
		{"", "zigbee2mqtt/hall/availability", `{"state":"online"}`, "hall", "device-offline=inactive"},
		{"", "zigbee2mqtt/hall/availability", `{"state":"?"}`, "", "!"},
		{"", "zigbee2mqtt/hall/smoke", `true`, "hall", "smoke=active"},
		{"", "zigbee2mqtt/hall/smoke", `ON`, "hall", "smoke=active"},
		{"", "zigbee2mqtt/hall/temperature", `21.5`, "hall", "temperature=21.5Cel"},
		{"", "zigbee2mqtt/hall/action", `emergency`, "hall", "sos=momentary"},
		{"", "zigbee2mqtt/hall/smoke", `{"smoke":false}`, "hall/smoke", "smoke=inactive"},
		{"", "zigbee2mqtt/" + strings.Repeat("x", 600), `{"smoke":false}`, "", "!"},
	}
	for _, tt := range tests {
		got := Dialect{Base: tt.base}.Translate(tt.topic, []byte(tt.payload), false)
		if say(got) != tt.want {
			t.Errorf("%s: got %s, want %s", tt.topic, say(got), tt.want)
		}
		if len(got.Observations) > 0 && got.Observations[0].Device != tt.device {
			t.Errorf("%s: device %q, want %q", tt.topic, got.Observations[0].Device, tt.device)
		}
	}
}

func TestTime(t *testing.T) {
	for told, want := range map[string]time.Time{
		`"2026-01-02T03:04:05.678Z"`:  time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
		`"2026-01-02T11:04:05+08:00"`: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		`1767323045678`:               time.UnixMilli(1767323045678).UTC(),
		`"2026-01-02 03:04:05"`:       {},
		`-5`:                          {},
	} {
		got := Dialect{}.Translate("z/d", []byte(`{"smoke":true,"temperature":1,"last_seen":`+told+`}`), false)
		if !got.Meta.Time.Equal(want) || !got.Observations[0].At.Equal(want) || !got.Readings[0].At.Equal(want) {
			t.Errorf("%s: %v, want %v", told, got.Meta.Time, want)
		}
	}
}

func TestRetained(t *testing.T) {
	got := Dialect{}.Translate("z/d", []byte(`{"smoke":true,"action":"emergency"}`), true)
	if say(got) != "smoke=active -action" || !got.Observations[0].Retained {
		t.Errorf("got %s", say(got))
	}
}

func TestRecognise(t *testing.T) {
	for _, tt := range []struct {
		base, topic, payload string
		want                 sensors.Likeness
	}{
		{"", "zigbee2mqtt/hall", `{"smoke":true,"linkquality":80}`, sensors.Surely},
		{"", "zigbee2mqtt/bridge/state", `{"state":"online"}`, sensors.Surely},
		{"home/z", "home/z/hall", `{"linkquality":80}`, sensors.Surely},
		{"", "zigbee2mqtt/hall", `{"smoke":true}`, sensors.Likely},
		{"", "home/hall", `{"linkquality":80}`, sensors.Likely},
		{"", "home/hall", `{"smoke":true}`, sensors.Perhaps},
		{"", "home/hall", `{"smoke":7}`, sensors.Unlike},
		{"", "tele/plug/SENSOR", `{"DS18B20":{"Temperature":2}}`, sensors.Unlike},
		{"", "zigbee2mqtt", `online`, sensors.Unlike},
	} {
		got, why := Dialect{Base: tt.base}.Recognise(tt.topic, []byte(tt.payload))
		if got != tt.want || (got > 0) != (why != "") {
			t.Errorf("%s %s: %d %q", tt.topic, tt.payload, got, why)
		}
	}
}

// secrets are texts that must not come out again, wherever they stand in a payload.
var secrets = []string{"Zhang San", "京A12345", "13800138000", "zhangsan"}

func TestNoIdentityComesOut(t *testing.T) {
	payload := `{"smoke":true,"zhangsan":1,"京A12345":{"a":1},"owner":"Zhang San","action":"Zhang San","action_user":"13800138000",
		"device":{"friendlyName":"Zhang San"},"fault":"zhangsan","update":{"京A12345":1},"users":["Zhang San"],"last_seen":"zhangsan",
		"battery_state":"zhangsan","self_test":"zhangsan","temperature":"13800138000","zhangsan_l1":3}`
	for _, topic := range []string{"zigbee2mqtt/d", "zigbee2mqtt/d/availability", "zigbee2mqtt/d/fault"} {
		line, err := json.Marshal(Dialect{}.Translate(topic, []byte(payload), false))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range secrets {
			if strings.Contains(string(line), s) {
				t.Errorf("%s: %q comes out: %s", topic, s, line)
			}
		}
	}
}

func TestTableIsSound(t *testing.T) {
	for key, r := range fields {
		if (r.Observe == nil) == (r.Measure == nil) || r.Observe != nil && !r.Kind.Valid() {
			t.Errorf("rule of %s is neither a state nor a measurement", key)
		}
		if known[key] {
			t.Errorf("%s is both taken and dropped", key)
		}
	}
}

func FuzzTranslate(f *testing.F) {
	f.Add("zigbee2mqtt/d", []byte(`{"smoke":true,"temperature_l1":2.5,"last_seen":1767323045678}`), false)
	f.Add("zigbee2mqtt/d/availability", []byte("offline"), true)
	f.Add("zigbee2mqtt/d/action", []byte("emergency"), false)
	f.Add("z/d", []byte(strings.Repeat("[", 40)), false)
	f.Add("z/d", []byte("{\"\xff\":1e999}"), false)
	f.Fuzz(func(t *testing.T, topic string, payload []byte, retained bool) {
		check(t, Dialect{}.Translate(topic, payload, retained))
		if like, why := (Dialect{}).Recognise(topic, payload); (like > 0) != (why != "") {
			t.Error("a likeness without a reason")
		}
	})
}

func check(t *testing.T, got observation.Translation) {
	t.Helper()
	if got.Observations == nil || got.Readings == nil || got.Dropped == nil {
		t.Error("a list is nil")
	}
	if (got.Ignored == "") != (len(got.Observations)+len(got.Readings) > 0) {
		t.Errorf("ignored %q with %d observations and %d readings", got.Ignored, len(got.Observations), len(got.Readings))
	}
	for _, path := range got.Dropped {
		if _, _, ok := lookup(path); !ok && !known[path] && path != "*" && path != "action" {
			t.Errorf("dropped %q repeats a key", path)
		}
	}
	for _, r := range got.Readings {
		reading := alert.Reading{Source: alert.SensorSource("e", "d"), Grid: "110101001001001", Quantity: r.Quantity, Value: r.Value, Unit: r.Unit, At: time.Unix(1, 0)}
		if err := reading.Validate(); err != nil {
			t.Error(err)
		}
	}
	if _, err := json.Marshal(got); err != nil {
		t.Error(err)
	}
}

var _ = sensors.Dialect(Dialect{})
