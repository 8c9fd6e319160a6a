package mqtt

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"gridgate/edge/sensor"
)

// ListenOptions are what [Listen] needs. URL, Topics and Hear are demanded.
type ListenOptions struct {
	URL      string // as in [Options]
	Username string
	Password string
	TLS      *tls.Config
	Topics   []string               // filters
	Hear     func(m sensor.Message) // called for one message after the other
	Ready    func()                 // called once the broker granted the topics; may be nil
}

// listenRoom is how many messages wait for Hear; what comes faster is counted.
const listenRoom = 4096

// Listen only listens: it subscribes with QoS 0 in a session of its own that the broker forgets, under a name that nobody else has,
// and publishes nothing. It returns how many messages came too fast, with nil once ctx ends and an error if the broker cannot be
// reached, refuses or is lost.
func Listen(ctx context.Context, o ListenOptions) (missed uint64, err error) {
	if o.URL == "" || len(o.Topics) == 0 || o.Hear == nil {
		return 0, errors.New("listen: URL, Topics and Hear must be set")
	}
	var dropped atomic.Uint64
	in := make(chan sensor.Message, listenRoom)
	lost := make(chan error, 1)
	client := paho.NewClient(listenOptions(o, in, &dropped, lost))
	if err := finish(ctx, client.Connect()); err != nil {
		client.Disconnect(0)
		return 0, fmt.Errorf("connect: %w", err)
	}
	defer client.Disconnect(disconnectWait)
	if err := listenTo(ctx, client, o.Topics); err != nil {
		return 0, err
	}
	if o.Ready != nil {
		o.Ready()
	}
	for {
		select {
		case <-ctx.Done():
			return dropped.Load(), nil
		case err := <-lost:
			return dropped.Load(), fmt.Errorf("connection lost: %w", err)
		case m := <-in:
			o.Hear(m)
		}
	}
}

func listenOptions(o ListenOptions, in chan<- sensor.Message, dropped *atomic.Uint64, lost chan<- error) *paho.ClientOptions {
	return paho.NewClientOptions().
		AddBroker(o.URL).SetClientID("gridgate-" + rand.Text()[:12]).SetUsername(o.Username).SetPassword(o.Password).SetTLSConfig(o.TLS).
		SetProtocolVersion(4).SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false).SetConnectTimeout(10 * time.Second).
		SetKeepAlive(30 * time.Second).SetPingTimeout(10 * time.Second).SetWriteTimeout(10 * time.Second).SetOrderMatters(true).
		SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) {
			select {
			case in <- sensor.Message{Topic: m.Topic(), Payload: m.Payload(), QoS: m.Qos(), Retained: m.Retained(), Received: time.Now()}:
			default:
				dropped.Add(1)
			}
		}).
		SetConnectionLostHandler(func(_ paho.Client, err error) { lost <- err })
}

func listenTo(ctx context.Context, client paho.Client, topics []string) error {
	for _, topic := range topics {
		token := client.Subscribe(topic, 0, nil)
		if err := finish(ctx, token); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
		for _, granted := range token.(*paho.SubscribeToken).Result() {
			if granted > 2 {
				return errors.New("subscribe: the broker refuses a topic")
			}
		}
	}
	return nil
}
