package homeassistant

import (
	"slices"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// entity is one thing that a discovery message described: where it tells its state, and what that means.
type entity struct {
	device, object string
	topic          string // filter
	tpl            *template
	zone           string // by the words of its name
	expires        string // after how long without a message its state is void; empty: never
	availability   *availability
	bytes          int // of texts that are only here as something else
	meaning
}

// meaning is what a state means. refused says why it means nothing.
type meaning struct {
	what    string // a name for it, of a closed list
	refused string
	calm    bool // on purpose

	kind     alert.Kind
	inverted bool
	moment   bool // the state has no end of its own
	on, off  []string

	quantity, unit string

	moments map[string]alert.Kind
	event   bool // the word stands in a JSON object
}

func states(what string, s state, on, off []string) meaning {
	return meaning{what: what, kind: s.kind, inverted: s.inverted, on: on, off: off}
}

// received is one message, read once for all its entities.
type received struct {
	payload string
	json    any
	isJSON  bool
}

func receive(payload []byte) *received {
	value, err := sensors.Decode(payload)
	return &received{payload: string(payload), json: value, isJSON: err == nil}
}

// value is what a template makes of the message; without one, the payload itself.
func (m *received) value(t *template) (string, bool) {
	if t != nil {
		return t.value(m.payload, m.json, m.isJSON)
	}
	return m.payload, len(m.payload) <= maxText
}

// same compares as texts, and as numbers where both are: 1 is 1.0.
func same(a, b string) bool {
	x, ok := number(a)
	y, ok2 := number(b)
	return a == b || ok && ok2 && x == y
}

// tell adds what the message means for the entity to b. zone and quantity are its names among the entities of its device.
func (e *entity) tell(b *sensors.Builder, m *received, zone, quantity string) {
	word, ok := m.value(e.tpl)
	switch {
	case e.refused != "" || !ok || word == "":
		b.Drop(e.what)
	case e.quantity != "":
		e.tellNumber(b, word, quantity)
	case e.moments != nil:
		e.tellMoment(b, word, zone)
	default:
		e.tellState(b, word, zone)
	}
}

func (e *entity) tellNumber(b *sensors.Builder, word, quantity string) {
	v, ok := number(word)
	if !ok || !plausible(e.quantity, e.unit, v) {
		b.Drop(e.what)
		return
	}
	b.Read(e.what, quantity, e.unit, v)
}

func (e *entity) tellState(b *sensors.Builder, word, zone string) {
	is := func(w string) bool { return same(w, word) }
	on, off := slices.ContainsFunc(e.on, is), slices.ContainsFunc(e.off, is)
	switch {
	case on == off:
		b.Drop(e.what)
	case on && e.moment && !e.inverted:
		b.Observe(e.what, e.kind, observation.Momentary, zone)
	case on != e.inverted:
		b.Observe(e.what, e.kind, observation.Active, zone)
	default:
		b.Observe(e.what, e.kind, observation.Inactive, zone)
	}
}

func (e *entity) tellMoment(b *sensors.Builder, word, zone string) {
	if e.event {
		value, err := sensors.Decode([]byte(word))
		object, ok := value.(map[string]any)
		if err != nil || !ok {
			b.Drop(e.what)
			return
		}
		word, _ = object["event_type"].(string)
	}
	kind, ok := e.moments[word]
	if !ok {
		b.Drop(e.what)
		return
	}
	b.Observe(e.what, kind, observation.Momentary, zone)
}

// said is what an integrator reads about a description that was remembered.
func (e *entity) said() string {
	s := e.what
	if e.kind != "" {
		s = string(e.kind)
	}
	if e.quantity != "" {
		s += " in " + e.unit
	}
	if e.expires != "" {
		s += ", void after " + e.expires
	}
	return s
}
