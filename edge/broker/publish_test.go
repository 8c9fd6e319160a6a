package broker

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"gridgate/edge/sensor"
)

// whenRunning publishes as soon as the broker serves.
func whenRunning(t *testing.T, b *Broker, p Publication) {
	t.Helper()
	await(t, "a message is published", func() bool {
		err := b.Publish(p)
		if err != nil && !errors.Is(err, ErrNotRunning) {
			t.Fatal(err)
		}
		return err == nil
	})
}

func subscribe(t *testing.T, c paho.Client, filter string, got chan<- paho.Message) {
	t.Helper()
	token := c.Subscribe(filter, 1, func(_ paho.Client, m paho.Message) { got <- m })
	if !token.WaitTimeout(patient) || token.Error() != nil || token.(*paho.SubscribeToken).Result()[filter] > 2 {
		t.Fatal("subscribe: ", token.Error(), token.(*paho.SubscribeToken).Result())
	}
}

func receive(t *testing.T, got <-chan paho.Message) paho.Message {
	t.Helper()
	select {
	case m := <-got:
		return m
	case <-time.After(patient):
		t.Fatal("no message comes")
		return nil
	}
}

// await waits until what is said holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patient)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		case <-tick.C:
		}
	}
}

func TestOwnMessagesReachSubscribersAndNeverTheHandler(t *testing.T) {
	var handled atomic.Int32
	b, _ := start(t, func(o *Options) {
		o.Topics = nil // every topic goes to the handler
		o.Users[0].Read = []string{"gridgate/#"}
		o.Begin = begin(func(context.Context, sensor.Message) error { handled.Add(1); return nil })
	})
	whenRunning(t, b, Publication{Topic: "gridgate/e/state", Payload: []byte("ON"), Retain: true})
	if n := b.Listeners("gridgate/e/alert"); n != 0 {
		t.Errorf("%d listeners before anybody subscribed", n)
	}
	c := dial(t, b, "gateway", plain)
	got := make(chan paho.Message, 10)
	subscribe(t, c, "gridgate/#", got)
	if m := receive(t, got); string(m.Payload()) != "ON" || !m.Retained() || m.Qos() != 1 {
		t.Errorf("retained message %q, retained %v, QoS %d", m.Payload(), m.Retained(), m.Qos())
	}
	if n := b.Listeners("gridgate/e/alert"); n != 1 {
		t.Errorf("%d listeners, want 1", n)
	}
	whenRunning(t, b, Publication{Topic: "gridgate/e/alert", Payload: []byte("x")})
	if m := receive(t, got); m.Topic() != "gridgate/e/alert" || m.Retained() {
		t.Errorf("message on %s", m.Topic())
	}
	if n := handled.Load(); n != 0 {
		t.Errorf("the handler got %d of our own messages", n)
	}
}

func TestNobodyPublishesUnderReservedTopics(t *testing.T) {
	b, _ := start(t, func(o *Options) {
		o.Users[0].Publish = []string{"#"}
		o.Reserved = []string{"gridgate/#"}
	})
	watch := dial(t, b, "gateway", plain)
	got := make(chan paho.Message, 10)
	subscribe(t, watch, "#", got)
	forger := dial(t, b, "gateway", func(o *paho.ClientOptions) { o.SetClientID("forger") })
	forger.Publish("gridgate/e/alert/smoke", 0, false, "forged").WaitTimeout(patient)
	forger.Publish("plain", 1, false, "honest").WaitTimeout(patient)
	if m := receive(t, got); m.Topic() != "plain" {
		t.Errorf("a message on %s passed", m.Topic())
	}
}

// A command for a relay that is away is not kept until it is back: its siren would start then.
func TestAnExpiredMessageIsNotDeliveredLater(t *testing.T) {
	b, _ := start(t, func(o *Options) { o.Users[0].Read = []string{"siren", "end"} })
	c := dial(t, b, "gateway", plain)
	subscribe(t, c, "siren", make(chan paho.Message, 10))
	subscribe(t, c, "end", make(chan paho.Message, 10))
	c.Disconnect(100)
	await(t, "the relay is away", func() bool {
		cl, ok := b.server.Clients.Get("sensor-gateway")
		return ok && cl.Closed()
	})
	if n := b.Listeners("siren"); n != 0 {
		t.Errorf("%d listeners, though the relay is away", n)
	}
	whenRunning(t, b, Publication{Topic: "end", Payload: []byte("end")}) // which is kept
	whenRunning(t, b, Publication{Topic: "siren", Payload: []byte("on"), Expiry: time.Second})
	await(t, "the command expired", func() bool { return atomic.LoadInt64(&b.server.Info.Inflight) == 1 })
	got := make(chan paho.Message, 10)
	dial(t, b, "gateway", func(o *paho.ClientOptions) {
		o.SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { got <- m })
	})
	if m := receive(t, got); m.Topic() != "end" {
		t.Errorf("the relay gets %q on %s when it is back", m.Payload(), m.Topic())
	}
}

// What is retained stays, however long ago it was said, unless it was given an end: a state is told once.
func TestWhatIsRetainedStays(t *testing.T) {
	b, _ := start(t, func(*Options) {})
	whenRunning(t, b, Publication{Topic: "state", Payload: []byte("ON"), Retain: true})
	whenRunning(t, b, Publication{Topic: "soon", Payload: []byte("x"), Retain: true, Expiry: time.Second})
	said, _ := b.server.Topics.Retained.Get("state")
	said.Created -= 30 * 24 * 3600
	b.server.Topics.Retained.Add("state", said)
	await(t, "the one with an end is gone", func() bool {
		_, there := b.server.Topics.Retained.Get("soon")
		return !there
	})
	if _, there := b.server.Topics.Retained.Get("state"); !there {
		t.Error("a state of a month ago is forgotten")
	}
}

// What is retained comes whole, to who subscribes before and to who does after, though it is more than may be in flight.
func TestManyRetainedMessagesComeWhole(t *testing.T) {
	b, _ := start(t, func(o *Options) { o.Users[0].Read = []string{"a/#", "b/#"} })
	const many = 300
	whenRunning(t, b, Publication{Topic: "first"})
	c := dial(t, b, "gateway", plain)
	early := make(chan paho.Message, 2*many)
	subscribe(t, c, "a/#", early)
	for i := range many {
		for _, prefix := range []string{"a/", "b/"} {
			if err := b.Publish(Publication{Topic: prefix + strconv.Itoa(i), Payload: []byte("x"), Retain: true}); err != nil {
				t.Fatal(err)
			}
		}
	}
	// Another client: the library refuses a SUBSCRIBE whose packet identifier is that of a message which it has sent to the same one and which
	// is not acknowledged yet.
	other := dial(t, b, "gateway", func(o *paho.ClientOptions) { o.SetClientID("late") })
	late := make(chan paho.Message, 2*many)
	subscribe(t, other, "b/#", late)
	for name, got := range map[string]chan paho.Message{"before": early, "after": late} {
		seen := map[string]bool{}
		for len(seen) < many {
			select {
			case m := <-got:
				seen[m.Topic()] = true
			case <-time.After(patient):
				t.Fatalf("who subscribed %s got %d of %d", name, len(seen), many)
			}
		}
	}
}
