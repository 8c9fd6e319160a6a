package ttn

import (
	"testing"
	"time"

	"gridgate/protocols/sensors"
	"gridgate/protocols/sensors/sensorstest"
)

func TestTranslate(t *testing.T) {
	for _, tt := range []struct{ topic, payload, device, want string }{
		{`v3/app1@tenant1/devices/dev1/up`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"received_at":"2026-01-02T03:04:05.123456789Z","uplink_message":{"f_port":1,"decoded_payload":{"temperature":21.5,"battery":92,"door":"open"}}}`, `dev1`, `door=active battery=92 % temperature=21.5 Cel`},
		{`v3/app1@tenant1/devices/dev1/up`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"uplink_message":{"decoded_payload":{"temperature":0,"water_leak":false}}}`, `dev1`, `leak=inactive temperature=0 Cel`},
		{`v3/app1@tenant1/devices/dev1/up`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"uplink_message":{"normalized_payload":[{"air":{"temperature":20,"relativeHumidity":41,"pressure":1009},"battery":3.1}],"decoded_payload":{"TempC_SHT":20,"BatV":3.1,"Hum_SHT":41}}}`, `dev1`, `pressure=1009 hPa humidity=41 % temperature=20 Cel battery_voltage=3.1 V -uplink_message.decoded_payload.bat_v -uplink_message.decoded_payload.hum_sht -uplink_message.decoded_payload.temp_c_sht`},
		{`v3/app1@tenant1/devices/dev1/up`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"uplink_message":{"normalized_payload":{"action":{"contactState":"open","motion":{"detected":true,"count":3}},"soil":{"moisture":30,"depth":10,"ec":1.5},"water":{"leak":true},"owner":"x"}}}`, `dev1`, `door=active motion=active leak=active conductivity=1.5 dS/m soil_moisture=30 % -uplink_message.normalized_payload.* -uplink_message.normalized_payload.action.motion.* -uplink_message.normalized_payload.soil.*`},
		{`v3/app1@tenant1/devices/dev1/up`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"uplink_normalized":{"normalized_payload":{"wind":{"speed":3.5,"direction":270}}}}`, `dev1`, `wind_direction=270 deg wind_speed=3.5 m/s`},
		{`v3/app1@tenant1/devices/dev1/up`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"uplink_message":{"f_port":1,"frm_payload":"gkHe"}}`, ``, `!`},
		{`v3/app1@tenant1/devices/dev1/up`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"uplink_message":{"decoded_payload":{"owner":"Zhang San"}}}`, ``, `-uplink_message.decoded_payload.* !`},
		{`v3/app1@tenant1/devices/dev1/up`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"simulated":true,"uplink_message":{"decoded_payload":{"smoke":true}}}`, ``, `!`},
		{`v3/app1@tenant1/devices/dev1/up`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"uplink_message":{"decoded_payload":{"humidity":40},"last_battery_percentage":{"f_cnt":3,"value":94.1,"received_at":"2026-01-01T03:04:05Z"}}}`, `dev1`, `humidity=40 % battery=94.1 %`},
		{`v3/app1@tenant1/devices/dev1/up`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"uplink_message":{"decoded_payload":{"battery":40},"last_battery_percentage":{"value":94.1,"received_at":"2026-01-01T03:04:05Z"}}}`, `dev1`, `battery=40 %`},
		{`v3/app1@tenant1/devices/dev1/up`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"uplink_message":{"decoded_payload":{"distance":1500},"version_ids":{"brand_id":"milesight-iot","model_id":"em500-udl"}}}`, `dev1`, `distance=1500 mm`},
		{`v3/app1@tenant1/devices/dev1/up`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"uplink_message":{"decoded_payload":{"distance":1500}}}`, ``, `-uplink_message.decoded_payload.distance !`},
		{`v3/app1@tenant1/devices/dev1/up`, `{"end_device_ids":{"device_id":"dev2"},"uplink_message":{"decoded_payload":{"temperature":1}}}`, ``, `!`},
		{`any/topic`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"uplink_message":{"decoded_payload":{"temperature":1}}}`, `dev1`, `temperature=1 Cel`},
		{`app1/devices/dev1/up`, `{"app_id":"app1","dev_id":"dev1","port":2,"payload_raw":"AA==","payload_fields":{"err":0,"messages":[{"measurementId":4097,"measurementValue":28,"type":"report_telemetry"}],"valid":true},"metadata":{"time":"2026-01-02T03:04:05Z"}}`, `dev1`, `temperature=28 Cel -payload_fields.err -payload_fields.valid`},
		{`v3/app1@tenant1/devices/dev1/join`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"join_accept":{"session_key_id":"AX"}}`, ``, `quiet`},
		{`v3/app1@tenant1/devices/dev1/down/sent`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"downlink_sent":{"f_port":1}}`, ``, `quiet`},
		{`v3/app1@tenant1/devices/dev1/down/push`, `{"downlinks":[{"f_port":1}]}`, ``, `!`},
		{`v3/app1@tenant1/devices/dev1/service/data`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"service_data":{"service":"x","data":{"temperature":1}}}`, ``, `quiet`},
		{`v3/app1@tenant1/devices/dev1/location/solved`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"location_solved":{"location":{"latitude":39.9,"longitude":116.397}}}`, ``, `quiet`},
		{`v3/app1@tenant1/devices/dev1/up`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"}}`, ``, `!`},
		{`v3/app1@tenant1/devices/dev1/up`, `[1]`, ``, `!`},
		{`v3/app1@tenant1/devices/dev1/up`, ``, ``, `!`},
		{`x`, `{}`, ``, `!`},
	} {
		sensorstest.Says(t, Dialect{}, tt.topic, tt.payload, tt.device, tt.want)
	}
}

func TestTime(t *testing.T) {
	right := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		topic, payload string
		want           time.Time
	}{
		{`v3/app1@tenant1/devices/dev1/up`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"received_at":"2026-01-02T03:04:07Z","uplink_message":{"received_at":"2026-01-02T03:04:05Z","settings":{"time":"2025-12-26T03:04:05Z"},"decoded_payload":{"temperature":1}}}`, right},
		{`v3/app1@tenant1/devices/dev1/up`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"received_at":"2026-01-02T03:04:05Z","uplink_message":{"decoded_payload":{"temperature":1}}}`, right},
		{`v3/app1@tenant1/devices/dev1/up`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"uplink_message":{"settings":{"time":"2025-12-26T03:04:05Z"},"decoded_payload":{"temperature":1}}}`, time.Time{}},
	} {
		got := Dialect{}.Translate(tt.topic, []byte(tt.payload), false)
		if len(got.Readings) == 0 || !got.Readings[0].At.Equal(tt.want) {
			t.Errorf("%s: %+v, want %v", tt.payload, got, tt.want)
		}
	}
}

func TestRecognise(t *testing.T) {
	for _, tt := range []struct {
		topic, payload string
		want           sensors.Likeness
	}{
		{`v3/app1@tenant1/devices/dev1/up`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"}}`, sensors.Surely},
		{`x`, `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"}}`, sensors.Surely},
		{`x`, `{"dev_id":"a","payload_raw":"AA=="}`, sensors.Surely},
		{`v3/app1@tenant1/devices/dev1/up`, `x`, sensors.Likely},
		{`v3/app/devices/d/up`, `{}`, sensors.Unlike},
		{`x`, `{"temperature":1}`, sensors.Unlike},
	} {
		sensorstest.Likens(t, Dialect{}, tt.topic, tt.payload, tt.want)
	}
}

func TestNoIdentityComesOut(t *testing.T) {
	payload := `{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"Zhang San"}},"uplink_message":{"decoded_payload":{"zhangsan":1,"owner":"Zhang San","temperature":"13800138000","smoke_alarm":1},"normalized_payload":{"zhangsan":{"a":1},"air":{"京A12345":1,"temperature":"Zhang San"},"action":{"contactState":"Zhang San","motion":{"zhangsan":1}}},"locations":{"user":{"longitude":116.397}},"attributes":{"owner":"Zhang San"},"version_ids":{"brand_id":"zhangsan"}}}`
	for _, topic := range []string{"v3/app1@tenant1/devices/dev1/up", "v3/app1@tenant1/devices/dev1/join", "v3/app1@tenant1/devices/dev1/zhang", "x"} {
		sensorstest.Keeps(t, Dialect{}, topic, payload)
	}
}

func FuzzTranslate(f *testing.F) {
	f.Add(`v3/app1@tenant1/devices/dev1/up`, []byte(`{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"received_at":"2026-01-02T03:04:05.123456789Z","uplink_message":{"f_port":1,"decoded_payload":{"temperature":21.5,"battery":92,"door":"open"}}}`), false)
	f.Add(`v3/app1@tenant1/devices/dev1/up`, []byte(`{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"uplink_message":{"decoded_payload":{"temperature":0,"water_leak":false}}}`), false)
	f.Add(`v3/app1@tenant1/devices/dev1/up`, []byte(`{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"uplink_message":{"normalized_payload":[{"air":{"temperature":20,"relativeHumidity":41,"pressure":1009},"battery":3.1}],"decoded_payload":{"TempC_SHT":20,"BatV":3.1,"Hum_SHT":41}}}`), false)
	f.Add(`v3/app1@tenant1/devices/dev1/up`, []byte(`{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"uplink_message":{"normalized_payload":{"action":{"contactState":"open","motion":{"detected":true,"count":3}},"soil":{"moisture":30,"depth":10,"ec":1.5},"water":{"leak":true},"owner":"x"}}}`), false)
	f.Add(`v3/app1@tenant1/devices/dev1/up`, []byte(`{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"uplink_normalized":{"normalized_payload":{"wind":{"speed":3.5,"direction":270}}}}`), false)
	f.Add(`v3/app1@tenant1/devices/dev1/up`, []byte(`{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"zhangsan"},"dev_eui":"0004A30B001C0530"},"uplink_message":{"f_port":1,"frm_payload":"gkHe"}}`), false)
	f.Fuzz(func(t *testing.T, topic string, payload []byte, retained bool) {
		sensorstest.Sound(t, Dialect{}.Translate(topic, payload, retained))
		Dialect{}.Recognise(topic, payload)
	})
}
