package homeassistant

import (
	"errors"
	"strings"

	"gridgate/protocols/sensors"
)

// Bounds of the memory of one broker.
const (
	maxEntities  = 10_000
	maxBytes     = 24 << 20 // as [entity.size] counts them
	maxListeners = 1024     // entities and availabilities that one message is read for
)

// Session remembers what the sources of one broker described, and whether they are available. It keeps no other value. What is full
// takes no new description and goes on with those it has, so that no flood pushes a sensor out.
type Session struct {
	dialect   Dialect
	described map[string]described // by discovery topic
	available map[string]*availability
	index     index
	names     map[name]int // how many entities have a name
	entities  int
	bytes     int
}

// described is what one discovery topic holds.
type described struct {
	entities []*entity
	bytes    int
}

// name is what could tell an entity from the others of its device; label is empty for the first choice of a quantity.
type name struct{ device, what, label string }

var (
	_ sensors.Session  = (*Session)(nil)
	_ sensors.Expecter = (*Session)(nil)
)

func newSession(d Dialect) *Session {
	return &Session{
		dialect: d, described: map[string]described{}, available: map[string]*availability{},
		index: index{plain: map[string][]listener{}}, names: map[name]int{},
	}
}

// Expects implements [sensors.Expecter].
func (s *Session) Expects(topic string) bool {
	found, _ := s.index.match(topic)
	return len(found) > 0
}

// Asks implements [sensors.Session]. Nobody is asked: discovery is retained, and the message that makes sources repeat it (the
// birth of Home Assistant) would command every source of the house.
func (s *Session) Asks() []sensors.Ask { return nil }

var errFull = errors.New("the memory for descriptions is full: more than 10000 entities or 24 MiB")

// learn replaces what a discovery topic described.
func (s *Session) learn(topic string, entities []*entity) error {
	before, known := s.described[topic]
	d := described{bytes: len(topic) + 256}
	for _, e := range entities {
		if e.indexed() {
			d.entities = append(d.entities, e)
			d.bytes += e.size()
		}
	}
	if s.entities-len(before.entities)+len(d.entities) > maxEntities || s.bytes-before.bytes+d.bytes > maxBytes {
		return errFull
	}
	if known {
		s.forget(topic)
	}
	for _, e := range d.entities {
		s.enter(e)
	}
	s.described[topic] = d
	s.entities += len(d.entities)
	s.bytes += d.bytes
	return nil
}

// forget removes what a discovery topic described.
func (s *Session) forget(topic string) {
	d := s.described[topic]
	delete(s.described, topic)
	s.entities -= len(d.entities)
	s.bytes -= d.bytes
	for _, e := range d.entities {
		s.index.remove(listener{entity: e})
		for _, n := range e.names() {
			if s.names[n]--; s.names[n] <= 0 {
				delete(s.names, n)
			}
		}
		s.release(e.availability)
	}
}

func (s *Session) enter(e *entity) {
	s.index.add(listener{entity: e})
	for _, n := range e.names() {
		s.names[n]++
	}
	a := e.availability
	if a == nil {
		return
	}
	if shared := s.available[a.key]; shared != nil {
		e.availability = shared
	} else {
		s.available[a.key] = a
		for _, it := range a.items {
			s.index.add(listener{of: a, item: it})
		}
	}
	e.availability.users++
}

func (s *Session) release(a *availability) {
	if a == nil {
		return
	}
	if a.users--; a.users > 0 {
		return
	}
	delete(s.available, a.key)
	for _, it := range a.items {
		s.index.remove(listener{of: a, item: it})
	}
}

// indexed says whether messages of the entity can be known.
func (e *entity) indexed() bool { return e.topic != "" && sensors.CheckFilter(e.topic) == nil }

// size is about how many bytes an entity takes, with its share of the index.
func (e *entity) size() int {
	n := 1024 + e.bytes + 2*(len(e.topic)+len(e.device)+len(e.object))
	if strings.ContainsAny(e.topic, "+#") {
		n += 320 * (1 + strings.Count(e.topic, "/"))
	}
	if e.tpl != nil {
		n += e.tpl.nodes * 72
	}
	for word := range e.moments {
		n += len(word) + 64
	}
	if e.availability != nil {
		n += 2*len(e.availability.key) + 512
		for _, it := range e.availability.items {
			n += 512
			if it.tpl != nil {
				n += it.tpl.nodes * 72
			}
		}
	}
	return n
}

// names are those that an entity has or may need.
func (e *entity) names() []name {
	switch {
	case e.refused != "":
		return nil
	case e.quantity != "":
		return []name{{e.device, e.quantity, ""}, {e.device, e.quantity, "_" + e.zone}}
	}
	return []name{{e.device, e.what, "_" + e.zone}}
}

// namesOf returns the zone and the quantity of an entity. A quantity that only one entity of the device has keeps its name; if two
// have the same words, or none that may be repeated, a mark tells them apart.
func (s *Session) namesOf(e *entity) (zone, quantity string) {
	own := e.names()
	label := e.zone
	if len(own) > 0 && s.names[own[len(own)-1]] > 1 {
		label = join(label, mark(e.object))
	}
	if len(own) == 2 && s.names[own[0]] > 1 {
		return label, join(e.quantity, label)
	}
	return label, e.quantity
}
