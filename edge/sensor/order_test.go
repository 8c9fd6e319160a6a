package sensor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"gridgate/edge/raise"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// gate is a Raiser that lets one message through at a time, whichever is asked for.
type gate struct {
	entered chan string // device and phase of what is about to be stored
	release map[string]chan error
}

func (g *gate) Raise(_ context.Context, _ string, signals []raise.Signal, _ []alert.Reading) ([]alert.Alert, error) {
	name := signals[0].Device + " " + string(signals[0].Phase)
	g.entered <- name
	return nil, <-g.release[name]
}

func newGate(names ...string) *gate {
	g := &gate{entered: make(chan string, 10), release: map[string]chan error{}}
	for _, n := range names {
		g.release[n] = make(chan error)
	}
	return g
}

const doorOpens, doorCloses, otherOpens = "door active", "door inactive", "other active"

// TestTheSameSituationKeepsItsOrder though all are stored side by side, and the second is tried first.
func TestTheSameSituationKeepsItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(doorOpens, doorCloses, otherOpens)
		h := hub(t, g, device("door"), device("other"))
		opens := h.Begin(message("zigbee2mqtt/door", `{"contact":false}`))
		closes := h.Begin(message("zigbee2mqtt/door", `{"contact":true}`))
		other := h.Begin(message("zigbee2mqtt/other", `{"contact":false}`))
		results := make(chan error, 3)
		for _, store := range []func(context.Context) error{closes, other} {
			go func() { results <- store(t.Context()) }()
			synctest.Wait()
		}
		if got := <-g.entered; got != otherOpens || len(g.entered) != 0 {
			t.Fatalf("stored first: %s and %d more", got, len(g.entered))
		}
		go func() { results <- opens(t.Context()) }()
		if got := <-g.entered; got != doorOpens {
			t.Fatalf("then %s", got)
		}
		g.release[doorOpens] <- nil
		if got := <-g.entered; got != doorCloses {
			t.Fatalf("then %s", got)
		}
		g.release[doorCloses] <- nil
		g.release[otherOpens] <- nil
		for range 3 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if len(h.order.last) != 0 {
			t.Errorf("%d situations are remembered that nobody waits for", len(h.order.last))
		}
	})
}

// TestARefusedMessageUnderWay: what was begun before the refusal of the one ahead of it is stored without an identity, too, so that
// its word is the last one when both come again.
func TestARefusedMessageUnderWay(t *testing.T) {
	r := &recorder{fail: []error{errors.New("no room")}}
	h := hub(t, r, device("door"), device("other"))
	begin := func(topic, payload string, connection uint64) func(context.Context) error {
		m := message(topic, payload)
		m.Connection = connection
		return h.Begin(m)
	}
	opens := begin("zigbee2mqtt/door", `{"contact":false}`, 1)
	closes := begin("zigbee2mqtt/door", `{"contact":true}`, 1)
	other := begin("zigbee2mqtt/other", `{"contact":true}`, 1)
	if opens(t.Context()) == nil || closes(t.Context()) != nil || other(t.Context()) != nil {
		t.Fatal("want the first refused and the others stored")
	}
	if err := begin("zigbee2mqtt/door", `{"contact":true}`, 2)(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, true, true} {
		if got := r.messages[i] != ""; got != want {
			t.Errorf("message %d has an identity: %v, want %v", i, got, want)
		}
	}
}

// TestTheLastWordOfADevice is that of the message that came last, whichever is stored last.
func TestTheLastWordOfADevice(t *testing.T) {
	h := hub(t, &recorder{}, device("d"))
	goes := h.Begin(message("zigbee2mqtt/d/availability", `{"state":"offline"}`))
	comes := h.Begin(message("zigbee2mqtt/d", `{"temperature":20}`))
	if err := errors.Join(comes(t.Context()), goes(t.Context())); err != nil {
		t.Fatal(err)
	}
	if st := h.Status()[0]; st.State != Online {
		t.Errorf("the device is %s", st.State)
	}
}

// TestTwoBrokersWithTheSameTopics: a device that names its broker is not mixed with the one on the other.
func TestTwoBrokersWithTheSameTopics(t *testing.T) {
	r := &recorder{}
	north, south, anywhere := device("north"), device("south"), device("any")
	north.Broker, north.Topic, south.Broker, south.Topic, anywhere.Topic = "b", "zigbee2mqtt/d", "c", "zigbee2mqtt/d", "zigbee2mqtt/d"
	h := hub(t, r, north, south, anywhere)
	handle(t, h, message("zigbee2mqtt/d", `{"contact":false}`))
	var said []string
	for _, s := range r.signals {
		said = append(said, s.Device)
	}
	if got := strings.Join(said, " "); got != "north any" && got != "any north" {
		t.Errorf("the message is of %q", got)
	}
	south.Topic = "elsewhere"
	if h = hub(t, r, north, south); strings.Join(h.Topics("c"), " ") != "elsewhere elsewhere/availability" || len(h.Topics("b")) != 2 {
		t.Errorf("topics %v and %v", h.Topics("b"), h.Topics("c"))
	}
}

// TestDevicesBehindAGateway are told apart by their names, and one without a name is every one.
func TestDevicesBehindAGateway(t *testing.T) {
	r := &recorder{}
	devices := []Device{{ID: "all", Origin: "named", Dialect: named{}, Topic: "gw/+/up"}}
	for i := range 100 {
		devices = append(devices, Device{ID: fmt.Sprintf("d%d", i), Origin: "named", Dialect: named{}, Topic: "gw/+/up", Name: fmt.Sprintf("n%d", i%50)})
	}
	handle(t, hub(t, r, devices...), message("gw/n7/up", ""))
	var said []string
	for _, s := range r.signals {
		said = append(said, s.Device)
	}
	if got := strings.Join(said, " "); got != "all d7 d57" {
		t.Errorf("the message is of %q", got)
	}
}

// named is a dialect of a gateway that tells of the device in the topic's second level.
type named struct{}

func (named) Translate(topic string, _ []byte, _ bool) observation.Translation {
	name := strings.Split(topic, "/")[1]
	return observation.Translation{Observations: []observation.Observation{{Device: name, Kind: alert.Smoke, Phase: observation.Active}}}
}

// BenchmarkGateway is one message of a gateway with as many devices: it may not cost more the more there are.
func BenchmarkGateway(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		devices := make([]Device, n)
		for i := range devices {
			devices[i] = Device{ID: fmt.Sprintf("d%d", i), Origin: "named", Dialect: named{}, Topic: "gw/+/up", Name: fmt.Sprintf("n%d", i)}
		}
		h, err := New(Options{Edge: "edge1", Devices: devices, Raiser: nobody{}})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := message("gw/n7/up", "")
			for b.Loop() {
				if err := h.Handle(b.Context(), m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// nobody stores nothing.
type nobody struct{}

func (nobody) Raise(context.Context, string, []raise.Signal, []alert.Reading) ([]alert.Alert, error) {
	return nil, nil
}
