package mqtt_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"gridgate/deploy/testkit/leak"
	"gridgate/deploy/testkit/mosquitto"
	"gridgate/edge/broker"
	"gridgate/edge/sensor"
	"gridgate/edge/sensor/mqtt"
)

func TestMain(m *testing.M) { leak.Main(m) }

const (
	user    = "gridgate-edge"
	secret  = "a-secret"
	patient = time.Minute
	other   = "other" // a topic that nobody reads
)

// brokers are what the contract is held against.
var brokers = map[string]func(*testing.T) string{"embedded": startEmbedded, "mosquitto": startMosquitto}

func startEmbedded(t *testing.T) string {
	b, err := broker.New(broker.Options{
		Listen: "127.0.0.1:0", Users: []broker.User{{Name: user, Password: secret, Publish: []string{"s/#", other}}},
		Begin: begin(func(context.Context, sensor.Message) error { return nil }),
	})
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
	return b.Addr().String()
}

// startMosquitto runs the real thing.
func startMosquitto(t *testing.T) string { return mosquitto.Start(t, user, secret).Addr }

// publisher is a sensor. It tries until the broker is up.
func publisher(t *testing.T, addr string) paho.Client {
	c := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + addr).SetClientID("sensor").SetUsername(user).SetPassword(secret).
		SetConnectRetry(true).SetConnectRetryInterval(20 * time.Millisecond).SetMaxReconnectInterval(50 * time.Millisecond))
	if token := c.Connect(); !token.WaitTimeout(patient) || token.Error() != nil {
		t.Fatal("connect: ", token.Error())
	}
	t.Cleanup(func() { c.Disconnect(100) })
	return c
}

func publish(t *testing.T, c paho.Client, topic, payload string, retain bool) {
	t.Helper()
	if token := c.Publish(topic, 1, retain, payload); !token.WaitTimeout(patient) || token.Error() != nil {
		t.Fatal("publish: ", token.Error())
	}
}

// handedOn returns once the broker has kept or handed on what p published before: the embedded one acknowledges a message first, and looks
// at the next one of the connection after that.
func handedOn(t *testing.T, p paho.Client) {
	t.Helper()
	publish(t, p, other, "x", false)
}

// begin makes a [sensor.Begin] of a function that is called in order of arrival.
func begin(handle func(context.Context, sensor.Message) error) sensor.Begin {
	return func(m sensor.Message) func(context.Context) error {
		err := handle(context.Background(), m)
		return func(context.Context) error { return err }
	}
}

// run starts a source and returns how to end it.
func run(t *testing.T, addr string, handle func(context.Context, sensor.Message) error, learn ...string) (s *mqtt.Source, stop func()) {
	t.Helper()
	s, err := mqtt.New(mqtt.Options{
		Name: "b", URL: "tcp://" + addr, ClientID: "gridgate", Username: user, Password: secret, Topics: []string{"s/#"}, Learn: learn,
		Begin: begin(handle), MinWait: 10 * time.Millisecond, MaxWait: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return s, stop
}

// await waits until what is said of the source holds.
func await(t *testing.T, s *mqtt.Source, holds func(mqtt.Status) bool) {
	t.Helper()
	deadline := time.After(patient)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds(s.Status()) {
		select {
		case <-deadline:
			t.Fatalf("status stays %+v", s.Status())
		case <-tick.C:
		}
	}
}

func connected(st mqtt.Status) bool { return st.State == mqtt.Connected }

func next(t *testing.T, from <-chan sensor.Message) sensor.Message {
	t.Helper()
	select {
	case m := <-from:
		return m
	case <-time.After(patient):
		t.Fatal("no message comes")
		return sensor.Message{}
	}
}

func TestContract(t *testing.T) {
	for name, start := range brokers {
		t.Run(name, func(t *testing.T) {
			for what, test := range map[string]func(*testing.T, string){
				"in order, acknowledged once": inOrder, "a refusal is redelivered": refusal, "a refusal holds nothing up": behind, "kept while away": away,
				"retained is told as such": retained, "descriptions come before what was kept": described, "a wrong password says why": wrongPassword,
			} {
				t.Run(what, func(t *testing.T) {
					t.Parallel()
					test(t, start(t))
				})
			}
		})
	}
}

// described: what a source retained of itself is heard before the messages that the broker kept while nobody was there.
func described(t *testing.T, addr string) {
	p := publisher(t, addr)
	got := make(chan sensor.Message, 10)
	handle := func(_ context.Context, m sensor.Message) error { got <- m; return nil }
	s, stop := run(t, addr, handle)
	await(t, s, connected)
	stop()
	publish(t, p, "s/1", "state", false)
	publish(t, p, "s/about", "description", true)
	handedOn(t, p)
	s, _ = run(t, addr, handle, "s/about")
	await(t, s, connected)
	if m := next(t, got); string(m.Payload) != "description" || !m.Retained || m.Broker != "b" {
		t.Errorf("first came %+v", m)
	}
	for m := next(t, got); string(m.Payload) != "state"; m = next(t, got) { // not every broker keeps the order of what it kept
		if string(m.Payload) != "description" {
			t.Errorf("then came %+v", m)
		}
	}
}

func inOrder(t *testing.T, addr string) {
	p := publisher(t, addr)
	got := make(chan sensor.Message, 300)
	handle := func(_ context.Context, m sensor.Message) error {
		m.Payload = []byte(string(m.Payload))
		got <- m
		return nil
	}
	s, stop := run(t, addr, handle)
	await(t, s, connected)
	for i := range 100 {
		publish(t, p, "s/1", fmt.Sprint(i), false)
	}
	for i := range 100 {
		m := next(t, got)
		if string(m.Payload) != fmt.Sprint(i) || m.Duplicate || m.QoS != 1 || m.Retained || m.PacketID == 0 || m.Broker != "b" || m.Session != "gridgate" {
			t.Fatalf("message %d is %+v", i, m)
		}
	}
	await(t, s, func(st mqtt.Status) bool { return st.Messages == 100 })
	stop()
	s, _ = run(t, addr, handle)
	await(t, s, connected)
	publish(t, p, "s/1", "last", false)
	m := next(t, got)
	for m.Duplicate { // the stop cut its acknowledgement off: it says that it comes again
		m = next(t, got)
	}
	if string(m.Payload) != "last" {
		t.Errorf("message %s came again though it was acknowledged", m.Payload)
	}
}

func refusal(t *testing.T, addr string) {
	p := publisher(t, addr)
	got := make(chan sensor.Message, 10)
	attempts := 0
	s, _ := run(t, addr, func(_ context.Context, m sensor.Message) error {
		got <- m
		if attempts++; attempts <= 2 {
			return errors.New("disk full")
		}
		return nil
	})
	await(t, s, connected)
	publish(t, p, "s/1", "x", false)
	for i, dup := range []bool{false, true, true} {
		if m := next(t, got); m.Duplicate != dup || string(m.Payload) != "x" {
			t.Errorf("delivery %d: DUP %v, want %v", i, m.Duplicate, dup)
		}
	}
	await(t, s, func(st mqtt.Status) bool { return st.Messages == 1 && st.State == mqtt.Connected })
}

// behind: a call for help stands behind a message that is refused again and again. It is handled, acknowledged after the
// refused one, and comes again until then. (A broker that sends the two the other way round, as the embedded one may when
// they came within a second, gets its acknowledgement at once.)
func behind(t *testing.T, addr string) {
	p := publisher(t, addr)
	got := make(chan sensor.Message, 1000)
	var refuse, smokeFirst, stored atomic.Bool
	var refused atomic.Uint64 // the last connection on which the door was
	handle := func(_ context.Context, m sensor.Message) error {
		defer func() { got <- m }() // when all is noted: whoever waits for it looks then
		if string(m.Payload) == "door" && refuse.Load() {
			refused.Store(m.Connection)
			return errors.New("no room")
		}
		if string(m.Payload) == "door" {
			stored.Store(true)
		}
		if refused.Load() != m.Connection {
			smokeFirst.Store(true)
		}
		return nil
	}
	s, stop := run(t, addr, handle)
	await(t, s, connected)
	stop() // the broker keeps what comes now
	refuse.Store(true)
	publish(t, p, "s/door", "door", false)
	publish(t, p, "s/smoke", "smoke", false)
	handedOn(t, p)
	s, _ = run(t, addr, handle)
	first := awaitSmoke(t, got)
	if n := s.Status().Messages; n != 0 && !smokeFirst.Load() {
		t.Errorf("%d messages were acknowledged before the refused one", n)
	}
	if !smokeFirst.Load() {
		if again := awaitSmoke(t, got); !again.Duplicate || again.PacketID != first.PacketID {
			t.Errorf("%+v comes again as %+v", first, again)
		}
	}
	refuse.Store(false)
	await(t, s, func(st mqtt.Status) bool { // more than two, if an acknowledgement of the smoke was cut off with its connection
		return st.Messages >= 2 && stored.Load() && st.State == mqtt.Connected
	})
}

// awaitSmoke returns the next smoke, which must come soon.
func awaitSmoke(t *testing.T, got <-chan sensor.Message) sensor.Message {
	t.Helper()
	for range 100 {
		if m := next(t, got); string(m.Payload) == "smoke" {
			return m
		}
	}
	t.Fatal("only the refused message comes")
	return sensor.Message{}
}

func away(t *testing.T, addr string) {
	p := publisher(t, addr)
	got := make(chan sensor.Message, 10)
	handle := func(_ context.Context, m sensor.Message) error { got <- m; return nil }
	s, stop := run(t, addr, handle)
	await(t, s, connected)
	stop()
	publish(t, p, "s/1", "while away", false)
	handedOn(t, p)
	run(t, addr, handle)
	if m := next(t, got); string(m.Payload) != "while away" || m.Retained {
		t.Errorf("message %+v", m)
	}
}

func retained(t *testing.T, addr string) {
	p := publisher(t, addr)
	publish(t, p, "s/1", "state", true)
	handedOn(t, p)
	got := make(chan sensor.Message, 10)
	run(t, addr, func(_ context.Context, m sensor.Message) error { got <- m; return nil })
	if m := next(t, got); !m.Retained {
		t.Error("a retained message looks new")
	}
	publish(t, p, "s/1", "new state", true)
	if m := next(t, got); m.Retained {
		t.Error("a new message looks retained")
	}
}

func wrongPassword(t *testing.T, addr string) {
	publisher(t, addr)
	s, err := mqtt.New(mqtt.Options{
		Name: "b", URL: "tcp://" + addr, ClientID: "gridgate", Username: user, Password: "wrong", Topics: []string{"s/#"},
		Begin: begin(func(context.Context, sensor.Message) error { return nil }), MinWait: 10 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	await(t, s, func(st mqtt.Status) bool { return strings.Contains(st.Why, "connect: ") })
	if why := s.Status().Why; strings.Contains(why, "wrong") {
		t.Errorf("why %q repeats the password", why)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := mqtt.New(mqtt.Options{Name: "b"}); err == nil {
		t.Error("a source without an address is accepted")
	}
}
