package homeassistant

import (
	"bytes"
	"slices"
	"strings"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// ESPHomeName is the second name of the dialect, for devices that run ESPHome.
const ESPHomeName = "esphome"

// ESPHome is the same dialect under its second name. It recognises nothing, so that a message is recognised once.
type ESPHome struct{ dialect Dialect }

var (
	_ sensors.Learner   = ESPHome{}
	_ sensors.Companion = ESPHome{}
)

// Session implements [sensors.Learner].
func (h ESPHome) Session() sensors.Session { return h.dialect.Session() }

// Translate implements [sensors.Dialect].
func (h ESPHome) Translate(topic string, payload []byte, retained bool) observation.Translation {
	return h.dialect.Translate(topic, payload, retained)
}

// Also implements [sensors.Companion].
func (h ESPHome) Also(filter string) []string { return h.dialect.Also(filter) }

// fixed are the sensors of ESPHome whose unit no one changes, by their whole name. A temperature is not among them: it may be in
// either scale.
var fixed = map[string]measure{
	"humidity": {"humidity", nil, "%"}, "co2": {"co2", nil, "[ppm]"}, "eco2": {"eco2", nil, "[ppm]"}, "illuminance": {"illuminance", nil, "lx"},
	"pm_2_5": {"pm25", nil, "ug/m3"}, "pm_10_0": {"pm10", nil, "ug/m3"}, "pm_1_0": {"pm1", nil, "ug/m3"},
	"battery_level": {"battery", nil, "%"}, "soil_moisture": {"soil_moisture", nil, "%"},
}

const (
	whyEntity  = "no description has named this topic, and the name does not say what it is, or in which unit"
	whyCommand = "a command to a device, not a report"
)

// native splits a topic of ESPHome: <node>/<component>/<object>/state. The node may have several levels.
func native(topic string) (node, component, object string, ok bool) {
	levels := strings.Split(topic, "/")
	n := len(levels)
	if n < 4 || levels[n-1] != "state" {
		return "", "", "", false
	}
	component, object = levels[n-3], levels[n-2]
	node = strings.Join(levels[:n-3], "/")
	return node, component, object, node != "" && (component == "binary_sensor" || component == "sensor")
}

// undescribed reads a topic that no description has named: states of ESPHome whose name leaves no doubt, and its birth and will.
func (d Dialect) undescribed(topic string, payload []byte, retained bool) observation.Translation {
	node, component, object, ok := native(topic)
	switch {
	case strings.HasPrefix(topic, d.prefix()+"/") && !ok:
		if topic == d.prefix()+"/status" {
			return sensors.Learnt(topic, whyStatus)
		}
		return sensors.Ignored(topic, whyNoConfig)
	case strings.HasSuffix(topic, "/command"):
		return sensors.Ignored(topic, whyCommand)
	case ok:
		b := &sensors.Builder{Topic: topic, Device: node, Retained: retained}
		return byName(b, component, object, payload)
	}
	node, ok = strings.CutSuffix(topic, "/status")
	if phase, said := alive(payload); ok && said && node != "" {
		b := &sensors.Builder{Topic: topic, Device: node, Retained: retained}
		b.Observe("status", alert.DeviceOffline, phase, "")
		return b.Done("")
	}
	return sensors.Ignored(topic, whyUnknown)
}

func alive(payload []byte) (observation.Phase, bool) {
	switch string(payload) {
	case "online":
		return observation.Inactive, true
	case "offline":
		return observation.Active, true
	}
	return "", false
}

func byName(b *sensors.Builder, component, object string, payload []byte) observation.Translation {
	e := &entity{device: b.Device, object: object}
	if component == "binary_sensor" {
		s, zone, ok := calledBy(object, b.Device)
		e.zone = zone
		if !ok || s.kind == alert.Power {
			return sensors.Ignored(b.Topic, whyEntity)
		}
		e.meaning = states(string(s.kind), s, []string{"ON"}, []string{"OFF"})
	} else {
		m, ok := fixed[object]
		if !ok {
			return sensors.Ignored(b.Topic, whyEntity)
		}
		e.measures(m.quantity, m.bare)
	}
	e.tell(b, receive(bytes.TrimSpace(payload)), e.zone, e.quantity)
	return b.Done(whyNothing)
}

// Recognise implements [sensors.Recogniser].
func (d Dialect) Recognise(topic string, payload []byte) (sensors.Likeness, string) {
	if p, ok := discovery(d.prefix(), topic); ok {
		return recogniseDescription(p, payload)
	}
	_, component, _, ok := native(topic)
	word := string(bytes.TrimSpace(payload[:min(len(payload), maxWord)]))
	_, isNumber := number(word)
	switch {
	case ok && component == "binary_sensor" && (word == "ON" || word == "OFF"), ok && component == "sensor" && isNumber:
		return sensors.Likely, "<node>/<component>/<object>/state with a bare value, as ESPHome"
	case ok:
		return sensors.Perhaps, "<node>/<component>/<object>/state, as ESPHome"
	}
	return sensors.Unlike, ""
}

// marks are members of a description that hardly anything else has.
var marks = []string{"state_topic", "components", "automation_type", "command_topic", "cmd_t", "unique_id", "uniq_id"}

func recogniseDescription(p place, payload []byte) (sensors.Likeness, string) {
	if len(payload) == 0 && slices.Contains(readable, p.component) {
		return sensors.Likely, "the topic of a description below the discovery prefix"
	}
	value, err := sensors.Decode(payload)
	object, ok := value.(map[string]any)
	if err != nil || !ok {
		return sensors.Unlike, ""
	}
	f := expand(object)
	if slices.ContainsFunc(marks, func(key string) bool { return f[key] != nil }) {
		return sensors.Surely, "a description of MQTT discovery below the discovery prefix"
	}
	return sensors.Perhaps, "an object below the discovery prefix"
}
