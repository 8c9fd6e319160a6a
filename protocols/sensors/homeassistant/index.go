package homeassistant

import (
	"slices"
	"strings"
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

// index finds listeners by topic: a table for plain topics, a tree of levels for filters with a wildcard (gateways that hear the
// same radio name themselves "+").
type index struct {
	plain map[string][]listener
	tree  node
}

type node struct {
	below map[string]*node
	here  []listener
	rest  []listener // whose filter ends with # here
}

func (x *index) add(l listener) {
	topic := l.topic()
	if !strings.ContainsAny(topic, "+#") {
		x.plain[topic] = append(x.plain[topic], l)
		return
	}
	x.tree.add(strings.Split(topic, "/"), l)
}

func (x *index) remove(l listener) {
	topic := l.topic()
	if strings.ContainsAny(topic, "+#") {
		x.tree.remove(strings.Split(topic, "/"), l)
		return
	}
	if x.plain[topic] = without(x.plain[topic], l); len(x.plain[topic]) == 0 {
		delete(x.plain, topic)
	}
}

// match returns those that wait for a topic, at most [maxListeners]; more says that there were others.
func (x *index) match(topic string) (found []listener, more bool) {
	found = slices.Clone(x.plain[topic])
	found = x.tree.match(strings.Split(topic, "/"), strings.HasPrefix(topic, "$"), found)
	if len(found) > maxListeners {
		return found[:maxListeners], true
	}
	return found, false
}

func without(list []listener, l listener) []listener {
	return slices.DeleteFunc(list, func(other listener) bool { return other == l })
}

func (n *node) add(levels []string, l listener) {
	switch {
	case len(levels) == 0:
		n.here = append(n.here, l)
		return
	case levels[0] == "#":
		n.rest = append(n.rest, l)
		return
	}
	if n.below == nil {
		n.below = map[string]*node{}
	}
	next := n.below[levels[0]]
	if next == nil {
		next = &node{}
		n.below[levels[0]] = next
	}
	next.add(levels[1:], l)
}

// remove takes l out, and the levels that nobody needs any more. It reports whether n is one of them.
func (n *node) remove(levels []string, l listener) (void bool) {
	switch {
	case len(levels) == 0:
		n.here = without(n.here, l)
	case levels[0] == "#":
		n.rest = without(n.rest, l)
	case n.below[levels[0]] != nil && n.below[levels[0]].remove(levels[1:], l):
		delete(n.below, levels[0])
	}
	return len(n.below)+len(n.here)+len(n.rest) == 0
}

// match adds those of n to found. A wildcard does not select a first level that begins with $ (MQTT 3.1.1, 4.7.2).
func (n *node) match(levels []string, system bool, found []listener) []listener {
	if len(found) > maxListeners {
		return found
	}
	if !system {
		found = append(found, n.rest...)
	}
	if len(levels) == 0 {
		return append(found, n.here...)
	}
	if next := n.below[levels[0]]; next != nil {
		found = next.match(levels[1:], false, found)
	}
	if next := n.below["+"]; next != nil && !system {
		found = next.match(levels[1:], false, found)
	}
	return found
}
