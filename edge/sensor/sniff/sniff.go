// Package sniff watches what is said on a broker and tells an integrator what is understood of it.
//
// In: messages, one after the other, and what a dialect makes of each ([Understand]). Out: a [Report]: each device with its dialect and
// why, its kinds, quantities and interval; lines for the configuration; and a skeleton of a mapping for what nobody understood, with the
// paths of its JSON and their types.
//
// What it never does: I/O, keep a payload or a value, show a key that looks like a value itself or names a person (it is written "*"),
// propose a unit or a kind that nobody told. Its memory is bounded: [MaxTopics], [MaxDevices].
package sniff

import (
	"maps"
	"slices"
	"strings"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Bounds of what is remembered.
const (
	MaxTopics  = 2000
	MaxDevices = 2000

	maxDeviceTopics = 16 // of one device
	maxNames        = 64 // quantities, dropped paths, or paths of JSON, of one device or topic
)

// Message is one message.
type Message struct {
	Topic    string
	Payload  []byte // not kept
	Retained bool
	At       time.Time
}

// Understand says what a message means, and which dialect it was taken for, if any.
type Understand func(topic string, payload []byte, retained bool) (observation.Translation, sensors.Guess)

// Sniffer remembers what was heard. It is for one goroutine at a time.
type Sniffer struct {
	understand Understand
	topics     map[string]*topic
	devices    map[deviceKey]*device

	first, last        time.Time
	messages           uint64
	unheard            uint64 // messages of topics, or about devices, for which there was no room
	understood, learnt uint64
}

type deviceKey struct{ dialect, name string }

// topic is what is remembered of the messages of one topic.
type topic struct {
	name       string
	messages   uint64
	understood bool // at least once, if only that there is nothing to tell
	reason     string
	shape      shape
}

// device is what is remembered of a device.
type device struct {
	deviceKey
	because     string
	like        sensors.Likeness
	topics      map[string]uint64 // and their messages
	kinds       map[alert.Kind]bool
	quantities  map[string]string // and their units
	dropped     map[string]bool
	messages    uint64
	first, last time.Time // of the messages that were not retained
	told        uint64    // messages that were not retained
}

// New returns a Sniffer that has heard nothing.
func New(understand Understand) *Sniffer {
	return &Sniffer{understand: understand, topics: map[string]*topic{}, devices: map[deviceKey]*device{}}
}

// Hear takes a message.
func (s *Sniffer) Hear(m Message) {
	if s.messages++; s.messages == 1 {
		s.first = m.At
	}
	s.last = m.At
	t := s.topic(m.Topic)
	if t == nil {
		s.unheard++
		return
	}
	t.messages++
	said, guess := s.understand(m.Topic, m.Payload, m.Retained)
	switch {
	case said.Ignored == "":
		s.understood++
		t.understood = true
		s.tell(m, said, guess)
	case said.Quiet:
		s.learnt++
		t.understood = true
	default:
		t.reason = said.Ignored
		t.shape.add(m.Payload)
	}
}

func (s *Sniffer) topic(name string) *topic {
	if t, ok := s.topics[name]; ok {
		return t
	}
	if len(s.topics) == MaxTopics || len(name) > sensors.MaxTopic {
		return nil
	}
	name = strings.Clone(name)
	t := &topic{name: name}
	s.topics[name] = t
	return t
}

// tell adds to the devices that a message is about.
func (s *Sniffer) tell(m Message, said observation.Translation, guess sensors.Guess) {
	about := map[*device]bool{}
	for _, o := range said.Observations {
		if d := s.device(o.Device, guess); d != nil {
			d.kinds[o.Kind] = true
			about[d] = true
		}
	}
	for _, r := range said.Readings {
		d := s.device(r.Device, guess)
		if d == nil {
			continue
		}
		about[d] = true
		if _, known := d.quantities[r.Quantity]; known || len(d.quantities) < maxNames {
			d.quantities[r.Quantity] = r.Unit
		}
	}
	for d := range about {
		d.hear(m, said.Dropped)
	}
}

func (s *Sniffer) device(name string, guess sensors.Guess) *device {
	key := deviceKey{guess.Dialect, name}
	if d, ok := s.devices[key]; ok {
		return d
	}
	if len(s.devices) == MaxDevices {
		s.unheard++
		return nil
	}
	d := &device{
		deviceKey: key, because: guess.Because, like: guess.Like,
		topics: map[string]uint64{}, kinds: map[alert.Kind]bool{}, quantities: map[string]string{}, dropped: map[string]bool{},
	}
	s.devices[key] = d
	return d
}

func (d *device) hear(m Message, dropped []string) {
	d.messages++
	if !m.Retained {
		if d.told++; d.told == 1 {
			d.first = m.At
		}
		d.last = m.At
	}
	if d.topics[m.Topic] > 0 || len(d.topics) < maxDeviceTopics {
		d.topics[m.Topic]++
	}
	for _, path := range dropped {
		if len(d.dropped) < maxNames {
			d.dropped[path] = true
		}
	}
}

// interval is the mean time between messages, 0 if it cannot be told. Retained ones are no sign of it.
func (d *device) interval() time.Duration {
	if d.told < 3 {
		return 0
	}
	mean := d.last.Sub(d.first) / time.Duration(d.told-1)
	if mean > time.Minute {
		return mean.Round(time.Second)
	}
	return mean.Round(100 * time.Millisecond)
}

func sorted[K ~string, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
