// Package auto understands messages of any dialect of a registry: each message by the one that recognises it best.
//
// In: a [sensors.Registry] and messages. Out: what the recognising dialect makes of a message, or "ignored". A message that bears a
// mark that only one dialect has is left to that one; else those that it may be of are asked in the order of likeness, and the first
// that understands it is believed. Dialects that remember have a session each.
//
// What it never does: understand what no dialect of the registry recognises, read one message by two dialects at once.
package auto

import (
	"slices"
	"unicode/utf8"

	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Name is the dialect's name in configuration and in alerts.
const Name = "auto"

// Dialect recognises. Two are equal if they are the same pointer.
type Dialect struct {
	registry sensors.Registry
}

var (
	_ sensors.Learner   = (*Dialect)(nil)
	_ sensors.Companion = (*Dialect)(nil)
	_ sensors.Namer     = (*Dialect)(nil)
)

// New returns a dialect that asks those of a registry, which must not change any more.
func New(registry sensors.Registry) *Dialect { return &Dialect{registry} }

// whyUnknown is the reason for which nothing is understood.
const whyUnknown = "no dialect recognises the message"

// Session implements [sensors.Learner]; it returns a [*Session].
func (d *Dialect) Session() sensors.Session {
	return &Session{registry: d.registry, open: map[string]sensors.Dialect{}}
}

// Translate implements [sensors.Dialect].
func (d *Dialect) Translate(topic string, payload []byte, retained bool) observation.Translation {
	return d.Session().Translate(topic, payload, retained)
}

// Also implements [sensors.Companion]: what any of the dialects reads beside a topic.
func (d *Dialect) Also(filter string) []string {
	var also []string
	for _, name := range d.registry.Names() {
		if c, ok := d.registry[name].(sensors.Companion); ok {
			also = append(also, c.Also(filter)...)
		}
	}
	slices.Sort(also)
	return slices.Compact(also)
}

// NameOf implements [sensors.Namer].
func (d *Dialect) NameOf(filter string) string {
	for _, name := range d.registry.Names() {
		if n, ok := d.registry[name].(sensors.Namer); ok {
			if device := n.NameOf(filter); device != "" {
				return device
			}
		}
	}
	return ""
}

// Session is the memory of all dialects that have one.
type Session struct {
	registry sensors.Registry
	open     map[string]sensors.Dialect // by name: a session, or the dialect itself if it needs none
	last     sensors.Guess
}

var _ sensors.Session = (*Session)(nil)

// Translate implements [sensors.Dialect].
func (s *Session) Translate(topic string, payload []byte, retained bool) observation.Translation {
	guesses := s.expected(topic, s.registry.Recognise(topic, payload))
	s.last = sensors.Guess{}
	if len(guesses) == 0 {
		if len(topic) > sensors.MaxTopic || !utf8.ValidString(topic) {
			topic = ""
		}
		return sensors.Ignored(topic, whyUnknown)
	}
	if guesses[0].Like == sensors.Surely {
		guesses = guesses[:1]
	}
	var best observation.Translation
	for i, g := range guesses {
		t := s.dialect(g.Dialect).Translate(topic, payload, retained)
		if i == 0 || t.Ignored == "" || t.Quiet {
			best, s.last = t, g
		}
		if t.Ignored == "" || t.Quiet {
			break
		}
	}
	return best
}

// expected adds the dialects to whose sessions a source named the topic, behind those whose own shape the message has.
func (s *Session) expected(topic string, guesses []sensors.Guess) []sensors.Guess {
	at := 0
	for at < len(guesses) && guesses[at].Like >= sensors.Likely {
		at++
	}
	for _, name := range slices.Backward(s.registry.Names()) {
		e, ok := s.open[name].(sensors.Expecter)
		same := func(g sensors.Guess) bool { return g.Dialect == name }
		if ok && !slices.ContainsFunc(guesses[:at], same) && e.Expects(topic) {
			guesses = slices.DeleteFunc(guesses, same)
			guesses = slices.Insert(guesses, at, sensors.Guess{Dialect: name, Like: sensors.Likely, Because: "its source described this topic"})
		}
	}
	return guesses
}

func (s *Session) dialect(name string) sensors.Dialect {
	if d, ok := s.open[name]; ok {
		return d
	}
	d := s.registry[name]
	if l, ok := d.(sensors.Learner); ok {
		d = l.Session()
	}
	s.open[name] = d
	return d
}

// Last returns which dialect the last message was taken for, and why; the zero Guess if it was none's.
func (s *Session) Last() sensors.Guess { return s.last }

// Asks implements [sensors.Session].
func (s *Session) Asks() []sensors.Ask {
	var asks []sensors.Ask
	for _, name := range s.registry.Names() {
		if session, ok := s.open[name].(sensors.Session); ok {
			asks = append(asks, session.Asks()...)
		}
	}
	return asks[:min(len(asks), sensors.MaxAsks)]
}
