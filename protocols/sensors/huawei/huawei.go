package huawei

import (
	"strings"

	"gridgate/protocols/names"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Name is the dialect's name in configuration and in alerts.
const Name = "huawei"

// Dialect is the dialect of Huawei Cloud IoTDA. The zero value is ready.
type Dialect struct{}

var (
	_ sensors.Dialect    = Dialect{}
	_ sensors.Recogniser = Dialect{}
)

// Reasons for which nothing is understood.
const (
	whyTopic   = "neither properties, events nor a message of a device of Huawei IoTDA"
	whyAnswer  = "an answer of the platform, not a report"
	whyCommand = "a command to a device, not a report"
	whyDevice  = "the message does not name its device"
	whyOther   = "the topic and the payload name different devices"
	whyStatus  = "the status is neither ONLINE nor OFFLINE"
	whyContent = "the content of the message is not a JSON object"
	whyNothing = "no property or event has a well-known name that says a hazard, a state or a measurement"
)

// Translate implements [sensors.Dialect].
func (Dialect) Translate(topic string, payload []byte, retained bool) observation.Translation {
	object, safe, why := names.Open(topic, payload)
	if why != "" {
		return sensors.Ignored(safe, why)
	}
	m := &message{b: &names.Batch{Topic: topic, Retained: retained, Table: names.Things}}
	device, what := place(topic)
	if notice, ok := object["notify_data"].(map[string]any); ok {
		return m.notified(device, notice, object)
	}
	if why := verdict(what); why != "" {
		return sensors.Ignored(topic, why)
	}
	if told, ok := object["object_device_id"].(string); ok && told != device && told != "" && what != "sys/events/up" {
		return sensors.Ignored(topic, whyOther)
	}
	if !names.ValidDevice(device) {
		return sensors.Ignored(topic, whyDevice)
	}
	return m.read(device, what, object)
}

// place takes the device and what follows it out of a topic.
func place(topic string) (device, what string) {
	if rest, ok := strings.CutPrefix(topic, "$oc/devices/"); ok {
		device, what, _ = strings.Cut(rest, "/")
	} else if rest, ok := strings.CutPrefix(topic, "/huawei/v1/devices/"); ok {
		device, what, _ = strings.Cut(rest, "/")
	}
	return device, what
}

// verdict says why a topic is none that is read, "" for one that is.
func verdict(what string) string {
	switch what {
	case "sys/properties/report", "sys/gateway/sub_devices/properties/report", "sys/events/up", "sys/messages/up", "data/json":
		return ""
	}
	switch {
	case strings.Contains(what, "/response"), strings.Contains(what, "/get/"):
		return whyAnswer
	case strings.HasPrefix(what, "sys/commands"), strings.Contains(what, "/set"), strings.HasSuffix(what, "/down"), strings.HasPrefix(what, "command/"):
		return whyCommand
	}
	return whyTopic
}

// Recognise implements [sensors.Recogniser].
func (Dialect) Recognise(topic string, payload []byte) (sensors.Likeness, string) {
	device, what := place(topic)
	if device != "" && what != "" {
		return sensors.Surely, "a topic of Huawei IoTDA"
	}
	value, _ := sensors.Decode(payload)
	object, _ := value.(map[string]any)
	services, _ := object["services"].([]any)
	switch {
	case object["notify_data"] != nil:
		return sensors.Surely, "notify_data of Huawei IoTDA"
	case len(services) > 0:
		if service, ok := services[0].(map[string]any); ok && service["service_id"] != nil {
			return sensors.Likely, "services with service_id of Huawei IoTDA"
		}
	}
	return sensors.Unlike, ""
}
