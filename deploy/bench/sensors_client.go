package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// mqttClient is a client of MQTT 3.1.1 that costs next to nothing, so that the figures are those of what it talks to: it knows
// CONNECT, PUBLISH with QoS 1 and its acknowledgement, and SUBSCRIBE.
type mqttClient struct {
	conn net.Conn
	in   *bufio.Reader
	out  *bufio.Writer
	id   uint16
}

// Packet types (MQTT 3.1.1, 2.2.1) with the flags they have here.
const (
	packetConnect   = 0x10
	packetConnack   = 0x20
	packetPublish   = 0x32 // QoS 1
	packetPuback    = 0x40
	packetSubscribe = 0x82
	packetSuback    = 0x90
)

// dialMQTT connects. Without a user it is nobody. An ended ctx ends the connection.
func dialMQTT(ctx context.Context, addr, id, user, password string, keep bool) (*mqttClient, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { conn.Close() })
	c := &mqttClient{conn: conn, in: bufio.NewReader(conn), out: bufio.NewWriter(conn)}
	flags := byte(2)
	if keep {
		flags = 0
	}
	body := append(field(nil, "MQTT"), 4, flags, 0, 0)
	body = field(body, id)
	if user != "" {
		body[7] |= 0xC0
		body = field(field(body, user), password)
	}
	if err := c.ask(packetConnect, body, packetConnack); err != nil {
		conn.Close()
		return nil, fmt.Errorf("connect: %w", err)
	}
	return c, nil
}

func field(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// subscribe asks for a filter with QoS 1.
func (c *mqttClient) subscribe(filter string) error {
	return c.ask(packetSubscribe, append(field([]byte{0, 1}, filter), 1), packetSuback)
}

// ask sends a packet and reads its answer.
func (c *mqttClient) ask(kind byte, body []byte, want byte) error {
	if err := c.write(kind, body); err != nil {
		return err
	}
	if err := c.out.Flush(); err != nil {
		return err
	}
	got, answer, err := c.read()
	if err == nil && (got != want || answer[len(answer)-1] >= 0x80 || want == packetConnack && answer[1] != 0) {
		err = fmt.Errorf("refused: packet %#x says %#x", got, answer)
	}
	return err
}

func (c *mqttClient) write(kind byte, body []byte) error {
	head := binary.AppendUvarint([]byte{kind}, uint64(len(body))) // the same encoding as MQTT's remaining length (2.2.3)
	if _, err := c.out.Write(head); err != nil {
		return err
	}
	_, err := c.out.Write(body)
	return err
}

func (c *mqttClient) read() (kind byte, body []byte, err error) {
	if kind, err = c.in.ReadByte(); err != nil {
		return 0, nil, err
	}
	n, err := binary.ReadUvarint(c.in)
	if err != nil {
		return 0, nil, err
	}
	body = make([]byte, n)
	_, err = io.ReadFull(c.in, body)
	return kind, body, err
}

// publish puts a message into the buffer; flush sends it.
func (c *mqttClient) publish(topic string, payload []byte) error {
	if c.id++; c.id == 0 {
		c.id = 1
	}
	body := binary.BigEndian.AppendUint16(field(make([]byte, 0, 4+len(topic)+len(payload)), topic), c.id)
	return c.write(packetPublish, append(body, payload...))
}

// acknowledged reads one PUBACK.
func (c *mqttClient) acknowledged() error {
	kind, _, err := c.read()
	if err == nil && kind != packetPuback {
		err = fmt.Errorf("packet %#x in place of an acknowledgement", kind)
	}
	return err
}

// swallow acknowledges what comes, and counts it, until the connection ends.
func (c *mqttClient) swallow(count *atomic.Int64) error {
	for {
		kind, body, err := c.read()
		if err != nil {
			return err
		}
		if kind&0xF6 != packetPublish {
			continue
		}
		topic := int(binary.BigEndian.Uint16(body))
		if err := c.write(packetPuback, body[2+topic:4+topic]); err != nil {
			return err
		}
		if c.in.Buffered() == 0 {
			if err := c.out.Flush(); err != nil {
				return err
			}
		}
		count.Add(1)
	}
}

// press keeps window messages under way until ctx ends, and counts those that were acknowledged. room, if there is one, is asked
// before each message.
func (c *mqttClient) press(ctx context.Context, window int, next func() (string, []byte), room func() bool, count *atomic.Int64) error {
	waiting := 0
	for ctx.Err() == nil {
		for waiting < window && (room == nil || room()) {
			topic, payload := next()
			if err := c.publish(topic, payload); err != nil {
				return ended(ctx, err)
			}
			waiting++
		}
		if err := c.out.Flush(); err != nil {
			return ended(ctx, err)
		}
		if waiting == 0 {
			select {
			case <-ctx.Done():
			case <-time.After(time.Millisecond):
			}
			continue
		}
		if err := c.acknowledged(); err != nil {
			return ended(ctx, err)
		}
		waiting--
		count.Add(1)
	}
	return nil
}

// ended forgives what the end of ctx did to a connection.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
