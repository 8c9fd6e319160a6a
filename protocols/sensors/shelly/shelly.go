package shelly

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Name is the dialect's name in configuration and in alerts.
const Name = "shelly"

// Dialect is the Shelly dialect. The zero value is ready.
type Dialect struct {
	// Fahrenheit says that sensor/temperature of generation 1 is in degrees Fahrenheit.
	Fahrenheit bool
}

var (
	_ sensors.Companion  = Dialect{}
	_ sensors.Recogniser = Dialect{}
	_ sensors.Learner    = Dialect{}
)

// Reasons for which nothing is understood.
const (
	whyLong    = "the topic is too long or not UTF-8"
	whyTopic   = "the topic is none of a Shelly device"
	whyCommand = "a command or an answer, not a report"
	whyPresent = "a device announces itself"
	whyEmpty   = "an empty payload only removes a retained message"
	whyObject  = "the payload is not a JSON object"
	whyFrame   = "not a notification of a device"
	whyNothing = "no key says a hazard, a state or a measurement"
	whyTest    = "the device is under test"
	whyState   = "online is neither true nor false"
	whySleep   = "a device with a battery sleeps between its messages"
)

// form is what a topic is about.
type form int

const (
	other    form = iota
	online        // <device>/online
	notified      // <prefix>/events/rpc
	status        // <prefix>/status/<component>
	flatten       // shellies/<id>/<path>
	command
	announced
)

// address is a topic taken apart.
type address struct {
	form   form
	device string
	path   []string // of flatten: below the device; of status: the component
}

const root = "shellies" // of generation 1

var component = regexp.MustCompile(`^([a-z][a-z0-9_]{0,23})(?::([0-9]{1,5}))?$`)

// parse takes a topic apart. Later generations may have any prefix, even one below "shellies".
func parse(topic string) address {
	levels := strings.Split(topic, "/")
	n := len(levels)
	at := func(i int) string { return levels[n+i] }
	first := func(k int) string { return strings.Join(levels[:k], "/") }
	switch {
	case n >= 3 && at(-2) == "events" && at(-1) == "rpc":
		return address{form: notified, device: first(n - 2)}
	case n >= 3 && at(-2) == "status" && component.MatchString(at(-1)):
		return address{form: status, device: first(n - 2), path: levels[n-1:]}
	case n >= 2 && (at(-1) == "rpc" || at(-1) == "command" || slices.Contains(levels, "set")):
		return address{form: command}
	case at(-1) == "announce":
		return address{form: announced}
	case n >= 2 && at(-1) == "online":
		return address{form: online, device: strings.TrimPrefix(first(n-1), root+"/")}
	}
	if i := slices.Index(levels, root); i >= 0 && n > i+2 {
		return address{form: flatten, device: levels[i+1], path: levels[i+2:]}
	}
	return address{}
}

// Translate implements [sensors.Dialect].
func (d Dialect) Translate(topic string, payload []byte, retained bool) observation.Translation {
	return d.translate(topic, payload, retained, nil)
}

func (d Dialect) translate(topic string, payload []byte, retained bool, known resolver) observation.Translation {
	if len(topic) > sensors.MaxTopic || !utf8.ValidString(topic) {
		return sensors.Ignored("", whyLong)
	}
	a := parse(topic)
	b := &sensors.Builder{Topic: topic, Device: a.device, Retained: retained}
	switch {
	case a.form == other:
		return sensors.Ignored(topic, whyTopic)
	case a.form == command:
		return sensors.Ignored(topic, whyCommand)
	case a.form == announced:
		return sensors.Learnt(topic, whyPresent)
	case len(payload) == 0:
		return sensors.Ignored(topic, whyEmpty)
	case a.form == online:
		return availability(b, payload)
	case a.form == flatten:
		return d.flat(b, a.path, payload)
	}
	value, err := sensors.Decode(payload)
	object, ok := value.(map[string]any)
	switch {
	case err != nil:
		return sensors.Ignored(topic, err.Error())
	case !ok:
		return sensors.Ignored(topic, whyObject)
	case a.form == notified:
		return notification(b, object, known)
	}
	t := teller{b: b, known: known}
	t.component(a.path[0], object)
	return b.Done(t.why())
}

// sleepers are the names of devices that sleep, as they are called unless somebody renames them.
var sleepers = regexp.MustCompile(`(?i)^(.*/)?shelly(ht|flood|smoke|dw2?|button[0-9]?|plusht|htg3|plussmoke|floodg4|floodsg4|plusflood|smokeg[34])-`)

// availability reads "true" or "false", the last will of a device.
func availability(b *sensors.Builder, payload []byte) observation.Translation {
	switch word(payload) {
	case true:
		b.Observe("online", alert.DeviceOffline, observation.Inactive, "")
	case false:
		if sleepers.MatchString(b.Device) {
			return sensors.Learnt(b.Topic, whySleep)
		}
		b.Observe("online", alert.DeviceOffline, observation.Active, "")
	}
	return b.Done(whyState)
}

// Also implements [sensors.Companion]: beside notifications a device tells whether it is online and, where that is switched
// on, the status of its components; below one value path of generation 1 stand the others.
func (Dialect) Also(filter string) []string {
	if strings.HasSuffix(filter, "#") || strings.HasSuffix(filter, "/online") {
		return nil
	}
	if base, ok := strings.CutSuffix(filter, "/events/rpc"); ok {
		return []string{base + "/online", base + "/status/+", base + answers}
	}
	if base, _, ok := strings.Cut(filter, "/status/"); ok {
		return []string{base + "/online", base + "/events/rpc", base + answers}
	}
	levels := strings.Split(filter, "/")
	i := slices.Index(levels, root)
	switch {
	case i >= 0 && len(levels) > i+2:
		base := strings.Join(levels[:i+2], "/")
		return []string{base + "/online", base + "/sensor/+"}
	case i >= 0 && len(levels) == i+2:
		return []string{filter + "/#"}
	}
	return []string{filter + "/online", filter + "/events/rpc", filter + "/status/+", filter + answers}
}
