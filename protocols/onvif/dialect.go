// Package onvif understands and reads the events of cameras of ONVIF Profile S and T (ONVIF Core 23.06, Analytics, Imaging; OASIS
// WS-BaseNotification 1.3; WS-Discovery 2005/04).
//
// In: notifications and metadata as XML, by [Dialect]; a device's web services, by [Device] and [Stream]; the answers of a network, by
// [Discover]. Out: observations of an allow-list of topics, with the channel as the device's token, the region by its number and
// the device's own time. It never lets through the name of a rule, a region or a device, an object's number, a plate, a face,
// a credential or an attribute of somebody: such items are not looked at, and nothing of a message stands in an error.
package onvif

import (
	"bytes"
	"slices"
	"strings"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Name is the protocol's name in configuration and in alerts.
const Name = "onvif"

// Kinds are all that a device may tell.
var Kinds = []alert.Kind{
	alert.Motion, alert.Presence, alert.Tripwire, alert.Intrusion, alert.LeftObject, alert.Smoke, alert.Fire, alert.Vibration, alert.Temperature,
	alert.Tamper, alert.Covered, alert.Defocused, alert.Black, alert.VideoLoss, alert.StorageFault, alert.DeviceFault, alert.Other,
}

// Dialect implements [sensors.Dialect] for one message: a PullMessagesResponse, a Notify, a NotificationMessage alone or a
// MetadataStream, inside whatever envelope.
type Dialect struct{}

var (
	_ sensors.Dialect    = Dialect{}
	_ sensors.Recogniser = Dialect{}
)

// maxNotifications bounds what one message may tell.
const maxNotifications = 256

// Translate implements [sensors.Dialect]. The topic is not looked at: each notification names its own.
func (Dialect) Translate(_ string, payload []byte, retained bool) observation.Translation {
	root, err := parse(payload)
	found := statementsOf(root)
	if len(found) == 0 && err != nil {
		return sensors.Ignored("", err.Error())
	}
	if len(found) == 0 {
		return nothingIn(root)
	}
	out := join(found, retained)
	if err != nil {
		out.Dropped = tidy(append(out.Dropped, "*"))
	}
	return out
}

// statementsOf returns what each notification and each frame of a document says, in their order.
func statementsOf(root *element) (found []statement) {
	for _, e := range root.all("NotificationMessage") {
		if e.closed && len(found) < maxNotifications {
			found = append(found, readNotification(e).statement())
		}
	}
	for _, e := range root.all("Frame") {
		if e.closed && len(found) < maxNotifications {
			found = append(found, frameStatement(e))
		}
	}
	return found
}

// nothingIn explains a document without any event.
func nothingIn(root *element) observation.Translation {
	switch {
	case root.first("Fault") != nil:
		return sensors.Ignored("", "the device answered with a SOAP fault")
	case root.first("PullMessagesResponse") != nil, root.first("Notify") != nil, root.first("MetadataStream") != nil, root.first("MetaDataStream") != nil:
		return sensors.Learnt("", "no event")
	case root.first("Envelope") != nil:
		return sensors.Learnt("", "an answer that tells no event")
	}
	return sensors.Ignored("", "neither an ONVIF notification nor metadata")
}

// statement is what one notification or frame says. identities tell the states of its observations apart: topic and sources.
type statement struct {
	observation.Translation
	identities []string
}

// join makes one translation of many: its topic, channel and time are those of the first that told something.
func join(found []statement, retained bool) observation.Translation {
	out := sensors.Ignored("", "")
	out.Meta = found[0].Meta
	out.Quiet = true
	for _, s := range found {
		if len(out.Observations) == 0 && len(s.Observations) > 0 {
			out.Meta = s.Meta
		}
		for _, o := range s.Observations {
			if o.Retained = o.Retained || retained; o.Retained && o.Phase == observation.Momentary {
				s.Ignored, s.Quiet = whyOver, true
				continue
			}
			out.Observations = append(out.Observations, o)
		}
		out.Dropped = append(out.Dropped, s.Dropped...)
		if out.Ignored == "" || out.Quiet && !s.Quiet {
			out.Ignored = s.Ignored
		}
		out.Quiet = out.Quiet && s.Quiet
	}
	if len(out.Observations) > 0 {
		out.Ignored, out.Quiet = "", false
	}
	out.Dropped = tidy(out.Dropped)
	return out
}

// tidy sorts and never returns nil.
func tidy(dropped []string) []string {
	slices.Sort(dropped)
	return append([]string{}, slices.Compact(dropped)...)
}

// Recognise implements [sensors.Recogniser].
func (Dialect) Recognise(_ string, payload []byte) (sensors.Likeness, string) {
	head := payload[:min(len(payload), 16<<10)]
	if !bytes.ContainsRune(head, '<') {
		return sensors.Unlike, ""
	}
	lower := strings.ToLower(string(head))
	switch {
	case strings.Contains(lower, "docs.oasis-open.org/wsn"), strings.Contains(lower, "onvif.org/ver10"):
		return sensors.Surely, "namespaces of ONVIF"
	case strings.Contains(lower, "notificationmessage"), strings.Contains(lower, "metadatastream"):
		return sensors.Likely, "a notification of WS-BaseNotification"
	case strings.Contains(lower, "propertyoperation"):
		return sensors.Perhaps, "a property that was initialized or changed"
	}
	return sensors.Unlike, ""
}
