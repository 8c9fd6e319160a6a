package tasmota

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Name is the dialect's name in configuration and in alerts.
const Name = "tasmota"

// Dialect is the Tasmota dialect. The zero value is ready.
type Dialect struct {
	// Location is the zone of times that say none; nil: they are no times.
	Location *time.Location
}

var (
	_ sensors.Companion  = Dialect{}
	_ sensors.Recogniser = Dialect{}
)

// Reasons for which nothing is understood.
const (
	whyLong      = "the topic is too long or not UTF-8"
	whyTopic     = "the topic is none of Tasmota's: no tele or stat, and no SENSOR, STATE or LWT at its end"
	whyCommand   = "a command to a device, not a report"
	whyDescribed = "a device describes itself"
	whyEmpty     = "an empty payload only removes a retained message"
	whyObject    = "the payload is not a JSON object"
	whyNothing   = "no key says a hazard, a state or a measurement"
	whyTest      = "the device is under test"
	whyWill      = "LWT is neither Online nor Offline"
)

// address is a topic taken apart: prefix, device, and what the message is.
type address struct{ prefix, device, word string }

// parse finds the prefix anywhere before the last level. Without one, only the words that are Tasmota's own will do.
func parse(topic string) (address, bool) {
	levels := strings.Split(topic, "/")
	last := len(levels) - 1
	a := address{word: levels[last]}
	levels = levels[:last]
	i := slices.IndexFunc(levels, func(s string) bool { return s == "tele" || s == "stat" || s == "cmnd" })
	if i >= 0 {
		a.prefix = levels[i]
		levels = slices.Delete(levels, i, i+1)
	}
	a.device = strings.Join(levels, "/")
	own := slices.Contains([]string{"SENSOR", "STATE", "LWT", "RESULT", "STATUS8", "STATUS10", "STATUS11"}, a.word)
	return a, a.prefix != "" || own && a.device != ""
}

// Translate implements [sensors.Dialect].
func (d Dialect) Translate(topic string, payload []byte, retained bool) observation.Translation {
	if len(topic) > sensors.MaxTopic || !utf8.ValidString(topic) {
		return sensors.Ignored("", whyLong)
	}
	a, ok := parse(topic)
	b := &sensors.Builder{Topic: topic, Device: a.device, Retained: retained}
	switch {
	case strings.HasPrefix(topic, "tasmota/discovery/"):
		return sensors.Learnt(topic, whyDescribed)
	case !ok:
		return sensors.Ignored(topic, whyTopic)
	case a.prefix == "cmnd":
		return sensors.Ignored(topic, whyCommand)
	case len(payload) == 0:
		return sensors.Ignored(topic, whyEmpty)
	case a.word == "LWT":
		return will(b, payload)
	case strings.HasPrefix(a.word, "INFO"):
		return sensors.Learnt(topic, whyDescribed)
	}
	return d.object(b, a.word, payload)
}

// recipe is the last level to which the documentation's rules for a PIR or a reed contact publish ON and OFF ("PIR Motion
// Sensors", "Home Assistant").
var recipe = regexp.MustCompile(`^(PIR|MOTION|DOOR)[0-9]?$`)

// published takes what such a rule says; a door that is ON is open.
func published(b *sensors.Builder, word string, payload []byte) observation.Translation {
	kind := alert.Motion
	if strings.HasPrefix(word, "DOOR") {
		kind = alert.Door
	}
	b.Apply("rule", "", "", sensors.Flag(kind), string(payload[:min(len(payload), 8)]))
	return b.Done(whyNothing)
}

// will reads the last will and its opposite.
func will(b *sensors.Builder, payload []byte) observation.Translation {
	switch strings.ToLower(string(bytes.TrimSpace(payload[:min(len(payload), 32)]))) {
	case "online":
		b.Observe("LWT", alert.DeviceOffline, observation.Inactive, "")
	case "offline":
		b.Observe("LWT", alert.DeviceOffline, observation.Active, "")
	}
	return b.Done(whyWill)
}

func (d Dialect) object(b *sensors.Builder, word string, payload []byte) observation.Translation {
	value, err := sensors.Decode(payload)
	if err != nil {
		value, err = sensors.Decode(healed(payload))
	}
	object, ok := value.(map[string]any)
	switch {
	case recipe.MatchString(word) && !ok:
		return published(b, word, payload)
	case strings.HasPrefix(word, "POWER") && !ok:
		b.Drop("POWER")
		return b.Done(whyNothing)
	case err != nil:
		return sensors.Ignored(b.Topic, err.Error())
	case !ok:
		return sensors.Ignored(b.Topic, whyObject)
	}
	r := report{b: b}
	for _, wrapper := range []string{"StatusSNS", "StatusSTS"} {
		if inner, ok := object[wrapper].(map[string]any); ok {
			d.take(&r, inner)
			delete(object, wrapper)
		}
	}
	d.take(&r, object)
	if r.tested {
		return b.Done(whyTest)
	}
	return b.Done(whyNothing)
}

// take reads one object: that of a bridge's device if it is one, otherwise what a device tells.
func (d Dialect) take(r *report, object map[string]any) {
	if at, ok := d.time(object); ok {
		r.b.Time = at
	}
	if isZigbee(object) {
		r.zigbee("", object)
		return
	}
	r.device(object)
}

// time is Epoch, or Time with a zone, or Time where the zone is known.
func (d Dialect) time(object map[string]any) (time.Time, bool) {
	if at, ok := sensors.Time(object["Epoch"]); ok {
		return at, true
	}
	told, ok := object["Time"].(string)
	if !ok {
		return time.Time{}, false
	}
	if at, ok := sensors.Time(told); ok || d.Location == nil {
		return at, ok
	}
	at, err := time.ParseInLocation("2006-01-02T15:04:05", told, d.Location)
	if err != nil || at.Year() < 2001 {
		return time.Time{}, false
	}
	return at.UTC(), true
}

// Also implements [sensors.Companion]: beside one message of a device stand its others and its last will, whichever order the
// topic has.
func (Dialect) Also(filter string) []string {
	levels := strings.Split(filter, "/")
	last := len(levels) - 1
	if levels[last] == "#" {
		return nil
	}
	i := slices.IndexFunc(levels[:last], func(s string) bool { return s == "tele" || s == "stat" })
	if i < 0 {
		return nil
	}
	sibling := func(prefix, word string) string {
		at := slices.Clone(levels)
		at[i], at[last] = prefix, word
		return strings.Join(at, "/")
	}
	var also []string
	for _, f := range []string{
		sibling("tele", "SENSOR"), sibling("tele", "STATE"), sibling("tele", "LWT"), sibling("tele", "RESULT"),
		sibling("stat", "STATUS8"), sibling("stat", "STATUS10"), sibling("stat", "RESULT"),
	} {
		if f != filter {
			also = append(also, f)
		}
	}
	return also
}

// Recognise implements [sensors.Recogniser].
func (Dialect) Recognise(topic string, payload []byte) (sensors.Likeness, string) {
	if len(topic) > sensors.MaxTopic || !utf8.ValidString(topic) {
		return sensors.Unlike, ""
	}
	a, ok := parse(topic)
	known := slices.Contains([]string{"SENSOR", "STATE", "LWT", "RESULT", "STATUS8", "STATUS10", "STATUS11"}, a.word)
	switch {
	case bytes.Contains(payload, []byte(`"StatusSNS"`)), bytes.Contains(payload, []byte(`"ZbReceived"`)):
		return sensors.Surely, "StatusSNS or ZbReceived"
	case ok && known && a.prefix != "" && a.prefix != "cmnd":
		return sensors.Surely, "tele or stat, and SENSOR, STATE, LWT, RESULT or STATUS"
	case ok && known && bytes.Contains(payload, []byte(`"Time"`)):
		return sensors.Likely, "SENSOR or STATE with a Time"
	case ok && known, a.prefix == "tele", a.prefix == "stat":
		return sensors.Perhaps, "the topic looks like one of Tasmota's"
	}
	return sensors.Unlike, ""
}

// healed writes null where a number that is none stands without quotes.
func healed(payload []byte) []byte {
	if len(payload) > sensors.MaxPayload {
		return nil
	}
	out := make([]byte, 0, len(payload)+16)
	quoted := false
	for i := 0; i < len(payload); i++ {
		c := payload[i]
		switch {
		case quoted && c == '\\' && i+1 < len(payload):
			out = append(out, c)
			i++
			c = payload[i]
		case c == '"':
			quoted = !quoted
		case !quoted:
			if n := notANumber(payload[i:]); n > 0 {
				out = append(out, "null"...)
				i += n - 1
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

// notANumber returns the length of nan or inf, with or without a sign, at the start of b; 0 if there is none.
func notANumber(b []byte) int {
	sign := 0
	if b[0] == '-' || b[0] == '+' {
		sign = 1
	}
	if len(b) < sign+3 {
		return 0
	}
	switch strings.ToLower(string(b[sign : sign+3])) {
	case "nan", "inf":
		return sign + 3
	}
	return 0
}
