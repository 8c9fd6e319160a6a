package names

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Bounds of one message that tells several times, devices or events; what exceeds them is dropped as "*".
const (
	maxParts        = 64 // of times and devices, and of events
	maxObservations = 64
	maxReadings     = 128
)

// Batch reads a message that tells values of several devices or times. Set its fields, add to it, then [Batch.Done].
type Batch struct {
	Topic    string
	Retained bool
	Table    Table
	Brand    string
	Kept     bool // the device kept all of this while nobody listened

	parts   []*part
	dropped []string
	events  int
}

type part struct {
	device string
	at     time.Time
	reader *Reader
}

// Open decodes the object of a message, or says why there is none. The topic that it returns is fit for a translation.
func Open(topic string, payload []byte) (object map[string]any, safe, why string) {
	if len(topic) > sensors.MaxTopic || !utf8.ValidString(topic) {
		return nil, "", "the topic is too long or not UTF-8"
	}
	if len(payload) == 0 {
		return nil, topic, "an empty payload only removes a retained message"
	}
	value, err := sensors.Decode(payload)
	if err != nil {
		return nil, topic, err.Error()
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, topic, "the payload is not a JSON object"
	}
	return object, topic, ""
}

// ValidDevice says whether a text can name a device: 1 to 128 bytes of UTF-8 without a slash.
func ValidDevice(name string) bool {
	return name != "" && len(name) <= 128 && utf8.ValidString(name) && !strings.ContainsAny(name, "/\x00")
}

// At returns the reader for what a device told of a time (zero: none); nil if the message tells more than fits.
func (b *Batch) At(device string, at time.Time) *Reader {
	for _, p := range b.parts {
		if p.device == device && p.at.Equal(at) {
			return p.reader
		}
	}
	if len(b.parts) == maxParts {
		return nil
	}
	builder := &sensors.Builder{Topic: b.Topic, Device: device, Retained: b.Retained, Time: at}
	p := &part{device, at, &Reader{B: builder, Table: b.Table, Brand: b.Brand}}
	b.parts = append(b.parts, p)
	return p.reader
}

// maxHistory is how many entries of a codec's history are read.
const maxHistory = 32

// Codec takes what a codec decoded, and the measurements of its history, which Milesight's devices send again after a loss:
// {"history": [{"timestamp": 1767323045, "temperature": 21.5}]}. What held in the past raises nothing any more.
func (b *Batch) Codec(prefix, device string, object map[string]any, at time.Time) {
	if r := b.At(device, at); r != nil {
		r.present = true
		r.Object(prefix, object)
	}
	list, _ := object["history"].([]any)
	for _, item := range list[:min(len(list), maxHistory)] {
		entry, _ := item.(map[string]any)
		at, ok := sensors.Time(entry["timestamp"])
		if !ok {
			continue
		}
		if r := b.At(device, at); r != nil && !r.present {
			r.past = true
			r.Object(prefix+"history.", entry)
		}
	}
}

// Drop names a path that nothing takes. A part that is not known must be given as "*".
func (b *Batch) Drop(path string) { b.dropped = append(b.dropped, path) }

// Properties takes the properties of a device, each a bare value, {"value": ..., "time": ...}, or a list of such. at is the
// time of those that have none of their own.
func (b *Batch) Properties(prefix, device string, properties map[string]any, at time.Time) {
	around := b.around(properties)
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		list, isList := properties[key].([]any)
		if !isList {
			list = []any{properties[key]}
		}
		for _, item := range list {
			v, at := timed(item, at)
			b.one(prefix, device, around, key, v, at)
		}
	}
}

// MaxPacked is how many devices of one message are read, and how many values of one event.
const MaxPacked = 64

// Packed takes what a gateway tells of itself and of the devices behind it, [{"identity": {"deviceName": ...}, "properties": {...}}]; without
// an identity it is the gateway. The events of each are for the dialect. path is where the list stands.
func (b *Batch) Packed(path, gateway string, list []any, events func(device string, one map[string]any)) {
	for i, item := range list {
		one, ok := item.(map[string]any)
		if !ok || i == MaxPacked {
			b.Drop(path)
			return
		}
		device := gateway
		if identity, ok := one["identity"].(map[string]any); ok {
			device, _ = identity["deviceName"].(string)
		}
		if !ValidDevice(device) {
			b.Drop(path)
			continue
		}
		properties, _ := one["properties"].(map[string]any)
		b.Properties(path+".", device, properties, time.Time{})
		events(device, one)
	}
}

// around learns from all properties of a message what each can mean.
func (b *Batch) around(properties map[string]any) Reader {
	values := make(map[string]any, len(properties))
	for key, v := range properties {
		values[key], _ = timed(v, time.Time{})
	}
	r := Reader{Table: b.Table, Brand: b.Brand}
	r.look(values)
	return r
}

func (b *Batch) one(prefix, device string, around Reader, key string, v any, at time.Time) {
	r := b.At(device, at)
	if r == nil {
		b.Drop("*")
		return
	}
	r.test, r.company, r.Brand = r.test || around.test, r.company || around.company, around.Brand
	r.scale = around.scale
	r.object(prefix, map[string]any{key: v}, 0)
}

// timed takes the value and its time out of the ways in which clouds write them. A time that is not understood is none.
func timed(v any, at time.Time) (any, time.Time) {
	object, ok := v.(map[string]any)
	if !ok {
		return v, at
	}
	value, ok := object["value"]
	if short, is := object["v"]; is && !ok {
		value, ok = short, true
	}
	if !ok {
		return v, at
	}
	for _, key := range []string{"time", "t", "ts", "timestamp"} {
		if told, is := object[key]; is {
			at, _ = sensors.Time(told)
		}
	}
	if _, hasUnit := object["unit"]; hasUnit {
		return v, at
	}
	return value, at
}

// Joined is the well-known name of a property that says nothing alone, with what it belongs to: "alarm" of "smokeDetector" is
// smoke_alarm, "level" of "Battery" battery_level, "value" of "Temperature" temperature. It is "" where there is none.
func (t Table) Joined(subject, property string) string {
	r := Reader{Table: t}
	name := plain(property)
	if name == "" || r.find(name).known() {
		return ""
	}
	subject = plain(subject)
	for _, end := range []string{"_detector", "_sensor", "_service", "_info"} {
		subject = strings.TrimSuffix(subject, end)
	}
	joined := subject + "_" + name
	if name == "value" {
		joined = subject
	}
	if r.exact(joined).known() {
		return joined
	}
	return ""
}

// Names under which an event tells whether what it is named after begins or ends.
var eventStates = []string{"state", "status", "alarm", "alarm_state", "alarm_status", "value", "alarm_type", "is_alarm", "event_type"}

// Event takes an event by its well-known name: a moment, unless its parameters tell a state. Its other parameters are read
// like properties. Path is where the name stands.
func (b *Batch) Event(path, device, name string, params map[string]any, at time.Time) {
	if b.events++; b.events > maxParts {
		b.Drop("*")
		return
	}
	b.Properties(path+".", device, params, at)
	s, ok := states[eventName(name)]
	r := b.At(device, at)
	if !ok || r == nil || s.kind == alert.DeviceOffline {
		b.Drop("*")
		return
	}
	if r.observed(s.kind) {
		return
	}
	phase := observation.Momentary
	for _, key := range eventStates {
		if v, told := params[key]; told {
			v, _ = timed(v, at)
			s.bits = true
			if phase, ok = s.phase(v); !ok {
				return
			}
		}
	}
	if r.test && slices.Contains(hazards, s.kind) {
		b.Drop(path)
		return
	}
	r.B.Observe(path, s.kind, phase, "")
}

func eventName(name string) string {
	name = plain(name)
	for _, end := range []string{"_event", "_report", "_notify", "_notification"} {
		if short, ok := strings.CutSuffix(name, end); ok {
			return short
		}
	}
	return name
}

func (r *Reader) observed(kind alert.Kind) bool {
	t := r.B.Done("")
	return slices.ContainsFunc(t.Observations, func(o observation.Observation) bool { return o.Kind == kind })
}

// Done returns the translation: what is older comes first. why is the reason if nothing was understood.
func (b *Batch) Done(why string) observation.Translation {
	out := sensors.Ignored(b.Topic, "")
	slices.SortStableFunc(b.parts, func(x, y *part) int { return x.at.Compare(y.at) })
	dropped := b.dropped
	for _, p := range b.parts {
		t := p.reader.B.Done("")
		if !p.reader.past || out.Meta.Time.IsZero() {
			out.Meta.Time = p.at
		}
		for _, o := range t.Observations {
			o.Kept = b.Kept
			out.Observations = append(out.Observations, o)
		}
		for _, reading := range t.Readings {
			reading.Kept = b.Kept || p.reader.past
			out.Readings = append(out.Readings, reading)
		}
		dropped = append(dropped, t.Dropped...)
	}
	if len(out.Observations) > maxObservations || len(out.Readings) > maxReadings {
		dropped = append(dropped, "*")
		out.Observations = out.Observations[max(0, len(out.Observations)-maxObservations):]
		out.Readings = out.Readings[max(0, len(out.Readings)-maxReadings):]
	}
	slices.Sort(dropped)
	out.Dropped = append(out.Dropped, slices.Compact(dropped)...)
	if len(out.Observations)+len(out.Readings) == 0 {
		out.Ignored = why
	}
	return out
}

// Has says whether something has told a quantity of a device.
func (b *Batch) Has(device, quantity string) bool {
	for _, p := range b.parts {
		if p.device == device && slices.ContainsFunc(p.reader.B.Done("").Readings, func(r observation.Reading) bool { return r.Quantity == quantity }) {
			return true
		}
	}
	return false
}
