package aliyun

import (
	"testing"
	"time"

	"gridgate/protocols/sensors"
	"gridgate/protocols/sensors/sensorstest"
)

func TestTranslate(t *testing.T) {
	for _, tt := range []struct{ topic, payload, device, want string }{
		{`/sys/pk1/dev1/thing/event/property/post`, `{"id":"1","version":"1.0","params":{"SmokeSensorState":{"value":1,"time":1767323045000},"BatteryPercentage":80},"method":"thing.event.property.post"}`, `dev1`, `smoke=active battery=80 %`},
		{`/sys/pk1/dev1/thing/event/property/post`, `{"params":{"CurrentTemperature":21.5,"GeoLocation":{"longitude":116.397},"WaterLevel":1.25}}`, `dev1`, `temperature=21.5 Cel water_level=1.25 m -params.*`},
		{`/sys/pk1/dev1/thing/event/SmokeAlarm/post`, `{"params":{"value":{"temperature":66.5},"time":1767323045000},"method":"thing.event.SmokeAlarm.post"}`, `dev1`, `smoke=momentary temperature=66.5 Cel`},
		{`/sys/pk1/dev1/thing/event/GasAlarm/post`, `{"params":{"state":1,"value":{}}}`, `dev1`, `gas=momentary`},
		{`/sys/pk1/dev1/thing/event/ZhangSan/post`, `{"params":{"value":{}}}`, ``, `-* !`},
		{`/pk1/dev1/thing/event/property/post`, `{"iotId":"x","productKey":"pk1","deviceName":"dev1","gmtCreate":1767323045000,"items":{"Humidity":{"value":40.5,"time":1767323045000},"ContactState":{"value":1,"time":1767323045000}},"checkFailedData":{"Zhang San":{"value":1}}}`, `dev1`, `door=active humidity=40.5 %`},
		{`amqp`, `{"iotId":"x","productKey":"pk1","deviceName":"dev1","items":{"Humidity":{"value":40.5,"time":1767323045000}}}`, `dev1`, `humidity=40.5 %`},
		{`/pk1/dev1/thing/event/SOS/post`, `{"identifier":"SOS","name":"Zhang San","type":"alert","iotId":"x","productKey":"pk1","deviceName":"dev1","time":1767323045000,"value":{}}`, `dev1`, `sos=momentary`},
		{`/sys/pk1/gw/thing/event/property/pack/post`, `{"params":{"properties":{"temperature":{"value":1}},"events":{},"subDevices":[{"identity":{"productKey":"k","deviceName":"sub1"},"properties":{"humidity":{"value":40}},"events":{"SOS":{"value":{},"time":1767323045000}}}]}}`, `sub1`, `sos=momentary temperature=1 Cel humidity=40 %`},
		{`/sys/pk1/dev1/thing/event/property/batch/post`, `{"params":{"properties":{"temperature":[{"value":1,"time":1767323045000},{"value":2,"time":1767323046000}]},"events":{"LeakAlarm":[{"time":1767323045000,"value":{}}]}}}`, `dev1`, `leak=momentary temperature=1 Cel temperature=2 Cel`},
		{`/sys/pk1/dev1/thing/property/post`, `{"id":"1","params":{"temperature":23.6,"humidity":58}}`, `dev1`, `humidity=58 % temperature=23.6 Cel`},
		{`/shadow/update/pk1/dev1`, `{"method":"update","state":{"reported":{"temperature":21.5}},"version":1}`, `dev1`, `temperature=21.5 Cel`},
		{`/shadow/update/pk1/dev1`, `{"method":"update","state":{"desired":{"temperature":21.5}},"version":1}`, ``, `!`},
		{`/shadow/update/pk1/dev1`, `{"method":"get"}`, ``, `!`},
		{`/as/mqtt/status/pk1/dev1`, `{"status":"offline","productKey":"pk1","deviceName":"dev1","utcTime":"2026-01-02T03:04:05.000Z","clientIp":"10.0.0.1"}`, `dev1`, `device-offline=active`},
		{`/as/mqtt/status/pk1/dev1`, `{"status":"online","deviceName":"dev1"}`, `dev1`, `device-offline=inactive`},
		{`/as/mqtt/status/pk1/dev1`, `{"status":"Zhang San","deviceName":"dev1"}`, ``, `!`},
		{`/as/mqtt/status/pk1/dev1`, `{"status":"online","deviceName":"dev2"}`, ``, `!`},
		{`/sys/pk1/dev1/thing/event/property/post_reply`, `{"id":"1","code":200,"data":{}}`, ``, `!`},
		{`/sys/pk1/dev1/thing/service/property/set`, `{"params":{"smoke":true}}`, ``, `!`},
		{`/sys/pk1/dev1/thing/deviceinfo/update`, `{"params":[{"attrKey":"owner","attrValue":"Zhang San"}]}`, ``, `!`},
		{`/sys/pk1/dev1/thing/event/property/post`, `{}`, ``, `!`},
		{`/sys/pk1/dev1/thing/event/property/post`, ``, ``, `!`},
		{`x`, `{"deviceName":"dev1","productKey":"p"}`, ``, `!`},
		{`x`, `{"items":{}}`, ``, `!`},
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
		{`/sys/pk1/dev1/thing/event/property/post`, `{"params":{"temperature":{"value":21.5,"time":1767323045000}}}`, right},
		{`/sys/pk1/dev1/thing/event/property/post`, `{"params":{"temperature":21.5}}`, time.Time{}},
		{`amqp`, `{"productKey":"p","deviceName":"d","gmtCreate":1767323045000,"items":{"temperature":{"value":1}}}`, right},
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
		{`/sys/pk1/dev1/thing/event/property/post`, `{}`, sensors.Surely},
		{`x`, `{"productKey":"p","iotId":"i"}`, sensors.Surely},
		{`/pk1/dev1/thing/event/property/post`, `{}`, sensors.Likely},
		{`x`, `{"method":"thing.event.property.post"}`, sensors.Likely},
		{`x`, `{"temperature":1}`, sensors.Unlike},
		{`x`, `[`, sensors.Unlike},
	} {
		sensorstest.Likens(t, Dialect{}, tt.topic, tt.payload, tt.want)
	}
}

func TestNoIdentityComesOut(t *testing.T) {
	payload := `{"id":"Zhang San","productKey":"zhangsan","deviceName":"dev1","iotId":"13800138000","params":{"zhangsan":{"value":1},"temperature":{"value":"Zhang San"},"SmokeAlarm":{"value":1,"京A12345":1},"GeoLocation":{"value":{"lon":116.397}}},"items":{"zhangsan":{"value":1},"humidity":{"value":"13800138000"}},"identifier":"zhangsan","name":"Zhang San","value":{"zhangsan":1},"status":"Zhang San","state":{"reported":{"zhangsan":1}},"method":"update"}`
	for _, topic := range []string{"/sys/pk1/dev1/thing/event/property/post", "/sys/pk1/dev1/thing/event/SmokeAlarm/post", "/shadow/update/pk1/dev1", "/as/mqtt/status/pk1/dev1", "amqp"} {
		sensorstest.Keeps(t, Dialect{}, topic, payload)
	}
}

func FuzzTranslate(f *testing.F) {
	f.Add(`/sys/pk1/dev1/thing/event/property/post`, []byte(`{"id":"1","version":"1.0","params":{"SmokeSensorState":{"value":1,"time":1767323045000},"BatteryPercentage":80},"method":"thing.event.property.post"}`), false)
	f.Add(`/sys/pk1/dev1/thing/event/property/post`, []byte(`{"params":{"CurrentTemperature":21.5,"GeoLocation":{"longitude":116.397},"WaterLevel":1.25}}`), false)
	f.Add(`/sys/pk1/dev1/thing/event/SmokeAlarm/post`, []byte(`{"params":{"value":{"temperature":66.5},"time":1767323045000},"method":"thing.event.SmokeAlarm.post"}`), false)
	f.Add(`/sys/pk1/dev1/thing/event/GasAlarm/post`, []byte(`{"params":{"state":1,"value":{}}}`), false)
	f.Add(`/sys/pk1/dev1/thing/event/ZhangSan/post`, []byte(`{"params":{"value":{}}}`), false)
	f.Add(`/pk1/dev1/thing/event/property/post`, []byte(`{"iotId":"x","productKey":"pk1","deviceName":"dev1","gmtCreate":1767323045000,"items":{"Humidity":{"value":40.5,"time":1767323045000},"ContactState":{"value":1,"time":1767323045000}},"checkFailedData":{"Zhang San":{"value":1}}}`), false)
	f.Fuzz(func(t *testing.T, topic string, payload []byte, retained bool) {
		sensorstest.Sound(t, Dialect{}.Translate(topic, payload, retained))
		Dialect{}.Recognise(topic, payload)
	})
}
