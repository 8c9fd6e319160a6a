package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"testing"

	settings "gridgate/deploy/mosquitto"
	"gridgate/deploy/testkit/mosquitto"
	"gridgate/deploy/testkit/township"
)

// said is a device of a dialect, what it publishes and what that is to become.
type said struct {
	dialect, topic string
	messages       [][2]string // topic and payload, in order
	kind           string      // of its alert
}

// everyDialect is one device of each, with an alarm of its own words.
var everyDialect = map[string]said{
	"z2m": {"zigbee2mqtt", "zigbee2mqtt/hall", [][2]string{{"zigbee2mqtt/hall", `{"smoke":true,"battery":90}`}}, "smoke"},
	"shelly": {"shelly", "shellyplussmoke-a1/events/rpc", [][2]string{{"shellyplussmoke-a1/events/rpc",
		`{"src":"shellyplussmoke-a1","dst":"x/events","method":"NotifyStatus","params":{"ts":0,"smoke:0":{"id":0,"alarm":true,"mute":false}}}`}}, "smoke"},
	"ha": {"homeassistant", "home/h1/#", [][2]string{
		{"homeassistant/binary_sensor/h1/config", `{"name":"leak","unique_id":"h1","device_class":"moisture","state_topic":"home/h1/state","device":{"identifiers":["h1"]}}`},
		{"home/h1/state", "ON"}}, "leak"},
	"lora": {"chirpstack", "application/7/device/0102030405060708/event/up", [][2]string{{"application/7/device/0102030405060708/event/up",
		`{"deviceInfo":{"devEui":"0102030405060708"},"fPort":10,"object":{"water_leak":true,"battery":90}}`}}, "leak"},
	"ttn": {"ttn", "v3/app@tenant/devices/t1/up", [][2]string{{"v3/app@tenant/devices/t1/up",
		`{"end_device_ids":{"device_id":"t1"},"uplink_message":{"f_port":2,"decoded_payload":{"water_leak":true}}}`}}, "leak"},
	"aliyun": {"aliyun", "/sys/pk/a1/thing/event/property/post", [][2]string{{"/sys/pk/a1/thing/event/property/post",
		`{"id":"1","version":"1.0","params":{"SmokeSensorState":{"value":1}}}`}}, "smoke"},
	"tasmota": {"tasmota", "tele/t1/SENSOR", [][2]string{{"tele/t1/SENSOR", `{"ZbReceived":{"0x1":{"Device":"0x1","Water":1}}}`}}, "leak"},
	"esphome": {"esphome", "esp1/#", [][2]string{{"esp1/binary_sensor/leak/state", "ON"}}, "leak"},
	"own":     {"mapped", "plain/own", [][2]string{{"plain/own", `{"smoke":true}`}}, "smoke"},
}

func (s said) sensor(id string) township.Sensor {
	return township.Sensor{ID: id, Dialect: s.dialect, Topic: s.topic, Kind: "stairwell", Grid: grid}
}

// TestADeviceOfEachDialect becomes an alert at central, through the embedded broker and through Mosquitto.
func TestADeviceOfEachDialect(t *testing.T) {
	var sensors []township.Sensor
	for id, s := range everyDialect {
		sensors = append(sensors, s.sensor(id))
	}
	t.Run("embedded", func(t *testing.T) {
		town := start(t, township.Options{Sensors: sensors}, "")
		publish := sensor(t, town.MQTTAddr(), town.Secret(township.SensorPassword))
		for _, s := range everyDialect {
			for _, m := range s.messages {
				publish(m[0], m[1])
			}
		}
		awaitEach(t, town)
	})
	t.Run("mosquitto", func(t *testing.T) {
		broker := keeping(t)
		town := start(t, township.Options{Sensors: sensors, Brokers: []string{"tcp://" + broker.Addr}}, "")
		subscribed(t, town)
		publish := sensor(t, broker.Addr, "")
		for _, s := range everyDialect {
			for _, m := range s.messages {
				publish(m[0], m[1])
			}
		}
		awaitEach(t, town)
	})
}

// awaitEach waits for the alert of each device.
func awaitEach(t *testing.T, town *township.Township) {
	t.Helper()
	for id, s := range everyDialect {
		eventually(t, s.dialect+": an alert of "+s.kind, func(ctx context.Context) (bool, error) {
			alerts, err := api(town).Alerts(ctx, url.Values{"device": {id}, "kind": {s.kind}})
			return len(alerts) == 1, err
		})
	}
}

// keeping runs a Mosquitto with the settings that a centre is told to make.
func keeping(t *testing.T) *mosquitto.Server {
	t.Helper()
	broker, err := mosquitto.OpenWith(t.TempDir(), "", "", settings.Settings)
	if err != nil {
		t.Fatal(err)
	}
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Kill)
	return broker
}

// TestABrokerThatComesBack: a Mosquitto is stopped and started again, and the edge killed, while sensors publish. Every alarm that the
// broker acknowledged reaches central once, also those of the time when there was no edge.
func TestABrokerThatComesBack(t *testing.T) {
	const devices, third = 60, 20
	broker := keeping(t)
	var sensors []township.Sensor
	for i := range devices {
		id := fmt.Sprintf("leak-%d", i)
		sensors = append(sensors, township.Sensor{ID: id, Dialect: "zigbee2mqtt", Topic: "zigbee2mqtt/" + id, Kind: "stairwell", Grid: grid})
	}
	town := start(t, township.Options{Sensors: sensors, Brokers: []string{"tcp://" + broker.Addr}}, "")
	subscribed(t, town)
	alarms := func(from int) {
		publish := sensor(t, broker.Addr, "")
		for i := from; i < from+third; i++ {
			publish(fmt.Sprintf("zigbee2mqtt/leak-%d", i), `{"water_leak":true}`)
		}
	}
	alarms(0)
	town.Edge.Kill()
	alarms(third)
	broker.Stop()
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	if err := town.StartEdge(t.Context()); err != nil {
		t.Fatal(err)
	}
	alarms(2 * third)
	eventually(t, "an alert of each device", func(ctx context.Context) (bool, error) {
		alerts, err := api(town).Alerts(ctx, url.Values{"kind": {"leak"}})
		each := map[string]int{}
		for _, a := range alerts {
			each[a.Device]++
		}
		if len(alerts) != len(each) {
			t.Fatalf("%d alerts of %d devices", len(alerts), len(each))
		}
		return len(each) == devices, err
	})
}

// subscribed waits until the edge is at its broker.
func subscribed(t *testing.T, town *township.Township) {
	t.Helper()
	eventually(t, "the edge at its broker", func(context.Context) (bool, error) {
		log, err := os.ReadFile(town.LogOf("gridgate-edge"))
		return bytes.Contains(log, []byte("connected to the broker of sensors")), err
	})
}
