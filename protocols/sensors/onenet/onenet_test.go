package onenet

import (
	"testing"
	"time"

	"gridgate/protocols/sensors"
	"gridgate/protocols/sensors/sensorstest"
)

func TestTranslate(t *testing.T) {
	for _, tt := range []struct{ topic, payload, device, want string }{
		{`$sys/p1/dev1/thing/property/post`, `{"id":"1","version":"1.0","params":{"temperature":{"value":21.5,"time":1767323045000},"SmokeAlarm":{"value":true,"time":1767323045000}}}`, `dev1`, `smoke=active temperature=21.5 Cel`},
		{`$sys/p1/dev1/thing/property/post`, `{"id":"1","version":"1.0","params":{"temperature":21.5,"humidity":{"value":"40.5"}}}`, `dev1`, `humidity=40.5 % temperature=21.5 Cel`},
		{`$sys/p1/dev1/thing/event/post`, `{"id":"1","params":{"SmokeAlarm":{"value":{"temperature":80.5,"user":"Zhang San"},"time":1767323045000}}}`, `dev1`, `smoke=momentary temperature=80.5 Cel -params.*`},
		{`$sys/p1/dev1/thing/event/post`, `{"id":"1","params":{"smoke_alarm":{"value":{"state":0},"time":1767323045000}}}`, `dev1`, `smoke=inactive -params.state`},
		{`$sys/p1/dev1/thing/event/post`, `{"id":"1","params":{"ZhangSan":{"value":{}}}}`, ``, `-* !`},
		{`$sys/p1/dev1/dp/post/json`, `{"id":123,"dp":{"temperature":[{"v":21.5,"t":1767323045}],"smoke":[{"v":true}],"x y":[{"v":1}]}}`, `dev1`, `smoke=active temperature=21.5 Cel -dp.*`},
		{`$sys/p1/gw/thing/pack/post`, `{"id":"1","params":[{"identity":{"productID":"p","deviceName":"sub1"},"properties":{"CO2":{"value":600}},"events":{"SOS":{"value":{}}}},{"properties":{"temperature":{"value":1}}}]}`, `sub1`, `sos=momentary co2=600 [ppm] temperature=1 Cel`},
		{`$sys/p1/dev1/thing/history/post`, `{"params":[{"properties":{"temperature":[{"value":1,"time":1767323045000},{"value":2,"time":1767323046000}]}}]}`, `dev1`, `temperature=1 Cel temperature=2 Cel`},
		{`x`, `{"msg":{"notifyType":"property","deviceName":"dev1","productId":"p","data":{"id":"1","params":{"temperature":{"value":21.5}}}}}`, `dev1`, `temperature=21.5 Cel`},
		{`x`, `{"notifyType":"event","deviceName":"dev1","data":{"params":{"SOS":{"value":{}}}}}`, `dev1`, `sos=momentary`},
		{`x`, `{"notifyType":"lifecycle","deviceName":"dev1"}`, ``, `!`},
		{`$sys/p1/dev1/thing/property/post/reply`, `{"id":"1","code":200,"msg":"success"}`, ``, `!`},
		{`$sys/p1/dev1/thing/property/set`, `{"id":"1","params":{"smoke":true}}`, ``, `!`},
		{`$sys/p1/dev1/cmd/request/1`, `{"smoke":true}`, ``, `!`},
		{`$sys/p1/dev1/dp/post/json/accepted`, `{"id":1}`, ``, `!`},
		{`$sys/p1/dev1/thing/property/post`, `{"params":{}}`, ``, `!`},
		{`$sys/p1/dev1/thing/property/post`, `[]`, ``, `!`},
		{`x`, `{"params":{"temperature":1}}`, ``, `!`},
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
		{`$sys/p1/dev1/thing/property/post`, `{"params":{"temperature":{"value":21.5,"time":1767323045000}}}`, right},
		{`$sys/p1/dev1/dp/post/json`, `{"dp":{"temperature":[{"v":21.5,"t":1767323045}]}}`, right},
		{`$sys/p1/dev1/thing/property/post`, `{"params":{"temperature":{"value":21.5,"time":"Zhang San"}}}`, time.Time{}},
		{`$sys/p1/dev1/thing/property/post`, `{"params":{"temperature":21.5}}`, time.Time{}},
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
		{`$sys/p1/dev1/thing/property/post`, `{}`, sensors.Surely},
		{`$sys/p1/dev1/dp/post/json`, `x`, sensors.Surely},
		{`x`, `{"msg":{"notifyType":"property","deviceName":"d"}}`, sensors.Likely},
		{`x`, `{"params":{}}`, sensors.Unlike},
		{`x`, `[`, sensors.Unlike},
	} {
		sensorstest.Likens(t, Dialect{}, tt.topic, tt.payload, tt.want)
	}
}

func TestNoIdentityComesOut(t *testing.T) {
	payload := `{"id":"Zhang San","params":{"zhangsan":{"value":1},"temperature":{"value":"Zhang San"},"smoke_alarm":{"value":1,"京A12345":1},"owner":"13800138000","GPS":{"value":{"lon":116.397}},"zhangsan_fault":{"value":"zhangsan"}},"dp":{"zhangsan":[{"v":1}]},"notifyType":"property"}`
	for _, topic := range []string{"$sys/p1/dev1/thing/property/post", "$sys/p1/dev1/thing/event/post", "$sys/p1/dev1/thing/pack/post", "$sys/p1/dev1/dp/post/json", "x"} {
		sensorstest.Keeps(t, Dialect{}, topic, payload)
	}
}

func FuzzTranslate(f *testing.F) {
	f.Add(`$sys/p1/dev1/thing/property/post`, []byte(`{"id":"1","version":"1.0","params":{"temperature":{"value":21.5,"time":1767323045000},"SmokeAlarm":{"value":true,"time":1767323045000}}}`), false)
	f.Add(`$sys/p1/dev1/thing/property/post`, []byte(`{"id":"1","version":"1.0","params":{"temperature":21.5,"humidity":{"value":"40.5"}}}`), false)
	f.Add(`$sys/p1/dev1/thing/event/post`, []byte(`{"id":"1","params":{"SmokeAlarm":{"value":{"temperature":80.5,"user":"Zhang San"},"time":1767323045000}}}`), false)
	f.Add(`$sys/p1/dev1/thing/event/post`, []byte(`{"id":"1","params":{"smoke_alarm":{"value":{"state":0},"time":1767323045000}}}`), false)
	f.Add(`$sys/p1/dev1/thing/event/post`, []byte(`{"id":"1","params":{"ZhangSan":{"value":{}}}}`), false)
	f.Add(`$sys/p1/dev1/dp/post/json`, []byte(`{"id":123,"dp":{"temperature":[{"v":21.5,"t":1767323045}],"smoke":[{"v":true}],"x y":[{"v":1}]}}`), false)
	f.Fuzz(func(t *testing.T, topic string, payload []byte, retained bool) {
		sensorstest.Sound(t, Dialect{}.Translate(topic, payload, retained))
		Dialect{}.Recognise(topic, payload)
	})
}
