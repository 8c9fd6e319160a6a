package chirpstack

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"gridgate/protocols/names"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Name is the dialect's name in configuration and in alerts.
const Name = "chirpstack"

// Dialect is the ChirpStack dialect. The zero value is ready.
type Dialect struct{}

var (
	_ sensors.Dialect    = Dialect{}
	_ sensors.Recogniser = Dialect{}
)

// Reasons for which nothing is understood.
const (
	whyTopic   = "the topic is not application/<id>/device/<devEUI>/event/<event>"
	whyCommand = "a command to a device, not a report"
	whyGateway = "a message of a gateway, not of a device"
	whyDevice  = "the message does not name its device by an EUI"
	whyOther   = "the topic and the payload name different devices"
	whyEvent   = "an event of the network server that tells nothing of a place"
	whyCodec   = "no codec decoded the payload: set one in the device profile"
	whyNothing = "no well-known name says a hazard, a state or a measurement"
	whyPower   = "the device tells no battery: it runs on external power, or does not know"
)

// Translate implements [sensors.Dialect].
func (Dialect) Translate(topic string, payload []byte, retained bool) observation.Translation {
	object, safe, why := names.Open(topic, payload)
	if why != "" {
		return sensors.Ignored(safe, why)
	}
	at := place(topic)
	if at.why != "" {
		return sensors.Ignored(topic, at.why)
	}
	device, why := deviceOf(at.eui, object)
	if why != "" {
		return sensors.Ignored(topic, why)
	}
	switch event(at.event, object) {
	case "up", "rx":
		return uplink(&names.Batch{Topic: topic, Retained: retained, Table: names.Codecs}, device, object)
	case "status":
		return status(&sensors.Builder{Topic: topic, Device: device, Retained: retained, Time: timeOf(object)}, object)
	case "join", "ack", "txack", "error", "log", "location", "integration":
		return sensors.Learnt(topic, whyEvent)
	}
	return sensors.Ignored(topic, whyTopic)
}

// where is what a topic tells. An integrator can choose another form of topic; the payload then tells all.
type where struct{ eui, event, why string }

func place(topic string) where {
	levels := strings.Split(topic, "/")
	for i, level := range levels {
		switch {
		case level == "gateway":
			return where{why: whyGateway}
		case level != "application" || len(levels) < i+5:
			continue
		case levels[i+2] != "device" && levels[i+2] != "node":
			continue
		}
		rest := levels[i+4:]
		switch {
		case rest[0] == "command" || rest[0] == "tx":
			return where{why: whyCommand}
		case rest[0] == "event" && len(rest) == 2:
			return where{eui: levels[i+3], event: rest[1]}
		case len(rest) == 1:
			return where{eui: levels[i+3], event: rest[0]}
		}
		return where{why: whyTopic}
	}
	return where{}
}

// deviceOf returns the EUI on which the topic and the payload agree.
func deviceOf(topicEUI string, object map[string]any) (device, why string) {
	info, _ := object["deviceInfo"].(map[string]any)
	told, _ := info["devEui"].(string)
	if told == "" {
		told, _ = object["devEUI"].(string)
	}
	fromTopic, fromPayload := eui(topicEUI), eui(told)
	switch {
	case fromTopic != "" && fromPayload != "" && fromTopic != fromPayload:
		return "", whyOther
	case fromTopic != "":
		return fromTopic, ""
	case fromPayload != "" && topicEUI == "":
		return fromPayload, ""
	}
	return "", whyDevice
}

// eui reads 64 bits in hexadecimal digits or in base64.
func eui(text string) string {
	if len(text) > 24 {
		return ""
	}
	if b, err := hex.DecodeString(text); err == nil && len(b) == 8 {
		return strings.ToLower(text)
	}
	if b, err := base64.StdEncoding.DecodeString(text); err == nil && len(b) == 8 {
		return hex.EncodeToString(b)
	}
	return ""
}

// event is that of the topic, or what the payload can only be.
func event(told string, object map[string]any) string {
	if told != "" {
		return told
	}
	for _, mark := range []struct{ key, event string }{
		{"margin", "status"}, {"object", "up"}, {"objectJSON", "up"}, {"fCnt", "up"},
	} {
		if _, ok := object[mark.key]; ok {
			return mark.event
		}
	}
	return ""
}

func uplink(b *names.Batch, device string, object map[string]any) observation.Translation {
	decoded, path := object["object"], "object"
	if text, ok := object["objectJSON"].(string); ok && decoded == nil {
		decoded, _ = sensors.Decode([]byte(text))
		path = "objectJSON"
	}
	values, ok := decoded.(map[string]any)
	if !ok || len(values) == 0 {
		return sensors.Ignored(b.Topic, whyCodec)
	}
	info, _ := object["deviceInfo"].(map[string]any)
	profile, _ := info["deviceProfileName"].(string)
	if profile == "" {
		profile, _ = object["deviceProfileName"].(string)
	}
	b.Brand = names.Brand(profile)
	b.Codec(path+".", device, values, timeOf(object))
	return b.Done(whyNothing)
}

// timeOf is the time of the network server, zero where only gateways told one.
func timeOf(object map[string]any) time.Time {
	server, known := serverTime(object)
	told, ok := sensors.Time(object["time"])
	switch {
	case known && ok && told.Sub(server).Abs() < time.Hour:
		return told
	case known:
		return server
	case ok && object["deviceInfo"] != nil && object["rxInfo"] == nil:
		return told // an event of the server itself
	}
	return time.Time{}
}

func serverTime(object map[string]any) (time.Time, bool) {
	receptions, _ := object["rxInfo"].([]any)
	for _, reception := range receptions {
		r, _ := reception.(map[string]any)
		if t, ok := sensors.Time(r["nsTime"]); ok {
			return t, true
		}
	}
	return sensors.Time(object["publishedAt"])
}
