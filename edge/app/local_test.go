package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"gridgate/deploy/testkit/mosquitto"
	"gridgate/deploy/testkit/stage"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/password"
)

// lonelyEdge is an edge whose central does not exist.
const lonelyEdge = `edge: lonely
data: data
listen: %s
central: {url: "http://127.0.0.1:9", token: {env: LONELY_TOKEN}}
place: {grid: "110101001001001", kind: lobby}
mqtt:
%s
sensors:
  - {id: smoke-1, dialect: zigbee2mqtt, topic: "zigbee2mqtt/#", device: hall_smoke, zone: hall}
local:
  mqtt: {broker: %s}
  sirens: [{name: hall, kinds: [smoke], topic: zigbee2mqtt/hall_siren/set, on: '{"state":"ON"}', off: '{"state":"OFF"}'}]
`

const (
	patient    = time.Minute
	mqttSecret = "a-secret"
)

// startEdge runs an edge until the test ends and returns the address of its page.
func startEdge(t *testing.T, brokers, local string) (dir, address string) {
	t.Helper()
	address, err := stage.FreeAddress("")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	t.Setenv("LONELY_TOKEN", "token")
	t.Setenv("LONELY_MQTT", mqttSecret)
	file := filepath.Join(dir, "edge.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, lonelyEdge, address, brokers, local), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	go func() { done <- Run(ctx, RunOptions{Config: file}, "test", &log) }()
	t.Cleanup(func() {
		cancel()
		if code := <-done; code != ExitOK {
			t.Errorf("the edge ended with %d: %s", code, log.String())
		}
	})
	return dir, address
}

// connect is a device at a broker. It tries until the broker is up.
func connect(t *testing.T, broker, id, user string) paho.Client {
	t.Helper()
	c := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + broker).SetClientID(id).SetUsername(user).SetPassword(mqttSecret).
		SetConnectRetry(true).SetConnectRetryInterval(20 * time.Millisecond))
	if token := c.Connect(); !token.WaitTimeout(patient) || token.Error() != nil {
		t.Fatal("connect: ", token.Error())
	}
	t.Cleanup(func() { c.Disconnect(100) })
	return c
}

// listen subscribes and returns what comes. QoS 0, as Home Assistant does: the embedded broker refuses a SUBSCRIBE whose packet
// identifier is that of a message which it has sent and which is not acknowledged yet.
func listen(t *testing.T, c paho.Client, filter string) <-chan paho.Message {
	t.Helper()
	got := make(chan paho.Message, 1000)
	token := c.Subscribe(filter, 0, func(_ paho.Client, m paho.Message) { got <- m })
	if !token.WaitTimeout(patient) || token.Error() != nil || token.(*paho.SubscribeToken).Result()[filter] > 2 {
		t.Fatal("subscribe: ", token.Error(), token.(*paho.SubscribeToken).Result())
	}
	return got
}

// await returns the next message of which holds is true.
func await(t *testing.T, got <-chan paho.Message, what string, holds func(topic, payload string) bool) paho.Message {
	t.Helper()
	deadline := time.After(patient)
	for {
		select {
		case m := <-got:
			if holds(m.Topic(), string(m.Payload())) {
				return m
			}
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// TestCentralAwayTheEdgeStillSpeaks: there is no central. Smoke sounds the siren, switches a state, is told, and none of it comes
// back to the sensors as news.
func TestCentralAwayTheEdgeStillSpeaks(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		broker, err := stage.FreeAddress("")
		if err != nil {
			t.Fatal(err)
		}
		_, page := startEdge(t, `  broker:
    listen: `+broker+`
    users:
      - {name: sensors, password: {env: LONELY_MQTT}, publish: ["zigbee2mqtt/#"]}
      - {name: house, password: {env: LONELY_MQTT}, read: ["gridgate/#", "homeassistant/#"]}`, "embedded")
		speaks(t, page, connect(t, broker, "sensor", "sensors"), connect(t, broker, "house", "house"))
	})
	t.Run("mosquitto", func(t *testing.T) {
		m := mosquitto.Start(t, "sensors", mqttSecret)
		_, page := startEdge(t, `  sources: [{name: main, url: "tcp://`+m.Addr+`", username: sensors, password: {env: LONELY_MQTT}}]`, "main")
		speaks(t, page, connect(t, m.Addr, "sensor", "sensors"), connect(t, m.Addr, "house", "sensors"))
	})
}

func speaks(t *testing.T, page string, sensor, house paho.Client) {
	relay := listen(t, sensor, "zigbee2mqtt/hall_siren/set")
	said := listen(t, house, "gridgate/lonely/#")
	found := listen(t, house, "homeassistant/#")
	await(t, said, "the edge's presence", func(topic, payload string) bool {
		return topic == "gridgate/lonely/availability" && payload == "online"
	})
	await(t, found, "the discovery of smoke", func(topic, payload string) bool {
		return topic == "homeassistant/binary_sensor/gridgate_lonely/smoke/config" && strings.Contains(payload, `"device_class":"smoke"`)
	})
	checkDoor(t, page)

	begun := time.Now()
	press(t, sensor, relay)
	t.Logf("from the detector's message to the siren's: %v", time.Since(begun))
	told := await(t, said, "the alert", func(topic, _ string) bool { return topic == "gridgate/lonely/alert/smoke" })
	if e, err := alert.DecodeEvent(told.Payload()); err != nil || e.Alert.Kind != alert.Smoke || e.Alert.Zone != "hall" {
		t.Errorf("alert %s: %v", told.Payload(), err)
	}
	if body := get(t, "http://"+page+"/status"); strings.Contains(body, "gridgate/lonely") || strings.Contains(body, "hall_siren") {
		t.Errorf("what the edge said came back to it: %s", body)
	}
}

// press publishes smoke until the siren is told to sound: a broker that the edge has not subscribed to yet keeps nothing.
func press(t *testing.T, sensor paho.Client, relay <-chan paho.Message) {
	t.Helper()
	for deadline := time.Now().Add(patient); time.Now().Before(deadline); {
		if token := sensor.Publish("zigbee2mqtt/hall_smoke", 1, false, `{"smoke":true}`); !token.WaitTimeout(patient) || token.Error() != nil {
			t.Fatal("publish: ", token.Error())
		}
		select {
		case m := <-relay:
			if string(m.Payload()) == `{"state":"ON"}` {
				return
			}
		case <-time.After(time.Second):
		}
	}
	t.Fatal("the siren is not told to sound")
}

func checkDoor(t *testing.T, page string) {
	t.Helper()
	if body := get(t, "http://"+page+"/healthz"); body != "ok\n" {
		t.Errorf("health %q", body)
	}
	if body := get(t, "http://"+page+"/metrics"); !strings.Contains(body, "gridgate_edge_sensors") {
		t.Error("metrics are not served")
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestPasswordMakesAHash(t *testing.T) {
	defer func(dear password.Cost) { passwordCost = dear }(passwordCost)
	passwordCost = password.Cost{Memory: 64, Passes: 1, Threads: 1} // the race detector makes a hash twenty times dearer
	var out, trouble bytes.Buffer
	if code := Password(PasswordOptions{}, strings.NewReader("correct horse\n"), &out, &trouble); code != ExitOK || !strings.HasPrefix(out.String(), "$argon2id$") {
		t.Errorf("exit code %d, %q, %s", code, out.String(), trouble.String())
	}
	file := filepath.Join(t.TempDir(), "hash")
	if code := Password(PasswordOptions{Out: file}, strings.NewReader("correct horse"), &out, &trouble); code != ExitOK {
		t.Errorf("exit code %d, %s", code, trouble.String())
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the hash's file: %v, %v", info, err)
	}
	if code := Password(PasswordOptions{}, strings.NewReader("short\n"), &out, &trouble); code != ExitFailed {
		t.Errorf("a short password: exit code %d", code)
	}
}
