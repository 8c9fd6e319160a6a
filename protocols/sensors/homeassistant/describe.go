package homeassistant

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gridgate/protocols/alert"
	"gridgate/protocols/sensors"
)

// Bounds of one discovery message.
const (
	maxComponents   = 256 // of a device
	maxAvailability = 8   // topics of an entity
	maxWord         = 64  // bytes of a payload that a description names
	maxEvents       = 64  // event types
)

// abbreviations are the short keys of those that are read (Home Assistant, "MQTT: supported abbreviations").
var abbreviations = map[string]string{
	"stat_t": "state_topic", "t": "topic", "val_tpl": "value_template", "dev_cla": "device_class", "stat_val_tpl": "state_value_template",
	"unit_of_meas": "unit_of_measurement", "pl_on": "payload_on", "pl_off": "payload_off", "pl": "payload",
	"avty": "availability", "avty_t": "availability_topic", "avty_mode": "availability_mode", "avty_tpl": "availability_template",
	"pl_avail": "payload_available", "pl_not_avail": "payload_not_available", "exp_aft": "expire_after", "off_dly": "off_delay",
	"dev": "device", "ids": "identifiers", "cmps": "components", "p": "platform", "evt_typ": "event_types", "ops": "options",
	"e": "encoding", "stype": "subtype", "stat_open": "state_open", "stat_clsd": "state_closed", "pl_open": "payload_open",
}

// fields are the members of a description under their long names; those that are not read stay unread among them.
type fields map[string]any

func expand(object map[string]any) fields {
	out := make(fields, len(object))
	for key, v := range object {
		if long, ok := abbreviations[key]; ok {
			key = long
		}
		out[key] = v
	}
	return out
}

// word returns a scalar as a text, since Home Assistant takes numbers and flags where it wants one.
func (f fields) word(key, otherwise string) string {
	switch v := f[key].(type) {
	case string:
		return v
	case bool, float64:
		return text(v)
	}
	return otherwise
}

// topic returns a topic filter; ~ at its start or end stands for the base topic.
func (f fields) topic(key string) string { return rooted(f.word(key, ""), f.word("~", "")) }

func rooted(topic, base string) string {
	if rest, ok := strings.CutPrefix(topic, "~"); ok {
		return base + rest
	}
	if rest, ok := strings.CutSuffix(topic, "~"); ok {
		return rest + base
	}
	return topic
}

// place is a discovery topic: <prefix>/<component>/[<node>/]<object>/config.
type place struct{ component, node, object string }

// discovery reads a topic below the prefix. ok is false for one that describes nothing.
func discovery(prefix, topic string) (p place, ok bool) {
	rest, below := strings.CutPrefix(topic, prefix+"/")
	levels := strings.Split(rest, "/")
	n := len(levels)
	if !below || n < 3 || n > 4 || levels[n-1] != "config" {
		return p, false
	}
	p = place{component: levels[0], object: levels[n-2]}
	if n == 4 {
		p.node = levels[1]
	}
	return p, identifier.MatchString(p.object) && (p.node == "" || identifier.MatchString(p.node))
}

// Reasons for which a description is refused.
var (
	errObject     = errors.New("the description is not a JSON object")
	errComponents = errors.New("the description of the device has no components, or more than 256")
	errTopic      = errors.New("the description names no topic that can be subscribed to")
	errRaw        = errors.New("its payload is not text")
	errUnit       = errors.New("its unit is unknown, or does not fit its device class")
	errClass      = errors.New("its device class is not one of Home Assistant")
	errNoClass    = errors.New("it has no device class, and its name does not say what it is")
	errWords      = errors.New("its payloads are too long or the same")
)

// parse reads the payload of a discovery topic: the entities that it describes, those that are not read with their reason.
func parse(p place, payload []byte) ([]*entity, error) {
	value, err := sensors.Decode(payload)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errObject
	}
	root := expand(object)
	device := deviceOf(p, root)
	if p.component != "device" {
		return []*entity{describe(p.component, p.object, device, root)}, nil
	}
	components, _ := root["components"].(map[string]any)
	if len(components) == 0 || len(components) > maxComponents {
		return nil, errComponents
	}
	var out []*entity
	for _, id := range slices.Sorted(maps.Keys(components)) {
		member, _ := components[id].(map[string]any)
		f := inherit(expand(member), root)
		if len(member) <= 1 { // a component with its platform alone is one that was removed
			continue
		}
		if !identifier.MatchString(id) {
			id = mark(id)
		}
		out = append(out, describe(f.word("platform", ""), id, device, f))
	}
	return out, nil
}

// inherited are the members that a device says once for all its components.
var inherited = []string{
	"~", "state_topic", "encoding", "availability", "availability_topic", "availability_mode", "availability_template", "payload_available",
	"payload_not_available",
}

func inherit(f, root fields) fields {
	for _, key := range inherited {
		if v, ok := root[key]; ok && f[key] == nil {
			f[key] = v
		}
	}
	return f
}

// deviceOf names the device: the node id, or the first fitting identifier, or the object id.
func deviceOf(p place, root fields) string {
	if p.node != "" && p.component != "device" {
		return p.node
	}
	if p.component == "device" {
		return p.object
	}
	device, _ := root["device"].(map[string]any)
	ids := expand(device)["identifiers"]
	if list, ok := ids.([]any); ok && len(list) > 0 {
		ids = list[0]
	}
	if id, ok := ids.(string); ok && identifier.MatchString(id) {
		return id
	}
	return p.object
}

// describe reads one entity. It always returns one: what is not read has a reason.
func describe(component, object, device string, f fields) *entity {
	e := &entity{device: device, object: object, topic: f.topic("state_topic")}
	if isTrigger(component) {
		e.topic = f.topic("topic")
	}
	if err := e.read(component, f); err != nil {
		e.meaning = meaning{what: component, refused: err.Error()}
		if !slices.Contains(slices.Concat(readable, unread), component) {
			e.what = "*"
		}
		e.calm = errors.As(err, new(calm))
		e.tpl = nil
	}
	return e
}

// calm is the reason of what is understood and on purpose not told.
type calm string

func (c calm) Error() string { return string(c) }

// Components that are read, and those that are known and never read: they command, show, hold texts, or follow persons.
var (
	readable = []string{"binary_sensor", "sensor", "event", "device_automation", "device_trigger", "alarm_control_panel", "cover"}
	unread   = []string{
		"button", "camera", "climate", "date", "datetime", "device_tracker", "fan", "humidifier", "image", "lawn_mower", "light", "lock",
		"notify", "number", "person", "scene", "select", "siren", "switch", "tag", "text", "time", "update", "vacuum", "valve", "water_heater",
	}
)

func isTrigger(component string) bool {
	return component == "device_automation" || component == "device_trigger"
}

// read fills the entity or says why it is not read.
func (e *entity) read(component string, f fields) error {
	switch {
	case slices.Contains(unread, component):
		return calm("the component " + component + " is not read")
	case !slices.Contains(readable, component):
		return errors.New("its component is not one of Home Assistant")
	case sensors.CheckFilter(e.topic) != nil:
		return errTopic
	case f["encoding"] != nil && f.word("encoding", "") != "utf-8":
		return errRaw
	}
	if err := e.readMeaning(component, f); err != nil {
		return err
	}
	if err := e.readTemplate(f); err != nil {
		return err
	}
	if seconds, ok := f["expire_after"].(float64); ok && seconds > 0 && seconds < 1e9 {
		e.expires = strconv.Itoa(int(seconds)) + " s"
	}
	e.availability = availabilityOf(e, f)
	return nil
}

func (e *entity) readTemplate(f fields) (err error) {
	src := f.word("value_template", "")
	if src == "" {
		return nil
	}
	e.tpl, err = compile(src)
	e.bytes += len(src)
	return err
}

func (e *entity) readMeaning(component string, f fields) error {
	switch component {
	case "binary_sensor":
		return e.readBinary(f)
	case "sensor":
		return e.readSensor(f)
	case "event":
		return e.readEvent(f)
	case "alarm_control_panel":
		e.meaning = states("alarm_control_panel", state{kind: alert.Intrusion}, []string{"triggered"},
			[]string{"disarmed", "armed_home", "armed_away", "armed_night", "armed_vacation", "armed_custom_bypass", "arming", "disarming", "pending"})
		return nil
	case "cover":
		return e.readCover(f)
	}
	return e.readTrigger(f)
}

func (e *entity) readBinary(f fields) error {
	class := classOf(f)
	s, ok := binaryClasses[class]
	zone := label(e.object, e.device, class)
	if n, room, known := calledBy(e.object, e.device); known && slices.Contains(named, class) {
		s, ok, zone = n, true, room
	}
	switch {
	case class == "heat" && slices.ContainsFunc(e.words(f), func(w string) bool { return slices.Contains(heaters, w) }):
		return calm("a heater that is on is no dangerous heat")
	case ok:
	case class == "safety":
		return calm("it says that something is unsafe, and not what")
	case slices.Contains(calmClasses, class):
		return calm("the device class " + class + " says no hazard and nothing of a place")
	case class == "":
		return errNoClass
	default:
		return errClass
	}
	on, off := f.word("payload_on", "ON"), f.word("payload_off", "OFF")
	if len(on) > maxWord || len(off) > maxWord || on == off {
		return errWords
	}
	e.meaning = states(class, s, []string{on}, []string{off})
	e.moment = f["off_delay"] != nil
	if e.what == "" {
		e.what = string(s.kind)
	}
	e.zone = zone
	return nil
}

// heaters are words of things that some describe with the class "heat" because they heat.
var heaters = []string{"heating", "heater", "boiler", "burner", "underfloor", "hvac"}

// calledBy looks for an object whose name alone says what it is. Words of its device, and places, may stand before it; the
// places are its zone.
func calledBy(object, device string) (s state, zone string, ok bool) {
	own, known := tokens(object), tokens(device)
	for len(own) > 0 {
		if s, ok := called[strings.Join(own, "_")]; ok {
			return s, zone, true
		}
		switch {
		case slices.Contains(known, own[0]):
		case places[own[0]]:
			zone = join(zone, own[0])
		default:
			return state{}, "", false
		}
		own = own[1:]
	}
	return state{}, "", false
}

// doors are the classes of covers that close a way; the others shade a window.
var doors = []string{"door", "garage", "gate", "window"}

func (e *entity) readCover(f fields) error {
	class := f.word("device_class", "")
	if !slices.Contains(doors, class) {
		return calm("a cover that is no door, gate or window is not read")
	}
	e.meaning = states(class, state{kind: alert.Door}, []string{f.word("state_open", "open"), "opening"}, []string{f.word("state_closed", "closed")})
	e.zone = label(e.object, e.device, class)
	return nil
}

func (e *entity) readSensor(f fields) error {
	class, unit := classOf(f), strings.TrimSpace(f.word("unit_of_measurement", ""))
	if slices.Contains(calmNumbers, class) || class == "" && slices.Contains(calmUnits, unit) || f["options"] != nil {
		return calm("its values are no measurement of a place")
	}
	m, ok := numericClasses[class]
	switch {
	case class == "" && unit == "":
		return calm("it has no device class and no unit")
	case class == "battery" && unit != "%" || class == "":
		return e.readUnclassed(f, append(e.words(f), class), unit)
	case !ok:
		return errClass
	}
	code, ok := m.in(unit)
	if !ok {
		return errUnit
	}
	e.measures(sharpened(m.quantity, e.words(f)), code)
	e.zone = e.both(f, class)
	return nil
}

// readUnclassed reads a sensor whose unit, or unit and name, say what it measures.
func (e *entity) readUnclassed(f fields, own []string, unit string) error {
	for _, t := range told {
		if code, ok := t.in(unit); ok && hasAll(own, t.words) {
			e.measures(sharpened(t.quantity, own), code)
			e.zone = e.both(f, t.quantity)
			return nil
		}
	}
	if _, known := unitOf(unit); !known {
		return errUnit
	}
	return errNoClass
}

// words are those of the object id and of the name, each also without a gap. They are compared with lists and never repeated.
func (e *entity) words(f fields) []string {
	object, name := tokens(strings.TrimPrefix(e.object, e.device)), tokens(f.word("name", ""))
	return slices.Concat(object, name, []string{strings.Join(object, ""), strings.Join(name, "")})
}

// both is the label by the object id and, for the quantity of a reading only, by what the name adds: a name may change, and
// with a zone of its own an alarm would not end.
func (e *entity) both(f fields, class string) string {
	out := label(e.object, e.device, class)
	for _, w := range tokens(label(f.word("name", ""), e.device, class)) {
		if own := tokens(out); len(own) < maxWords && !slices.Contains(own, w) {
			out = join(out, w)
		}
	}
	return out
}

// classOf is the device class; some write None where there is none.
func classOf(f fields) string {
	class := f.word("device_class", "")
	if class == "None" || class == "none" {
		return ""
	}
	return class
}

func (e *entity) measures(quantity, unit string) {
	e.meaning = meaning{what: quantity, quantity: quantity, unit: unit}
}

func sharpened(quantity string, own []string) string {
	for _, s := range sharper {
		if s.quantity == quantity && hasAll(own, s.words) {
			return s.sharp
		}
	}
	return quantity
}

func hasAll(own, words []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(own, w) })
}
