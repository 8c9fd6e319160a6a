// Package hikvision understands the events of Hikvision's ISAPI (Intelligent Security API, "EventNotificationAlert", and the older
// PSIA and HIKCGI forms of the same message) and of the many brands that sell the same firmware.
//
// In: an EventNotificationAlert as XML or JSON, alone, inside its multipart part, or several of them as captured from alertStream.
// Out: observations of the event types in the table; Meta.Topic is the event type as the device spells it, Meta.Channel the channel
// as the device numbers it (33 and above are network channels of some recorders), Zone a region's number. What it never does: look at
// plates, faces, cards, people's properties, names of channels and rules, serial numbers, addresses or pictures, and trust an
// ipAddress in a body.
//
// Quirks:
//   - Five namespaces are in use, and none: only local names are compared.
//   - A heartbeat is videoloss, inactive, activePostCount 0; newer firmware sends heartBeat, or nothing.
//   - Many types never say inactive; all repeat about once a second while they hold: a state expires after [Expiry].
//   - duration wraps the real types in DurationList.
//   - dateTime has a zone, milliseconds, neither, or is broken; a time whose zone nobody knows is no time, unless
//     [Dialect.Location] says where the device is.
//   - illaccess (somebody failed to log in) is about a person at a keyboard, not about a place: it is ignored.
package hikvision

import (
	"time"

	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
	"gridgate/protocols/vendor"
)

// Name is how the dialect is called in configuration.
const Name = "hikvision"

// Expiry is how long after its last repetition a state is over.
const Expiry = 5 * time.Second

// Dialect understands one capture. It is pure.
type Dialect struct {
	Location *time.Location // of times without a zone; nil: such times are not told
}

var (
	_ sensors.Dialect    = Dialect{}
	_ sensors.Recogniser = Dialect{}
)

// maxAlerts bounds one capture beside [vendor.MaxObservations]; what exceeds them is cut and says so in Dropped.
const maxAlerts = 64

// Translate says what a capture meant. The topic means nothing.
func (d Dialect) Translate(_ string, payload []byte, retained bool) observation.Translation {
	if len(payload) > vendor.MaxMessage {
		return sensors.Ignored("", "more than 1 MiB")
	}
	alerts, cut := split(payload)
	r := reduction{location: d.Location, retained: retained}
	for _, a := range alerts {
		r.take(a)
	}
	if cut {
		r.Drop("*")
	}
	return r.done(payload)
}

// Recognise knows the name of the message, and the keys of its JSON form.
func (Dialect) Recognise(_ string, payload []byte) (sensors.Likeness, string) {
	if len(payload) > vendor.MaxMessage {
		return sensors.Unlike, ""
	}
	if rootName.Match(payload) {
		return sensors.Surely, "EventNotificationAlert"
	}
	alerts, _ := split(payload)
	for _, a := range alerts {
		if a.known("eventState") || a.known("dateTime") {
			return sensors.Likely, "eventType beside eventState or dateTime"
		}
	}
	return sensors.Unlike, ""
}
