package homeassistant

import (
	"slices"
	"strings"

	"gridgate/protocols/sensors"
)

// listener waits for messages on a topic: an entity for its state, or an availability for one of its topics.
type listener struct {
	entity *entity
	of     *availability
	item   *item
}

func (l listener) topic() string {
	if l.entity != nil {
		return l.entity.topic
	}
	return l.item.topic
}

// index finds listeners by topic: a table for plain topics, and one of filters with a wildcard (gateways that hear the same radio name
// themselves "+").
type index struct {
	plain map[string][]listener
	wild  sensors.ByFilter[[]listener]
}

func (x *index) add(l listener) {
	topic := l.topic()
	if !strings.ContainsAny(topic, "+#") {
		x.plain[topic] = append(x.plain[topic], l)
		return
	}
	at := x.wild.At(topic)
	*at = append(*at, l)
}

func (x *index) remove(l listener) {
	topic := l.topic()
	if strings.ContainsAny(topic, "+#") {
		at := x.wild.At(topic)
		if *at = without(*at, l); len(*at) == 0 {
			x.wild.Remove(topic)
		}
		return
	}
	if x.plain[topic] = without(x.plain[topic], l); len(x.plain[topic]) == 0 {
		delete(x.plain, topic)
	}
}

// match returns those that wait for a topic, at most [maxListeners]; more says that there were others.
func (x *index) match(topic string) (found []listener, more bool) {
	found = slices.Clone(x.plain[topic])
	for listeners := range x.wild.Match(topic) {
		if found = append(found, listeners...); len(found) > maxListeners {
			break
		}
	}
	if len(found) > maxListeners {
		return found[:maxListeners], true
	}
	return found, false
}

func without(list []listener, l listener) []listener {
	return slices.DeleteFunc(list, func(other listener) bool { return other == l })
}
