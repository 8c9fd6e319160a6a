package broker

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"gridgate/edge/sensor"
)

// stores lets a test say when and how each message is stored, by its payload.
type stores struct {
	begun  chan sensor.Message
	stored map[string]chan error
}

func newStores(payloads ...string) *stores {
	s := &stores{begun: make(chan sensor.Message, 100), stored: map[string]chan error{}}
	for _, p := range payloads {
		s.stored[p] = make(chan error, 10)
	}
	return s
}

func (s *stores) begin(m sensor.Message) func(context.Context) error {
	s.begun <- m
	return func(ctx context.Context) error {
		select {
		case err := <-s.stored[string(m.Payload)]:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *stores) next(t *testing.T) sensor.Message {
	t.Helper()
	select {
	case m := <-s.begun:
		return m
	case <-time.After(patient):
		t.Fatal("no message comes")
		return sensor.Message{}
	}
}

// TestMessagesOfAConnectionAreStoredSideBySide and acknowledged in their order, and passed on to subscribers then.
func TestMessagesOfAConnectionAreStoredSideBySide(t *testing.T) {
	s := newStores("1", "2", "3")
	b, _ := start(t, func(o *Options) { o.Begin = s.begin })
	heard := make(chan string, 10)
	subscriber := dial(t, b, "gateway", func(o *paho.ClientOptions) { o.SetClientID("panel") })
	if token := subscriber.Subscribe("zigbee2mqtt/#", 1, func(_ paho.Client, m paho.Message) { heard <- string(m.Payload()) }); !token.WaitTimeout(patient) {
		t.Fatal("not subscribed")
	}
	c := dial(t, b, "gateway", plain)
	var tokens []paho.Token
	for _, payload := range []string{"1", "2", "3"} {
		tokens = append(tokens, c.Publish("zigbee2mqtt/d", 1, false, payload))
	}
	for _, want := range []string{"1", "2", "3"} {
		if m := s.next(t); string(m.Payload) != want || m.Connection == 0 {
			t.Fatalf("begun: %s on connection %d, want %s", m.Payload, m.Connection, want)
		}
	}
	s.stored["3"] <- nil
	s.stored["2"] <- nil
	if tokens[2].WaitTimeout(50 * time.Millisecond) {
		t.Error("the third is acknowledged before the first")
	}
	s.stored["1"] <- nil
	for i, token := range tokens {
		if !token.WaitTimeout(patient) || token.Error() != nil {
			t.Errorf("message %d is not acknowledged: %v", i+1, token.Error())
		}
	}
	for _, want := range []string{"1", "2", "3"} {
		select {
		case got := <-heard:
			if got != want {
				t.Errorf("the subscriber gets %s, want %s", got, want)
			}
		case <-time.After(patient):
			t.Fatal("the subscriber gets nothing")
		}
	}
}

// TestWhatIsBehindARefusedMessageComesAgain though it was stored: nothing behind the refused one is acknowledged.
func TestWhatIsBehindARefusedMessageComesAgain(t *testing.T) {
	s := newStores("1", "2", "3")
	b, _ := start(t, func(o *Options) { o.Begin = s.begin })
	c := dial(t, b, "gateway", plain)
	c.Publish("zigbee2mqtt/d", 1, false, "1")
	c.Publish("zigbee2mqtt/d", 1, false, "2")
	connection := s.next(t).Connection
	s.next(t)
	s.stored["2"] <- nil
	s.stored["1"] <- errors.New("no room")
	for range 2 {
		if m := s.next(t); !m.Duplicate || m.Connection == connection {
			t.Errorf("%s comes again as %+v", m.Payload, m)
		}
	}
	s.stored["1"] <- nil
	s.stored["2"] <- nil
	s.stored["3"] <- nil
	if token := c.Publish("zigbee2mqtt/d", 1, false, "3"); !token.WaitTimeout(patient) || token.Error() != nil {
		t.Error("what comes later is not acknowledged: ", token.Error())
	}
}

// TestMessagesUnderWayAreBoundedInBytes: a connection that sends large ones waits for each.
func TestMessagesUnderWayAreBoundedInBytes(t *testing.T) {
	s := newStores()
	large := make([]byte, 3000)
	s.stored[string(large)] = make(chan error, 10)
	b, _ := start(t, func(o *Options) { o.Begin, o.MaxMessage = s.begin, 4096 })
	c := dial(t, b, "gateway", plain)
	for range 2 {
		c.Publish("zigbee2mqtt/d", 1, false, large)
	}
	s.next(t)
	select {
	case <-s.begun:
		t.Error("6,000 bytes of one connection are under way")
	case <-time.After(50 * time.Millisecond):
	}
	s.stored[string(large)] <- nil
	s.next(t)
	s.stored[string(large)] <- nil
}

// TestARefusalEndsTheConnectionHoweverMuchIsBehind: the sender sent more than a connection may have under way, so that its next message waits
// for room when the first is refused. Nobody makes room any more; its connection must not be kept for that.
func TestARefusalEndsTheConnectionHoweverMuchIsBehind(t *testing.T) {
	s := newStores("first", "1")
	s.begun = make(chan sensor.Message, 4*window)
	b, _ := start(t, func(o *Options) { o.Begin = s.begin })
	c := dial(t, b, "gateway", func(o *paho.ClientOptions) { o.SetAutoReconnect(false) })
	c.Publish("zigbee2mqtt/d", 1, false, "first")
	for range 3 * window {
		c.Publish("zigbee2mqtt/d", 1, false, "1")
	}
	for range window {
		s.next(t)
	}
	s.stored["first"] <- errors.New("no room")
	deadline := time.After(patient)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for atomic.LoadInt64(&b.server.Info.ClientsConnected) != 0 {
		select {
		case <-deadline:
			t.Fatal("the connection of the refused message is still kept")
		case <-tick.C:
		}
	}
}

// TestMessagesShareADeadline that is never sooner than that of each, and hardly later.
func TestMessagesShareADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHook(t.Context(), Options{HandleTimeout: 16 * time.Second})
		begin := time.Now()
		first := h.deadline()
		time.Sleep(time.Second)
		if h.deadline() != first {
			t.Error("a message a second later has a deadline of its own")
		}
		time.Sleep(time.Millisecond)
		later := h.deadline()
		if due, _ := later.Deadline(); later == first || time.Until(due) < 16*time.Second {
			t.Error("a message that comes later has less time")
		}
		<-first.Done()
		if took := time.Since(begin); took != 17*time.Second {
			t.Errorf("the deadline is after %v", took)
		}
		if later.Err() != nil {
			t.Error("the next deadline ends with the one before it")
		}
		<-later.Done()
	})
}

// TestASubscriberThatComesLater gets what is published from then on: nothing is passed on before anybody asks.
func TestASubscriberThatComesLater(t *testing.T) {
	b, _ := start(t, func(o *Options) {
		o.Begin = begin(func(context.Context, sensor.Message) error { return nil })
	})
	c := dial(t, b, "gateway", plain)
	publish := func(payload string, retained bool) {
		if token := c.Publish("zigbee2mqtt/d", 1, retained, payload); !token.WaitTimeout(patient) || token.Error() != nil {
			t.Fatalf("%s is not acknowledged: %v", payload, token.Error())
		}
	}
	publish("early", false)
	publish("kept", true)
	publish("between", false) // once it is acknowledged those before it were passed on; it may itself be on its way
	got := make(chan paho.Message, 10)
	subscribe(t, dial(t, b, "gateway", func(o *paho.ClientOptions) { o.SetClientID("panel") }), "zigbee2mqtt/#", got)
	want := func(payload string) {
		t.Helper()
		m := receive(t, got)
		for string(m.Payload()) == "between" {
			m = receive(t, got)
		}
		if string(m.Payload()) != payload {
			t.Errorf("the subscriber gets %s, want %s", m.Payload(), payload)
		}
	}
	want("kept") // before the next: what is kept and what is new go different ways to a subscriber
	publish("late", false)
	want("late")
}
