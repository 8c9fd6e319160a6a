// Package acme is a worked example of a vendor's package: a made-up camera that tells its events as lines of text.
//
//	GET /events, HTTP Basic; one event a line:
//	PING
//	EVENT motion ON channel=1 zone=2 at=2026-03-01T08:00:00Z object=vehicle plate=B-XY-123
//
// In: such lines. Out: observations of an allow-list of events and keys. It never lets through anything else: a plate is a key like
// any other that is not on the list.
package acme

import (
	"regexp"
	"strings"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
	"gridgate/protocols/vendor"
)

// Name is the protocol's name in configuration and in alerts.
const Name = "acme"

// Kinds are all that a camera may tell.
var Kinds = []alert.Kind{alert.Motion, alert.Intrusion, alert.Covered}

// events is the allow-list: what the vendor calls it, and what it is.
var events = map[string]alert.Kind{"motion": alert.Motion, "fence": alert.Intrusion, "lens": alert.Covered}

var objects = map[string]alert.Object{"vehicle": alert.Vehicle, "person": alert.Person}

// unending are the events that the camera repeats while they hold, and never ends.
var unending = map[string]time.Duration{"lens": 5 * time.Second}

var phases = map[string]observation.Phase{"ON": observation.Active, "OFF": observation.Inactive}

// Dialect says what one line means.
type Dialect struct{}

var (
	token  = regexp.MustCompile(`^[A-Za-z0-9_.:/-]{1,128}$`)
	number = regexp.MustCompile(`^[0-9]{1,4}$`)
)

// Translate implements [sensors.Dialect].
func (Dialect) Translate(_ string, payload []byte, retained bool) observation.Translation {
	if len(payload) > vendor.MaxLine {
		return sensors.Ignored("", "a line that is too long")
	}
	words := strings.Fields(string(payload))
	switch {
	case len(words) == 1 && words[0] == "PING":
		return sensors.Learnt("", "heartbeat")
	case len(words) < 3 || words[0] != "EVENT":
		return sensors.Ignored("", "not a line of an Acme camera")
	}
	out := sensors.Ignored("", "")
	if token.MatchString(words[1]) {
		out.Meta.Topic = words[1]
	}
	o := observation.Observation{Kind: events[words[1]], Phase: phases[words[2]], Retained: retained, Expires: unending[words[1]]}
	for _, w := range words[3:] {
		if key, value, _ := strings.Cut(w, "="); !take(&o, key, value) {
			out.Dropped = []string{"*"} // never the key: an unknown one may be an identity
		}
	}
	out.Meta.Channel, out.Meta.Time = o.Device, o.At
	if o.Kind == "" || o.Phase == "" {
		out.Ignored = "an event or a state that is not on the list"
		return out
	}
	if o.Phase != observation.Active {
		o.Expires = 0
	}
	out.Observations = append(out.Observations, o)
	return out
}

// take takes a key that is on the list, if its value has the right form.
func take(o *observation.Observation, key, value string) bool {
	switch {
	case key == "channel" && number.MatchString(value):
		o.Device = value
	case key == "zone" && number.MatchString(value):
		o.Zone = value
	case key == "object" && o.Kind == alert.Motion && objects[value] != "":
		o.Object = objects[value]
	case key == "at":
		at, err := time.Parse(time.RFC3339, value)
		o.At = at.UTC()
		return err == nil
	default:
		return false
	}
	return true
}

// Recognise implements [sensors.Recogniser].
func (Dialect) Recognise(_ string, payload []byte) (sensors.Likeness, string) {
	switch first, _, _ := strings.Cut(strings.TrimSpace(string(payload[:min(len(payload), 64)])), " "); first {
	case "EVENT":
		return sensors.Likely, "the word EVENT"
	case "PING":
		return sensors.Perhaps, "the word PING"
	}
	return sensors.Unlike, ""
}
