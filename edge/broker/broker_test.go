package broker

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"gridgate/deploy/testkit/leak"
	"gridgate/edge/raise"
	"gridgate/edge/sensor"
	"gridgate/protocols/alert"
	"gridgate/protocols/sensors/zigbee2mqtt"
)

func TestMain(m *testing.M) { leak.Main(m) }

const (
	secret  = "a-secret"
	patient = time.Minute
)

// start runs a broker until the test ends.
func start(t *testing.T, change func(*Options)) (b *Broker, log *lockedWriter) {
	t.Helper()
	log = &lockedWriter{}
	o := Options{
		Listen: "127.0.0.1:0", Topics: []string{"zigbee2mqtt/#"},
		Users: []User{
			{Name: "gateway", Password: secret, Publish: []string{"zigbee2mqtt/#", "plain/#"}},
			{Name: "other", Password: secret, Publish: []string{"other/#"}},
		},
		Begin: begin(func(context.Context, sensor.Message) error { return nil }),
		Log:   slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	change(&o)
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return b, log
}

// begin makes a [sensor.Begin] of what is done with a message later.
func begin(store func(context.Context, sensor.Message) error) sensor.Begin {
	return func(m sensor.Message) func(context.Context) error {
		return func(ctx context.Context) error { return store(ctx, m) }
	}
}

type lockedWriter struct {
	mu sync.Mutex
	w  bytes.Buffer
}

func (l *lockedWriter) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.String()
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// dial connects a sensor that keeps its session and comes back by itself.
func dial(t *testing.T, b *Broker, user string, change func(*paho.ClientOptions)) paho.Client {
	t.Helper()
	o := paho.NewClientOptions().AddBroker("tcp://" + b.Addr().String()).SetClientID("sensor-" + user).SetUsername(user).
		SetPassword(secret).SetCleanSession(false).SetMaxReconnectInterval(50 * time.Millisecond).SetConnectTimeout(patient)
	change(o)
	c := paho.NewClient(o)
	if token := c.Connect(); !token.WaitTimeout(patient) || token.Error() != nil {
		t.Fatal("connect: ", token.Error())
	}
	t.Cleanup(func() { c.Disconnect(100) })
	return c
}

func plain(*paho.ClientOptions) {}

func TestAckComesAfterTheCommit(t *testing.T) {
	entered, release := make(chan sensor.Message), make(chan struct{})
	b, _ := start(t, func(o *Options) {
		o.Begin = begin(func(_ context.Context, m sensor.Message) error {
			entered <- m
			<-release
			return nil
		})
	})
	c := dial(t, b, "gateway", plain)
	token := c.Publish("zigbee2mqtt/d", 1, true, `{"smoke":true}`)
	m := <-entered
	if token.WaitTimeout(50 * time.Millisecond) {
		t.Error("acknowledged before the handler returned")
	}
	close(release)
	if !token.WaitTimeout(patient) || token.Error() != nil {
		t.Fatal("not acknowledged: ", token.Error())
	}
	if m.Topic != "zigbee2mqtt/d" || m.QoS != 1 || m.Retained || m.Duplicate || m.PacketID == 0 || m.Session != "gateway/sensor-gateway" || m.Received.IsZero() {
		t.Errorf("message %+v", m)
	}
}

// TestRefusalIsRedeliveredAndCommittedOnce lets the commit of an SOS succeed and the answer fail: the crash between commit
// and acknowledgement. The sensor sends again with DUP; there is one alert.
func TestRefusalIsRedeliveredAndCommittedOnce(t *testing.T) {
	raiser, err := raise.New(context.Background(), raise.Options{Log: &raise.Memory{}})
	if err != nil {
		t.Fatal(err)
	}
	count := &counter{Raiser: raiser}
	hub, err := sensor.New(sensor.Options{Edge: "e", Raiser: count, Devices: []sensor.Device{
		{ID: "sos1", Origin: zigbee2mqtt.Name, Dialect: zigbee2mqtt.Dialect{}, Topic: "zigbee2mqtt/d", Grid: "110101001001001"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	deliveries, attempts := make(chan bool, 10), atomic.Int64{}
	b, log := start(t, func(o *Options) {
		o.Begin = begin(func(ctx context.Context, m sensor.Message) error {
			err := hub.Handle(ctx, m)
			if attempts.Add(1) == 1 {
				err = errors.New("killed between commit and acknowledgement")
			}
			deliveries <- m.Duplicate
			return err
		})
	})
	c := dial(t, b, "gateway", plain)
	c.Publish("zigbee2mqtt/d", 1, false, `{"action":"emergency","owner":"Zhang San"}`)
	if first, second := <-deliveries, <-deliveries; first || !second {
		t.Errorf("DUP %v, then %v: want the second only", first, second)
	}
	c.Disconnect(1000)
	if n := count.count(); n != 1 {
		t.Errorf("%d alerts, want 1", n)
	}
	if strings.Contains(log.String(), "Zhang") || strings.Contains(log.String(), "emergency") {
		t.Errorf("the log repeats a payload: %s", log)
	}
}

type counter struct {
	sensor.Raiser
	mu     sync.Mutex
	alerts int
}

func (c *counter) Raise(ctx context.Context, message string, s []raise.Signal, r []alert.Reading) ([]alert.Alert, error) {
	alerts, err := c.Raiser.Raise(ctx, message, s, r)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alerts += len(alerts)
	return alerts, err
}

func (c *counter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.alerts
}

func TestAccess(t *testing.T) {
	handled := make(chan string, 10)
	b, _ := start(t, func(o *Options) {
		o.Begin = begin(func(_ context.Context, m sensor.Message) error { handled <- m.Topic; return nil })
	})
	refused := func(name string, change func(*paho.ClientOptions)) {
		o := paho.NewClientOptions().AddBroker("tcp://" + b.Addr().String()).SetClientID(name).SetUsername("gateway").SetPassword(secret).
			SetAutoReconnect(false).SetConnectTimeout(patient)
		change(o)
		if token := paho.NewClient(o).Connect(); !token.WaitTimeout(patient) || token.Error() == nil {
			t.Errorf("%s: let in", name)
		}
	}
	dial(t, b, "gateway", plain)
	refused("a wrong password", func(o *paho.ClientOptions) { o.SetPassword("x") })
	refused("an unknown user", func(o *paho.ClientOptions) { o.SetUsername("x").SetPassword("") })
	refused("the session of another user", func(o *paho.ClientOptions) { o.SetClientID("sensor-gateway").SetUsername("other") })

	lost := make(chan error, 1)
	other := dial(t, b, "other", func(o *paho.ClientOptions) {
		o.SetAutoReconnect(false).SetConnectionLostHandler(func(_ paho.Client, err error) { lost <- err })
	})
	sub := other.Subscribe("zigbee2mqtt/#", 1, nil)
	if sub.WaitTimeout(patient); sub.(*paho.SubscribeToken).Result()["zigbee2mqtt/#"] != 0x80 {
		t.Error("may subscribe to what is not its own")
	}
	other.Publish("zigbee2mqtt/d", 1, false, "{}")
	if err := <-lost; err == nil {
		t.Error("published outside its prefix and stayed connected")
	}
	if len(handled) != 0 {
		t.Errorf("a message from outside its prefix was handled: %s", <-handled)
	}
}

func TestLimitsAndOtherTopics(t *testing.T) {
	handled := make(chan sensor.Message, 10)
	log := make(lines, 10)
	b, _ := start(t, func(o *Options) {
		o.MaxMessage = 4096
		o.Log = slog.New(slog.NewTextHandler(log, nil))
		o.Begin = begin(func(_ context.Context, m sensor.Message) error { handled <- m; return nil })
	})
	lost := make(chan error, 1)
	c := dial(t, b, "gateway", func(o *paho.ClientOptions) {
		o.SetAutoReconnect(false).SetWill("zigbee2mqtt/d/availability", "offline", 1, false).
			SetConnectionLostHandler(func(_ paho.Client, err error) { lost <- err })
	})
	if token := c.Publish("plain/x", 1, false, "not for the sensors"); !token.WaitTimeout(patient) || token.Error() != nil {
		t.Error("a topic of no sensor is refused")
	}
	c.Publish("zigbee2mqtt/d", 1, false, strings.Repeat("x", 5000))
	if err := <-lost; err == nil {
		t.Error("an oversized packet is accepted")
	}
	if m := <-handled; string(m.Payload) != "offline" || m.QoS != 0 {
		t.Errorf("want the last will, got topic %s with %d bytes", m.Topic, len(m.Payload))
	}
	if line := <-log; !strings.Contains(line, "user=gateway limit=4096 packets=1") || strings.Contains(line, "xxx") {
		t.Errorf("the log says %q", line)
	}
}

// lines are what is written to a log.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// TestALongMessageReachesTheHandler: a gateway's list of its devices must not end its connection; the dialect judges it.
func TestALongMessageReachesTheHandler(t *testing.T) {
	handled := make(chan int, 1)
	b, _ := start(t, func(o *Options) {
		o.Begin = begin(func(_ context.Context, m sensor.Message) error { handled <- len(m.Payload); return nil })
	})
	c := dial(t, b, "gateway", plain)
	if token := c.Publish("zigbee2mqtt/bridge/devices", 1, true, strings.Repeat("x", 600_000)); !token.WaitTimeout(patient) || token.Error() != nil {
		t.Fatal("publish: ", token.Error())
	}
	if n := <-handled; n != 600_000 {
		t.Errorf("%d bytes came", n)
	}
}

func TestNewRefuses(t *testing.T) {
	good := Options{Listen: "127.0.0.1:0", Users: []User{{Name: "a", Password: "b"}}, Begin: begin(func(context.Context, sensor.Message) error { return nil })}
	for name, change := range map[string]func(*Options){
		"nobody":        func(o *Options) { o.Users = nil },
		"no password":   func(o *Options) { o.Users = []User{{Name: "a"}} },
		"a bad filter":  func(o *Options) { o.Users = []User{{Name: "a", Password: "b", Publish: []string{"a#"}}} },
		"a bad address": func(o *Options) { o.Listen = "256.0.0.1:1" },
		"no handler":    func(o *Options) { o.Begin = nil },
	} {
		o := good
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCovers(t *testing.T) {
	for filter, topics := range map[string]map[string]bool{
		"a/#":   {"a": true, "a/b": true, "a/#": true, "a/+/c": true, "#": false, "b": false, "+/b": false},
		"a/+":   {"a/b": true, "a/+": true, "a/#": false, "a": false, "a/b/c": false},
		"a/b/c": {"a/b/c": true, "a/+/c": false},
	} {
		for topic, want := range topics {
			if covers(filter, topic) != want {
				t.Errorf("covers(%q, %q) is not %v", filter, topic, want)
			}
		}
	}
}
