package sparkplug

import (
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Bounds of asking, in messages of a node: a session reads no clock. The patience doubles with each question and is short again after
// a while in order.
const (
	minPatience = 16
	maxPatience = 4096
	calm        = 256
)

// repeats is how far a sequence number may lie behind and be that of a message which came again, not of one after a loss.
const repeats = 8

// session is a [sensors.Session].
type session struct {
	memory *memory
	asks   []sensors.Ask
}

var _ sensors.Session = (*session)(nil)

// Asks implements [sensors.Session].
func (s *session) Asks() []sensors.Ask {
	asks := s.asks
	s.asks = nil
	return asks
}

// Translate implements [sensors.Dialect].
func (s *session) Translate(topic string, b []byte, retained bool) observation.Translation {
	a, p, t, ok := read(topic, b)
	if !ok {
		return t
	}
	if a.foreign != "" {
		return telling{address: a, payload: p, defined: defineAll(p.metrics), retained: retained}.translation(topic)
	}
	n := s.memory.node(a.descriptor())
	switch a.kind {
	case nodeDeath:
		return s.nodeDied(topic, n, a, p, retained)
	case nodeBirth:
		s.reborn(n, p)
	}
	if !retained {
		s.follow(n, a, p)
	}
	return s.tell(topic, n, a, p, retained)
}

// tell translates what a node or device that lives says, or that a device died.
func (s *session) tell(topic string, n *node, a address, p payload, retained bool) observation.Translation {
	told := telling{address: a, payload: p, retained: retained}
	d := s.memory.device(n, a.device)
	switch a.kind {
	case nodeBirth, birth:
		told.defined = defineAll(p.metrics)
		if d != nil {
			s.memory.learn(n, d, p.metrics, told.defined)
		}
	case death:
		if d != nil {
			s.memory.drop(n, d)
		}
		return deathOf(topic, p.time, retained, a.name())
	default:
		for _, m := range p.metrics {
			def, alien := d.find(m)
			told.defined = append(told.defined, def)
			told.alien = told.alien || alien
		}
		if (told.alien || d == nil || !d.born) && !n.full && !retained {
			s.ask(n, a, p.time)
		}
	}
	return told.translation(topic)
}

// reborn forgets what an earlier birth of the node told. Its devices are born again after it (6.4.13).
func (s *session) reborn(n *node, p payload) {
	for _, d := range n.devices {
		s.memory.drop(n, d)
	}
	n.born, n.full, n.hasSeq = true, false, false
	n.bdSeq, n.hasBdSeq = p.bdSeq()
}

// nodeDied: a node is offline, and its devices with it (6.4.22). The will of a connection that is over may come late; it is known by its
// bdSeq, which counts the connections.
func (s *session) nodeDied(topic string, n *node, a address, p payload, retained bool) observation.Translation {
	dead, told := p.bdSeq()
	if n.born && n.hasBdSeq && told && dead != n.bdSeq {
		s.ask(n, a, p.time)
		if (n.bdSeq-dead)%256 < 128 {
			return sensors.Learnt(topic, "the death of a connection that is over")
		}
	}
	names := []string{a.name()}
	for id, d := range n.devices {
		s.memory.drop(n, d)
		if id != "" {
			names = append(names, a.name()+"/"+id)
		}
	}
	n.born, n.hasSeq = false, false
	return deathOf(topic, p.time, retained, names...)
}

// deathOf says that devices are offline.
func deathOf(topic string, at time.Time, retained bool, names ...string) observation.Translation {
	t := sensors.Ignored(topic, "")
	t.Meta.Time = at
	for _, name := range names {
		t.Observations = append(t.Observations, observation.Observation{
			Device: name, Kind: alert.DeviceOffline, Phase: observation.Active, At: at, Retained: retained,
		})
	}
	return t
}

// follow watches the sequence numbers of a node and its devices (6.4.2): each message has the next one, modulo 256.
func (s *session) follow(n *node, a address, p payload) {
	n.pause = max(0, n.pause-1)
	if n.inOrderSince++; n.inOrderSince == calm {
		n.patience = minPatience
	}
	expected := (n.seq + 1) % 256
	seq, told := p.seq%256, p.hasSeq || n.hasSeq && expected == 0 // an encoder may leave a zero out
	switch {
	case !n.born:
		s.ask(n, a, p.time)
	case !told:
		return
	case n.hasSeq && seq != expected:
		if (n.seq-seq)%256 < repeats {
			return
		}
		s.ask(n, a, p.time)
	}
	n.seq, n.hasSeq = seq, told
}

// ask asks a node to tell everything again (6.4.27), unless it was asked a short while ago.
func (s *session) ask(n *node, a address, at time.Time) {
	n.inOrderSince = 0
	if n.pause > 0 || len(s.asks) == sensors.MaxAsks {
		return
	}
	n.pause, n.patience = n.patience, min(2*n.patience, maxPatience)
	s.asks = append(s.asks, sensors.Ask{Topic: a.rebirth(), Payload: rebirth(at)})
}

// rebirth is the payload of an NCMD with "Node Control/Rebirth" (6.4.27), with the time of the message that led to it.
func rebirth(at time.Time) []byte {
	ms := uint64(max(0, at.UnixMilli()))
	var m []byte
	m = protowire.AppendTag(m, 1, protowire.BytesType)
	m = protowire.AppendString(m, "Node Control/Rebirth")
	m = protowire.AppendTag(m, 3, protowire.VarintType)
	m = protowire.AppendVarint(m, ms)
	m = protowire.AppendTag(m, 4, protowire.VarintType)
	m = protowire.AppendVarint(m, uint64(booleanType))
	m = protowire.AppendTag(m, 14, protowire.VarintType)
	m = protowire.AppendVarint(m, 1)
	var b []byte
	b = protowire.AppendTag(b, 1, protowire.VarintType)
	b = protowire.AppendVarint(b, ms)
	b = protowire.AppendTag(b, 2, protowire.BytesType)
	return protowire.AppendBytes(b, m)
}
