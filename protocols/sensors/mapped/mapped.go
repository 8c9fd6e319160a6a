package mapped

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Name is the dialect's name in configuration and in alerts.
const Name = "mapped"

// Dialect translates by mappings. It is safe for concurrent use.
type Dialect struct {
	mappings []mapping
}

var _ sensors.Dialect = (*Dialect)(nil)

// Reasons for which nothing is understood.
const (
	whyTopic   = "no mapping matches the topic"
	whyDevice  = "the message does not name its device"
	whyNothing = "the mapping takes nothing from this message"
	whyEmpty   = "an empty payload only removes a retained message"
)

// mapping is a compiled [Mapping].
type mapping struct {
	filter       string
	device, time *expression
	observations []observe
	readings     []measure
	paths        []string // all that any expression reads, sorted
}

type observe struct {
	kind                        alert.Kind
	zone                        string
	active, inactive, momentary *expression
}

type measure struct {
	quantity, unit string
	value          *expression
}

// gather fills paths.
func (m *mapping) gather() {
	add := func(es ...*expression) {
		for _, e := range es {
			if e != nil {
				m.paths = append(m.paths, e.paths...)
			}
		}
	}
	add(m.device, m.time)
	for _, o := range m.observations {
		add(o.active, o.inactive, o.momentary)
	}
	for _, r := range m.readings {
		add(r.value)
	}
	slices.Sort(m.paths)
	m.paths = slices.Compact(m.paths)
}

// Translate implements [sensors.Dialect].
func (d *Dialect) Translate(topic string, payload []byte, retained bool) observation.Translation {
	value, why := decode(topic, payload)
	if why != "" {
		return sensors.Ignored(validTopic(topic), why)
	}
	levels := strings.Split(topic, "/")
	for i := range d.mappings {
		if m := &d.mappings[i]; sensors.MatchFilter(m.filter, topic) {
			return m.translate(topic, environment(levels, value), retained)
		}
	}
	return sensors.Ignored(topic, whyTopic)
}

func validTopic(topic string) string {
	if len(topic) > sensors.MaxTopic || !utf8.ValidString(topic) {
		return ""
	}
	return topic
}

// decode reads a payload; a bare value is put under the key "value", so that rules can name it.
func decode(topic string, payload []byte) (object any, why string) {
	switch {
	case validTopic(topic) != topic:
		return nil, "the topic is too long or not UTF-8"
	case len(payload) == 0:
		return nil, whyEmpty
	}
	value, err := sensors.Decode(payload)
	if err != nil {
		return nil, err.Error()
	}
	if _, ok := value.(map[string]any); !ok {
		value = map[string]any{"value": value}
	}
	return value, ""
}

func (m *mapping) translate(topic string, env map[string]any, retained bool) observation.Translation {
	b := &sensors.Builder{Topic: topic, Retained: retained}
	m.dropUnread(b, "", env["payload"])
	if b.Device = m.deviceName(topic, env); b.Device == "" {
		return b.Done(whyDevice)
	}
	if m.time != nil && m.time.present(env["payload"]) {
		m.readTime(b, env)
	}
	for _, o := range m.observations {
		o.apply(b, env)
	}
	for _, r := range m.readings {
		r.apply(b, env)
	}
	return b.Done(whyNothing)
}

// dropUnread names as "*" every key that no expression reads.
func (m *mapping) dropUnread(b *sensors.Builder, prefix string, v any) {
	object, _ := v.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(object)) {
		path := prefix + key
		switch {
		case slices.Contains(m.paths, path):
		case slices.ContainsFunc(m.paths, func(p string) bool { return strings.HasPrefix(p, path+".") }):
			if _, ok := object[key].(map[string]any); !ok {
				b.Drop(path)
			}
			m.dropUnread(b, path+".", object[key])
		default:
			b.Drop(prefix + "*")
		}
	}
}

// deviceName accepts a short text or a whole number.
func (m *mapping) deviceName(topic string, env map[string]any) string {
	if m.device == nil {
		return topic
	}
	v, err := m.device.eval(env)
	if err != nil {
		return ""
	}
	switch v := v.(type) {
	case string:
		if len(v) <= 128 {
			return v
		}
	case float64:
		if v == float64(int64(v)) {
			return strconv.FormatInt(int64(v), 10)
		}
	}
	return ""
}

func (m *mapping) readTime(b *sensors.Builder, env map[string]any) {
	v, err := m.time.eval(env)
	if i, ok := v.(int); ok {
		v = float64(i)
	}
	at, ok := sensors.Time(v)
	if err != nil || !ok {
		dropAll(b, m.time)
		return
	}
	b.Time = at
}

// apply observes what exactly one expression says; two that contradict each other say nothing.
func (o observe) apply(b *sensors.Builder, env map[string]any) {
	active, inactive, moment := truth(b, o.active, env), truth(b, o.inactive, env), truth(b, o.momentary, env)
	path := "*"
	switch {
	case active && inactive:
		dropAll(b, o.active, o.inactive)
	case active:
		b.Observe(o.active.name(path), o.kind, observation.Active, o.zone)
	case inactive:
		b.Observe(o.inactive.name(path), o.kind, observation.Inactive, o.zone)
	case moment:
		b.Observe(o.momentary.name(path), o.kind, observation.Momentary, o.zone)
	}
}

func (r measure) apply(b *sensors.Builder, env map[string]any) {
	if !r.value.present(env["payload"]) {
		return
	}
	v, err := r.value.eval(env)
	f, ok := v.(float64)
	if i, whole := v.(int); whole {
		f, ok = float64(i), true
	}
	if err != nil || !ok || f != f || f-f != 0 { // NaN, infinite
		dropAll(b, r.value)
		return
	}
	b.Read(r.value.name("*"), r.quantity, r.unit, f)
}

// truth evaluates a condition. One whose fields are absent is false; one that gives no bool drops its paths.
func truth(b *sensors.Builder, e *expression, env map[string]any) bool {
	if e == nil || !e.present(env["payload"]) {
		return false
	}
	v, err := e.eval(env)
	result, ok := v.(bool)
	if err != nil || !ok {
		dropAll(b, e)
	}
	return result
}

func dropAll(b *sensors.Builder, es ...*expression) {
	for _, e := range es {
		for _, path := range e.paths {
			b.Drop(path)
		}
	}
}

// name is the first path that the expression reads.
func (e *expression) name(none string) string {
	if len(e.paths) == 0 {
		return none
	}
	return e.paths[0]
}
