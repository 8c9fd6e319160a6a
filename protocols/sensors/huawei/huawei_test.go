package huawei

import (
	"testing"
	"time"

	"gridgate/protocols/sensors"
	"gridgate/protocols/sensors/sensorstest"
)

func TestTranslate(t *testing.T) {
	for _, tt := range []struct{ topic, payload, device, want string }{
		{`$oc/devices/dev1/sys/properties/report`, `{"services":[{"service_id":"Temperature","properties":{"value":57,"value2":60},"event_time":"20260102T030405Z"},{"service_id":"Battery","properties":{"batteryLevel":80}}]}`, `dev1`, `battery=80 % temperature=57 Cel -services.*`},
		{`$oc/devices/dev1/sys/properties/report`, `{"services":[{"service_id":"smokeDetector","properties":{"Smoke":"alarm","Temperature":21.5,"CardNo":"13800138000"}}]}`, `dev1`, `smoke=active temperature=21.5 Cel -services.*`},
		{`$oc/devices/dev1/sys/properties/report`, `{"services":[{"service_id":"ZhangSan","properties":{"value":57}}]}`, ``, `-services.value !`},
		{`$oc/devices/dev1/sys/properties/report`, `{"services":[{"service_id":"smokeDetector","properties":{"alarm":1,"smokeConcentration":50,"temperature":20}},{"service_id":"Battery","properties":{"level":80,"level2":3}}]}`, `dev1`, `smoke=active smoke_concentration=50 [ppm] temperature=20 Cel battery=80 % -services.*`},
		{`$oc/devices/gw/sys/gateway/sub_devices/properties/report`, `{"devices":[{"device_id":"sub1","services":[{"service_id":"a","properties":{"humidity":40},"event_time":"20260102T030405Z"}]},{"device_id":"sub2","services":[{"service_id":"a","properties":{"water_leak":1}}]}]}`, `sub2`, `leak=active humidity=40 %`},
		{`$oc/devices/dev1/sys/messages/up`, `{"object_device_id":"dev1","name":"Zhang San","id":"1","content":{"temperature":21.5}}`, `dev1`, `temperature=21.5 Cel`},
		{`$oc/devices/dev1/sys/messages/up`, `{"content":"{\"temperature\":21.5}"}`, `dev1`, `temperature=21.5 Cel`},
		{`$oc/devices/dev1/sys/messages/up`, `{"content":"hello Zhang San"}`, ``, `!`},
		{`$oc/devices/dev1/sys/messages/up`, `{"smoke_alarm":1}`, `dev1`, `smoke=active`},
		{`$oc/devices/dev1/sys/events/up`, `{"object_device_id":"dev1","services":[{"service_id":"alarm","event_type":"SmokeAlarm","event_time":"20260102T030405Z","paras":{"temperature":70}}]}`, `dev1`, `smoke=momentary temperature=70 Cel`},
		{`$oc/devices/gw/sys/events/up`, `{"services":[{"service_id":"$sub_device_manager","event_type":"sub_device_update_status","event_time":"20260102T030405Z","paras":{"device_statuses":[{"device_id":"sub1","status":"OFFLINE"}]}}]}`, `sub1`, `device-offline=active`},
		{`$oc/devices/gw/sys/events/up`, `{"services":[{"service_id":"$ota","event_type":"version_report","paras":{"sw_version":"1"}}]}`, ``, `!`},
		{`/huawei/v1/devices/dev1/data/json`, `{"msgType":"deviceReq","data":[{"serviceId":"a","serviceData":{"temperature":21.5},"eventTime":"20260102T030405Z"}]}`, `dev1`, `temperature=21.5 Cel`},
		{`amqp`, `{"resource":"device.property","event":"report","event_time":"20260102T030405Z","notify_data":{"header":{"app_id":"x","device_id":"dev1","node_id":"zhangsan","tags":[{"tag_key":"owner","tag_value":"Zhang San"}]},"body":{"services":[{"service_id":"a","properties":{"temperature":21.5},"event_time":"20260102T030405Z"}]}}}`, `dev1`, `temperature=21.5 Cel`},
		{`amqp`, `{"resource":"device.status","event":"update","event_time":"20260102T030405Z","notify_data":{"header":{"device_id":"dev1"},"body":{"status":"OFFLINE"}}}`, `dev1`, `device-offline=active`},
		{`amqp`, `{"resource":"device.status","event":"update","notify_data":{"header":{"device_id":"dev1"}},"body":{"status":"ONLINE"}}`, `dev1`, `device-offline=inactive`},
		{`amqp`, `{"resource":"device.status","notify_data":{"header":{"device_id":"dev1"},"body":{"status":"Zhang San"}}}`, ``, `!`},
		{`amqp`, `{"resource":"device","event":"create","notify_data":{"body":{"device_id":"dev1","device_name":"Zhang San"}}}`, ``, `!`},
		{`$oc/devices/dev1/sys/commands/request_id=1`, `{"paras":{"smoke":true}}`, ``, `!`},
		{`$oc/devices/dev1/sys/properties/set/request_id=1`, `{"services":[]}`, ``, `!`},
		{`$oc/devices/dev1/sys/shadow/get/response/request_id=1`, `{"shadow":[]}`, ``, `!`},
		{`$oc/devices/dev1/sys/messages/down`, `{"content":{"smoke":true}}`, ``, `!`},
		{`$oc/devices/dev1/sys/properties/report`, `{"object_device_id":"dev2","services":[]}`, ``, `!`},
		{`$oc/devices/dev1/sys/properties/report`, `{"services":{}}`, ``, `!`},
		{`$oc/devices/dev1/sys/properties/report`, `[]`, ``, `!`},
		{`x`, `{"services":[]}`, ``, `!`},
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
		{`$oc/devices/dev1/sys/properties/report`, `{"services":[{"service_id":"a","properties":{"temperature":1},"event_time":"20260102T030405Z"}]}`, right},
		{`$oc/devices/dev1/sys/properties/report`, `{"services":[{"service_id":"a","properties":{"temperature":1},"event_time":"20260102T030405.000Z"}]}`, right},
		{`$oc/devices/dev1/sys/properties/report`, `{"services":[{"service_id":"a","properties":{"temperature":1},"event_time":"2026-01-02T03:04:05Z"}]}`, right},
		{`$oc/devices/dev1/sys/properties/report`, `{"services":[{"service_id":"a","properties":{"temperature":1},"event_time":"20260102T030405"}]}`, time.Time{}},
		{`$oc/devices/dev1/sys/properties/report`, `{"services":[{"service_id":"a","properties":{"temperature":1}}]}`, time.Time{}},
		{`q`, `{"resource":"device.property","event_time":"20260102T030405Z","notify_data":{"header":{"device_id":"d"},"body":{"services":[{"properties":{"temperature":1}}]}}}`, right},
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
		{`$oc/devices/dev1/sys/properties/report`, `{}`, sensors.Surely},
		{`q`, `{"notify_data":{}}`, sensors.Surely},
		{`q`, `{"services":[{"service_id":"a"}]}`, sensors.Likely},
		{`q`, `{"services":[]}`, sensors.Unlike},
		{`x`, `[`, sensors.Unlike},
	} {
		sensorstest.Likens(t, Dialect{}, tt.topic, tt.payload, tt.want)
	}
}

func TestNoIdentityComesOut(t *testing.T) {
	payload := `{"resource":"device.property","object_device_id":"dev1","services":[{"service_id":"ZhangSan","properties":{"zhangsan":1,"value":"Zhang San","temperature":"13800138000","smoke_alarm":1},"event_type":"zhangsan","paras":{"京A12345":1},"event_time":"Zhang San"}],"content":{"zhangsan":1,"lon":116.397},"name":"Zhang San","notify_data":{"header":{"device_id":"dev1","node_id":"zhangsan"},"body":{"services":[{"service_id":"zhangsan","properties":{"zhangsan":{"a":1},"humidity":40}}],"status":"Zhang San"}}}`
	for _, topic := range []string{"$oc/devices/dev1/sys/properties/report", "$oc/devices/dev1/sys/events/up", "$oc/devices/dev1/sys/messages/up", "amqp"} {
		sensorstest.Keeps(t, Dialect{}, topic, payload)
	}
}

func FuzzTranslate(f *testing.F) {
	f.Add(`$oc/devices/dev1/sys/properties/report`, []byte(`{"services":[{"service_id":"Temperature","properties":{"value":57,"value2":60},"event_time":"20260102T030405Z"},{"service_id":"Battery","properties":{"batteryLevel":80}}]}`), false)
	f.Add(`$oc/devices/dev1/sys/properties/report`, []byte(`{"services":[{"service_id":"smokeDetector","properties":{"Smoke":"alarm","Temperature":21.5,"CardNo":"13800138000"}}]}`), false)
	f.Add(`$oc/devices/dev1/sys/properties/report`, []byte(`{"services":[{"service_id":"ZhangSan","properties":{"value":57}}]}`), false)
	f.Add(`$oc/devices/gw/sys/gateway/sub_devices/properties/report`, []byte(`{"devices":[{"device_id":"sub1","services":[{"service_id":"a","properties":{"humidity":40},"event_time":"20260102T030405Z"}]},{"device_id":"sub2","services":[{"service_id":"a","properties":{"water_leak":1}}]}]}`), false)
	f.Add(`$oc/devices/dev1/sys/messages/up`, []byte(`{"object_device_id":"dev1","name":"Zhang San","id":"1","content":{"temperature":21.5}}`), false)
	f.Add(`$oc/devices/dev1/sys/messages/up`, []byte(`{"content":"{\"temperature\":21.5}"}`), false)
	f.Fuzz(func(t *testing.T, topic string, payload []byte, retained bool) {
		sensorstest.Sound(t, Dialect{}.Translate(topic, payload, retained))
		Dialect{}.Recognise(topic, payload)
	})
}
