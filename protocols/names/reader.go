package names

import (
	"maps"
	"slices"
	"strings"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Table says who chose the names.
type Table struct{ measures map[string]measure }

// Codecs are the names that LoRaWAN codecs use, Things those of the thing models of clouds.
var (
	Codecs = Table{codecs()}
	Things = Table{things()}
)

// maxDepth is how deep objects within objects are looked into.
const maxDepth = 4

// Reader reads the objects of one message.
type Reader struct {
	B     *sensors.Builder
	Table Table
	// Brand is what [Brand] found, where the message tells the model. It settles units.
	Brand string

	test, company bool
	scale         string // of temperatures, where a key of its own tells it
	past, present bool   // what it reads was kept by the device; was told now
}

// Object takes what an object says, key by key in alphabetical order. prefix is its path with a dot at the end, or "".
func (r *Reader) Object(prefix string, object map[string]any) {
	r.look(object)
	r.object(prefix, object, 0)
}

// look learns from the names around a value what the value can mean.
func (r *Reader) look(object map[string]any) {
	for key, v := range object {
		name := plain(key)
		if s, ok := underTest[name]; ok {
			if on, _ := s.truth(v); on {
				r.test = true
			}
		}
		if m, ok := r.Table.measures[name]; ok && (m.quantity == "temperature" || m.quantity == "humidity") {
			r.company = true
		}
		if code, ok := scale(name, v); ok {
			r.scale = code
		}
		if brand := marks[name]; brand != "" && r.Brand == "" {
			r.Brand = brand
		}
		if within, ok := v.(map[string]any); ok && wraps(name) {
			r.look(within)
		}
	}
}

func (r *Reader) object(prefix string, object map[string]any, depth int) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		name, v := plain(key), object[key]
		within, isObject := v.(map[string]any)
		meaning := r.find(name)
		switch {
		case meaning.known():
			r.take(prefix, meaning, v)
		case isObject && depth < maxDepth && wraps(name):
			r.object(prefix+name+".", within, depth+1)
		case name == "messages":
			r.messages(prefix+"messages", v)
		case known[name] || hasState(underTest, name):
			r.B.Drop(prefix + name)
		default:
			r.B.Drop(prefix + "*")
		}
	}
}

// scales are names under which a codec or a model tells the unit of its temperatures.
var scales = set("temp_unit", "temperature_unit", "unit_temp", "unit_temperature", "temperature_scale", "temp_scale")

// scale is the UCUM code of what a key tells as the unit of temperatures.
func scale(name string, v any) (code string, ok bool) {
	if !scales[name] {
		return "", false
	}
	if object, is := v.(map[string]any); is {
		v = object["value"]
	}
	spelling, _ := v.(string)
	code, _ = sensors.Unit(spelling)
	_, ok = temperature.of(code)
	return code, ok
}

// celsius says whether a name has the unit within it: temp_c_sht, temp_c1.
func celsius(name string) bool {
	_, after, ok := strings.Cut(name, "temp_c")
	return ok && !strings.HasPrefix(after, "h")
}

// wraps says whether an object under a name is looked into.
func wraps(name string) bool { return wrappers[name] || name == "status" || name == "state" }

func hasState(table map[string]state, name string) bool { _, ok := table[name]; return ok }

// Value takes one named value, as a thing model tells them, and says whether the table knows the name.
func (r *Reader) Value(prefix, key string, v any) bool {
	m := r.find(plain(key))
	if m.known() {
		r.take(prefix, m, v)
	}
	return m.known()
}

// meaning is what the table holds about a name. path names it in a list of what was dropped.
type meaning struct {
	path    string
	state   *state
	measure *measure
	unit    string // that the name ends with
	channel string
}

func (m meaning) known() bool { return m.state != nil || m.measure != nil }

func (r *Reader) find(name string) meaning {
	if m := r.exact(name); m.known() || name == "" || known[name] || hasState(underTest, name) {
		return m
	}
	if base, unit, ok := cutUnit(name); ok {
		if m := r.measured(base, unit); m.known() {
			return m.under(name)
		}
		if base, channel, ok := cutChannel(base); ok {
			if m := r.measured(base, unit); m.known() {
				m.channel = channel
				return m.under(name)
			}
		}
	}
	if base, ok := strings.CutSuffix(name, "_value"); ok {
		if m := r.exact(base); m.measure != nil {
			m.state = nil
			return m.under(name)
		}
	}
	if base, channel, ok := cutChannel(name); ok {
		if m := r.exact(base); m.known() {
			m.channel = channel
			return m.under(name)
		}
		if inner, unit, ok := cutUnit(base); ok {
			m := r.measured(inner, unit)
			m.channel = channel
			return m.under(name)
		}
	}
	return failing(name)
}

// under gives the meaning the path of the whole name, which is a known one with a number or a unit.
func (m meaning) under(name string) meaning {
	m.path = name
	return m
}

func (r *Reader) exact(name string) meaning {
	m := meaning{path: name}
	if s, ok := states[name]; ok {
		m.state = &s
	}
	if v, ok := brands[r.Brand][name]; ok {
		m.measure = &v
		return m
	}
	if v, ok := r.Table.measures[name]; ok {
		m.measure = &v
	} else if name == "pressure" {
		v := r.pressure()
		m.measure = &v
	}
	return m
}

// pressure is that of the air where temperature or humidity are told with it; else it may be that of a pipe.
func (r *Reader) pressure() measure {
	if r.company {
		return bySize("pressure", pressure, airPressure...)
	}
	return told("pressure", pressure)
}

func (r *Reader) measured(base, unit string) meaning {
	m := r.exact(base)
	if m.measure == nil {
		return meaning{}
	}
	if _, ok := m.measure.dim.of(unit); !ok && !(m.measure.quantity == "battery" && (unit == "V" || unit == "mV")) {
		return meaning{}
	}
	m.state, m.unit = nil, unit
	return m
}

// failing is the meaning of a name that ends like a failure. Its path is "*", since the rest of the name can be anything.
func failing(name string) meaning {
	for _, end := range failures {
		if strings.HasSuffix(name, end) {
			s := bits(alert.DeviceFault)
			return meaning{path: "*", state: &s}
		}
	}
	return meaning{}
}

// take reads a value of any shape by its meaning.
func (r *Reader) take(prefix string, m meaning, v any) {
	switch v := v.(type) {
	case map[string]any:
		r.shaped(prefix, m, v)
	case []any:
		if len(v) == 1 {
			r.scalar(prefix, m, v[0], m.unit)
			return
		}
		r.B.Drop(prefix + m.path)
	default:
		r.scalar(prefix, m, v, m.unit)
	}
}

func (r *Reader) shaped(prefix string, m meaning, object map[string]any) {
	if v, unit, ok := inner(object); ok {
		if m.unit != "" && unit == "" {
			unit = m.unit
		}
		r.scalar(prefix, m, v, unit)
		return
	}
	keys := numbered(object)
	for _, key := range keys {
		if m.channel = key; len(keys) == 1 {
			m.channel = ""
		}
		r.scalar(prefix, m, object[key], m.unit)
	}
	if len(keys) == 0 {
		r.B.Drop(prefix + m.path)
	}
}

func (r *Reader) scalar(prefix string, m meaning, v any, unit string) {
	if m.state != nil && r.condition(prefix, m, v) {
		return
	}
	f, said, ok := number(v)
	if !ok || m.measure == nil || said != "" && unit != "" && said != unit {
		r.B.Drop(prefix + m.path)
		return
	}
	if said != "" {
		unit = said
	}
	r.measure(prefix, m, f, unit)
}

// condition reads a state. While the device is under test a hazard is dropped, and of the past every state.
func (r *Reader) condition(prefix string, m meaning, v any) bool {
	phase, ok := m.state.phase(v)
	if !ok {
		return false
	}
	if r.past || r.test && phase == observation.Active && slices.Contains(hazards, m.state.kind) {
		r.B.Drop(prefix + m.path)
		return true
	}
	return r.B.Observe(prefix+m.path, m.state.kind, phase, m.channel)
}

func (r *Reader) measure(prefix string, m meaning, f float64, unit string) {
	quantity, dim := m.measure.quantity, *m.measure
	if quantity == "battery" && dim.bare == nil {
		switch unit {
		case "":
			var ok bool
			if quantity, unit, ok = charge(f); !ok {
				r.B.Drop(prefix + m.path)
				return
			}
			dim.dim = batteries
		case "V", "mV":
			quantity, dim.dim = "battery_voltage", batteries
		}
	}
	if _, isTemperature := dim.dim.of("Cel"); isTemperature && unit == "" && !celsius(m.path) {
		unit = r.scale
	}
	code, ok := dim.take(f, unit)
	if !ok {
		r.B.Drop(prefix + m.path)
		return
	}
	if m.channel != "" {
		quantity += "_" + m.channel
	}
	r.B.Read(prefix+m.path, quantity, code, f)
}

// batteries holds both ways in which a battery is told.
var batteries = append(dimension{{Unit: "%", Lo: 0, Hi: 100}}, volts...)
