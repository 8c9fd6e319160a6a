package broker

import (
	"errors"
	"fmt"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// ErrNotRunning says that the broker does not serve, or not yet.
var ErrNotRunning = errors.New("the broker does not run")

// Publication is a message of this program.
type Publication struct {
	Topic   string
	Payload []byte
	Retain  bool
	// Expiry is how long the broker keeps it for a client that is away (MQTT 5, 3.3.2.3.3), in whole seconds; 0: as long as the
	// client's session. It counts for clients of every version.
	Expiry time.Duration
}

// own is the client under which this program publishes; version 5, since the library lets no other's messages expire.
const (
	own        = "gridgate-self"
	ownVersion = 5
)

// Publish hands a message to all who subscribed to its topic, with QoS 1. It never reaches the [Handler]: what we say is no
// sensor's word. It does not wait for a subscriber.
func (b *Broker) Publish(p Publication) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.self == nil {
		return ErrNotRunning
	}
	err := b.server.InjectPacket(b.self, packets.Packet{
		FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: 1, Retain: p.Retain},
		TopicName:   p.Topic, Payload: p.Payload,
		PacketID:   1, // demanded, and not looked at
		Properties: packets.Properties{MessageExpiryInterval: uint32(p.Expiry / time.Second)},
	})
	if err != nil {
		return fmt.Errorf("publish at the embedded broker: %w", err)
	}
	return nil
}

// Listeners is how many connected clients a message on topic reaches.
func (b *Broker) Listeners(topic string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.self == nil {
		return 0
	}
	for id := range b.server.Topics.Subscribers(topic).Subscriptions {
		if cl, ok := b.server.Clients.Get(id); ok && !cl.Closed() {
			n++
		}
	}
	return n
}

// opened and closed say whether [Broker.Publish] has somebody to talk to.
func (b *Broker) opened() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.self = b.server.NewClient(nil, Name, own, true)
	b.self.Properties.ProtocolVersion = ownVersion
}

func (b *Broker) closed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.self = nil
}
