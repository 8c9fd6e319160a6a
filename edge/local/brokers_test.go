package local_test

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"gridgate/deploy/testkit/leak"
	"gridgate/deploy/testkit/mosquitto"
	"gridgate/edge/local"
	"gridgate/edge/local/remote"
	"gridgate/protocols/alert"
)

func TestMain(m *testing.M) { leak.Main(m) }

var update = flag.Bool("update", false, "write the golden files")

const (
	user    = "edge"
	secret  = "a-secret"
	patient = time.Minute
)

// listener is a client that hears everything.
func listener(t *testing.T, addr string) <-chan paho.Message {
	t.Helper()
	got := make(chan paho.Message, 10_000)
	c := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + addr).SetClientID("house").SetUsername(user).SetPassword(secret).
		SetConnectRetry(true).SetConnectRetryInterval(20 * time.Millisecond).SetMaxReconnectInterval(50 * time.Millisecond).
		SetOnConnectHandler(func(c paho.Client) {
			c.Subscribe("#", 1, func(_ paho.Client, m paho.Message) { got <- m })
		}))
	if token := c.Connect(); !token.WaitTimeout(patient) || token.Error() != nil {
		t.Fatal("connect: ", token.Error())
	}
	t.Cleanup(func() { c.Disconnect(100) })
	return got
}

// await returns the next message on a topic with a payload.
func await(t *testing.T, got <-chan paho.Message, topic, payload string) paho.Message {
	t.Helper()
	deadline := time.After(patient)
	for {
		select {
		case m := <-got:
			if m.Topic() == topic && (payload == "" || string(m.Payload()) == payload) {
				return m
			}
		case <-deadline:
			t.Fatalf("waited in vain for %q on %s", payload, topic)
		}
	}
}

// edge is a voice at a broker.
func edge(t *testing.T, addr, password string) (v *local.Voice, stop func()) {
	t.Helper()
	dial, err := remote.Dial(remote.Options{URL: "tcp://" + addr, ClientID: "gridgate-e1-local", Username: user, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	v, err = local.New(local.Options{
		Edge: "e1", Software: "v1.2.3", Dial: dial, Topic: "gridgate", Discovery: "homeassistant", Language: local.English,
		Devices: []local.Device{
			{ID: "gate", Family: alert.Cameras, Places: []local.Place{{Zone: "入口", Kind: alert.Motion}, {Kind: alert.VideoLoss}}},
		},
		MinWait: 10 * time.Millisecond, MaxWait: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- v.Run(ctx) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	return v, stop
}

func TestARealBroker(t *testing.T) {
	b := mosquitto.Start(t, user, secret)
	got := listener(t, b.Addr)
	_, stop := edge(t, b.Addr, secret)
	await(t, got, "gridgate/e1/availability", "online")
	await(t, got, "gridgate/e1/device/gate/入口/motion/state", "OFF")

	b.Kill() // with all that it retained
	b.Restart()
	await(t, got, "gridgate/e1/availability", "online")
	await(t, got, "gridgate/e1/device/gate/入口/motion/state", "OFF")
	stop()
	if m := await(t, got, "gridgate/e1/availability", "offline"); m.Qos() != 1 {
		t.Errorf("QoS %d", m.Qos())
	}
}

// A second connection under the same name makes the broker cut the first off, as a crash would.
func TestTheLastWillIsTold(t *testing.T) {
	b := mosquitto.Start(t, user, secret)
	got := listener(t, b.Addr)
	dial, err := remote.Dial(remote.Options{URL: "tcp://" + b.Addr, ClientID: "same", Username: user, Password: secret})
	if err != nil {
		t.Fatal(err)
	}
	will := local.Message{Topic: "gridgate/e1/availability", Payload: []byte("offline"), Retain: true}
	first, err := dial(t.Context(), will)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, err := dial(t.Context(), local.Message{Topic: "other", Payload: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	await(t, got, will.Topic, "offline")
	select {
	case <-first.Lost():
	case <-time.After(patient):
		t.Fatal("the loss is not noticed")
	}
	if err := first.Publish(t.Context(), will); err == nil {
		t.Error("a message was published on a connection that is lost")
	}
	if n := second.Listeners("x"); n != -1 {
		t.Errorf("%d listeners, though MQTT does not tell", n)
	}
}

func TestAWrongPasswordSaysWhy(t *testing.T) {
	b := mosquitto.Start(t, user, secret)
	listener(t, b.Addr)
	v, _ := edge(t, b.Addr, "wrong-one")
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patient); ; <-tick.C {
		if st := v.Status(); !st.Connected && slices.Contains([]string{"connect: not Authorized", "connect: bad user name or password"}, st.Why) {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("status stays %+v", st)
		}
	}
}

// TestHomeAssistantIsToldWhatIsWrittenDown holds discovery against golden files, one for each kind of the edge as a whole and one for
// each place of a camera.
func TestHomeAssistantIsToldWhatIsWrittenDown(t *testing.T) {
	b := mosquitto.Start(t, user, secret)
	got := listener(t, b.Addr)
	edge(t, b.Addr, secret)
	told := map[string]json.RawMessage{}
	for len(told) < len(alert.Kinds())+2 {
		select {
		case m := <-got:
			if ok, _ := filepath.Match("homeassistant/binary_sensor/gridgate_e1/*/config", m.Topic()); ok {
				told[m.Topic()] = json.RawMessage(m.Payload())
			}
		case <-time.After(patient):
			t.Fatalf("%d entities are announced", len(told))
		}
	}
	text, err := json.MarshalIndent(told, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/discovery.json"
	if *update {
		if err := os.WriteFile(golden, append(text, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != string(text)+"\n" {
		t.Errorf("%v: discovery differs from %s; it is\n%s", err, golden, text)
	}
}
