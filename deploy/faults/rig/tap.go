package rig

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"gridgate/edge/raise"
)

// tap stands between the edge and an external broker and reads along: with such a broker the promise starts at the edge's own
// acknowledgement, which no sensor sees. It changes nothing and holds nothing back.
type tap struct {
	listener net.Listener
	broker   string
	now      func() time.Time
	conns    sync.WaitGroup

	mu      sync.Mutex
	open    map[net.Conn]bool
	devices map[string]*heard
}

// heard is what the edge acknowledged of one device.
type heard struct {
	payloads map[string]bool
	apart    int       // of them, those that were sent so long after the one before was acknowledged that both must count
	last     time.Time // when the last of them was acknowledged
}

// bounce is more than what the edge takes for one press of a button, and less than what is between two. Those that waited in a broker, or
// at an edge that was stopped, are read at once, however far apart they were sent: only an acknowledgement says that one was read.
const bounce = raise.LifeSafetyMomentWindow + 100*time.Millisecond

func startTap(broker string) (*tap, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen between the edge and its broker: %w", err)
	}
	t := &tap{listener: listener, broker: broker, now: time.Now, open: map[net.Conn]bool{}, devices: map[string]*heard{}}
	t.conns.Go(t.accept)
	return t, nil
}

func (t *tap) addr() string { return t.listener.Addr().String() }

func (t *tap) accept() {
	for {
		edge, err := t.listener.Accept()
		if err != nil {
			return
		}
		broker, err := net.Dial("tcp", t.broker)
		if err != nil {
			edge.Close()
			continue
		}
		if !t.keep(edge, broker) {
			return
		}
		s := &tapped{tap: t, sent: map[uint16]sent{}}
		t.conns.Go(func() { t.copy(broker, edge, s.fromEdge) })
		t.conns.Go(func() { t.copy(edge, broker, s.fromBroker) })
	}
}

// keep notes connections so that close can break them; false says that it already has.
func (t *tap) keep(conns ...net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range conns {
		if t.open == nil {
			c.Close()
			continue
		}
		t.open[c] = true
	}
	return t.open != nil
}

// copy hands packets on, and each to see before.
func (t *tap) copy(to, from net.Conn, see func(packets.ControlPacket)) {
	defer func() {
		to.Close()
		from.Close()
		t.mu.Lock()
		delete(t.open, to)
		delete(t.open, from)
		t.mu.Unlock()
	}()
	for {
		p, err := packets.ReadPacket(from)
		if err != nil {
			return
		}
		see(p)
		if p.Write(to) != nil {
			return
		}
	}
}

func (t *tap) close() error {
	err := t.listener.Close()
	t.mu.Lock()
	for c := range t.open {
		err = errors.Join(err, ignoreClosed(c.Close()))
	}
	t.open = nil
	t.mu.Unlock()
	t.conns.Wait()
	return err
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// seen says whether the edge acknowledged a payload of a device.
func (t *tap) seen(device, payload string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.devices[device]
	return h != nil && h.payloads[payload]
}

// least is how many alerts of a device there must be.
func (t *tap) least(device string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := t.devices[device]; h != nil {
		return h.apart
	}
	return 0
}

func (t *tap) acknowledge(m sent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.devices[m.device]
	if h == nil {
		h = &heard{payloads: map[string]bool{}}
		t.devices[m.device] = h
	}
	if h.payloads[m.payload] {
		return
	}
	h.payloads[m.payload] = true
	if m.at.Sub(h.last) > bounce {
		h.apart++
	}
	h.last = t.now()
}

// tapped is one connection: which messages the broker sent under which packet identifier.
type tapped struct {
	tap  *tap
	mu   sync.Mutex
	sent map[uint16]sent
}

// sent is a message on its way to the edge.
type sent struct {
	device, payload string
	at              time.Time
}

func (s *tapped) fromBroker(p packets.ControlPacket) {
	m, ok := p.(*packets.PublishPacket)
	if !ok || m.Qos == 0 {
		return
	}
	_, device, _ := strings.Cut(m.TopicName, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent[m.MessageID] = sent{device, string(m.Payload), s.tap.now()}
}

func (s *tapped) fromEdge(p packets.ControlPacket) {
	ack, ok := p.(*packets.PubackPacket)
	if !ok {
		return
	}
	s.mu.Lock()
	m, ok := s.sent[ack.MessageID]
	delete(s.sent, ack.MessageID)
	s.mu.Unlock()
	if ok {
		s.tap.acknowledge(m)
	}
}
