package sensors

import (
	"iter"
	"strings"
)

// ByFilter keeps a value for each of many topic filters and finds those whose filter selects a topic, as [MatchFilter] says, without
// trying them one by one: it is a tree of the filters' levels. The zero value is empty.
type ByFilter[V any] struct {
	below map[string]*ByFilter[V] // by level; "+" is any
	here  *V                      // of the filter that ends here
	rest  *V                      // of the filter that ends with # here: this level and all below
}

// At returns the value of a valid filter, to be read or changed; that of a new one is zero.
func (m *ByFilter[V]) At(filter string) *V { return m.at(strings.Split(filter, "/")) }

func (m *ByFilter[V]) at(levels []string) *V {
	switch {
	case len(levels) == 0:
		if m.here == nil {
			m.here = new(V)
		}
		return m.here
	case levels[0] == "#":
		if m.rest == nil {
			m.rest = new(V)
		}
		return m.rest
	}
	if m.below == nil {
		m.below = map[string]*ByFilter[V]{}
	}
	next := m.below[levels[0]]
	if next == nil {
		next = &ByFilter[V]{}
		m.below[levels[0]] = next
	}
	return next.at(levels[1:])
}

// Remove takes a filter out, and the levels that no other needs.
func (m *ByFilter[V]) Remove(filter string) { m.remove(strings.Split(filter, "/")) }

func (m *ByFilter[V]) remove(levels []string) {
	switch {
	case len(levels) == 0:
		m.here = nil
	case levels[0] == "#":
		m.rest = nil
	case m.below[levels[0]] != nil:
		next := m.below[levels[0]]
		if next.remove(levels[1:]); next.Empty() {
			delete(m.below, levels[0])
		}
	}
}

// Empty says whether there is no filter.
func (m *ByFilter[V]) Empty() bool { return len(m.below) == 0 && m.here == nil && m.rest == nil }

// Match goes through the values of the filters that select a topic, each once.
func (m *ByFilter[V]) Match(topic string) iter.Seq[V] {
	return func(yield func(V) bool) { m.match(strings.Split(topic, "/"), strings.HasPrefix(topic, "$"), yield) }
}

// match says whether to go on. A wildcard does not select a first level that begins with $ (MQTT 3.1.1, 4.7.2).
func (m *ByFilter[V]) match(levels []string, system bool, yield func(V) bool) bool {
	if m.rest != nil && !system && !yield(*m.rest) {
		return false
	}
	if len(levels) == 0 {
		return m.here == nil || yield(*m.here)
	}
	if next := m.below[levels[0]]; next != nil && !next.match(levels[1:], false, yield) {
		return false
	}
	next := m.below["+"]
	return next == nil || system || next.match(levels[1:], false, yield)
}
