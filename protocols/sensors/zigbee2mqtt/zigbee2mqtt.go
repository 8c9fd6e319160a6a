package zigbee2mqtt

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Name is the dialect's name in configuration and in alerts.
const Name = "zigbee2mqtt"

// Dialect is the Zigbee2MQTT dialect. The zero value is ready.
type Dialect struct {
	// Base is the gateway's base topic without a slash at the end, for example "home/zigbee2mqtt". Empty: the first level.
	Base string
}

var (
	_ sensors.Companion  = Dialect{}
	_ sensors.Recogniser = Dialect{}
)

// Also implements [sensors.Companion]: the availability of a device is told below its topic.
func (Dialect) Also(filter string) []string {
	if strings.HasSuffix(filter, "#") {
		return nil
	}
	return []string{filter + "/availability"}
}

// Reasons for which nothing is understood.
const (
	whyTopic   = "the topic is not <base>/<device>"
	whyBridge  = "a message of the bridge, not of a device"
	whyCommand = "a command to a device, not a report"
	whyEmpty   = "an empty payload only removes a retained message"
	whyObject  = "the payload is not a JSON object"
	whyNothing = "no key says a hazard, a state or a measurement"
	whyTest    = "the device is under test"
	whyState   = "availability is neither online nor offline"
)

// Translate implements [sensors.Dialect].
func (d Dialect) Translate(topic string, payload []byte, retained bool) observation.Translation {
	if len(topic) > sensors.MaxTopic || !utf8.ValidString(topic) {
		return sensors.Ignored("", "the topic is too long or not UTF-8")
	}
	path, ok := d.path(topic)
	if why := ignorable(path, ok, payload); why != "" {
		return sensors.Ignored(topic, why)
	}
	b := &sensors.Builder{Topic: topic, Device: strings.Join(path, "/"), Retained: retained}
	last := len(path) - 1
	if last > 0 && path[last] == "availability" {
		b.Device = strings.Join(path[:last], "/")
		return availability(b, payload)
	}
	value, err := sensors.Decode(payload)
	if object, ok := value.(map[string]any); ok {
		return report(b, object)
	}
	if last > 0 && isAttribute(path[last]) && !strings.HasPrefix(strings.TrimSpace(string(payload)), "{") {
		b.Device = strings.Join(path[:last], "/")
		return report(b, map[string]any{path[last]: bare(value, err, payload)})
	}
	if err != nil {
		return sensors.Ignored(topic, err.Error())
	}
	return sensors.Ignored(topic, whyObject)
}

// path returns the levels below the base topic.
func (d Dialect) path(topic string) ([]string, bool) {
	base := d.Base
	if base == "" {
		base, _, _ = strings.Cut(topic, "/")
	}
	rest, ok := strings.CutPrefix(topic, base+"/")
	return strings.Split(rest, "/"), ok && rest != ""
}

func ignorable(path []string, below bool, payload []byte) string {
	switch {
	case !below:
		return whyTopic
	case path[0] == "bridge":
		return whyBridge
	case slices.Contains(path[1:], "set"), slices.Contains(path[1:], "get"):
		return whyCommand
	case len(payload) == 0:
		return whyEmpty
	}
	return ""
}

func isAttribute(key string) bool {
	_, _, ok := lookup(key)
	return ok || key == "action"
}

// bare is the value of attribute output: JSON where it is a number or a bool, else a text without quotes.
func bare(value any, err error, payload []byte) any {
	if err == nil {
		return value
	}
	if len(payload) > 64 {
		return nil
	}
	return string(payload)
}

// availability reads "online", "offline" or {"state": ...}.
func availability(b *sensors.Builder, payload []byte) observation.Translation {
	state := strings.Trim(string(payload[:min(len(payload), 64)]), "\" \n")
	if value, err := sensors.Decode(payload); err == nil {
		if object, ok := value.(map[string]any); ok {
			state, _ = object["state"].(string)
		}
	}
	switch state {
	case "online":
		b.Observe("state", alert.DeviceOffline, observation.Inactive, "")
	case "offline":
		b.Observe("state", alert.DeviceOffline, observation.Active, "")
	}
	return b.Done(whyState)
}

// report translates the object of a device, key by key in alphabetical order.
func report(b *sensors.Builder, object map[string]any) observation.Translation {
	testing, isFlag := underTest(object)
	// Some devices tell degrees Fahrenheit then, some Celsius all the same.
	otherScale := object["temperature_unit"] == "fahrenheit"
	if at, ok := sensors.Time(object["last_seen"]); ok {
		b.Time = at
	}
	keys := slices.AppendSeq(make([]string, 0, len(object)), maps.Keys(object))
	slices.Sort(keys)
	for _, key := range keys {
		value := object[key]
		rule, zone, ok := lookup(key)
		switch {
		case key == "last_seen" && !b.Time.IsZero(), key == "test" && isFlag:
		case key == "action":
			action(b, value)
		case ok && otherScale && strings.Contains(key, "temperature") && rule.Measure != nil:
			b.Drop(key)
		case ok && testing && isActive(rule, value) && hazards[rule.Kind]:
			b.Drop(key)
		case ok:
			b.Apply(key, key, zone, rule, value)
		case known[key]:
			b.Drop(key)
		default:
			b.Drop("*")
		}
	}
	if testing {
		return b.Done(whyTest)
	}
	return b.Done(whyNothing)
}

// underTest says that a device tells that it tests itself, and whether its flag for it is one that need not be named.
func underTest(object map[string]any) (testing, isFlag bool) {
	testing, isFlag = sensors.Truth(object["test"])
	for _, key := range []string{"testing", "test_in_progress", "self_test"} {
		flag, _ := sensors.Truth(object[key])
		word, _ := object[key].(string)
		testing = testing || flag || strings.EqualFold(word, "checking")
	}
	return testing, isFlag
}

func isActive(r sensors.Rule, v any) bool {
	if r.Observe == nil {
		return false
	}
	phase, ok := r.Observe(v)
	return ok && phase == observation.Active
}

// action takes what asks for help and drops every other button. An empty action is the gateway's way to end one.
func action(b *sensors.Builder, v any) {
	if v == "" {
		return
	}
	for _, kind := range []alert.Kind{alert.SOS, alert.Fire} {
		if _, ok := actions[kind].Observe(v); ok {
			b.Apply("action", "action", "", actions[kind], v)
			return
		}
	}
	b.Drop("action")
}
