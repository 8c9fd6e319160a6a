package sparkplug

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Name is the dialect's name in configuration and in alerts.
const Name = "sparkplug"

// Dialect is the Sparkplug B dialect. The zero value is ready.
type Dialect struct{}

var (
	_ sensors.Learner    = Dialect{}
	_ sensors.Companion  = Dialect{}
	_ sensors.Namer      = Dialect{}
	_ sensors.Recogniser = Dialect{}
)

// Session implements [sensors.Learner].
func (Dialect) Session() sensors.Session { return &session{memory: newMemory(usualBounds)} }

// Translate implements [sensors.Dialect].
func (d Dialect) Translate(topic string, payload []byte, retained bool) observation.Translation {
	return d.Session().Translate(topic, payload, retained)
}

// Also implements [sensors.Companion]: births and deaths, and all else that counts on with the node's sequence number.
func (Dialect) Also(filter string) []string {
	levels := strings.Split(filter, "/")
	if len(levels) < 4 || levels[0] != namespace || levels[3] == "#" {
		return nil
	}
	return []string{strings.Join([]string{namespace, levels[1], "+", levels[3], "#"}, "/")}
}

// NameOf implements [sensors.Namer].
func (Dialect) NameOf(filter string) string {
	levels := strings.Split(filter, "/")
	if len(levels) < 4 || len(levels) > 5 || levels[0] != namespace || strings.ContainsAny(levels[1]+levels[3]+strings.Join(levels[4:], ""), "+#") {
		return ""
	}
	return strings.Join(append([]string{levels[1]}, levels[3:]...), "/")
}

// Recognise implements [sensors.Recogniser].
func (Dialect) Recognise(topic string, b []byte) (sensors.Likeness, string) {
	if a, why, quiet := parse(topic); quiet && why == whyCommand || why == "" && a.group != "" {
		return sensors.Surely, "the topic is spBv1.0/<group>/<type>/<node>"
	}
	if p, err := payloadOf(b); err == nil && p.isMine() {
		return sensors.Likely, "a list of metrics with names or aliases and data types"
	}
	return sensors.Unlike, ""
}

// Reasons for which nothing is understood.
const (
	whyEmpty   = "an empty payload only removes a retained message"
	whyAliases = "the metrics have aliases, and the BIRTH that explains them was not heard"
	whyMetrics = "the message has no metrics"
	whyNothing = "no metric's name says a hazard, a state or a measurement"
)

// read opens a message. One whose topic is not of the specification is taken as data if its payload leaves no doubt: gateways publish
// what they decoded elsewhere. ok is false if t says all.
func read(topic string, b []byte) (a address, p payload, t observation.Translation, ok bool) {
	a, why, quiet := parse(topic)
	switch {
	case quiet:
		return a, p, sensors.Learnt(topic, why), false
	case why == whyLong:
		return a, p, sensors.Ignored("", why), false
	case why == whyOld:
		return a, p, sensors.Ignored(topic, why), false
	case len(b) == 0:
		return a, p, sensors.Ignored(topic, whyEmpty), false
	}
	p, err := payloadOf(b)
	switch {
	case why != "" && (err != nil || !p.isMine()):
		return a, p, sensors.Ignored(topic, why), false
	case err != nil:
		return a, p, sensors.Ignored(topic, err.Error()), false
	case why != "":
		a = address{kind: data, foreign: topic}
	}
	return a, p, t, true
}

// payloadOf reads a payload, whatever it is written in. No payload in protocol buffers begins like JSON: it would be the start of a
// group.
func payloadOf(b []byte) (payload, error) {
	if len(b) > sensors.MaxPayload {
		return payload{}, fmt.Errorf("payload has more than %d bytes", sensors.MaxPayload)
	}
	if strings.HasPrefix(strings.TrimLeft(string(b[:min(len(b), 16)]), " \t\r\n"), "{") {
		return decodeText(b)
	}
	p, err := decode(b)
	if err != nil || !p.compressed {
		return p, err
	}
	return p.inflate()
}

// isMine says that a payload can be no other dialect's: all its metrics have a name or alias, and some have a data type.
func (p payload) isMine() bool {
	typed := false
	for _, m := range p.metrics {
		if m.name == "" && m.alias == "" || m.datatype > lastType {
			return false
		}
		typed = typed || m.datatype != anyType
	}
	return typed && (p.hasSeq || !p.time.IsZero())
}

// bdSeq counts the connections of a node, modulo 256 (6.4.12).
func (p payload) bdSeq() (n uint64, ok bool) {
	for _, m := range p.metrics {
		if f, isNumber := m.raw.value(int64Type).(float64); m.name == "bdSeq" && isNumber {
			return whole64(f) % 256, true
		}
	}
	return 0, false
}

// telling is one message with what is known of its metrics.
type telling struct {
	address
	payload
	defined  []definition // one for each metric
	alien    bool         // a metric stands for an alias that nobody explained
	retained bool
}

// translation says what the message tells.
func (t telling) translation(topic string) observation.Translation {
	b := &sensors.Builder{Topic: topic, Device: t.name(), Retained: t.retained, Time: t.payload.time}
	if t.kind == nodeBirth || t.kind == birth {
		b.Observe("*", alert.DeviceOffline, observation.Inactive, "")
	}
	kept := map[time.Time]*sensors.Builder{}
	for i, m := range t.metrics {
		into := b
		if m.historical && !m.time.IsZero() {
			if into = kept[m.time]; into == nil {
				into = &sensors.Builder{Topic: topic, Device: t.name(), Retained: t.retained, Time: m.time}
				kept[m.time] = into
			}
		}
		into.At = m.time
		apply(into, m, t.defined[i])
	}
	return t.join(b, kept)
}

// join puts what was told now and what was kept into one translation.
func (t telling) join(b *sensors.Builder, kept map[time.Time]*sensors.Builder) observation.Translation {
	why := whyNothing
	switch {
	case len(t.metrics) == 0:
		why = whyMetrics
	case t.alien:
		why = whyAliases
	}
	all := b.Done(why)
	for _, at := range slices.SortedFunc(maps.Keys(kept), time.Time.Compare) {
		old := kept[at].Done("")
		for _, r := range old.Readings[:min(len(old.Readings), maxKept-min(maxKept, len(all.Readings)))] {
			r.Kept = true
			all.Readings = append(all.Readings, r)
		}
		for _, o := range old.Observations[:min(len(old.Observations), maxKept-min(maxKept, len(all.Observations)))] {
			o.Kept = true
			all.Observations = append(all.Observations, o)
		}
		all.Dropped = append(all.Dropped, old.Dropped...)
	}
	slices.Sort(all.Dropped)
	all.Dropped = slices.Compact(all.Dropped)
	if len(all.Observations)+len(all.Readings) > 0 {
		all.Ignored = ""
	}
	return all
}

// maxKept bounds the observations, and the readings, of one message with values that were kept.
const maxKept = 512

// apply takes one metric.
func apply(b *sensors.Builder, m metric, def definition) {
	if def.key == "" && isControl(m.name) {
		return
	}
	t := def.datatype
	if m.datatype != anyType {
		t = m.datatype
	}
	v := m.raw.value(t)
	if def.key == "" || m.null || m.bad || v == nil {
		b.Drop(def.path)
		return
	}
	rule := rules[def.key]
	if rule.Observe != nil {
		if phase, ok := rule.Observe(v); ok {
			observe(b, m, def, rule.Kind, phase)
			return
		}
	}
	quantity, unit, value, ok := reading(def.key, rule, v, def.told)
	if !ok || def.strange || m.transient {
		b.Drop(def.path)
		return
	}
	if def.channel != "" {
		quantity += "_" + def.channel
	}
	b.Read(def.path, quantity, unit, value)
}

// observe takes a state. One that was kept while nobody listened was so once; whether it still is, a later message tells.
func observe(b *sensors.Builder, m metric, def definition, kind alert.Kind, phase observation.Phase) {
	if m.historical {
		if phase == observation.Inactive {
			b.Drop(def.path)
			return
		}
		phase = observation.Momentary
	}
	b.Observe(def.path, kind, phase, def.channel)
}

// isControl says that a metric belongs to the protocol.
func isControl(name string) bool { return name == "bdSeq" || strings.HasPrefix(name, "Node Control/") }
