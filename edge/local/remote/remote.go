// Package remote is the way of the edge's own voice to an external MQTT broker: a client of MQTT 3.1.1 on paho.
//
// In: an address and credentials. Out: connections that publish with QoS 1 and return once the broker has acknowledged. If a
// connection is lost the broker tells so by the last will. It subscribes to nothing, retries nothing (its caller does), keeps
// nothing and logs nothing.
package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"gridgate/edge/local"
)

// Options are what a connection needs. URL and ClientID are demanded.
type Options struct {
	URL      string // tcp://host:1883, ssl://host:8883, ws:// or wss://
	ClientID string
	Username string
	Password string
	TLS      *tls.Config
}

// Bounds of time.
const (
	connectWithin = 10 * time.Second
	answerWithin  = 5 * time.Second
	keepAlive     = 15 * time.Second
	farewell      = 250 // milliseconds
)

// Dial returns how to connect.
func Dial(o Options) (local.Dial, error) {
	if o.URL == "" || o.ClientID == "" {
		return nil, errors.New("remote: URL and ClientID must be set")
	}
	return func(ctx context.Context, will local.Message) (local.Conn, error) { return dial(ctx, o, will) }, nil
}

type conn struct {
	client paho.Client
	lost   chan struct{}
	once   sync.Once
}

var _ local.Conn = (*conn)(nil)

func dial(ctx context.Context, o Options, will local.Message) (local.Conn, error) {
	c := &conn{lost: make(chan struct{})}
	c.client = paho.NewClient(paho.NewClientOptions().
		AddBroker(o.URL).SetClientID(o.ClientID).SetUsername(o.Username).SetPassword(o.Password).SetTLSConfig(o.TLS).
		SetProtocolVersion(4).SetCleanSession(true).SetStore(paho.NewMemoryStore()).
		SetBinaryWill(will.Topic, will.Payload, 1, will.Retain).
		SetAutoReconnect(false).SetConnectRetry(false).SetConnectTimeout(connectWithin).
		SetKeepAlive(keepAlive).SetPingTimeout(answerWithin).SetWriteTimeout(answerWithin).
		SetConnectionLostHandler(func(paho.Client, error) { c.once.Do(func() { close(c.lost) }) }))
	if err := c.finish(ctx, c.client.Connect(), connectWithin+answerWithin); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Publish implements [local.Conn].
func (c *conn) Publish(ctx context.Context, m local.Message) error {
	if err := c.finish(ctx, c.client.Publish(m.Topic, 1, m.Retain, m.Payload), answerWithin); err != nil {
		return fmt.Errorf("send a message: %w", err)
	}
	return nil
}

// Listeners implements [local.Conn]: MQTT does not tell.
func (c *conn) Listeners(string) int { return -1 }

// Lost implements [local.Conn].
func (c *conn) Lost() <-chan struct{} { return c.lost }

// Close implements [local.Conn].
func (c *conn) Close() { c.client.Disconnect(farewell) }

// finish waits for a token.
func (c *conn) finish(ctx context.Context, t paho.Token, within time.Duration) error {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-t.Done():
		return t.Error()
	case <-ctx.Done():
		return ctx.Err()
	case <-c.lost:
		return errors.New("the connection is lost")
	case <-timer.C:
		return errors.New("no answer")
	}
}
