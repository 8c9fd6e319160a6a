// Package sensor turns the messages of configured sensors into signals: the counterpart of a camera's steps 1 to 3.
//
// In: MQTT messages from the embedded broker or from a client of an external one, through [Hub.Handle]. Out: [raise.Signal]
// and [alert.Reading] values, to a [Raiser] that has them on stable storage before Handle returns nil; only then may the
// message be acknowledged. It keeps when each device was last heard, and a bounded table of messages that nobody
// understood, by topic and reason.
//
// What it never does: keep or log a payload, trust a device's clock that is more than a day off, or let a door, a movement
// or anything else but a hazard leave a home (they tell when people come and go).
package sensor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gridgate/edge/raise"
	"gridgate/protocols/alert"
	"gridgate/protocols/sensors"
)

// Message is one MQTT message.
type Message struct {
	Broker    string // name of the broker it came from
	Session   string // client session to which packet identifiers belong: ours at an external broker, the sender's at our own
	Topic     string
	Payload   []byte // not kept
	QoS       byte
	Retained  bool // the broker told an old message again
	Duplicate bool // DUP: perhaps sent before
	PacketID  uint16
	Received  time.Time
	// Connection numbers the connections of a client that begins messages before those ahead of them are stored; 0: one does not
	// come before the one ahead of it was answered for. If one is refused, it and all behind it come again on a later connection.
	Connection uint64
}

// Begin understands a message, without waiting for anything, and returns what deals with it for good before it returns nil. It is
// called for the messages of a session in their order; what it returns is called once, side by side with others. [Hub.Begin] is one.
type Begin func(m Message) (store func(context.Context) error)

// Device is one configured sensor.
type Device struct {
	ID      string // see [alert.SensorSource]
	Origin  string // name of its dialect
	Dialect sensors.Dialect
	Broker  string // name of the broker that brings its messages; empty: any
	Topic   string // topic filter that its messages come on (MQTT 3.1.1, 4.7)
	Name    string // its name on its bus, as the dialect tells it; empty: every device on that topic
	Grid    string
	Zone    string
	Home    bool          // stands in a home: only hazards leave
	Silence time.Duration // offline after so long without a message; 0: never
	// Severity replaces the default severity of a kind.
	Severity map[alert.Kind]alert.Severity
	Exercise bool // a walk-test: its alerts are drills
}

// Raiser takes signals. [raise.Raiser] is one.
type Raiser interface {
	// Raise returns nil only once everything is on stable storage. A message that was committed before changes nothing,
	// unless its identity is marked by [raise.FirstDelivery]. An error that wraps [raise.ErrInvalid] will not heal.
	Raise(ctx context.Context, message string, signals []raise.Signal, readings []alert.Reading) ([]alert.Alert, error)
}

var _ Raiser = (*raise.Raiser)(nil)

// Options are what a [Hub] needs. Edge and Raiser are demanded.
type Options struct {
	Edge    string
	Devices []Device
	Raiser  Raiser
	// Stages work on what devices told, in this order.
	Stages []Stage
	// Care knows how devices are; nil: nothing is learnt of them.
	Care Care
	// Ask publishes at a broker what a dialect's session asks its sources. It must not block; nil: nobody is asked.
	Ask func(broker string, a sensors.Ask)
	// OnChange is told that the state of a sensor changed. It must not block.
	OnChange func()
	Log      *slog.Logger
	Now      func() time.Time
}

// Hub handles the messages of all sensors. It is safe for concurrent use: a message waits for its own commit only, so that
// commits of several senders can be grouped.
type Hub struct {
	edge    string
	raiser  Raiser
	changed func()
	log     *slog.Logger
	now     func() time.Time
	devices *index
	stages  []Stage
	keepers []Keeper // those of the stages that are
	care    Care
	unknown *unknownTable

	sessions sessions
	order    order

	messages, refused atomic.Uint64

	mu     sync.Mutex
	states map[string]*state // by device id
	missed map[client]missed
	modes  map[string]Mode // by device id; none is [Armed]
}

// New returns a Hub or says which device is wrong.
func New(o Options) (*Hub, error) {
	if o.Edge == "" || o.Raiser == nil {
		return nil, errors.New("sensor: Edge and Raiser must be set")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.OnChange == nil {
		o.OnChange = func() {}
	}
	if o.Ask == nil {
		o.Ask = func(string, sensors.Ask) {}
	}
	if o.Care == nil {
		o.Care = trusting{}
	}
	devices, err := newIndex(o.Devices)
	if err != nil {
		return nil, fmt.Errorf("sensor: %w", err)
	}
	h := &Hub{
		edge: o.Edge, raiser: o.Raiser, changed: o.OnChange, log: o.Log, now: o.Now, devices: devices, stages: o.Stages, keepers: keepersOf(o.Stages), care: o.Care,
		sessions: sessions{ask: o.Ask, open: map[sessionKey]*session{}},
		order:    order{last: map[string]chan struct{}{}},
		unknown:  newUnknownTable(), states: map[string]*state{}, missed: map[client]missed{}, modes: map[string]Mode{},
	}
	now := o.Now()
	for i := range devices.all {
		h.states[devices.all[i].ID] = &state{started: now, since: now}
	}
	return h, nil
}

// Topics returns the topic filters of the devices of a broker, each once: what to subscribe to there.
func (h *Hub) Topics(broker string) []string { return h.devices.topics(broker) }

// Learning returns the filters at a broker under which sources retain descriptions of themselves. What dialects remember of them is
// gone after a restart: they are read again before any message that was kept meanwhile.
func (h *Hub) Learning(broker string) []string { return h.devices.learning(broker) }

// Handle returns nil once the message is dealt with for good: committed, known to be a redelivery, or not understood and
// counted. The caller then acknowledges it. An error means that nothing is known to be stored: do not acknowledge.
func (h *Hub) Handle(ctx context.Context, m Message) error { return h.Begin(m)(ctx) }

// Begin understands a message, without waiting, and returns what stores it: see [Hub.Handle]. The messages of a broker are begun
// in the order in which they came. They may be stored side by side: what tells of the same situation follows the order all the
// same. Each must be stored, or tried, once. The payload is not looked at after Begin.
func (h *Hub) Begin(m Message) (store func(context.Context) error) {
	h.messages.Add(1)
	if m.Received.IsZero() {
		m.Received = h.now()
	}
	candidates := h.devices.match(m.Broker, m.Topic)
	if len(candidates) == 0 {
		h.notUnderstood(m, "no configured device has this topic")
		return nothing
	}
	w := &work{hub: h, message: m}
	w.translate(candidates)
	if len(w.signals)+len(w.readings) > 0 {
		w.identity = identity(m)
	}
	w.message.Payload = nil
	w.turn = h.order.take(keysOf(w.signals))
	return w.store
}

// nothing is to be stored.
func nothing(context.Context) error { return nil }

// whyInvalid stands for the text of an error, which could repeat a value.
const whyInvalid = "what the message says breaks the rules of an alert"

func (h *Hub) notUnderstood(m Message, why string) {
	h.refused.Add(1)
	h.unknown.count(m.Topic, why, m.Received)
}

// Counts returns how many messages came since the start and how many of them were not understood.
func (h *Hub) Counts() (messages, refused uint64) { return h.messages.Load(), h.refused.Load() }

// Unknown returns the topics whose messages were not understood, the most recent first.
func (h *Hub) Unknown() []UnknownTopic { return h.unknown.list() }
