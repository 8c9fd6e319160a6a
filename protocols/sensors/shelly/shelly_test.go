package shelly

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/sensors"
	"gridgate/protocols/sensors/sensorstest"
)

func TestGenerationOne(t *testing.T) {
	for _, tt := range [][3]string{
		{"sensor/smoke", "true", "smoke=active"},
		{"sensor/smoke", "false", "smoke=inactive"},
		{"sensor/smoke", "?", "-sensor/smoke !"},
		{"sensor/flood", "true", "flood=active"},
		{"sensor/gas", "none", "gas=inactive"},
		{"sensor/gas", "mild", "gas=active"},
		{"sensor/gas", "heavy", "gas=active"},
		{"sensor/gas", "test", "-sensor/gas !"},
		{"sensor/gas", "unknown", "-sensor/gas !"},
		{"sensor/self_test", "running", "-sensor/self_test !"},
		{"sensor/operation", "warmup", "-sensor/operation !"},
		{"sensor/operation", "fault", "device-fault/sensor=active"},
		{"sensor/concentration", "120", "gas=120 [ppm]"},
		{"sensor/concentration", "-1", "-sensor/concentration !"},
		{"sensor/state", "open", "door=active"},
		{"sensor/state", "close", "door=inactive"},
		{"sensor/state", "unknown", "-sensor/state !"},
		{"sensor/vibration", "1", "vibration=active"},
		{"sensor/vibration", "-1", "-sensor/vibration !"},
		{"sensor/motion", "true", "motion=active"},
		{"sensor/tilt", "17", "angle=17 deg"},
		{"sensor/tilt", "-1", "-sensor/tilt !"},
		{"sensor/lux", "43", "illuminance=43 lx"},
		{"sensor/temperature", "21.38", "temperature=21.38 Cel"},
		{"sensor/temperature", "999", "-sensor/temperature !"},
		{"sensor/humidity", "48.5", "humidity=48.5 %"},
		{"sensor/battery", "64", "battery=64 %"},
		{"sensor/error", "0", "device-fault/sensor=inactive"},
		{"sensor/error", "2", "device-fault/sensor=active"},
		{"sensor/act_reasons", `["sensor","motion"]`, "-sensor/act_reasons !"},
		{"temperature", "47.2", "device_temperature=47.2 Cel"},
		{"overtemperature", "1", "device-fault/overtemperature=active"},
		{"overtemperature", "0", "device-fault/overtemperature=inactive"},
		{"relay/0", "on", "-relay/# !"},
		{"relay/0", "overpower", "device-fault/overpower=momentary"},
		{"relay/0/power", "61.5", "power=61.5 W"},
		{"relay/1/energy", "7200", "energy_1=7200 W.min"},
		{"emeter/2/total", "1234.5", "energy_2=1234.5 W.h"},
		{"emeter/0/pf", "-0.98", "power_factor=-0.98 1"},
		{"adc/0", "11.97", "voltage=11.97 V"},
		{"ext_temperature/1", "-4.5", "temperature_1=-4.5 Cel"},
		{"ext_temperatures", `{"0":{"hwID":"28ff","tC":19.5},"1":{"hwID":"28fe","tC":999}}`, "temperature=19.5 Cel -* -ext_temperature.#.tC"},
		{"ext_humidity/0", "51", "humidity=51 %"},
		{"input/0", "1", "input=1 1"},
		{"input/1", "0", "input_1=0 1"},
		{"input_event/0", `{"event":"S","event_cnt":3}`, "-input_event/# !"},
		{"valve/0/state", "failure", "device-fault/valve=active"},
		{"wifi_sta/ip", "192.168.0.3", "-* !"},
		{"status", `{"motion":true,"timestamp":1700000000,"active":true,"vibration":false,"lux":42,"bat":91}`, "motion=active vibration=inactive battery=91 % illuminance=42 lx -*"},
		{"info", `{"smoke":false,"flood":true,"bat":{"value":12,"voltage":2.4},"tmp":{"value":68.9,"units":"F","is_valid":true},"unixtime":1770000000,"wifi_sta":{"ssid":"x"}}`,
			"flood=active smoke=inactive battery=12 % battery_voltage=2.4 V temperature=68.9 [degF] -*"},
		{"info", `{"tmp":{"value":55,"units":"C","tC":55,"is_valid":true},"overtemperature":false}`, "device-fault/overtemperature=inactive device_temperature=55 Cel"},
		{"info", `{"gas_sensor":{"sensor_state":"normal","self_test_state":"running","alarm_state":"test"},"concentration":{"ppm":0,"is_valid":false}}`,
			"device-fault/sensor=inactive -* -gas_sensor.alarm_state -is_valid"},
		{"info", `{"gas_sensor":{"alarm_state":"test"}}`, "-gas_sensor.alarm_state !"},
		{"info", `{"relays":[{"ison":true,"overpower":false},{"overpower":true}]}`, "device-fault/overpower=inactive device-fault/overpower 1=active -*"},
		{"info", `{"thermostats":[{"pos":3,"target_t":{"value":4,"units":"C"},"tmp":{"value":18.1,"units":"C","is_valid":true}}],"bat":{"value":88}}`,
			"battery=88 % temperature=18.1 Cel -*"},
		{"info", `{"tmp":{"value":18.1,"units":"C","is_valid":false}}`, "-is_valid !"},
		{"info", `[]`, "!"},
		{"info", `{`, "!"},
		{"announce", `{"id":"x","mac":"AABBCCDDEEFF"}`, "quiet"},
		{"command", "announce", "!"},
		{"relay/0/command", "on", "!"},
		{"online", "true", "device-offline=inactive"},
		{"online", "false", "device-offline=active"},
		{"online", "maybe", "!"},
		{"sensor/smoke", "", "!"},
	} {
		got := Dialect{}.Translate("shellies/shellything-AABBCC/"+tt[0], []byte(tt[1]), false)
		if sensorstest.Say(got) != tt[2] {
			t.Errorf("%s %s\n got %s\nwant %s", tt[0], tt[1], sensorstest.Say(got), tt[2])
		}
		for _, o := range got.Observations {
			if o.Device != "shellything-AABBCC" {
				t.Errorf("%s: device %q", tt[0], o.Device)
			}
		}
	}
}

func TestLaterGenerations(t *testing.T) {
	for _, tt := range [][2]string{
		{`"smoke:0":{"id":0,"alarm":true}`, "smoke=active -smoke.id"},
		{`"smoke:0":{"id":0,"mute":true}`, "-smoke.id -smoke.mute !"},
		{`"smoke:0":null`, "-smoke !"},
		{`"smoke:0":{"alarm":null}`, "-smoke.alarm !"},
		{`"flood:0":{"alarm":false,"errors":["cable_unplugged"]}`, "flood=inactive device-fault/flood=active"},
		{`"flood:1":{"alarm":true}`, "flood/1=active"},
		{`"temperature:0":{"id":0,"tC":21.4,"tF":70.5}`, "temperature=21.4 Cel -temperature.id -temperature.tF"},
		{`"temperature:101":{"tC":null,"errors":["read"]}`, "device-fault/temperature 101=active -temperature.tC"},
		{`"humidity:0":{"rh":55.1}`, "humidity=55.1 %"},
		{`"devicepower:0":{"battery":{"V":5.2,"percent":77},"external":{"present":false}}`, "battery_voltage=5.2 V battery=77 % -devicepower.external.present"},
		{`"devicepower:0":{"battery":{"V":0.43,"percent":0},"external":{"present":true}}`, "-devicepower.external.present !"},
		{`"switch:0":{"output":true,"source":"x","apower":61.5,"errors":["overtemp","overvoltage"],"temperature":{"tC":92.1,"tF":197.8}}`,
			"device-fault/switch=active power=61.5 W device_temperature=92.1 Cel -switch.output -switch.source -switch.temperature.tF"},
		{`"switch:0":{"errors":null}`, "device-fault/switch=inactive"},
		{`"light:0":{"errors":["uncalibrated"]}`, "device-fault/light=inactive"},
		{`"switch:1":{"aenergy":{"total":12.5,"by_minute":[1],"minute_ts":1}}`, "energy_1=12.5 W.h -switch.aenergy.by_minute -switch.aenergy.minute_ts"},
		{`"em:0":{"a_voltage":231.5,"b_current":1.2,"c_act_power":-40,"total_act_power":500,"a_errors":["out_of_range:voltage"]}`,
			"device-fault/em a=active voltage_a=231.5 V current_b=1.2 A power_c=-40 W power=500 W"},
		{`"emdata:0":{"a_total_act_energy":10,"total_act":30}`, "energy_a=10 W.h energy=30 W.h"},
		{`"input:0":{"state":true}`, "input=1 1"},
		{`"input:2":{"state":null}`, "-input.state !"},
		{`"voltmeter:100":{"voltage":4.7}`, "voltage_100=4.7 V"},
		{`"presencezone:200":{"value":true,"num_objects":2}`, "presence/200=active -presencezone.num_objects"},
		{`"bthomedevice:200":{"battery":100,"rssi":-50}`, "battery_200=100 % -bthomedevice.rssi"},
		{`"bthomesensor:201":{"value":1}`, "-bthomesensor.value !"},
		{`"wifi":{"ssid":"home","sta_ip":"10.0.0.2"},"sys":{"mac":"A"}`, "-sys -wifi !"},
		{`"text:200":{"value":"Zhang San"}`, "-text !"},
		{`"face:0":{"value":"Zhang San"}`, "-* !"},
		{`"Zhang San":{"alarm":true}`, "-* !"},
	} {
		frame := `{"src":"s","dst":"s/events","method":"NotifyStatus","params":{"ts":1770000000.5,` + tt[0] + `}}`
		got := Dialect{}.Translate("site/yard/events/rpc", []byte(frame), false)
		if sensorstest.Say(got) != tt[1] {
			t.Errorf("%s\n got %s\nwant %s", tt[0], sensorstest.Say(got), tt[1])
		}
		if want := time.UnixMilli(1770000000500).UTC(); !got.Meta.Time.Equal(want) {
			t.Errorf("%s: time %v", tt[0], got.Meta.Time)
		}
		for _, o := range got.Observations {
			if o.Device != "site/yard" {
				t.Errorf("%s: device %q", tt[0], o.Device)
			}
		}
	}
}

func TestEvents(t *testing.T) {
	for _, tt := range [][2]string{
		{`{"component":"smoke:0","id":0,"event":"alarm"}`, "smoke=active"},
		{`{"component":"smoke:0","event":"smoke.alarm_off"}`, "smoke=inactive"},
		{`{"component":"smoke:0","event":"alarm_test"}`, "-smoke.event !"},
		{`{"component":"flood:0","event":"cable_unplugged"}`, "device-fault/flood=active"},
		{`{"component":"input:0","event":"single_push"}`, "-input.event !"},
		{`{"component":"sys","event":"config_changed"}`, "-sys.event !"},
		{`{"component":"script:1","event":"shelly-blu","data":{"BTHome_version":2,"pid":7,"battery":98,"window":1,"rotation":-1.5,"illuminance":20,"rssi":-60,"address":"aa:bb:cc:dd:ee:ff"}}`,
			"aa:bb:cc:dd:ee:ff door=active battery=98 % illuminance=20 lx angle=-1.5 deg -bthome.BTHome_version -bthome.address -bthome.pid -bthome.rssi"},
		{`{"component":"script:1","event":"shelly-blu","data":{"pid":7,"motion":0,"gas":1,"Zhang San":1,"address":"aa:bb:cc:dd:ee:ff"}}`,
			"aa:bb:cc:dd:ee:ff motion=inactive -* -bthome.address -bthome.gas -bthome.pid"},
		{`{"component":"script:1","event":"e","data":{"pid":7,"temperature":[21.5,3.2],"window":[0,1],"button":[1,0],"address":"aa:bb:cc:dd:ee:ff"}}`,
			"aa:bb:cc:dd:ee:ff door/1=inactive door/2=active temperature_1=21.5 Cel temperature_2=3.2 Cel -bthome.address -bthome.button -bthome.pid"},
		{`{"component":"script:1","event":"phones","data":{"address":"aa:bb:cc:dd:ee:ff","battery":5}}`, "-script.event !"},
		{`{"component":"script:1","event":"x","data":{"pid":7,"address":"Zhang San","battery":5}}`, "-script.event !"},
		{`7`, "-* !"},
	} {
		frame := `{"method":"NotifyEvent","params":{"ts":1770000000,"events":[` + tt[0] + `]}}`
		got := Dialect{}.Translate("gw/events/rpc", []byte(frame), false)
		said := sensorstest.Say(got)
		if len(got.Observations) > 0 && got.Observations[0].Device != "gw" {
			said = got.Observations[0].Device + " " + said
		}
		if said != tt[1] {
			t.Errorf("%s\n got %s\nwant %s", tt[0], said, tt[1])
		}
	}
}

func TestStatusTopicsAndFrames(t *testing.T) {
	for _, tt := range [][3]string{
		{"gw/status/smoke:0", `{"id":0,"alarm":true}`, "smoke=active -smoke.id"},
		{"shellies/yard/status/temperature:0", `{"tC":3}`, "temperature=3 Cel"},
		{"gw/status/wifi", `{"ssid":"x"}`, "-wifi !"},
		{"gw/status/smoke:0", `true`, "!"},
		{"gw/events/rpc", `{"method":"NotifyFullStatus","params":{"ts":null,"temperature:0":{"tC":1}}}`, "temperature=1 Cel"},
		{"gw/events/rpc", `{"method":"Shelly.GetStatus"}`, "!"},
		{"gw/events/rpc", `nothing`, "!"},
		{"gw/rpc", `{"id":1,"method":"Switch.Set","params":{"id":0,"on":true}}`, "!"},
		{"somebody/rpc", `{"id":1,"src":"gw","result":{}}`, "!"},
		{"gw/online", `true`, "device-offline=inactive"},
		{"gw/online", `false`, "device-offline=active"},
		{"shellyplusht-AABBCCDDEEFF/online", `false`, "quiet"},
		{"shellies/shellyht-AABBCC/online", `false`, "quiet"},
		{"shellies/shellyflood-AABBCC/online", `true`, "device-offline=inactive"},
		{"elsewhere", `true`, "!"},
		{"x/" + strings.Repeat("y", 600), `true`, "!"},
	} {
		got := Dialect{}.Translate(tt[0], []byte(tt[1]), false)
		if sensorstest.Say(got) != tt[2] {
			t.Errorf("%s %s\n got %s\nwant %s", tt[0], tt[1], sensorstest.Say(got), tt[2])
		}
	}
}

func TestFahrenheit(t *testing.T) {
	got := Dialect{Fahrenheit: true}.Translate("shellies/shellyht-1/sensor/temperature", []byte("70.2"), false)
	if sensorstest.Say(got) != "temperature=70.2 [degF]" {
		t.Error(sensorstest.Say(got))
	}
}

func TestRetainedOverpowerIsOver(t *testing.T) {
	got := Dialect{}.Translate("shellies/shelly1pm-1/relay/0", []byte("overpower"), true)
	if sensorstest.Say(got) != "-relay/# !" {
		t.Error(sensorstest.Say(got))
	}
	got = Dialect{}.Translate("shellies/shellysmoke-1/sensor/smoke", []byte("true"), true)
	if sensorstest.Say(got) != "smoke=active" || !got.Observations[0].Retained {
		t.Error(sensorstest.Say(got))
	}
}

func TestAlso(t *testing.T) {
	for filter, want := range map[string][]string{
		"shellies/#":                          nil,
		"shellies/shellysmoke-1/sensor/smoke": {"shellies/shellysmoke-1/online", "shellies/shellysmoke-1/sensor/+"},
		"shellies/shellysmoke-1":              {"shellies/shellysmoke-1/#"},
		"gw/events/rpc":                       {"gw/online", "gw/status/+", "gw/gridgate/rpc"},
		"gw/status/smoke:0":                   {"gw/online", "gw/events/rpc", "gw/gridgate/rpc"},
		"site/gw":                             {"site/gw/online", "site/gw/events/rpc", "site/gw/status/+", "site/gw/gridgate/rpc"},
	} {
		got := Dialect{}.Also(filter)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v", filter, got)
		}
		for _, f := range got {
			if err := sensors.CheckFilter(f); err != nil {
				t.Errorf("%s: %v", f, err)
			}
		}
	}
}

func TestRecognise(t *testing.T) {
	for _, tt := range []struct {
		topic, payload string
		want           sensors.Likeness
	}{
		{"gw/events/rpc", `{"method":"NotifyStatus"}`, sensors.Surely},
		{"gw/events/rpc", `{}`, sensors.Perhaps},
		{"shellies/shellysmoke-AABBCC/sensor/smoke", "true", sensors.Surely},
		{"shellies/porch/sensor/smoke", "true", sensors.Likely},
		{"shellyplus1-AABBCCDDEEFF/status/switch:0", `{"id":0}`, sensors.Surely},
		{"shellyplus1-AABBCCDDEEFF/online", `true`, sensors.Likely},
		{"porch/online", `true`, sensors.Unlike},
		{"shellies/porch/online", `false`, sensors.Likely},
		{"town/boiler/status/switch:0", `{"id":0,"apower":66}`, sensors.Likely},
		{"town/boiler/status/switch", `{"id":0,"apower":66}`, sensors.Perhaps},
		{"town/boiler/status/switch:0", `{"power":66}`, sensors.Perhaps},
		{"zigbee2mqtt/hall", `{"smoke":true}`, sensors.Unlike},
		{"tele/plug/SENSOR", `{"Time":"2026-01-01T00:00:00"}`, sensors.Unlike},
	} {
		if got, why := (Dialect{}).Recognise(tt.topic, []byte(tt.payload)); got != tt.want || (got > 0) != (why != "") {
			t.Errorf("%s: %d %q", tt.topic, got, why)
		}
	}
}

func TestNoIdentityComesOut(t *testing.T) {
	inner := `"zhangsan":{"alarm":1},"京A12345:0":{"a":1},"text:200":{"value":"13800138000"},"script:1":{"zhangsan":"Zhang San"},
		"switch:0":{"source":"Zhang San","errors":["zhangsan"],"zhangsan":{"京A12345":3}},"smoke:0":{"alarm":true,"name":"Zhang San"},
		"events":[{"component":"zhangsan","event":"Zhang San"},{"component":"script:1","event":"zhangsan","data":{"address":"zhangsan","pid":1}},
		{"component":"script:1","event":"zhangsan","data":{"address":"aa:bb:cc:dd:ee:ff","pid":1,"zhangsan":1,"smoke":1,"motion":"13800138000"}}]`
	for _, tt := range [][2]string{
		{"gw/events/rpc", `{"src":"Zhang San","method":"NotifyStatus","params":{` + inner + `}}`},
		{"gw/events/rpc", `{"src":"zhangsan","method":"NotifyEvent","params":{` + inner + `}}`},
		{"gw/events/rpc", `{"method":"Zhang San"}`},
		{"shellies/shellygas-1/info", `{` + inner + `,"name":"Zhang San","relays":[{"zhangsan":"京A12345"}]}`},
		{"shellies/shellygas-1/sensor/gas", `zhangsan`},
		{"shellies/shellygas-1/sensor/error", `13800138000x`},
		{"shellies/shellygas-1/announce", `{"name":"Zhang San"}`},
	} {
		got := Dialect{}.Translate(tt[0], []byte(tt[1]), false)
		sensorstest.Hides(t, tt[0], got)
	}
}

func TestTablesAreSound(t *testing.T) {
	tables := []map[string]sensors.Rule{bthome, phases}
	for _, rules := range components {
		tables = append(tables, rules)
	}
	for _, rules := range tables {
		for key, r := range rules {
			if (r.Observe == nil) == (r.Measure == nil) || r.Observe != nil && !r.Kind.Valid() {
				t.Errorf("rule of %s is neither a state nor a measurement", key)
			}
		}
	}
	for _, kind := range quietComponents {
		if components[kind] != nil {
			t.Errorf("%s is both taken and dropped", kind)
		}
	}
}

func FuzzTranslate(f *testing.F) {
	f.Add("gw/events/rpc", []byte(`{"method":"NotifyStatus","params":{"ts":1770000000.5,"smoke:0":{"alarm":true},"em:0":{"a_pf":1},"switch:7":{"errors":["a"]}}}`), false)
	f.Add("gw/events/rpc", []byte(`{"method":"NotifyEvent","params":{"events":[{"component":"script:1","event":"e","data":{"pid":1,"address":"aa:bb:cc:dd:ee:ff","smoke":1}}]}}`), false)
	f.Add("shellies/shellygas-1/info", []byte(`{"gas_sensor":{"alarm_state":"mild"},"relays":[{"overpower":true}],"ext_temperature":{"2":{"tC":1}}}`), true)
	f.Add("shellies/x/relay/00001/energy", []byte("12"), false)
	f.Add("shellies/x/sensor/gas", []byte("heavy"), true)
	f.Fuzz(func(t *testing.T, topic string, payload []byte, retained bool) {
		got := Dialect{}.Translate(topic, payload, retained)
		sensorstest.Sound(t, got)
		if like, why := (Dialect{}).Recognise(topic, payload); (like > 0) != (why != "") {
			t.Error("a likeness without a reason")
		}
	})
}
