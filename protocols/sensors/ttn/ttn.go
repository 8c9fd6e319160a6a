package ttn

import (
	"strings"

	"gridgate/protocols/names"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Name is the dialect's name in configuration and in alerts; Alias is what its operators call the same software.
const (
	Name  = "ttn"
	Alias = "tts"
)

// Dialect is the dialect of The Things Stack. The zero value is ready.
type Dialect struct{}

var (
	_ sensors.Dialect    = Dialect{}
	_ sensors.Recogniser = Dialect{}
)

// Again is the same dialect under [Alias]. It does not recognise, so that a message is not taken for two.
type Again struct{}

// Translate implements [sensors.Dialect].
func (Again) Translate(topic string, payload []byte, retained bool) observation.Translation {
	return Dialect{}.Translate(topic, payload, retained)
}

// Reasons for which nothing is understood.
const (
	whyTopic   = "the topic is not v3/<application>@<tenant>/devices/<device>/up"
	whyEvent   = "an event of the network server that tells nothing of a place"
	whyCommand = "a command to a device, not a report"
	whyDevice  = "the message does not name its device"
	whyOther   = "the topic and the payload name different devices"
	whyTest    = "a simulated uplink"
	whyCodec   = "no payload formatter decoded the payload: set one for the device"
	whyNothing = "no well-known name says a hazard, a state or a measurement"
)

// Translate implements [sensors.Dialect].
func (Dialect) Translate(topic string, payload []byte, retained bool) observation.Translation {
	object, safe, why := names.Open(topic, payload)
	if why != "" {
		return sensors.Ignored(safe, why)
	}
	id, event := place(topic)
	if event == "down/push" || event == "down/replace" {
		return sensors.Ignored(topic, whyCommand)
	}
	device, why := deviceOf(id, object)
	switch {
	case why != "":
		return sensors.Ignored(topic, why)
	case quiet(event, object):
		return sensors.Learnt(topic, whyEvent)
	}
	up := message(object)
	if up == nil {
		return sensors.Ignored(topic, whyTopic)
	}
	if simulated, _ := object["simulated"].(bool); simulated {
		return sensors.Ignored(topic, whyTest)
	}
	return up.translate(&names.Batch{Topic: topic, Retained: retained, Table: names.Codecs}, device)
}

// place returns the device and the event of a topic, "" where it is not of this form.
func place(topic string) (device, event string) {
	levels := strings.Split(topic, "/")
	for i, level := range levels {
		if level == "devices" && i > 0 && len(levels) > i+2 {
			return levels[i+1], strings.Join(levels[i+2:], "/")
		}
	}
	return "", ""
}

// deviceOf returns the device on which the topic and the payload agree.
func deviceOf(fromTopic string, object map[string]any) (device, why string) {
	ids, _ := object["end_device_ids"].(map[string]any)
	told, _ := ids["device_id"].(string)
	if told == "" {
		told, _ = object["dev_id"].(string) // version 2
	}
	if told == "" && fromTopic == "" {
		told, _ = ids["dev_eui"].(string)
	}
	switch {
	case fromTopic != "" && told != "" && fromTopic != told:
		return "", whyOther
	case names.ValidDevice(fromTopic):
		return fromTopic, ""
	case names.ValidDevice(told):
		return told, ""
	}
	return "", whyDevice
}

// quiet says whether a message is of a kind that tells nothing of a place.
func quiet(event string, object map[string]any) bool {
	switch {
	case event == "join", event == "activations", event == "service/data", event == "location/solved", strings.HasPrefix(event, "down"):
		return true
	}
	for _, key := range []string{"join_accept", "downlink_queued", "downlink_sent", "downlink_ack", "downlink_nack", "downlink_failed", "service_data", "location_solved"} {
		if _, ok := object[key]; ok {
			return true
		}
	}
	return false
}

// Recognise implements [sensors.Recogniser].
func (Dialect) Recognise(topic string, payload []byte) (sensors.Likeness, string) {
	_, event := place(topic)
	v3 := event != "" && strings.HasPrefix(topic, "v3/") && strings.Contains(topic, "@")
	value, err := sensors.Decode(payload)
	object, ok := value.(map[string]any)
	switch {
	case err == nil && ok && object["end_device_ids"] != nil:
		return sensors.Surely, "end_device_ids of The Things Stack"
	case err == nil && ok && object["payload_raw"] != nil && object["dev_id"] != nil:
		return sensors.Surely, "dev_id and payload_raw of The Things Network 2"
	case v3:
		return sensors.Likely, "a topic of The Things Stack"
	}
	return sensors.Unlike, ""
}
