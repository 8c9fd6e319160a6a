package rig

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"gridgate/protocols/kit/backoff"
)

// button is an SOS button that speaks MQTT 3.1.1 by itself: one message at a time, kept and sent again with DUP until its
// PUBACK comes. It is written on the packet codec, since a client library that completes a publication when it reconnects
// cannot keep a ledger.
type button struct {
	addr, device, user, password string

	conn net.Conn
	id   uint16
}

const packetTime = 5 * time.Second

// press delivers one message, whatever happens to the broker meanwhile; it returns once the message was acknowledged, or
// with an error when ctx ended before.
func (b *button) press(ctx context.Context, payload string) error {
	publish := b.message(payload)
	for ; ; publish.Dup = true {
		if b.try(publish) == nil {
			return nil
		}
		if !b.rest(ctx) {
			return fmt.Errorf("%s: the last message was not acknowledged: %w", b.device, ctx.Err())
		}
	}
}

// pressOnce tries to connect until it can and sends one message at most once. It tells whether the message may be anywhere.
func (b *button) pressOnce(ctx context.Context, payload string) (sent bool) {
	for b.conn == nil {
		if b.connect() != nil && !b.rest(ctx) {
			return false
		}
	}
	if b.try(b.message(payload)) != nil {
		b.close()
	}
	return true
}

func (b *button) message(payload string) *packets.PublishPacket {
	b.id = b.id%65535 + 1
	publish := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	publish.TopicName, publish.Payload, publish.Qos, publish.MessageID = "zigbee2mqtt/"+b.device, []byte(payload), 1, b.id
	return publish
}

// rest drops the connection and waits a little; false says that ctx ended.
func (b *button) rest(ctx context.Context) bool {
	b.close()
	return backoff.Wait(ctx, 50*time.Millisecond+rand.N(100*time.Millisecond))
}

// try sends the message once and waits for its PUBACK.
func (b *button) try(publish *packets.PublishPacket) error {
	if b.conn == nil {
		if err := b.connect(); err != nil {
			return err
		}
	}
	b.conn.SetDeadline(time.Now().Add(packetTime))
	if err := publish.Write(b.conn); err != nil {
		return err
	}
	for {
		p, err := packets.ReadPacket(b.conn)
		if err != nil {
			return err
		}
		if ack, ok := p.(*packets.PubackPacket); ok && ack.MessageID == publish.MessageID {
			return nil
		}
	}
}

var errRefused = errors.New("the broker refused the connection")

// connect opens a persistent session, as a gateway has.
func (b *button) connect() error {
	conn, err := net.DialTimeout("tcp", b.addr, packetTime)
	if err != nil {
		return err
	}
	conn.SetDeadline(time.Now().Add(packetTime))
	hello := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	hello.ProtocolName, hello.ProtocolVersion, hello.ClientIdentifier = "MQTT", 4, b.device
	if b.user != "" {
		hello.UsernameFlag, hello.Username, hello.PasswordFlag, hello.Password = true, b.user, true, []byte(b.password)
	}
	if err := hello.Write(conn); err != nil {
		conn.Close()
		return err
	}
	answer, err := packets.ReadPacket(conn)
	if ack, ok := answer.(*packets.ConnackPacket); err != nil || !ok || ack.ReturnCode != packets.Accepted {
		conn.Close()
		return errors.Join(errRefused, err)
	}
	b.conn = conn
	return nil
}

func (b *button) close() {
	if b.conn != nil {
		b.conn.Close()
		b.conn = nil
	}
}
