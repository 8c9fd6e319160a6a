package aliyun

import (
	"strings"

	"gridgate/protocols/alert"
	"gridgate/protocols/names"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Name is the dialect's name in configuration and in alerts.
const Name = "aliyun"

// Dialect is the dialect of Alibaba Cloud IoT. The zero value is ready.
type Dialect struct{}

var (
	_ sensors.Dialect    = Dialect{}
	_ sensors.Recogniser = Dialect{}
)

// Reasons for which nothing is understood.
const (
	whyTopic   = "neither a property, an event, a shadow nor a status of Aliyun IoT"
	whyAnswer  = "an answer of the platform, not a report"
	whyCommand = "a command to a device, not a report"
	whyDevice  = "the message does not name its device"
	whyOther   = "the topic and the payload name different devices"
	whyShadow  = "not a report of a device to its shadow"
	whyStatus  = "the status is neither online nor offline"
	whyNothing = "no property or event has a well-known name that says a hazard, a state or a measurement"
)

// Translate implements [sensors.Dialect].
func (Dialect) Translate(topic string, payload []byte, retained bool) observation.Translation {
	object, safe, why := names.Open(topic, payload)
	if why != "" {
		return sensors.Ignored(safe, why)
	}
	at := place(topic)
	device, why := at.deviceOf(object)
	if why == "" {
		why = verdict(at.what, object)
	}
	if why != "" {
		return sensors.Ignored(topic, why)
	}
	b := &names.Batch{Topic: topic, Retained: retained, Table: names.Things}
	switch {
	case at.what == "status":
		return status(b, device, object)
	case at.what == "shadow":
		return shadow(b, device, object)
	case object["items"] != nil:
		return items(b, device, object)
	case at.what == "" || object["identifier"] != nil && object["params"] == nil:
		return told(b, device, object)
	}
	return report(b, device, at.what, object)
}

// where is what a topic tells: what is "shadow", "status", or what follows thing/.
type where struct{ device, what string }

func place(topic string) where {
	levels := strings.Split(strings.TrimPrefix(topic, "/"), "/")
	switch {
	case len(levels) > 4 && levels[0] == "sys" && (levels[3] == "thing" || levels[3] == "_thing"):
		return where{levels[2], strings.Join(levels[4:], "/")}
	case len(levels) == 4 && levels[0] == "shadow" && levels[1] == "update":
		return where{levels[3], "shadow"}
	case len(levels) == 5 && levels[0] == "as" && levels[2] == "status":
		return where{levels[4], "status"}
	case len(levels) > 4 && levels[2] == "thing" && levels[0] != "$oc" && levels[0] != "$sys":
		return where{levels[1], strings.Join(levels[3:], "/")}
	}
	return where{}
}

// deviceOf returns the device on which the topic and the payload agree.
func (w where) deviceOf(object map[string]any) (device, why string) {
	told, _ := object["deviceName"].(string)
	switch {
	case w.device != "" && told != "" && told != w.device:
		return "", whyOther
	case names.ValidDevice(w.device):
		return w.device, ""
	case names.ValidDevice(told) && object["productKey"] != nil:
		return told, ""
	}
	return "", whyDevice
}

func verdict(what string, object map[string]any) string {
	switch {
	case what == "status", what == "shadow":
		return ""
	case strings.HasSuffix(what, "_reply"):
		return whyAnswer
	case strings.HasPrefix(what, "service/"), strings.HasSuffix(what, "/set"), strings.HasPrefix(what, "downlink/"):
		return whyCommand
	case what == "property/post", strings.HasPrefix(what, "event/") && strings.HasSuffix(what, "/post"):
		return ""
	case what == "" && (object["items"] != nil || object["identifier"] != nil):
		return ""
	}
	return whyTopic
}

func status(b *names.Batch, device string, object map[string]any) observation.Translation {
	at, _ := sensors.Time(object["utcTime"])
	r := b.At(device, at)
	switch object["status"] {
	case "online":
		r.B.Observe("status", alert.DeviceOffline, observation.Inactive, "")
	case "offline":
		r.B.Observe("status", alert.DeviceOffline, observation.Active, "")
	}
	return b.Done(whyStatus)
}

// Recognise implements [sensors.Recogniser].
func (Dialect) Recognise(topic string, payload []byte) (sensors.Likeness, string) {
	at := place(topic)
	value, _ := sensors.Decode(payload)
	object, _ := value.(map[string]any)
	method, _ := object["method"].(string)
	switch {
	case object["productKey"] != nil && (object["iotId"] != nil || object["items"] != nil):
		return sensors.Surely, "productKey and iotId of Aliyun IoT"
	case strings.HasPrefix(topic, "/sys/") && at.what != "":
		return sensors.Surely, "a topic of Aliyun IoT"
	case strings.HasPrefix(method, "thing.event."):
		return sensors.Likely, "the method of Alink JSON"
	case at.what != "":
		return sensors.Likely, "a topic of Aliyun IoT"
	}
	return sensors.Unlike, ""
}
