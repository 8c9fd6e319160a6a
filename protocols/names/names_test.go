package names

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
	"gridgate/protocols/sensors/sensorstest"
)

func read(t testing.TB, table Table, brand, payload string) observation.Translation {
	t.Helper()
	v, err := sensors.Decode([]byte(payload))
	object, ok := v.(map[string]any)
	if err != nil || !ok {
		t.Fatalf("%s: %v", payload, err)
	}
	b := &sensors.Builder{Topic: "t", Device: "d"}
	r := Reader{B: b, Table: table, Brand: brand}
	r.Object("", object)
	return b.Done("nothing")
}

func TestCodecs(t *testing.T) {
	for payload, want := range map[string]string{
		// Spellings.
		`{"TempC_SHT":25.1,"Hum_SHT":43.5,"BatV":3.014}`:   "battery_voltage=3.014 V humidity=43.5 % temperature=25.1 Cel",
		`{"temp-c-sht":25.1}`:                              "temperature=25.1 Cel",
		`{"airTemperature":1,"AirHumidity":40}`:            "humidity=40 % temperature=1 Cel",
		`{"temperature_1":20,"Temperature2":21}`:           "temperature_2=21 Cel temperature_1=20 Cel",
		`{"TempC1":20,"temperature_chn2":21}`:              "temperature_1=20 Cel temperature_2=21 Cel",
		`{"voltageL1":230.1,"voltageL2":229.8}`:            "voltage_1=230.1 V voltage_2=229.8 V",
		`{"PM1_0":3,"pm2_5":4,"PM10":5}`:                   "pm10=5 ug/m3 pm1=3 ug/m3 pm25=4 ug/m3",
		`{"distance_cm":79,"CO2_ppm":523,"TVOC_ppb":18}`:   "co2=523 [ppm] voc=18 [ppb] distance=79 cm",
		`{"distance1_cm":79.2,"distance2_cm":79}`:          "distance_1=79.2 cm distance_2=79 cm",
		`{"temp_value":25,"humi_value":60,"fire_value":0}`: "humidity=60 % temperature=25 Cel -*",
		`{"TempF":70.5}`:                                   "temperature=70.5 [degF]",
		`{"AVI1_V":1.195,"ACI1_mA":4.88}`:                  "current_1=4.88 mA voltage_1=1.195 V",
		`{"temp_SOIL":"24.59","water_SOIL":"19.57"}`:       "soil_temperature=24.59 Cel soil_moisture=19.57 %",
		`{"Distance":"1894 mm","level_percent":50}`:        "distance=1894 mm level=50 %",
		`{"temperature":"22 ℃","humidity":"40"}`:           "temperature=22 Cel -humidity",
		`{"air_temperature":{"value":26.4,"unit":"°C"}}`:   "temperature=26.4 Cel",
		`{"wind_speed":{"value":1.4,"unit":"m⋅s⁻¹"}}`:      "wind_speed=1.4 m/s",
		`{"pressure":{"value":0.24,"unit":"bar"}}`:         "pressure=0.24 bar",
		`{"temperature":{"value":26.4,"unit":"furlong"}}`:  "-temperature !",
		`{"temperatureSensor":{"1":21.5}}`:                 "temperature=21.5 Cel",
		`{"temperatureSensor":{"1":21.5,"2":20}}`:          "temperature_1=21.5 Cel temperature_2=20 Cel",
		`{"digitalInput":{"1":1},"analogInput":{"2":3.3}}`: "-analog_input -digital_input !",
		`{"data":{"sensor_data":{"temperature":34.6}}}`:    "temperature=34.6 Cel",
		`{"tempNOW":[27.01],"temp":[1,2]}`:                 "temperature=27.01 Cel -temp",
		`{"messages":[{"measurementId":4097,"measurementValue":21.4},{"type":"upload_battery","battery":90}]}`:              "temperature=21.4 Cel battery=90 %",
		`{"messages":[[{"measurementId":"4098","measurementValue":31}],[{"measurementId":"4200","measurementValue":"x"}]]}`: "humidity=31 % -messages",

		`{"messages":[[{"measurementId":"4200","measurementValue":[{"id":7,"eventName":"SOS event."}]}]]}`:     "sos=momentary",
		`{"messages":[{"measurementId":"4200","measurementValue":[{"id":8,"eventName":"SOS"},{"id":"7"},7]}]}`: "-messages !",

		// Conditions.
		`{"EmergenceButtonAlarm":1,"WaterImmersionState":1}`:       "sos=active leak=active",
		`{"smoke_alarm":"smoke alarm","battery":90}`:               "smoke=active battery=90 %",
		`{"smoke_alarm":"smoke alarm release"}`:                    "smoke=inactive",
		`{"leakage_status":"leak"}`:                                "leak=active",
		`{"WATER_LEAK_STATUS":0}`:                                  "leak=inactive",
		`{"WaterLeak_1":"NoLeak","WaterLeak_2":"Leak"}`:            "leak/1=inactive leak/2=active",
		`{"waterleak":17}`:                                         "-waterleak !",
		`{"DOOR_OPEN_STATUS":1,"ALARM":1}`:                         "door=active -alarm",
		`{"magnet_status":"close","tamper_status":"uninstalled"}`:  "door=inactive tamper=active",
		`{"door":true,"contact":1}`:                                "-contact -door !",
		`{"motion":6}`:                                             "-motion !",
		`{"motion":1}`:                                             "-motion !",
		`{"pir":"trigger","occupancy":2}`:                          "motion=active -occupancy",
		`{"occupancy":"vacant"}`:                                   "presence=inactive",
		`{"smoke":1}`:                                              "-smoke !",
		`{"smoke":true}`:                                           "smoke=active",
		`{"smokeAlarm":1,"batteryLow":0,"buzzerFailure":1}`:        "low-battery=inactive device-fault=active smoke=active",
		`{"smokeAlarm":"Alarm","testButtonPressed":"Pushed"}`:      "-smoke_alarm -test_button_pressed !",
		`{"status":{"smokeAlarm":1,"batteryLow":0},"temp":26}`:     "low-battery=inactive smoke=active temperature=26 Cel",
		`{"smoke":true,"state":{"self_test":true}}`:                "-smoke -state.self_test !",
		`{"smokeAlarm":"Normal","test_mode":1}`:                    "smoke=inactive -test_mode",
		`{"gas_status":"alarm","co_alarm":"unknown"}`:              "gas=active -co_alarm",
		`{"temperature_alarm":"threshold alarm","temperature":31}`: "temperature=active temperature=31 Cel",
		`{"temperature_alarm":"threshold alarm release"}`:          "temperature=inactive",
		`{"temperature_alarm":30}`:                                 "-temperature_alarm !",
		`{"powerEvent":"AC Power Off"}`:                            "power=active",
		`{"online":false}`:                                         "device-offline=active",
		`{"sos":1,"press":"long"}`:                                 "sos=active -press",
		`{"event":"testing alarm with normal battery"}`:            "-event !",

		// Doubts.
		`{"battery":3}`:                          "-battery !",
		`{"battery":95}`:                         "battery=95 %",
		`{"battery":3.6}`:                        "battery_voltage=3.6 V",
		`{"battery":3600}`:                       "battery_voltage=3600 mV",
		`{"battery":false}`:                      "-battery !",
		`{"batteryLevel":"76%"}`:                 "battery=76 %",
		`{"battery_v":5.5,"vdd":3594}`:           "battery_voltage=5.5 V -vdd",
		`{"current":30}`:                         "-current !",
		`{"distance":1500}`:                      "-distance !",
		`{"Distance":2025,"Interrupt_flag":0}`:   "distance=2025 mm -interrupt_flag",
		`{"water_level":120}`:                    "-water_level !",
		`{"pressure":1008.6,"temperature":23.8}`: "pressure=1008.6 hPa temperature=23.8 Cel",
		`{"temp":212,"temp_unit":"F"}`:           "temperature=212 [degF] -*",
		`{"data":{"temp_unit":"°F"},"temperature":70,"TempC1":20}`: "temperature_1=20 Cel temperature=70 [degF] -data.*",
		`{"temperature":20,"temperatureUnit":"Zhang San"}`:         "temperature=20 Cel -*",
		`{"pressure":1008.6}`:   "-pressure !",
		`{"power_factor":0.98}`: "power_factor=0.98 1",
		`{"active_power":35,"power_factor":97,"power_consumption":29}`: "power=35 W energy=29 W.h power_factor=97 %",
		`{"TempC_DS":327.67,"temperature":-273.15,"co2":65535}`:        "-co2 -temp_c_ds -temperature !",
		`{"TempC_DS18B20":"0.00","TempC1":0}`:                          "-temp_c1 -temp_c_ds18b20 !",
		`{"tvoc":0.37,"o3":1,"light_level":2}`:                         "-light_level -o3 -tvoc !",
		`{"latitude":22.7,"longitude":114.2,"GPS":{"lat":1}}`:          "-* !",
		`{"温度":21,"temperature ":1,"temperature\u0000":1}`:             "-* !",
		`{}`: "!",
	} {
		if got := sensorstest.Say(read(t, Codecs, "", payload)); got != want {
			t.Errorf("%s\n got %s\nwant %s", payload, got, want)
		}
	}
}

func TestThings(t *testing.T) {
	for payload, want := range map[string]string{
		`{"SmokeSensorState":1,"BatteryPercentage":80}`:             "smoke=active battery=80 %",
		`{"CurrentTemperature":22.5,"RelativeHumidity":45.0}`:       "temperature=22.5 Cel humidity=45 %",
		`{"GasConcentration":12,"COContent":30.0}`:                  "co=30 [ppm] gas=12 [ppm]",
		`{"WaterLevel":1.25}`:                                       "water_level=1.25 m",
		`{"ContactState":1}`:                                        "door=active",
		`{"LiftDoor":1,"PowerSwitch":1}`:                            "-lift_door -power_switch !",
		`{"WaterSensorState":0,"TamperState":1,"LowElectricity":1}`: "low-battery=active tamper=active leak=inactive",
		`{"Smoke":0,"Power":12.5,"Voltage":220.1,"Current":0.4}`:    "current=0.4 A power=12.5 W voltage=220.1 V -smoke",
	} {
		if got := sensorstest.Say(read(t, Things, "", payload)); got != want {
			t.Errorf("%s\n got %s\nwant %s", payload, got, want)
		}
	}
}

func TestBrandSettlesUnits(t *testing.T) {
	for _, tt := range []struct{ profile, payload, want string }{
		{"em500-udl milesight-iot", `{"distance":1500}`, "distance=1500 mm"},
		{"Milesight EM500-SWL", `{"depth":2}`, "water_level=2 cm"},
		{"vs330 milesight-iot", `{"distance":15}`, "-distance !"}, // centimetres
		{"ELSYS ELT-2", `{"distance":8977,"pressure":1006.7}`, "distance=8977 mm pressure=1006.7 hPa"},
		{"ct101 milesight-iot", `{"current":25}`, "current=25 A"},
		{"ws523 milesight-iot", `{"current":74}`, "-current !"}, // milliamperes
		{"Netvox R718WA", `{"Device":"R718WA","Volt":3.1,"WaterLeak":1}`, "leak=active battery_voltage=3.1 V -*"},
		{"Zhang San's sensor", `{"distance":1500}`, "-distance !"},
	} {
		if got := sensorstest.Say(read(t, Codecs, Brand(tt.profile), tt.payload)); got != tt.want {
			t.Errorf("%s %s: got %s, want %s", tt.profile, tt.payload, got, tt.want)
		}
	}
}

func TestBatch(t *testing.T) {
	b := &Batch{Topic: "t", Table: Things}
	v, err := sensors.Decode([]byte(`{"temperature":[{"value":21,"time":1767323045000},{"value":20,"time":1767323040000}],
		"humidity":{"value":40.5,"time":"Zhang San"},"Voltage":220,"owner":{"value":"Zhang San","time":1767323040000}}`))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1767323000, 0).UTC()
	b.Properties("params.", "d1", v.(map[string]any), at)
	b.Event("params", "d2", "SmokeAlarmEvent", nil, at)
	b.Event("params", "d2", "GasAlarm", map[string]any{"status": 0.0}, at)
	b.Event("params", "d2", "SOS", map[string]any{"state": "perhaps"}, at)
	b.Event("params", "d2", "ZhangSan", nil, at)
	got := b.Done("nothing")
	want := "smoke=momentary gas=inactive humidity=40.5 % voltage=220 V temperature=20 Cel temperature=21 Cel -* -params.* -params.state -params.status"
	if sensorstest.Say(got) != want {
		t.Errorf("got %s\nwant %s", sensorstest.Say(got), want)
	}
	if r := got.Readings; !r[0].At.IsZero() || !r[1].At.Equal(at) || !r[2].At.Before(r[3].At) || got.Observations[0].Device != "d2" {
		t.Errorf("%+v", got)
	}
}

func TestBatchIsBounded(t *testing.T) {
	points := make([]any, 1000)
	for i := range points {
		points[i] = map[string]any{"value": 20.0, "time": float64(1767323000 + i)}
	}
	b := &Batch{Topic: "t", Table: Things}
	b.Properties("", "d", map[string]any{"temperature": points, "humidity": points, "co2": points}, time.Time{})
	if got := b.Done("nothing"); len(got.Readings) > maxReadings || !slices.Contains(got.Dropped, "*") {
		t.Errorf("%d readings, dropped %v", len(got.Readings), got.Dropped)
	}
}

func TestNoIdentityComesOut(t *testing.T) {
	payload := `{"smoke":"Zhang San","zhangsan":1,"zhangsan_1":2,"zhangsan_failure":1,"zhangsan_cm":3,"ZhangSan_fault":"x","京A12345":{"a":1},
		"temperature":{"zhangsan":1},"humidity":{"value":"13800138000","unit":"Zhang San"},"data":{"zhangsan":{"x":1}},"status":"Zhang San",
		"latitude":116.3,"messages":[{"measurementId":"Zhang San","measurementValue":"京A12345"}],"battery":"zhangsan","distance":"1 zhangsan"}`
	for _, table := range []Table{Codecs, Things} {
		sensorstest.Hides(t, payload, read(t, table, "", payload), "zhang_san", "116.3")
	}
}

func TestTablesAreSound(t *testing.T) {
	for _, table := range []Table{Codecs, Things} {
		for name, m := range table.measures {
			if plain(name) != name || known[name] || len(m.dim) == 0 {
				t.Errorf("measure %s", name)
			}
			if m.quantity == "battery" {
				continue
			}
			for _, r := range m.dim {
				reading := alert.Reading{Source: alert.SensorSource("e", "d"), Grid: "110101001001001", Quantity: m.quantity, Value: r.Lo, Unit: r.Unit, At: time.Unix(1, 0)}
				if err := reading.Validate(); err != nil {
					t.Errorf("%s in %s: %v", name, r.Unit, err)
				}
			}
		}
	}
	for name, s := range states {
		if plain(name) != name || known[name] || !s.kind.Valid() {
			t.Errorf("state %s", name)
		}
	}
	for name := range known {
		if _, ok := underTest[name]; ok || wrappers[name] || plain(name) != name {
			t.Errorf("%s is told twice", name)
		}
	}
}

func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"TempC_SHT":25.1,"BatV":3.0,"smoke_alarm":1,"data":{"distance":"1894 mm"}}`))
	f.Add([]byte(`{"temperatureSensor":{"1":2,"300":1},"humidity":{"value":"4.5","unit":"%"}}`))
	f.Add([]byte(`{"messages":[[{"measurementId":"4097","measurementValue":1}]],"_":1,"__1":2,"a_1_cm":3}`))
	f.Add([]byte(`{"0":0,"smoke":0,"1":{}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		v, err := sensors.Decode(payload)
		object, ok := v.(map[string]any)
		if err != nil || !ok {
			return
		}
		batch := &Batch{Topic: "t", Table: Things}
		batch.Properties("", "d", object, time.Time{})
		for name, params := range object {
			values, _ := params.(map[string]any)
			batch.Event("params", "d", name, values, time.Time{})
		}
		check(t, batch.Done("nothing"))
		for _, table := range []Table{Codecs, Things} {
			b := &sensors.Builder{Topic: "t", Device: "d"}
			r := Reader{B: b, Table: table}
			r.Object("", object)
			check(t, b.Done("nothing"))
		}
	})
}

func check(t *testing.T, got observation.Translation) {
	t.Helper()
	sensorstest.Sound(t, got)
	for _, path := range got.Dropped {
		for _, level := range strings.Split(path, ".") {
			r := Reader{Table: Things}
			if level != "*" && level != "params" && level != "messages" && level != "history" && !known[level] && !wrappers[level] && !hasState(underTest, level) && !r.find(level).known() {
				c := Reader{Table: Codecs}
				if !c.find(level).known() {
					t.Errorf("dropped %q repeats a key", path)
				}
			}
		}
	}
}

func TestManyPropertiesTakeLinearTime(t *testing.T) {
	properties := map[string]any{}
	for i := range 20_000 {
		properties[fmt.Sprintf("k%d", i)] = 1.0
	}
	least := time.Hour
	for try := 0; try < 3 && least > 10*time.Second; try++ { // the machine may stand still meanwhile
		b := &Batch{Topic: "t", Table: Things}
		for range 100 {
			b.Event("params", "d", "smoke_alarm", nil, time.Time{})
		}
		began := time.Now()
		b.Properties("", "d", properties, time.Time{})
		got := b.Done("nothing")
		least = min(least, time.Since(began))
		if !slices.Contains(got.Dropped, "*") {
			t.Errorf("dropped %v", got.Dropped)
		}
	}
	if least > 10*time.Second {
		t.Errorf("%v", least)
	}
}

func TestHistoryIsKept(t *testing.T) {
	v, err := sensors.Decode([]byte(`{"battery":92,"history":[{"timestamp":1767323000,"temperature":21.5,"leakage_status":"leak","owner":"Zhang San"},
		{"temperature":3},{"timestamp":"Zhang San","temperature":4}]}`))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1767323600, 0).UTC()
	b := &Batch{Topic: "t", Table: Codecs}
	b.Codec("object.", "d", v.(map[string]any), now)
	got := b.Done("nothing")
	if want := "temperature=21.5 Cel battery=92 % -object.history -object.history.* -object.history.leakage_status -object.history.timestamp"; sensorstest.Say(got) != want {
		t.Errorf("got %s\nwant %s", sensorstest.Say(got), want)
	}
	if r := got.Readings; !r[0].Kept || r[0].At.Unix() != 1767323000 || r[1].Kept || !got.Meta.Time.Equal(now) {
		t.Errorf("%+v", got)
	}
}
