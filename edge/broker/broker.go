// Package broker is the embedded MQTT broker, for sensors and gateways that have none of their own.
//
// In: MQTT 3.1, 3.1.1 and 5 connections with a name and a password, from users who may each publish below their own topic
// filters only. Out: every message on a sensor's topic to [sensor.Begin], and what that returns is done before the sender gets its
// PUBACK or PUBREC: an acknowledgement of ours means that the message is on stable storage. Up to 64 messages of a connection
// are stored side by side and acknowledged in their order. If one fails, neither it nor what is behind it is acknowledged and the
// sender is disconnected; it sends them again when it is back. This program's own messages go out by [Broker.Publish], to
// subscribers only.
//
// What is not promised: sessions, subscriptions, retained messages (64 MiB of them; one more is passed on and not kept) and
// messages queued for subscribers live in memory and are gone after a restart, not sooner; a subscriber other than the edge gets
// what it gets. QoS 0 promises nothing. The broker logs no payload and no packet (its library would: see quietHandler).
package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"

	"gridgate/edge/sensor"
	"gridgate/protocols/sensors"
)

// User may connect.
type User struct {
	Name     string
	Password string
	Publish  []string // topic filters; with them a user may also subscribe
	Read     []string // more topic filters to subscribe to
}

// Options are what a [Broker] needs. Listen, Users and Begin are demanded.
type Options struct {
	Listen string // host:port; loopback unless asked otherwise, :0 for any port
	TLS    *tls.Config
	Users  []User
	Topics []string // filters of the messages that go to Begin; empty: all, so that it can count what no device is configured for
	Begin  sensor.Begin
	// Reserved are topic filters under which nobody but [Broker.Publish] publishes.
	Reserved []string

	MaxMessage    int           // bytes of a packet; default 1 MiB: a dialect tells what is too large, and gateways publish long lists of their devices
	MaxClients    int           // default 1,000
	HandleTimeout time.Duration // of one message; default 30 s
	Log           *slog.Logger
	Now           func() time.Time
}

// Broker is the embedded broker. Its address is known after [New].
type Broker struct {
	o        Options
	listener *door
	server   *mochi.Server
	hook     *hook

	mu   sync.Mutex
	self *mochi.Client // while it serves
}

// Name is the broker's name in messages.
const Name = "embedded"

// New checks o and binds the address.
func New(o Options) (*Broker, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	if o.MaxMessage <= 0 {
		o.MaxMessage = 1 << 20
	}
	if o.MaxClients <= 0 {
		o.MaxClients = 1000
	}
	if o.HandleTimeout <= 0 {
		o.HandleTimeout = 30 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("broker: listen: %w", err)
	}
	if o.TLS != nil {
		l = tls.NewListener(l, o.TLS)
	}
	return &Broker{o: o, listener: newDoor(l, usualPatience)}, nil
}

func (o Options) check() error {
	if o.Listen == "" || o.Begin == nil || len(o.Users) == 0 {
		return errors.New("listen address, users and handler must be set")
	}
	seen := map[string]bool{}
	for _, u := range o.Users {
		if u.Name == "" || u.Password == "" || seen[u.Name] {
			return fmt.Errorf("user %q needs a name of its own and a password", u.Name)
		}
		seen[u.Name] = true
		for _, filter := range append(append([]string{}, u.Publish...), u.Read...) {
			if err := sensors.CheckFilter(filter); err != nil {
				return fmt.Errorf("user %q: %w", u.Name, err)
			}
		}
	}
	return nil
}

// Addr is where the broker listens.
func (b *Broker) Addr() net.Addr { return b.listener.Addr() }

// Close frees the address of a broker that never runs.
func (b *Broker) Close() error { return b.listener.Close() }

// Run serves until ctx ends, then disconnects everybody, waits for them and returns nil.
func (b *Broker) Run(ctx context.Context) error {
	b.hook = newHook(ctx, b.o)
	b.server = mochi.New(&mochi.Options{
		Capabilities: b.capabilities(), Logger: slog.New(quietHandler{b.o.Log.Handler()}), SysTopicResendInterval: 60,
	})
	b.hook.owner = func(clientID string) string {
		if cl, ok := b.server.Clients.Get(clientID); ok {
			return string(cl.Properties.Username)
		}
		return ""
	}
	b.hook.spokesman = func(cl *mochi.Client) *mochi.Client {
		as := b.server.NewClient(nil, Name, cl.ID, true)
		as.Properties.ProtocolVersion = cl.Properties.ProtocolVersion
		return as
	}
	b.hook.inject = b.server.InjectPacket
	defer b.hook.flowing.Wait()
	if err := b.server.AddHook(b.hook, nil); err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	if err := b.server.AddListener(listeners.NewNet(Name, b.listener)); err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	if err := b.server.Serve(); err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	b.opened()
	<-ctx.Done()
	b.listener.end()
	defer b.listener.close()
	b.closed()
	return b.server.Close()
}

// capabilities bounds what a client may cost. Topic aliases are off: the access check comes before their resolution.
func (b *Broker) capabilities() *mochi.Capabilities {
	c := mochi.NewDefaultServerCapabilities()
	c.MaximumClients = int64(b.o.MaxClients)
	c.MaximumPacketSize = uint32(b.o.MaxMessage)
	c.MaximumClientWritesPending = 1024
	c.MaximumInflight = 1024
	c.ReceiveMaximum = 64
	c.TopicAliasMaximum = 0
	c.MaximumSessionExpiryInterval = 7 * 24 * 3600
	c.MaximumMessageExpiryInterval = 0 // none: the library would drop what is retained after a day (MQTT 3.1.1, 3.3.1.3: it stays)
	return c
}
