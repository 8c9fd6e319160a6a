package tasmota

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
	"gridgate/protocols/sensors/sensorstest"
)

func TestSensor(t *testing.T) {
	for _, tt := range [][2]string{
		{`{"DS18B20":{"Id":"0301","Temperature":20.9},"TempUnit":"C"}`, "temperature=20.9 Cel -*"},
		{`{"DS18B20":{"Temperature":69.6},"TempUnit":"F"}`, "temperature=69.6 [degF]"},
		{`{"DS18B20":{"Temperature":294},"TempUnit":"X"}`, "-DS18B20.temperature !"},
		{`{"DS18B20":{"Temperature":0},"TempUnit":"C"}`, "-DS18B20.temperature !"},
		{`{"DS18B20":{"Temperature":85},"TempUnit":"C"}`, "-DS18B20.temperature !"},
		{`{"DS18B20":{"Temperature":-127},"TempUnit":"C"}`, "-DS18B20.temperature !"},
		{`{"DS18B20":{"Temperature":null},"TempUnit":"C"}`, "-DS18B20.temperature !"},
		{`{"DS18B20":{"Temperature":"nan"},"TempUnit":"C"}`, "-DS18B20.temperature !"},
		{`{"AM2301":{"Temperature":nan,"Humidity":-nan},"TempUnit":"C"}`, "-AM2301.humidity -AM2301.temperature !"},
		{`{"AM2301":{"Temperature":0.0,"Humidity":0.0,"DewPoint":-3},"TempUnit":"C"}`, "-AM2301.dew_point -AM2301.humidity -AM2301.temperature !"},
		{`{"AM2301":{"Temperature":0.0,"Humidity":81.5},"TempUnit":"C"}`, "humidity=81.5 % temperature=0 Cel"},
		{`{"DS18B20-1":{"Temperature":21.5},"DS18B20-2":{"Temperature":-3.1},"TempUnit":"C"}`, "temperature_1=21.5 Cel temperature_2=-3.1 Cel"},
		{`{"DS18B20-2":{"Temperature":-3.1},"TempUnit":"C"}`, "temperature_2=-3.1 Cel"},
		{`{"BME280":{"Temperature":21.5,"Humidity":40.5,"DewPoint":7.5,"Pressure":1003.1},"PressureUnit":"hPa","TempUnit":"C"}`,
			"dew_point=7.5 Cel humidity=40.5 % pressure=1003.1 hPa temperature=21.5 Cel"},
		{`{"BMP280":{"Temperature":21.5,"Pressure":752.4,"SeaPressure":760.1},"PressureUnit":"mmHg","TempUnit":"C"}`,
			"pressure=752.4 mm[Hg] sea_pressure=760.1 mm[Hg] temperature=21.5 Cel"},
		{`{"BME280-76":{"Temperature":21.5,"Humidity":40},"TempUnit":"C"}`, "humidity=40 % temperature=21.5 Cel"},
		{`{"BME280-76":{"Temperature":21.5},"BME280-77":{"Temperature":22.5},"TempUnit":"C"}`, "temperature_76=21.5 Cel temperature_77=22.5 Cel"},
		{`{"BME280":{"Temperature":21.5},"SHT3X":{"Temperature":22.5,"Humidity":44}}`, "temperature_bme280=21.5 Cel humidity=44 % temperature_sht3x=22.5 Cel"},
		{`{"ESP32":{"Temperature":51.1},"DHT22":{"Temperature":19,"Humidity":50}}`, "humidity=50 % temperature=19 Cel device_temperature=51.1 Cel"},
		{`{"Zhang San":{"Temperature":21.5,"Card":7},"TempUnit":"C"}`, "temperature=21.5 Cel -*"},
		{`{"ENERGY":{"TotalStartTime":"2018-11-23T15:33:47","Total":12.5,"Today":0.5,"Power":61,"ApparentPower":70,"Factor":0.87,"Voltage":231,"Current":0.3,"Period":2}}`,
			"power_apparent=70 V.A current=0.3 A power_factor=0.87 1 power=61 W energy_today=0.5 kW.h energy=12.5 kW.h voltage=231 V -*"},
		{`{"ENERGY":{"Power":[10,20.5],"Voltage":230}}`, "power_1=10 W power_2=20.5 W voltage=230 V"},
		{`{"ENERGY":{"Total":{"Phase1":1.5,"Phase2":2.5}}}`, "energy_1=1.5 kW.h energy_2=2.5 kW.h"},
		{`{"PMS5003":{"CF1":1,"PM1":4,"PM2.5":5,"PM10":6,"PB0.3":300}}`, "pm1=4 ug/m3 pm10=6 ug/m3 pm25=5 ug/m3 -*"},
		{`{"SDS0X1":{"PM2.5":7.1,"PM10":9.2}}`, "pm10=9.2 ug/m3 pm25=7.1 ug/m3"},
		{`{"SR04":{"Distance":16.7}}`, "distance=16.7 cm"},
		{`{"VL53L0X":{"Distance":263}}`, "distance=263 mm"},
		{`{"LD2410S":{"Distance":196.0,"People":2}}`, "presence=active"},
		{`{"LD2410S":{"Distance":0,"People":0}}`, "presence=inactive"},
		{`{"LD2410S":{"Update threshold":"2%"}}`, "-LD2410S.People !"},
		{`{"AS3935":{"Distance":12}}`, "-* !"},
		{`{"ANALOG":{"A0":512}}`, "-* !"},
		{`{"ANALOG":{"Temperature1":21.5,"Illuminance2":30}}`, "illuminance_2=30 lx temperature_1=21.5 Cel"},
		{`{"ANALOG":{"CTEnergy1":{"Power":2300}}}`, "power_1=2300 W"},
		{`{"ANALOG":{"MQX":310}}`, "gas=310 [ppm]"},
		{`{"MHZ19B":{"Model":"B","CarbonDioxide":612,"Temperature":22},"TempUnit":"C"}`, "co2=612 [ppm] temperature=22 Cel -*"},
		{`{"TX23":{"Speed":{"Act":14.8,"Avg":8.5},"Dir":{"Card":"WSW","Deg":247.5}},"SpeedUnit":"km/h"}`,
			"wind_direction=247.5 deg wind_speed=14.8 km/h wind_speed_mean=8.5 km/h -*"},
		{`{"TX23":{"Speed":{"Act":14.8}}}`, "-TX23.wind_speed !"},
		{`{"MJ_HT_V1-3108be":{"Temperature":22.3,"Humidity":56,"Battery":88},"TempUnit":"C"}`, "battery_3108be=88 % humidity_3108be=56 % temperature_3108be=22.3 Cel"},
		{`{"Switch1":"ON","Switch2":"OFF"}`, "switch_1=1 1 switch_2=0 1"},
		{`{"Switch1":{"Action":"ON"}}`, "switch_1=1 1"},
		{`{"Switch1":"TOGGLE"}`, "-Switch1 !"},
		{`{"PIR":"ON"}`, "motion=active"},
		{`{"Smoke":{"Action":"OFF"}}`, "smoke=inactive"},
		{`{"RDM6300":{"UID":"0012345678"}}`, "!"},
		{`{"PN532":{"UID":"94D8FC5F","DATA":"x"}}`, "!"},
		{`{"RC522":{"UID":"BA839D07","Type":"MIFARE 1KB"}}`, "!"},
		{`{"Wiegand":{"UID":4302741608,"Size":34}}`, "!"},
		{`{"FPrint":{"Id":3,"Confidence":200}}`, "!"},
		{`{"IBEACON":{"MAC":"A4C1387FC1E1","STATE":"ON"}}`, "!"},
		{`{"IrReceived":{"Protocol":"NEC","Bits":32,"Data":"0x1"}}`, "-IrReceived !"},
		{`{"RfReceived":{"Data":"E5C30E"}}`, "-RfReceived !"},
		{`{"SML":{"Total_in":1.5,"Meter_id":"0a01"}}`, "-SML !"},
		{`{"Time":"2026-01-01T00:00:00"}`, "!"},
		{`{}`, "!"},
		{`[]`, "!"},
		{`{"DS18B20"`, "!"},
	} {
		if got := sensorstest.Say(Dialect{}.Translate("tele/plug/SENSOR", []byte(tt[0]), false)); got != tt[1] {
			t.Errorf("%s\n got %s\nwant %s", tt[0], got, tt[1])
		}
		if strings.HasPrefix(tt[0], `{"D`) && strings.HasSuffix(tt[0], "}") {
			status := `{"StatusSNS":` + tt[0] + `}`
			if got := sensorstest.Say(Dialect{}.Translate("stat/plug/STATUS8", []byte(status), false)); got != tt[1] {
				t.Errorf("%s\n got %s\nwant %s", status, got, tt[1])
			}
		}
	}
}

func TestBridges(t *testing.T) {
	for _, tt := range [][2]string{
		{`{"ZbReceived":{"0x4773":{"Device":"0x4773","Name":"Zhang San","Occupancy":1,"LinkQuality":80}}}`, "0x4773: motion=active -Device -LinkQuality -Name"},
		{`{"ZbReceived":{"Zhang San":{"Device":"0x4773","Contact":0,"Endpoint":1,"LinkQuality":80}}}`, "0x4773: door=inactive -Device -Endpoint -LinkQuality"},
		{`{"ZbReceived":{"Zhang San":{"Contact":1}}}`, "bridge: door=active"},
		{`{"Device":"0x8F20","Name":"x","Water":1,"LinkQuality":3}`, "0x8F20: leak=active -Device -LinkQuality -Name"},
		{`{"ZbReceived":{"0x8F20":{"Fire":1}}}`, "0x8F20: smoke=active"},
		{`{"ZbReceived":{"0x8F20":{"Fire":0,"ZoneStatus":0}}}`, "0x8F20: smoke=inactive tamper=inactive low-battery=inactive device-fault=inactive power=inactive"},
		{`{"ZbReceived":{"0x8F20":{"Fire":1,"ZoneStatusChange":257}}}`, "0x8F20: tamper=inactive low-battery=inactive device-fault=inactive power=inactive -Fire"},
		{`{"ZbReceived":{"0x8F20":{"ZoneStatusChange":13,"ZoneType":42}}}`, "0x8F20: tamper=active low-battery=active device-fault=inactive power=inactive leak=active -ZoneType"},
		{`{"ZbReceived":{"0x8F20":{"0500<00":"010000","ZoneStatusChange":1}}}`, "0x8F20: tamper=inactive low-battery=inactive device-fault=inactive power=inactive zone_alarm=1 1 -*"},
		{`{"ZbReceived":{"0x8F20":{"ZoneStatusChange":0}}}`, "0x8F20: tamper=inactive low-battery=inactive device-fault=inactive power=inactive zone_alarm=0 1"},
		{`{"ZbReceived":{"0x8F20":{"ZoneStatusChange":257}}}`, "0x8F20: tamper=inactive low-battery=inactive device-fault=inactive power=inactive"},
		{`{"ZbReceived":{"0x8F20":{"ZoneStatus":1.5}}}`, "!"},
		{`{"ZbReceived":{"0x8F20":{"CO":1,"Gas":0,"Panic":1}}}`, "0x8F20: co=active gas=inactive sos=active"},
		{`{"ZbReceived":{"0x8F20":{"AqaraVibrationMode":"tilt"}}}`, "0x8F20: vibration=momentary"},
		{`{"ZbReceived":{"0x8F20":{"Voltage":2.995,"Battery":98,"Temperature":21.01,"Humidity":53.7,"Pressure":1004,"PressureUnit":"hPa"}}}`,
			"0x8F20: battery=98 % humidity=53.7 % pressure=1004 hPa temperature=21.01 Cel voltage=2.995 V -PressureUnit"},
		{`{"ZbReceived":{"0x0001":{"Temperature":20},"0x0002":{"Temperature":21}}}`, "0x0001: temperature=20 Cel 0x0002: temperature=21 Cel"},
		{`{"ZbReceived":{"0x8F20":{"Power":1,"Illuminance":20000}}}`, "-Illuminance -Power !"},
		{`{"ZbInfo":{"0x8959":{"Name":"Zhang San"}}}`, "-ZbInfo !"},
		{`{"LwReceived":{"LDS01":{"Device":"0x4AD6","Name":"LDS01","DoorOpen":1,"Battery":3.01}}}`, "0x4AD6: door=active battery_voltage=3.01 V -*"},
	} {
		got := Dialect{}.Translate("tele/bridge/SENSOR", []byte(tt[0]), false)
		var parts []string
		name := func(device, said string) {
			if len(parts) == 0 || !strings.HasPrefix(parts[0], device) {
				said = device + ": " + said
			}
			parts = append(parts, said)
		}
		for _, o := range got.Observations {
			name(o.Device, string(o.Kind)+"="+string(o.Phase))
		}
		for _, r := range got.Readings {
			name(r.Device, fmt.Sprintf("%s=%v %s", r.Quantity, r.Value, r.Unit))
		}
		rest := sensorstest.Say(observation.Translation{Dropped: got.Dropped, Ignored: got.Ignored})
		if rest != "" {
			parts = append(parts, rest)
		}
		if said := strings.Join(parts, " "); said != tt[1] {
			t.Errorf("%s\n got %s\nwant %s", tt[0], said, tt[1])
		}
	}
}

func TestTopics(t *testing.T) {
	const sensor = `{"DS18B20":{"Temperature":20.9}}`
	for _, tt := range []struct{ topic, payload, device, want string }{
		{"tele/plug/SENSOR", sensor, "plug", "temperature=20.9 Cel"},
		{"plug/tele/SENSOR", sensor, "plug", "temperature=20.9 Cel"},
		{"/site/898E/tele/SENSOR", sensor, "/site/898E", "temperature=20.9 Cel"},
		{"site/yard/tele/plug/SENSOR", sensor, "site/yard/plug", "temperature=20.9 Cel"},
		{"site/plug/SENSOR", sensor, "site/plug", "temperature=20.9 Cel"},
		{"stat/plug/STATUS10", `{"StatusSNS":` + sensor + `}`, "plug", "temperature=20.9 Cel"},
		{"tele/plug/LWT", "Online", "plug", "device-offline=inactive"},
		{"plug/tele/LWT", "Offline", "plug", "device-offline=active"},
		{"tele/plug/LWT", "offline", "plug", "device-offline=active"},
		{"tele/plug/LWT", "?", "", "!"},
		{"tele/plug/STATE", `{"Vcc":3.1,"POWER":"ON","Wifi":{"SSId":"x"},"Uptime":"1"}`, "plug", "supply_voltage=3.1 V -POWER -Uptime -Wifi"},
		{"tele/plug/STATE", `{"BatteryPercentage":55}`, "plug", "battery=55 %"},
		{"stat/plug/STATUS11", `{"StatusSTS":{"Vcc":3.1}}`, "plug", "supply_voltage=3.1 V"},
		{"stat/plug/RESULT", `{"POWER":"ON"}`, "", "-POWER !"},
		{"stat/plug/RESULT", `{"Switch1":{"Action":"OFF"}}`, "plug", "switch_1=0 1"},
		{"stat/plug/POWER", `ON`, "", "-POWER !"},
		{"stat/plug/PIR1", `ON`, "plug", "motion=active"},
		{"stat/plug/MOTION", `OFF`, "plug", "motion=inactive"},
		{"stat/plug/DOOR", `ON`, "plug", "door=active"},
		{"stat/plug/MOTION", `{"a":1}`, "", "-* !"},
		{"cmnd/plug/POWER", `ON`, "", "!"},
		{"tele/plug/INFO2", `{"Info2":{"Hostname":"x"}}`, "", "quiet"},
		{"tasmota/discovery/AABBCCDDEEFF/config", `{"dn":"Zhang San"}`, "", "quiet"},
		{"tele/plug/SENSOR", "", "", "!"},
		{"SENSOR", sensor, "", "!"},
		{"other/thing", sensor, "", "!"},
		{"tele/" + strings.Repeat("x", 600) + "/SENSOR", sensor, "", "!"},
	} {
		got := Dialect{}.Translate(tt.topic, []byte(tt.payload), false)
		if sensorstest.Say(got) != tt.want {
			t.Errorf("%s: got %s, want %s", tt.topic, sensorstest.Say(got), tt.want)
		}
		for _, o := range got.Observations {
			if o.Device != tt.device {
				t.Errorf("%s: device %q, want %q", tt.topic, o.Device, tt.device)
			}
		}
		for _, r := range got.Readings {
			if r.Device != tt.device {
				t.Errorf("%s: device %q, want %q", tt.topic, r.Device, tt.device)
			}
		}
	}
}

func TestTime(t *testing.T) {
	east := time.FixedZone("", 8*3600)
	for _, tt := range []struct {
		told string
		at   *time.Location
		want time.Time
	}{
		{`"Time":"2026-01-02T03:04:05"`, nil, time.Time{}},
		{`"Time":"2026-01-02T11:04:05"`, east, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		{`"Time":"2026-01-02T04:04:05+01:00"`, nil, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		{`"Time":"2026-01-02T04:04:05+01:00"`, east, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		{`"Time":"2026-01-02T03:04:05","Epoch":1767323045`, nil, time.Unix(1767323045, 0).UTC()},
		{`"Time":"1970-01-01T00:00:14"`, east, time.Time{}},
		{`"Time":7`, east, time.Time{}},
	} {
		payload := `{` + tt.told + `,"BH1750":{"Illuminance":3}}`
		got := Dialect{Location: tt.at}.Translate("tele/x/SENSOR", []byte(payload), false)
		if !got.Meta.Time.Equal(tt.want) || !got.Readings[0].At.Equal(tt.want) {
			t.Errorf("%s: %v, want %v", tt.told, got.Meta.Time, tt.want)
		}
	}
}

func TestAlso(t *testing.T) {
	for filter, want := range map[string]int{"tele/plug/SENSOR": 6, "site/plug/tele/+": 7, "tele/plug/#": 0, "plug/SENSOR": 0} {
		got := Dialect{}.Also(filter)
		if len(got) != want || slices.Contains(got, filter) {
			t.Errorf("%s: %v", filter, got)
		}
	}
	if !slices.Contains(Dialect{}.Also("site/tele/plug/SENSOR"), "site/stat/plug/STATUS8") {
		t.Error("the answer to STATUS 8 is not asked for")
	}
}

func TestRecognise(t *testing.T) {
	for _, tt := range []struct {
		topic, payload string
		want           sensors.Likeness
	}{
		{"tele/plug/SENSOR", `{}`, sensors.Surely},
		{"plug/tele/LWT", `Online`, sensors.Surely},
		{"x/y/z", `{"StatusSNS":{}}`, sensors.Surely},
		{"plug/SENSOR", `{"Time":"2026-01-01T00:00:00"}`, sensors.Likely},
		{"plug/LWT", `Online`, sensors.Perhaps},
		{"stat/plug/POWER", `ON`, sensors.Perhaps},
		{"shellies/x/sensor/smoke", `true`, sensors.Unlike},
		{"zigbee2mqtt/hall", `{"smoke":true}`, sensors.Unlike},
	} {
		if got, why := (Dialect{}).Recognise(tt.topic, []byte(tt.payload)); got != tt.want || (got > 0) != (why != "") {
			t.Errorf("%s: %d %q", tt.topic, got, why)
		}
	}
}

func TestNoIdentityComesOut(t *testing.T) {
	for _, payload := range []string{
		`{"Zhang San":{"Temperature":1},"zhangsan":"ON","ZHANGSAN":{"京A12345":1,"Temperature":2},"ZHANGSAN-1":{"Temperature":"13800138000"}}`,
		`{"RDM6300":{"UID":"94D8FC5F"},"PN532":{"UID":"94D8FC5F","DATA":"Zhang San"},"UID":"94D8FC5F"}`,
		`{"IBEACON":{"NAME":"Zhang San"},"SML":{"Meter_id":"13800138000"},"SerialReceived":"Zhang San","TempUnit":"zhangsan","DS18B20":{"Temperature":"Zhang San"}}`,
		`{"ZbReceived":{"Zhang San":{"Name":"zhangsan","Fire":1,"京A12345":1},"zhangsan":{"Device":"Zhang San","Contact":"13800138000"}}}`,
		`{"LwReceived":{"Zhang San":{"Name":"zhangsan","DoorOpen":1}},"Switch1":{"Action":"zhangsan"},"PIR":"zhangsan"}`,
		`Zhang San`,
	} {
		for _, topic := range []string{"tele/plug/SENSOR", "stat/plug/RESULT", "tele/plug/LWT", "stat/plug/PIR1", "stat/plug/POWER"} {
			sensorstest.Hides(t, topic+" "+payload, Dialect{}.Translate(topic, []byte(payload), false), "ZHANGSAN", "94D8FC5F")
		}
	}
}

func TestTablesAreSound(t *testing.T) {
	for key, r := range zigbeeKeys {
		if (r.Observe == nil) == (r.Measure == nil) || r.Observe != nil && !r.Kind.Valid() {
			t.Errorf("rule of %s is neither a state nor a measurement", key)
		}
		if zigbeeQuiet[key] {
			t.Errorf("%s is both taken and dropped", key)
		}
	}
	for chip := range chips {
		if unread[chip] || quietKeys[chip] {
			t.Errorf("%s is both taken and dropped", chip)
		}
	}
}

func FuzzTranslate(f *testing.F) {
	f.Add("tele/x/SENSOR", []byte(`{"Time":"2026-01-02T03:04:05","DS18B20-2":{"Temperature":nan},"ENERGY":{"Power":[1,2],"Total":{"Phase1":3}},"TempUnit":"F"}`), false)
	f.Add("x/tele/SENSOR", []byte(`{"ZbReceived":{"0x1234":{"Device":"0x1234","Fire":1,"ZoneStatus":259,"ZoneType":40,"Pressure":1000,"PressureUnit":"hPa"}}}`), true)
	f.Add("stat/x/STATUS8", []byte(`{"StatusSNS":{"TX23":{"Speed":{"Act":1}},"SpeedUnit":"m/s","BME280":{"Pressure":30},"PressureUnit":"inHg"}}`), false)
	f.Add("tele/x/LWT", []byte("Offline"), true)
	f.Fuzz(func(t *testing.T, topic string, payload []byte, retained bool) {
		got := Dialect{Location: time.UTC}.Translate(topic, payload, retained)
		sensorstest.Sound(t, got)
		if like, why := (Dialect{}).Recognise(topic, payload); (like > 0) != (why != "") {
			t.Error("a likeness without a reason")
		}
	})
}
