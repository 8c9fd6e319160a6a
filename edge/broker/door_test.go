package broker

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"gridgate/edge/sensor"
)

// CONNECT of version 3.1.1 for "gateway" without keepalive, and SUBSCRIBE to everything it may read (MQTT 3.1.1, 3.1 and 3.8).
const (
	connectPacket   = "\x10\x24\x00\x04MQTT\x04\xc2\x00\x00\x00\x05quiet\x00\x07gateway\x00\x08" + secret
	subscribePacket = "\x82\x12\x00\x01\x00\x0dzigbee2mqtt/#\x01"
)

// run runs a broker for a gateway and returns what ends it and how that went.
func run(t *testing.T, p patience) (b *Broker, end context.CancelFunc, ended chan error) {
	t.Helper()
	b, err := New(Options{
		Listen: "127.0.0.1:0", Users: []User{{Name: "gateway", Password: secret, Publish: []string{"zigbee2mqtt/#"}}},
		Begin: begin(func(context.Context, sensor.Message) error { return nil }),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.listener.patience = p
	ctx, end := context.WithCancel(t.Context())
	ended = make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	return b, end, ended
}

func wantEnd(t *testing.T, ended chan error) {
	t.Helper()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patient):
		t.Fatal("the broker does not end")
	}
}

// say connects and sends bytes, and reads the packet that answers if one is wanted.
func say(t *testing.T, b *Broker, text string, answer int) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", b.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, answer)); err != nil {
		t.Fatal("no answer: ", err)
	}
	return conn
}

// TestPeersThatSayNothing do not keep the broker from its end.
func TestPeersThatSayNothing(t *testing.T) {
	b, end, ended := run(t, patience{connect: time.Hour, write: time.Hour, leave: 50 * time.Millisecond})
	say(t, b, "", 0)
	say(t, b, connectPacket[:7], 0)
	say(t, b, connectPacket, 4) // the whole: CONNACK says that the two before were accepted
	end()
	wantEnd(t, ended)
}

// stuck subscribes, has the program publish more to it than the buffers of both sides hold, and reads nothing once that begins.
// published is closed after it.
func stuck(t *testing.T, b *Broker) (published chan struct{}) {
	t.Helper()
	conn := say(t, b, connectPacket+subscribePacket, 4+5) // with SUBACK
	large := Publication{Topic: "zigbee2mqtt/d", Payload: make([]byte, 1<<20)}
	whenRunning(t, b, large)
	published = make(chan struct{})
	go func() {
		defer close(published)
		for range 32 {
			if b.Publish(large) != nil { // the broker ended
				return
			}
		}
	}()
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return published
}

// TestASubscriberThatReadsNothing is sent away, so that those who publish to it can go on.
func TestASubscriberThatReadsNothing(t *testing.T) {
	b, end, ended := run(t, patience{connect: time.Hour, write: 2 * time.Second, leave: time.Hour})
	select {
	case <-stuck(t, b):
	case <-time.After(patient):
		t.Error("it holds up who publishes")
	}
	sensor := dial(t, b, "gateway", plain)
	if token := sensor.Publish("zigbee2mqtt/d", 1, false, "{}"); !token.WaitTimeout(patient) || token.Error() != nil {
		t.Errorf("a sensor is not acknowledged: %v", token.Error())
	}
	end()
	wantEnd(t, ended)
}

// TestTheEndWaitsForNoReader, whatever is on its way to it.
func TestTheEndWaitsForNoReader(t *testing.T) {
	b, end, ended := run(t, patience{connect: time.Hour, write: time.Hour, leave: 50 * time.Millisecond})
	published := stuck(t, b)
	end()
	wantEnd(t, ended)
	<-published
}

// slowToBound is a connection on which something else can happen before it has a deadline for what is written.
type slowToBound struct {
	net.Conn
	before func()

	mu    sync.Mutex
	until time.Time
}

func (c *slowToBound) SetWriteDeadline(t time.Time) error {
	c.before()
	return c.SetDeadline(t)
}

func (c *slowToBound) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = t
	return nil
}

func (c *slowToBound) Write(p []byte) (int, error) { return len(p), nil }

// TestTheEndBoundsWhatBeginsToBeWritten at the same moment, too.
func TestTheEndBoundsWhatBeginsToBeWritten(t *testing.T) {
	d := newDoor(nil, patience{write: time.Hour, leave: time.Minute})
	ended := make(chan struct{})
	conn := &slowToBound{before: func() {
		go func() {
			d.end()
			close(ended)
		}()
		select {
		case <-ended:
		case <-time.After(50 * time.Millisecond): // it waits for its turn
		}
	}}
	v := &visitor{Conn: conn, door: d}
	d.open[v] = struct{}{}
	if _, err := v.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	<-ended
	if left := time.Until(conn.until); left > time.Minute {
		t.Errorf("it may take %v", left)
	}
}

// TestWhoComesWhileItEndsIsSentAway: the library may have ended between the connection and its first look at it, and never closes it then.
func TestWhoComesWhileItEndsIsSentAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := newDoor(l, usualPatience)
	wantGone := func(conn net.Conn) {
		t.Helper()
		if err := conn.SetReadDeadline(time.Now().Add(patient)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("its connection is kept: %v", err)
		}
	}
	come := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	early := come()
	if _, err := d.Accept(); err != nil {
		t.Fatal(err)
	}
	d.close()
	wantGone(early)
	late := come()
	if _, err := d.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("somebody is let in: %v", err)
	}
	wantGone(late)
	if n := len(d.open); n != 0 {
		t.Errorf("%d connections are remembered", n)
	}
}

// TestWhoNeverConnectsIsSentAway: nothing but the door bounds the wait for CONNECT.
func TestWhoNeverConnectsIsSentAway(t *testing.T) {
	b, end, ended := run(t, patience{connect: 10 * time.Millisecond, write: time.Hour, leave: time.Hour})
	conn := say(t, b, connectPacket[:7], 0)
	if err := conn.SetReadDeadline(time.Now().Add(patient)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) { // closed, or reset if it had more to say
		t.Errorf("it is waited for: %v", err)
	}
	end()
	wantEnd(t, ended)
	if n := len(b.listener.open); n != 0 {
		t.Errorf("%d connections are remembered", n)
	}
}
