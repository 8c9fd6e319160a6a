// Package dahua understands the events of Dahua's HTTP API (eventManager.cgi, "attach") and of the many brands that sell the same
// firmware, and the same events in JSON (client.notifyEventStream of the newer API, HTTP push, bridges to MQTT).
//
// In: the body of one part (Code=…;action=…;index=…;data={…}), or several parts as captured. Out: observations of the codes in the
// table; Meta.Topic is the code, Meta.Channel the index as the device numbers it, from 0, Zone the number of the rule or window. What
// it never does: look at plates, faces, cards, users, people's properties, names of rules and regions, coordinates or pictures.
//
// Quirks:
//   - Lines end with CRLF or LF; data may be JSON over many lines, break off, hold = and ;, or be no JSON: the event counts anyway.
//   - The index may be missing. It counts from 0, the device's own pages from 1: it is kept as told.
//   - Start and Stop are a state, Pulse is a moment, State is noise (VideoMotionInfo).
//   - Keys vary in case and spelling (Object, object, Objects; RuleID, RuleId; HumamID).
//   - UTC is local time on some devices; RealUTC is right where it is told.
package dahua

import (
	"time"

	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
	"gridgate/protocols/vendor"
)

// Name is how the dialect is called in configuration.
const Name = "dahua"

// Dialect understands one capture. It is pure.
type Dialect struct {
	Location *time.Location // where the device is, for devices whose UTC is local time; nil: UTC is believed
}

var (
	_ sensors.Dialect    = Dialect{}
	_ sensors.Recogniser = Dialect{}
)

// maxEvents bounds one capture beside [vendor.MaxObservations]; what exceeds them is cut and says so in Dropped.
const maxEvents = 64

// Translate says what a capture meant. The topic is a code where a bridge to MQTT leaves it out of the message; else it means nothing.
func (d Dialect) Translate(topic string, payload []byte, retained bool) observation.Translation {
	if len(payload) > vendor.MaxMessage {
		return sensors.Ignored("", "more than 1 MiB")
	}
	events, cut := split(payload)
	r := reduction{location: d.Location, retained: retained, topic: topic}
	for _, e := range events {
		r.take(e)
	}
	if cut {
		r.Drop("*")
	}
	return r.done(payload)
}

// Recognise knows the line of an event, and the keys of its JSON form.
func (Dialect) Recognise(_ string, payload []byte) (sensors.Likeness, string) {
	if len(payload) > vendor.MaxMessage {
		return sensors.Unlike, ""
	}
	if eventLine.Match(payload) {
		return sensors.Surely, "Code=…;action=…"
	}
	events, _ := split(payload)
	for _, e := range events {
		if e.code != "" && e.action != "" {
			return sensors.Likely, "Code and Action"
		}
	}
	return sensors.Unlike, ""
}
