package onenet

import (
	"strings"

	"gridgate/protocols/names"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Name is the dialect's name in configuration and in alerts.
const Name = "onenet"

// Dialect is the OneNET dialect. The zero value is ready.
type Dialect struct{}

var (
	_ sensors.Dialect    = Dialect{}
	_ sensors.Recogniser = Dialect{}
)

// Reasons for which nothing is understood.
const (
	whyTopic   = "neither a property, an event nor a data point of OneNET"
	whyAnswer  = "an answer of the platform, not a report"
	whyCommand = "a command to a device, not a report"
	whyDevice  = "the message does not name its device"
	whyOther   = "the topic and the payload name different devices"
	whyNothing = "no property or event has a well-known name that says a hazard, a state or a measurement"
)

// Translate implements [sensors.Dialect].
func (Dialect) Translate(topic string, payload []byte, retained bool) observation.Translation {
	object, safe, why := names.Open(topic, payload)
	if why != "" {
		return sensors.Ignored(safe, why)
	}
	b := &names.Batch{Topic: topic, Retained: retained, Table: names.Things}
	if msg, ok := object["msg"].(map[string]any); ok {
		object = msg
	}
	device, what := place(topic)
	if told, ok := object["deviceName"].(string); ok && object["notifyType"] != nil {
		return forwarded(b, device, told, object)
	}
	if why := verdict(what); why != "" {
		return sensors.Ignored(topic, why)
	}
	if !names.ValidDevice(device) {
		return sensors.Ignored(topic, whyDevice)
	}
	return read(b, device, what, object)
}

// place takes the device and what follows it out of a topic.
func place(topic string) (device, what string) {
	levels := strings.Split(topic, "/")
	if len(levels) < 5 || levels[0] != "$sys" {
		return "", ""
	}
	return levels[2], strings.Join(levels[3:], "/")
}

// verdict says why a topic is none that is read, "" for one that is.
func verdict(what string) string {
	switch what {
	case "thing/property/post", "thing/event/post", "thing/pack/post", "thing/history/post", "thing/sub/property/post", "thing/sub/event/post", "dp/post/json":
		return ""
	}
	switch {
	case strings.HasSuffix(what, "_reply") && strings.Contains(what, "/set"), strings.HasSuffix(what, "/reply"), strings.HasSuffix(what, "/accepted"), strings.HasSuffix(what, "/rejected"):
		return whyAnswer
	case strings.HasSuffix(what, "/set"), strings.HasSuffix(what, "/get"), strings.HasSuffix(what, "/invoke"), strings.HasPrefix(what, "cmd/"):
		return whyCommand
	}
	return whyTopic
}

// forwarded reads a message that a rule of the platform told on.
func forwarded(b *names.Batch, fromTopic, told string, object map[string]any) observation.Translation {
	data, _ := object["data"].(map[string]any)
	kind, _ := object["notifyType"].(string)
	what := map[string]string{"property": "thing/property/post", "event": "thing/event/post"}[kind]
	switch {
	case what == "":
		return sensors.Ignored(b.Topic, whyTopic)
	case fromTopic != "" && fromTopic != told:
		return sensors.Ignored(b.Topic, whyOther)
	case !names.ValidDevice(told):
		return sensors.Ignored(b.Topic, whyDevice)
	}
	return read(b, told, what, data)
}

// Recognise implements [sensors.Recogniser].
func (Dialect) Recognise(topic string, payload []byte) (sensors.Likeness, string) {
	device, what := place(topic)
	if device != "" && verdict(what) == "" {
		return sensors.Surely, "a topic of OneNET"
	}
	value, err := sensors.Decode(payload)
	object, ok := value.(map[string]any)
	if err != nil || !ok {
		return sensors.Unlike, ""
	}
	if msg, ok := object["msg"].(map[string]any); ok {
		object = msg
	}
	if object["notifyType"] != nil && object["deviceName"] != nil {
		return sensors.Likely, "notifyType and deviceName of OneNET"
	}
	return sensors.Unlike, ""
}
