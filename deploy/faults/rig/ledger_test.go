package rig

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"gridgate/deploy/testkit/client"
)

func alertsOf(devices ...string) []client.Alert {
	var out []client.Alert
	for i, d := range devices {
		out = append(out, client.Alert{ID: d + strings.Repeat("'", i), Kind: "sos", Device: d})
	}
	return out
}

// TestTheLedgerSeesLossAndDoubling: a rig that cannot fail shows nothing.
func TestTheLedgerSeesLossAndDoubling(t *testing.T) {
	for name, c := range map[string]struct {
		stored        []client.Alert
		lost, doubled int
	}{
		"right":             {alertsOf("a", "a", "b"), 0, 0},
		"one is missing":    {alertsOf("a", "b"), 1, 0},
		"all are missing":   {nil, 3, 0},
		"one too many":      {alertsOf("a", "a", "a", "b"), 0, 1},
		"an id that is two": {append(alertsOf("a", "a", "b"), client.Alert{ID: "x"}, client.Alert{ID: "x"}), 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := &field{Load: &Load{press: &pressing{acknowledged: map[string]int{"a": 2, "b": 1}}}, result: &Result{}}
			f.balance(nil, c.stored)
			if r := f.result; r.Acknowledged != 3 || r.Lost != c.lost || r.Doubled != c.doubled || r.Good() != (c.lost+c.doubled == 0) {
				t.Errorf("%v: %q", r, r.Differences)
			}
		})
	}
}

func TestTheLedgerKnowsWhatTheEdgeLogged(t *testing.T) {
	f := &field{Load: &Load{press: &pressing{acknowledged: map[string]int{"a": 1}}}, result: &Result{}, forgiven: map[string]bool{"gone": true}}
	f.balance(map[string]bool{"a": true, "gone": true, "camera": true}, alertsOf("a"))
	if f.result.Lost != 1 || len(f.result.Differences) != 1 || !strings.Contains(f.result.Differences[0], "camera") {
		t.Errorf("%v: %q", f.result, f.result.Differences)
	}
}

// TestTheTapCountsWhatTheEdgeAcknowledges, and of two that arrive at once only one as one that must be there.
func TestTheTapCountsWhatTheEdgeAcknowledges(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	tap, err := startTap(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now() // stands still: both arrive at once, however long that takes
	tap.now = func() time.Time { return now }
	edge, err := net.DialTimeout("tcp", tap.addr(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer edge.Close()
	broker, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	for id, payload := range []string{"one", "two"} {
		send(t, broker, func(p *packets.PublishPacket) {
			p.TopicName, p.Qos, p.MessageID, p.Payload = "zigbee2mqtt/ext-000", 1, uint16(id+1), []byte(payload)
		})
		if m, ok := receive(t, edge).(*packets.PublishPacket); !ok || string(m.Payload) != payload {
			t.Fatalf("the edge got %v", m)
		}
		if tap.seen("ext-000", payload) {
			t.Errorf("%s counts before it is acknowledged", payload)
		}
		send(t, edge, func(p *packets.PubackPacket) { p.MessageID = uint16(id + 1) })
		if _, ok := receive(t, broker).(*packets.PubackPacket); !ok || !tap.seen("ext-000", payload) {
			t.Errorf("%s is acknowledged and does not count", payload)
		}
	}
	if n := tap.least("ext-000"); n != 1 || tap.least("other") != 0 {
		t.Errorf("at least %d", n)
	}
	if err := tap.close(); err != nil {
		t.Error(err)
	}
}

// TestTheTapCountsOnceWhatWasReadAtOnce: two that were sent apart, and acknowledged together, may have been one for the edge.
func TestTheTapCountsOnceWhatWasReadAtOnce(t *testing.T) {
	tap := &tap{now: time.Now, devices: map[string]*heard{}}
	now := time.Now()
	tap.acknowledge(sent{"ext-000", "one", now.Add(-2 * time.Minute)})
	tap.acknowledge(sent{"ext-000", "two", now.Add(-time.Minute)})
	if n := tap.least("ext-000"); n != 1 {
		t.Errorf("at least %d", n)
	}
	tap.acknowledge(sent{"ext-000", "three", now.Add(time.Minute)})
	if n := tap.least("ext-000"); n != 2 {
		t.Errorf("at least %d", n)
	}
}

func send[P packets.ControlPacket](t *testing.T, to net.Conn, fill func(P)) {
	t.Helper()
	var kind byte = packets.Publish
	if _, ok := any(*new(P)).(*packets.PubackPacket); ok {
		kind = packets.Puback
	}
	p := packets.NewControlPacket(kind).(P)
	fill(p)
	if err := p.Write(to); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, from net.Conn) packets.ControlPacket {
	t.Helper()
	p, err := packets.ReadPacket(from)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
