package mapped

import (
	"maps"
	"slices"
	"strings"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Default translates plain JSON by well-known English names (the table builtin), for a first look without a mapping. It
// understands {"smoke": true, "temperature": 21.5}, {"type": "smoke", "state": "alarm"}, {"event": "sos"} and
// {"type": "water_level", "value": 1.25, "unit": "m"}, also inside one object such as "data". The device is the topic.
type Default struct{}

var _ sensors.Dialect = Default{}

const whyUnnamed = "no well-known name says a hazard, a state or a measurement: write a mapping"

// Translate implements [sensors.Dialect].
func (Default) Translate(topic string, payload []byte, retained bool) observation.Translation {
	value, why := decode(topic, payload)
	if why != "" {
		return sensors.Ignored(validTopic(topic), why)
	}
	object := value.(map[string]any)
	g := guessless{b: &sensors.Builder{Topic: topic, Device: topic, Retained: retained}, test: underTest(object, 0), scale: scaleOf(object, 0)}
	g.object("", object, 0)
	return g.b.Done(whyUnnamed)
}

// guessless reads one message by names that leave no doubt.
type guessless struct {
	b     *sensors.Builder
	test  bool   // the device is under test: a hazard that it tells is none
	scale string // of temperatures, where a key of its own tells it
}

// around looks for keys of an object, and of the wrappers in it, that say something of all others.
func around(object map[string]any, depth int, look func(name string, v any)) {
	for key, v := range object {
		name := sensors.Snake(key)
		look(name, v)
		if inner, ok := v.(map[string]any); ok && depth < 2 && slices.Contains(wrapperKeys, name) {
			around(inner, depth+1, look)
		}
	}
}

func underTest(object map[string]any, depth int) (test bool) {
	around(object, depth, func(name string, v any) {
		if slices.Contains(testKeys, name) {
			on, _ := sensors.Truth(v)
			test = test || on || v == 1.0
		}
	})
	return test
}

// scaleOf is the unit, as it is spelt, of temperatures that tell no unit themselves; "" where nothing is said.
func scaleOf(object map[string]any, depth int) (told string) {
	around(object, depth, func(name string, v any) {
		spelling, _ := v.(string)
		if unit, ok := sensors.Unit(spelling); ok && slices.Contains(scaleKeys, name) && comparable("Cel", unit) {
			told = spelling
		}
	})
	return told
}

// object takes what one object says, key by key in alphabetical order, wrappers at most two deep.
func (g guessless) object(prefix string, object map[string]any, depth int) {
	unit, hasUnit := object["unit"].(string)
	done := g.described(prefix, object, unit, hasUnit)
	for _, key := range slices.Sorted(maps.Keys(object)) {
		name, value := sensors.Snake(key), object[key]
		path := prefix + name
		inner, isObject := value.(map[string]any)
		rule, known := builtin[name]
		switch {
		case slices.Contains(done, key), name == "unit":
		case slices.Contains(timeKeys, name) && g.time(value):
		case isObject && depth < 2 && slices.Contains(wrapperKeys, name):
			g.object(path+".", inner, depth+1)
		case known && isObject:
			g.whole(path, name, rule, inner)
		case known:
			g.apply(path, name, rule, value, unit, hasUnit)
		case slices.Contains(named, name), slices.Contains(timeKeys, name), slices.Contains(subjectKeys, name), slices.Contains(stateKeys, name):
			g.b.Drop(path)
		default:
			g.b.Drop(prefix + "*")
		}
	}
}

// whole takes a value that stands with its unit: {"value": 1.25, "unit": "m"}.
func (g guessless) whole(path, name string, r sensors.Rule, object map[string]any) {
	for _, key := range []string{"value", "v"} {
		if value, ok := object[key]; ok {
			unit, hasUnit := object["unit"].(string)
			g.apply(path, name, r, value, unit, hasUnit)
			return
		}
	}
	g.b.Drop(path)
}

// described takes a message that names its subject under one key and tells its state or value under another. It returns
// the keys that it used.
func (g guessless) described(prefix string, object map[string]any, unit string, hasUnit bool) []string {
	for _, key := range subjectKeys {
		word, _ := object[key].(string)
		subject := subjectOf(word)
		rule, ok := builtin[subject]
		if !ok {
			continue
		}
		for _, under := range stateKeys {
			if value, ok := object[under]; ok && under != key && g.fits(rule, value) {
				g.apply(prefix+under, subject, rule, value, unit, hasUnit)
				return []string{key, under}
			}
		}
		if rule.Observe != nil && slices.Contains(eventKeys, key) {
			g.observe(prefix+key, rule.Kind, observation.Momentary)
			return []string{key}
		}
	}
	return nil
}

// subjectOf takes a kind of device for what it watches: a smoke detector is about smoke.
func subjectOf(word string) string {
	subject := sensors.Snake(word)
	for _, device := range []string{"_detector", "_sensor", "_button", "_gauge", "_meter"} {
		subject = strings.TrimSuffix(subject, device)
	}
	return subject
}

func (g guessless) fits(r sensors.Rule, v any) bool {
	if r.Observe != nil {
		if _, ok := r.Observe(v); ok {
			return true
		}
	}
	_, isNumber := v.(float64)
	return r.Measure != nil && isNumber
}

// apply takes a value by a rule. A unit in the message replaces the default one where it measures the same; where it
// measures something else, it is not known what the number is.
func (g guessless) apply(path, name string, r sensors.Rule, v any, unit string, hasUnit bool) {
	if r.Observe != nil {
		if phase, ok := r.Observe(v); ok {
			g.observe(path, r.Kind, phase)
			return
		}
	}
	if r.Measure == nil {
		g.b.Drop(path)
		return
	}
	number, ok := v.(float64)
	if g.scale != "" && !hasUnit && g.usual(r, number) == "Cel" && !strings.HasSuffix(name, "_c") {
		unit, hasUnit = g.scale, true
	}
	if code, _ := sensors.Unit(unit); hasUnit && ok {
		if usual := g.usual(r, number); code != "" && (usual == "" || comparable(usual, code)) {
			g.b.Read(path, quantityOf(r, name), code, number)
			return
		}
		g.b.Drop(path)
		return
	}
	r.Observe, r.Kind = nil, alert.Kind("")
	g.b.Apply(path, name, "", r, v)
}

// observe takes what holds or happened, unless the device is under test and it is a hazard.
func (g guessless) observe(path string, k alert.Kind, phase observation.Phase) {
	if g.test && phase != observation.Inactive && k.Lane() == alert.LifeSafety {
		g.b.Drop(path)
		return
	}
	g.b.Observe(path, k, phase, "")
}

func quantityOf(r sensors.Rule, name string) string {
	if r.Quantity != "" {
		return r.Quantity
	}
	return name
}

func (g guessless) usual(r sensors.Rule, v float64) string {
	_, unit, _ := r.Measure(v)
	return unit
}

func (g guessless) time(v any) bool {
	at, ok := sensors.Time(v)
	if ok {
		g.b.Time = at
	}
	return ok
}
