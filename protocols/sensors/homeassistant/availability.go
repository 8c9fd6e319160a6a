package homeassistant

import (
	"slices"
	"strings"

	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// availability is whether a device is heard, by the topics that its entities name for it. What was said on each is remembered,
// since a device may need all of them.
type availability struct {
	key    string // the same for entities that say the same
	device string
	mode   string // all, any or latest
	items  []*item
	users  int // entities that name it
}

// item is one topic of an availability.
type item struct {
	topic   string
	tpl     *template
	yes, no string
	said    observation.Phase // of device-offline; empty: nothing yet
}

// availabilityOf reads the availability of an entity; nil if it has none. A topic on which the entity also tells its state says
// whether that one value is there, not whether the device is, and is left out. So is one with a template that is not understood.
func availabilityOf(e *entity, f fields) *availability {
	a := &availability{device: e.device, mode: f.word("availability_mode", "latest")}
	list, _ := f["availability"].([]any)
	if one, ok := f["availability"].(map[string]any); ok {
		list = []any{one}
	}
	if f["availability_topic"] != nil {
		list = []any{map[string]any{
			"topic": f["availability_topic"], "value_template": f["availability_template"],
			"payload_available": f["payload_available"], "payload_not_available": f["payload_not_available"],
		}}
	}
	var key strings.Builder
	key.WriteString(a.device + "\x00" + a.mode)
	for i, member := range list {
		object, _ := member.(map[string]any)
		m := expand(object)
		it := &item{
			topic: rooted(m.word("topic", ""), f.word("~", "")),
			yes:   m.word("payload_available", "online"), no: m.word("payload_not_available", "offline"),
		}
		src := m.word("value_template", "")
		if i >= maxAvailability || it.topic == e.topic || sensors.CheckFilter(it.topic) != nil || it.yes == it.no ||
			len(it.yes) > maxWord || len(it.no) > maxWord {
			continue
		}
		if src != "" {
			tpl, err := compile(src)
			if err != nil {
				continue
			}
			it.tpl = tpl
		}
		a.items = append(a.items, it)
		key.WriteString("\x00" + strings.Join([]string{it.topic, it.yes, it.no, src}, "\x00"))
	}
	if len(a.items) == 0 {
		return nil
	}
	a.key = key.String()
	return a
}

// hear takes what was said on a topic and returns what it means for the device; empty: nothing.
func (a *availability) hear(it *item, m *received) observation.Phase {
	word, ok := m.value(it.tpl)
	switch {
	case ok && same(word, it.yes):
		it.said = observation.Inactive
	case ok && same(word, it.no):
		it.said = observation.Active
	default:
		return ""
	}
	says := func(p observation.Phase) func(*item) bool { return func(i *item) bool { return i.said == p } }
	offline, online := says(observation.Active), says(observation.Inactive)
	all := func(f func(*item) bool) bool {
		return !slices.ContainsFunc(a.items, func(i *item) bool { return !f(i) })
	}
	switch {
	case a.mode == "all" && slices.ContainsFunc(a.items, offline), a.mode == "any" && all(offline):
		return observation.Active
	case a.mode == "all" && all(online), a.mode == "any" && slices.ContainsFunc(a.items, online):
		return observation.Inactive
	case a.mode == "all", a.mode == "any":
		return ""
	}
	return it.said
}
