// Package mqtt brings the messages of an external MQTT broker to the sensors: a client of MQTT 3.1.1 on paho.
//
// In: an address, credentials and topic filters. Out: each message to [Options.Begin], in order; a bounded window of them is then
// stored side by side, and each is acknowledged only after it and all before it are stored: a PUBACK may not overtake another one
// (MQTT 3.1.1, 4.6.0-2). After one that could not be stored nothing is acknowledged any more on that connection. What comes
// behind is handled all the same, since it may be a call for help, until the back-off is over. Then the connection is dropped, so
// that the broker, which keeps our session, sends all of it again: what was stored is known by its identity then.
//
// A broker sends only so many messages ahead of our acknowledgements (mosquitto: 20, max_inflight_messages): that many are stored
// in the time of one commit, and what is further behind a refused one waits. The promise starts at our acknowledgement: what a
// broker loses before (mosquitto keeps QoS 1 queues in memory between saves) we cannot know; QoS 0 promises nothing. See
// deploy/mosquitto/gridgate.conf for what a centre sets.
//
// The library writes acknowledgements beside us: one that is under way when Run ends can be cut off. Its message comes again,
// marked as a duplicate, and is known by its identity.
//
// It keeps nothing on disk (the outbox does), logs no topic and no payload, and leaves no goroutine behind.
package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"gridgate/edge/sensor"
	"gridgate/protocols/kit/backoff"
	"gridgate/protocols/sensors"
)

// Options are what a [Source] needs. Name, URL, ClientID, Topics and Begin are demanded.
type Options struct {
	Name     string // of the broker, in messages and in the log
	URL      string // tcp://host:1883, ssl://host:8883, ws:// or wss://
	ClientID string // fixed: the broker keeps our session under it
	Username string
	Password string
	TLS      *tls.Config
	Topics   []string // filters, subscribed to with QoS 1
	// Learn are the filters under which sources retain what they say of themselves. It is read before the kept session goes on, once.
	Learn []string
	Begin sensor.Begin

	Window        int           // messages that are stored side by side; default [DefaultWindow]
	HandleTimeout time.Duration // of one message; default 30 s
	MinWait       time.Duration // before the first new try; default 500 ms
	MaxWait       time.Duration // default 1 min
	Log           *slog.Logger
	Now           func() time.Time
}

// DefaultWindow is how many messages are under way at most, begun and not acknowledged.
const DefaultWindow = 1000

// State says how the connection to a broker is.
type State string

// The states.
const (
	Connecting State = "connecting"
	Connected  State = "connected"
)

// Status is a snapshot of a [Source].
type Status struct {
	Name     string    `json:"name"`
	State    State     `json:"state"`
	Why      string    `json:"why,omitzero"` // why it is not connected
	Since    time.Time `json:"since"`
	Messages uint64    `json:"messages"` // dealt with
	Dropped  uint64    `json:"dropped"`  // QoS 0 messages that came faster than they could be handled
}

// Source is a client of one broker.
type Source struct {
	o           Options
	messages    atomic.Uint64
	dropped     atomic.Uint64
	connections atomic.Uint64
	asks        chan sensors.Ask

	learnt bool // owned by Run

	mu     sync.Mutex
	status Status
}

// New checks o.
func New(o Options) (*Source, error) {
	if o.Name == "" || o.URL == "" || o.ClientID == "" || len(o.Topics) == 0 || o.Begin == nil {
		return nil, errors.New("mqtt source: Name, URL, ClientID, Topics and Begin must be set")
	}
	if o.Window <= 0 {
		o.Window = DefaultWindow
	}
	setDefault(&o.HandleTimeout, 30*time.Second)
	setDefault(&o.MinWait, 500*time.Millisecond)
	setDefault(&o.MaxWait, time.Minute)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Source{o: o, asks: make(chan sensors.Ask, maxAsks)}
	s.set(Connecting, "not tried yet")
	return s, nil
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}

// Status returns how the connection is now.
func (s *Source) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.status
	st.Messages, st.Dropped = s.messages.Load(), s.dropped.Load()
	return st
}

// set reports whether the state or its reason changed.
func (s *Source) set(state State, why string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status.State == state && s.status.Why == why {
		return false
	}
	s.status = Status{Name: s.o.Name, State: state, Why: why, Since: s.o.Now().UTC()}
	return true
}

// Run keeps a connection until ctx ends; then it returns nil. After each failure it waits, longer each time, with jitter.
func (s *Source) Run(ctx context.Context) error {
	wait := backoff.New(s.o.MinWait, s.o.MaxWait)
	for {
		r := &retry{s: s, wait: wait, begun: time.Now()}
		err := s.session(ctx, r)
		if ctx.Err() != nil {
			return nil
		}
		if !r.over && !backoff.Wait(ctx, r.after(err)) {
			return nil
		}
	}
}

// retry is when to try again after a connection.
type retry struct {
	s     *Source
	wait  *backoff.Backoff
	begun time.Time
	over  bool // the wait was spent on the connection
}

// after tells of a failure and returns how long to wait.
func (r *retry) after(err error) time.Duration {
	if time.Since(r.begun) > r.s.o.MaxWait { // it lasted, though no sensor had anything to say
		r.wait.Reset()
	}
	if r.s.set(Connecting, err.Error()) {
		r.s.o.Log.Warn("the broker of sensors is not served; trying again", "broker", r.s.o.Name, "error", err)
	}
	return r.wait.Next()
}

// session is one connection: connect, subscribe, handle until something fails. The waits are short again after each message
// that was dealt with, never after a connection that fails at once.
func (s *Source) session(ctx context.Context, r *retry) error {
	if err := s.learn(ctx); err != nil {
		return err
	}
	in := newInbox(s.o.Now, &s.dropped)
	defer in.close()
	client := paho.NewClient(s.options(in))
	if err := finish(ctx, client.Connect()); err != nil {
		client.Disconnect(0)
		return fmt.Errorf("connect: %w", err)
	}
	defer client.Disconnect(disconnectWait)
	ctx, cancel := context.WithCancel(ctx)
	var subscribing sync.WaitGroup
	defer subscribing.Wait()
	defer cancel()
	subscribing.Go(func() {
		if err := s.subscribe(ctx, client); err != nil {
			in.fail(err)
			return
		}
		if s.set(Connected, "") {
			s.o.Log.Info("connected to the broker of sensors", "broker", s.o.Name)
		}
		s.publish(ctx, client)
	})
	return s.handle(ctx, in, r)
}

// disconnectWait is how many milliseconds a farewell may take.
const disconnectWait = 250

func (s *Source) options(in *inbox) *paho.ClientOptions {
	return paho.NewClientOptions().
		AddBroker(s.o.URL).SetClientID(s.o.ClientID).SetUsername(s.o.Username).SetPassword(s.o.Password).SetTLSConfig(s.o.TLS).
		SetProtocolVersion(4).SetCleanSession(false).SetStore(paho.NewMemoryStore()).
		SetAutoReconnect(false).SetConnectRetry(false).SetConnectTimeout(10 * time.Second).
		SetKeepAlive(30 * time.Second).SetPingTimeout(10 * time.Second).SetWriteTimeout(10 * time.Second).
		SetOrderMatters(true).SetAutoAckDisabled(true).
		SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { in.put(m) }).
		SetConnectionLostHandler(func(_ paho.Client, err error) { in.fail(fmt.Errorf("connection lost: %w", err)) })
}

// Some brokers (mochi 2.7.9) refuse a SUBSCRIBE whose packet identifier equals that of a message which they have sent and we
// have not acknowledged yet; the identifiers of the two directions are independent (MQTT 3.1.1, 2.3.1). So we ask again
// while the messages of the kept session are being handled.
const (
	subscribeTries = 5
	subscribeWait  = 200 * time.Millisecond
)

// subscribe asks anew on every connection: a broker that lost our session would stay silent otherwise.
func (s *Source) subscribe(ctx context.Context, client paho.Client) error {
	wait := backoff.New(subscribeWait, 4*subscribeWait)
	for try := 1; ; try++ {
		err := s.subscribeOnce(ctx, client)
		if err == nil || try == subscribeTries || !backoff.Wait(ctx, wait.Next()) {
			return err
		}
	}
}

func (s *Source) subscribeOnce(ctx context.Context, client paho.Client) error {
	for start := 0; start < len(s.o.Topics); start += subscribeBatch {
		batch := map[string]byte{}
		for _, topic := range s.o.Topics[start:min(start+subscribeBatch, len(s.o.Topics))] {
			batch[topic] = 1
		}
		token := client.SubscribeMultiple(batch, nil)
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

// subscribeBatch keeps a SUBSCRIBE packet small.
const subscribeBatch = 100

// finish waits for a token.
func finish(ctx context.Context, t paho.Token) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.Done():
		return t.Error()
	case <-time.After(tokenTimeout):
		return errors.New("no answer")
	}
}

const tokenTimeout = 15 * time.Second
