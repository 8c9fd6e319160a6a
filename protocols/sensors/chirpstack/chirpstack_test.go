package chirpstack

import (
	"testing"
	"time"

	"gridgate/protocols/sensors"
	"gridgate/protocols/sensors/sensorstest"
)

func TestTranslate(t *testing.T) {
	for _, tt := range []struct{ topic, payload, device, want string }{
		{`application/1/device/0102030405060708/event/up`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"fPort":85,"data":"AXVk","object":{"temperature":21.5,"battery":92.0},"rxInfo":[{"gatewayId":"00","rssi":-40}]}`, `0102030405060708`, `battery=92 % temperature=21.5 Cel`},
		{`application/1/device/0102030405060708/event/up`, `{"applicationID":"1","deviceName":"x","devEUI":"0102030405060708","fPort":2,"object":{"temperatureSensor":{"1":21.5},"smoke_alarm":true}}`, `0102030405060708`, `smoke=active temperature=21.5 Cel`},
		{`application/1/device/0102030405060708/event/up`, `{"applicationID":"1","devEUI":"AQIDBAUGBwg=","fPort":2,"objectJSON":"{\"TempC_SHT\":21.5}"}`, `0102030405060708`, `temperature=21.5 Cel`},
		{`application/1/device/0102030405060708/rx`, `{"applicationID":"1","devEUI":"0102030405060708","object":{"leakage_status":"leak"}}`, `0102030405060708`, `leak=active`},
		{`application/1/node/0102030405060708/rx`, `{"devEUI":"0102030405060708","object":{"humidity":40}}`, `0102030405060708`, `humidity=40 %`},
		{`application/1/device/0102030405060708/event/status`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"margin":7,"externalPowerSource":false,"batteryLevelUnavailable":false,"batteryLevel":75.5}`, `0102030405060708`, `battery=75.5 % -margin`},
		{`application/1/device/0102030405060708/event/status`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"margin":7,"batteryLevelUnavailable":true,"batteryLevel":0}`, ``, `quiet`},
		{`application/1/device/0102030405060708/event/status`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"margin":7,"externalPowerSource":true,"batteryLevel":0}`, ``, `quiet`},
		{`application/1/device/0102030405060708/event/status`, `{"devEUI":"0102030405060708","battery":255,"margin":7}`, ``, `quiet`},
		{`application/1/device/0102030405060708/event/status`, `{"devEUI":"0102030405060708","battery":0,"margin":7}`, ``, `quiet`},
		{`application/1/device/0102030405060708/event/status`, `{"devEUI":"0102030405060708","battery":127,"margin":7}`, `0102030405060708`, `battery=50 % -margin`},
		{`application/1/device/0102030405060708/event/status`, `{"devEUI":"0102030405060708","battery":"full"}`, ``, `!`},
		{`application/1/device/0102030405060708/event/up`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"fPort":85,"data":"AXVk"}`, ``, `!`},
		{`application/1/device/0102030405060708/event/up`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"object":{}}`, ``, `!`},
		{`application/1/device/0102030405060708/event/up`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"object":{"owner":"Zhang San"}}`, ``, `-object.* !`},
		{`application/1/device/0102030405060708/event/up`, `{"devEUI":"ff02030405060708","object":{"temperature":1}}`, ``, `!`},
		{`application/1/device/0102030405060708/event/join`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"devAddr":"00bcb929"}`, ``, `quiet`},
		{`application/1/device/0102030405060708/event/ack`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"acknowledged":true}`, ``, `quiet`},
		{`application/1/device/0102030405060708/event/log`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"level":"ERROR","code":"UPLINK_CODEC","description":"Zhang San"}`, ``, `quiet`},
		{`application/1/device/0102030405060708/event/error`, `{"devEUI":"0102030405060708","type":"OTAA","error":"x"}`, ``, `quiet`},
		{`application/1/device/0102030405060708/event/location`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"location":{"latitude":39.9,"longitude":116.397}}`, ``, `quiet`},
		{`application/1/device/0102030405060708/event/integration`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"object":{"temperature":1}}`, ``, `quiet`},
		{`application/1/device/0102030405060708/command/down`, `{"devEui":"0102030405060708","data":"AA=="}`, ``, `!`},
		{`eu868/gateway/0102030405060708/event/up`, `{"phyPayload":"AA=="}`, ``, `!`},
		{`application/1/device/zhangsan/event/up`, `{"object":{"temperature":1}}`, ``, `!`},
		{`custom/topic`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"object":{"temperature":21.5}}`, `0102030405060708`, `temperature=21.5 Cel`},
		{`custom/topic`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"margin":7,"batteryLevel":50}`, `0102030405060708`, `battery=50 % -margin`},
		{`application/1/device/0102030405060708/event/up`, `{"devEUI":"0102030405060708","object":{"battery":92,"history":[{"timestamp":1767323045,"temperature":21.5}]}}`, `0102030405060708`, `battery=92 % temperature=21.5 Cel -object.history -object.history.timestamp`},
		{`custom/topic`, `{"object":{"temperature":21.5}}`, ``, `!`},
		{`application/1/device/0102030405060708/event/up`, `[]`, ``, `!`},
		{`application/1/device/0102030405060708/event/up`, ``, ``, `!`},
		{`application/1/device/0102030405060708/event/up`, `{`, ``, `!`},
		{`application/1/device/0102030405060708/event/up`, `{"deviceInfo":{"deviceProfileName":"Dragino LDDS75","devEui":"0102030405060708"},"object":{"distance":1500}}`, `0102030405060708`, `distance=1500 mm`},
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
		{`application/1/device/0102030405060708/event/up`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"time":"2025-12-26T03:04:05Z","rxInfo":[{"gwTime":"2025-12-26T03:04:05Z","nsTime":"2026-01-02T03:04:05Z"}],"object":{"temperature":1}}`, right},
		{`application/1/device/0102030405060708/event/up`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"time":"2026-01-02T11:04:05+08:00","rxInfo":[{"nsTime":"2026-01-02T03:04:06Z"}],"object":{"temperature":1}}`, right},
		{`application/1/device/0102030405060708/event/up`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"time":"2025-12-26T03:04:05Z","rxInfo":[{"gatewayId":"00"}],"object":{"temperature":1}}`, time.Time{}},
		{`application/1/device/0102030405060708/event/up`, `{"devEUI":"AQIDBAUGBwg=","rxInfo":[{"time":"2025-12-26T03:04:05Z"}],"publishedAt":"2026-01-02T03:04:05Z","object":{"temperature":1}}`, right},
		{`application/1/device/0102030405060708/event/up`, `{"devEUI":"AQIDBAUGBwg=","rxInfo":[{"time":"2025-12-26T03:04:05Z"}],"object":{"temperature":1}}`, time.Time{}},
		{`application/1/device/0102030405060708/event/status`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"time":"2026-01-02T03:04:05Z","batteryLevel":50}`, right},
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
		{`application/1/device/0102030405060708/event/up`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}}}`, sensors.Surely},
		{`x`, `{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}}}`, sensors.Surely},
		{`x`, `{"applicationID":"1","devEUI":"AQIDBAUGBwg="}`, sensors.Surely},
		{`application/1/device/0102030405060708/event/up`, `{"devEUI":"AQIDBAUGBwg="}`, sensors.Surely},
		{`application/1/device/0102030405060708/event/up`, `{}`, sensors.Likely},
		{`application/1/device/0102030405060708/event/up`, `x`, sensors.Likely},
		{`x`, `{"temperature":1}`, sensors.Unlike},
		{`application/1/device/zhangsan/event/up`, `{}`, sensors.Unlike},
		{`x`, `[`, sensors.Unlike},
	} {
		sensorstest.Likens(t, Dialect{}, tt.topic, tt.payload, tt.want)
	}
}

func TestNoIdentityComesOut(t *testing.T) {
	payload := `{"deviceInfo":{"deviceName":"Zhang San","deviceProfileName":"zhangsan","applicationName":"zhangsan","devEui":"0102030405060708","tags":{"京A12345":"13800138000"}},"object":{"zhangsan":1,"owner":"Zhang San","temperature":"Zhang San","smoke_alarm":1,"latitude":116.397,"data":{"京A12345":1}},"description":"Zhang San","margin":"zhangsan","batteryLevel":"13800138000"}`
	for _, topic := range []string{"application/1/device/0102030405060708/event/up", "application/1/device/0102030405060708/event/status", "application/1/device/0102030405060708/event/log", "application/1/device/0102030405060708/event/location", "application/1/device/0102030405060708/event/zhang", "x"} {
		sensorstest.Keeps(t, Dialect{}, topic, payload)
	}
}

func FuzzTranslate(f *testing.F) {
	f.Add(`application/1/device/0102030405060708/event/up`, []byte(`{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"fPort":85,"data":"AXVk","object":{"temperature":21.5,"battery":92.0},"rxInfo":[{"gatewayId":"00","rssi":-40}]}`), false)
	f.Add(`application/1/device/0102030405060708/event/up`, []byte(`{"applicationID":"1","deviceName":"x","devEUI":"0102030405060708","fPort":2,"object":{"temperatureSensor":{"1":21.5},"smoke_alarm":true}}`), false)
	f.Add(`application/1/device/0102030405060708/event/up`, []byte(`{"applicationID":"1","devEUI":"AQIDBAUGBwg=","fPort":2,"objectJSON":"{\"TempC_SHT\":21.5}"}`), false)
	f.Add(`application/1/device/0102030405060708/rx`, []byte(`{"applicationID":"1","devEUI":"0102030405060708","object":{"leakage_status":"leak"}}`), false)
	f.Add(`application/1/node/0102030405060708/rx`, []byte(`{"devEUI":"0102030405060708","object":{"humidity":40}}`), false)
	f.Add(`application/1/device/0102030405060708/event/status`, []byte(`{"deviceInfo":{"tenantName":"Zhang San","deviceProfileName":"EM300","deviceName":"zhangsan","devEui":"0102030405060708","tags":{"owner":"Zhang San"}},"margin":7,"externalPowerSource":false,"batteryLevelUnavailable":false,"batteryLevel":75.5}`), false)
	f.Fuzz(func(t *testing.T, topic string, payload []byte, retained bool) {
		sensorstest.Sound(t, Dialect{}.Translate(topic, payload, retained))
		Dialect{}.Recognise(topic, payload)
	})
}
