package homeassistant

import (
	"slices"
	"strings"
	"unicode/utf8"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Name is the dialect's name in configuration and in alerts.
const Name = "homeassistant"

// defaultPrefix is that of Home Assistant, unless it is told otherwise.
const defaultPrefix = "homeassistant"

// Dialect is MQTT discovery. The zero value is ready.
type Dialect struct {
	// Prefix is the discovery prefix without a slash at the end. Empty: homeassistant.
	Prefix string
}

var (
	_ sensors.Learner    = Dialect{}
	_ sensors.Companion  = Dialect{}
	_ sensors.Recogniser = Dialect{}
)

func (d Dialect) prefix() string {
	if d.Prefix == "" {
		return defaultPrefix
	}
	return d.Prefix
}

// Session implements [sensors.Learner].
func (d Dialect) Session() sensors.Session { return newSession(d) }

// Translate implements [sensors.Dialect] as a session does that has heard nothing: it says what a description means, and
// understands the states of ESPHome that need none.
func (d Dialect) Translate(topic string, payload []byte, retained bool) observation.Translation {
	return newSession(d).Translate(topic, payload, retained)
}

// Also implements [sensors.Companion]: descriptions are told below the discovery prefix, with and without a node id.
func (d Dialect) Also(string) []string {
	return []string{d.prefix() + "/+/+/config", d.prefix() + "/+/+/+/config"}
}

// Reasons for which nothing is understood.
const (
	whyTopic    = "the topic is too long or not UTF-8"
	whyEmpty    = "an empty payload only removes a retained message"
	whyLong     = "the payload is too long"
	whyStatus   = "the birth or will of Home Assistant, not of a device"
	whyUnknown  = "no description has named this topic"
	whyNothing  = "the message says nothing that its descriptions tell how to read"
	whyNoConfig = "below the discovery prefix, and no description: <prefix>/<component>/[<node>/]<object>/config"
)

// Translate implements [sensors.Dialect].
func (s *Session) Translate(topic string, payload []byte, retained bool) observation.Translation {
	switch {
	case len(topic) > sensors.MaxTopic || !utf8.ValidString(topic):
		return sensors.Ignored("", whyTopic)
	case len(payload) > sensors.MaxPayload:
		return sensors.Ignored(topic, whyLong)
	}
	if p, ok := discovery(s.dialect.prefix(), topic); ok {
		return s.description(topic, p, payload)
	}
	found, more := s.index.match(topic)
	if len(found) == 0 {
		return s.dialect.undescribed(topic, payload, retained)
	}
	if len(payload) == 0 {
		return sensors.Learnt(topic, whyEmpty)
	}
	r := reports{topic: topic, retained: retained, session: s, message: receive(payload)}
	for _, l := range found {
		r.take(l)
	}
	if more {
		r.of("").Drop("*")
	}
	return r.done()
}

// description learns or forgets what a discovery topic holds.
func (s *Session) description(topic string, p place, payload []byte) observation.Translation {
	if len(payload) == 0 {
		s.forget(topic)
		return sensors.Learnt(topic, "forgotten: a description was removed")
	}
	entities, err := parse(p, payload)
	if err == nil {
		err = s.learn(topic, entities)
	}
	if err != nil {
		return sensors.Ignored(topic, err.Error())
	}
	return summary(topic, entities)
}

// summary says what was remembered, and the first reason for what is not read.
func summary(topic string, entities []*entity) observation.Translation {
	var read []string
	why, quiet := "", true
	for _, e := range entities {
		if e.refused == "" {
			read = append(read, e.said())
			continue
		}
		if why == "" || !e.calm && quiet {
			why = e.refused
		}
		quiet = quiet && e.calm
	}
	slices.Sort(read)
	read = slices.Compact(read)
	switch {
	case len(read) > 8:
		read = append(read[:8], "and more")
	case len(read) == 0:
		t := sensors.Learnt(topic, "described, and not read: "+why)
		t.Quiet = quiet
		return t
	}
	text := "remembered: " + strings.Join(read, "; ")
	if why != "" {
		text += "; not read: " + why
	}
	return sensors.Learnt(topic, text)
}

// reports gathers what one message means for all who wait for it, by device.
type reports struct {
	topic    string
	retained bool
	session  *Session
	message  *received
	order    []*sensors.Builder
	refused  *entity // the first that is not read
	read     bool    // somebody read the message
}

func (r *reports) of(device string) *sensors.Builder {
	for _, b := range r.order {
		if b.Device == device {
			return b
		}
	}
	b := &sensors.Builder{Topic: r.topic, Device: device, Retained: r.retained}
	r.order = append(r.order, b)
	return b
}

func (r *reports) take(l listener) {
	switch {
	case l.of != nil:
		r.read = true
		if phase := l.of.hear(l.item, r.message); phase != "" {
			r.of(l.of.device).Observe("availability", alert.DeviceOffline, phase, "")
			return
		}
		r.of(l.of.device).Drop("availability")
	case l.entity.refused != "":
		if r.refused == nil || r.refused.calm && !l.entity.calm {
			r.refused = l.entity
		}
		r.of(l.entity.device).Drop(l.entity.what)
	default:
		r.read = true
		zone, quantity := r.session.namesOf(l.entity)
		l.entity.tell(r.of(l.entity.device), r.message, zone, quantity)
	}
}

func (r *reports) done() observation.Translation {
	out := sensors.Ignored(r.topic, "")
	for _, b := range r.order {
		t := b.Done("")
		out.Observations = append(out.Observations, t.Observations...)
		out.Readings = append(out.Readings, t.Readings...)
		out.Dropped = append(out.Dropped, t.Dropped...)
	}
	slices.Sort(out.Dropped)
	out.Dropped = slices.Compact(out.Dropped)
	if len(out.Observations)+len(out.Readings) > 0 {
		return out
	}
	out.Ignored = whyNothing
	if !r.read && r.refused != nil {
		out.Ignored, out.Quiet = "described, and not read: "+r.refused.refused, r.refused.calm
	}
	return out
}
