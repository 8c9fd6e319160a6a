// Package local is the edge's own voice: what it says and does on the spot, whether or not central can be reached.
//
// In: alerts that are on stable storage ([Voice.Hear]), open situations at the start, a way to an MQTT broker ([Dial]). Out: for each
// alert a message, for each place and kind a retained ON or OFF, Home Assistant's discovery messages, commands to sirens, and
// snapshots for the status page. It holds no clock of the pipeline up: Hear takes a moment, whatever the broker does. What it keeps
// is bounded, and what is too old to be of use is dropped: a siren never starts late.
//
// It never makes an alert, never reads a message, and says nothing that [alert.Encode] does not: no picture, nobody. Drills
// are told as alerts, marked as such, and switch nothing unless a siren is configured to follow them.
package local

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"gridgate/protocols/alert"
)

// Message is what goes to a broker, with QoS 1.
type Message struct {
	Topic   string
	Payload []byte
	Retain  bool
	MaxAge  time.Duration // of no use to anybody later; 0: at any time
}

// Conn is a connection to a broker. Publish returns nil once the broker has the message, and otherwise within a bounded time.
type Conn interface {
	Publish(ctx context.Context, m Message) error
	// Listeners is how many connected clients hear a topic; -1 where the broker does not tell.
	Listeners(topic string) int
	Lost() <-chan struct{}
	Close()
}

// Dial connects, with a last will if it is a connection that can be lost.
type Dial func(ctx context.Context, will Message) (Conn, error)

// Device is a configured device.
type Device struct {
	ID     string
	Family string // [alert.Cameras] or [alert.Sensors]
	// Places are what it may report, as far as that is known before it does.
	Places []Place
}

// Place is a kind in a zone, which may be empty.
type Place struct {
	Zone string
	Kind alert.Kind
}

// Options are what a [Voice] needs. Edge is demanded.
type Options struct {
	Edge     string
	Software string // version
	Devices  []Device
	Open     []alert.Alert // that raised what still holds
	Recent   []alert.Alert // raised before this start, oldest first

	Dial      Dial     // nil: there is no broker, and nothing is published
	Topic     string   // what topics begin with
	Discovery string   // what Home Assistant's topics begin with; empty: none
	Language  Language // of names in discovery messages
	Memory    string   // file that remembers what was announced
	Sirens    []Siren

	MinWait time.Duration // before a broker is tried again; default 100 ms
	MaxWait time.Duration // default 10 s
	Log     *slog.Logger
	Now     func() time.Time
}

// Bounds of what is kept.
const (
	maxRecent   = 200
	maxEvents   = 256
	maxEntities = 10_000

	maxEventAge  = time.Minute      // an alert's message is of no use to a lamp or a siren later
	momentaryOn  = 30 * time.Second // how long the state of a momentary kind stays ON
	publishWait  = 5 * time.Second
	farewellWait = time.Second
)

// Voice is the edge's own voice. It is safe for concurrent use.
type Voice struct {
	o       Options
	scheme  scheme
	devices map[string]string // family by id
	signal  chan struct{}

	mu       sync.Mutex
	recent   []alert.Alert // a ring once it is full
	oldest   int           // in a full ring
	standing standing
	sirens   []*siren
	events   events
	outgoing outgoing
	known    known
	conn     Conn // nil while there is none
	status   Status
}

// Status is how the way to the local broker is.
type Status struct {
	Configured bool
	Connected  bool
	Why        string // why not
	Since      time.Time
	Published  int64 // messages that the broker took
	Dropped    int64 // alerts whose message was dropped: there was no room, or it was too late
}

// New returns a Voice that goes on with what Options say of before.
func New(o Options) (*Voice, error) {
	if o.Edge == "" {
		return nil, errors.New("local: Edge is demanded")
	}
	if o.Dial == nil && len(o.Sirens) > 0 {
		return nil, errors.New("local: sirens need a broker")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MinWait <= 0 {
		o.MinWait = 100 * time.Millisecond
	}
	if o.MaxWait <= 0 {
		o.MaxWait = 10 * time.Second
	}
	v := &Voice{
		o: o, scheme: scheme{Edge: o.Edge, Topic: o.Topic, Discovery: o.Discovery}, devices: map[string]string{},
		signal: make(chan struct{}, 1), standing: newStanding(), outgoing: newOutgoing(),
		status: Status{Configured: o.Dial != nil, Why: "not connected yet", Since: o.Now()},
	}
	for _, s := range o.Sirens {
		v.sirens = append(v.sirens, &siren{Siren: s})
	}
	v.recall()
	v.resume()
	return v, nil
}

// resume takes up what was before this start. Every siren is told to be silent that would not still sound: it may have been
// left on.
func (v *Voice) resume() {
	now := v.o.Now()
	for _, s := range v.sirens {
		s.tell(false, now)
	}
	for _, a := range v.o.Recent {
		v.remember(a)
		if a.State == alert.Momentary {
			v.resumeSirens(a, now)
		}
	}
	for _, a := range v.o.Open {
		v.standing.apply(a, now)
		v.learn(a)
		v.resumeSirens(a, now)
	}
}

func (v *Voice) resumeSirens(a alert.Alert, now time.Time) {
	for _, s := range v.sirens {
		s.resume(a, now)
	}
}

// Hear takes alerts that are on stable storage. It never waits for a broker.
func (v *Voice) Hear(alerts []alert.Alert) {
	if len(alerts) == 0 {
		return
	}
	now := v.o.Now()
	v.mu.Lock()
	for _, a := range alerts {
		v.remember(a)
		if v.o.Dial == nil {
			continue
		}
		for _, s := range v.sirens {
			s.hear(a, now)
		}
		v.learn(a)
		v.outgoing.states(v.standing.apply(a, now))
		v.status.Dropped += v.events.push(event{alert: a, heard: now})
	}
	v.mu.Unlock()
	v.poke()
}

// poke wakes [Voice.Run].
func (v *Voice) poke() {
	select {
	case v.signal <- struct{}{}:
	default:
	}
}

func (v *Voice) remember(a alert.Alert) {
	if len(v.recent) < maxRecent {
		v.recent = append(v.recent, a)
		return
	}
	v.recent[v.oldest] = a
	v.oldest = (v.oldest + 1) % maxRecent
}

// Recent returns the last 200 alerts, the newest first.
func (v *Voice) Recent() []alert.Alert {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := slices.Concat(v.recent[v.oldest:], v.recent[:v.oldest])
	slices.Reverse(out)
	return out
}

// Status returns a snapshot.
func (v *Voice) Status() Status {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.status
}

// Sirens returns a snapshot of each siren.
func (v *Voice) Sirens() []SirenStatus {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := make([]SirenStatus, len(v.sirens))
	now := v.o.Now()
	for i, s := range v.sirens {
		s.advance(now)
		out[i] = s.status()
		if v.conn != nil {
			out[i].Listeners = v.conn.Listeners(s.Topic)
		}
	}
	return out
}

// Silence ends the sounding of a siren, or of all if name is empty, until the next new situation. It reports whether there is
// such a siren.
func (v *Voice) Silence(name string) (found bool) {
	now := v.o.Now()
	v.mu.Lock()
	for _, s := range v.sirens {
		if name == "" || s.Name == name {
			s.silence(now)
			found = true
		}
	}
	v.mu.Unlock()
	v.poke()
	return found
}

// deviceOf is the device of an alert.
func deviceOf(a alert.Alert) string {
	_, _, device, _ := alert.ParseSource(a.Source)
	return device
}
