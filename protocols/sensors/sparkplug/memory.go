package sparkplug

import (
	"cmp"
	"container/list"
	"slices"
	"strconv"

	"gridgate/protocols/sensors"
)

// bounds are those of a session's memory. The node that was not heard for the longest time is forgotten first.
type bounds struct {
	nodes       int
	devices     int // of one node
	nodeMetrics int // names and aliases of one node, its devices' included
	metrics     int // of all nodes
}

var usualBounds = bounds{nodes: 1000, devices: 256, nodeMetrics: 10_000, metrics: 100_000}

// definition is what a BIRTH said of a metric.
type definition struct {
	meaning
	datatype datatype
	told     string // unit, UCUM; empty: none
	strange  bool   // it has a unit that is not known
}

// define reads a metric by its own words. A unit of its properties goes before one of its name.
func define(m metric) definition {
	def := definition{meaning: nameOf(m.name), datatype: m.datatype}
	def.told = def.unit
	if m.unit != "" {
		var ok bool
		def.told, ok = sensors.Unit(m.unit)
		def.strange = !ok
	}
	return def
}

// memory is what a session remembers.
type memory struct {
	bounds  bounds
	nodes   map[string]*node
	recent  *list.List // of *node, the last heard first
	metrics int
}

// node is what is remembered of an edge node.
type node struct {
	descriptor string
	place      *list.Element
	devices    map[string]*device // by id; the node itself has an empty one
	metrics    int
	full       bool // something was not remembered for want of room

	born         bool
	bdSeq        uint64
	hasBdSeq     bool
	seq          uint64
	hasSeq       bool
	pause        int // messages until it may be asked again
	patience     int // messages from one question to the next
	inOrderSince int // messages
}

// device is what the BIRTH of a device, or of the node itself, told.
type device struct {
	born    bool
	byAlias map[string]definition
	byName  map[string]definition // of the allow-list's only
}

func newMemory(b bounds) *memory {
	return &memory{bounds: b, nodes: map[string]*node{}, recent: list.New()}
}

// node returns what is remembered of a node, and makes room for a new one.
func (m *memory) node(descriptor string) *node {
	if n, ok := m.nodes[descriptor]; ok {
		m.recent.MoveToFront(n.place)
		return n
	}
	if len(m.nodes) == m.bounds.nodes {
		m.forget(m.recent.Back().Value.(*node))
	}
	n := &node{descriptor: descriptor, devices: map[string]*device{}, patience: minPatience}
	n.place = m.recent.PushFront(n)
	m.nodes[descriptor] = n
	return n
}

func (m *memory) forget(n *node) {
	m.recent.Remove(n.place)
	delete(m.nodes, n.descriptor)
	m.metrics -= n.metrics
}

// device returns what is remembered of a device, nil if there is no room.
func (m *memory) device(n *node, id string) *device {
	if d, ok := n.devices[id]; ok {
		return d
	}
	if len(n.devices) > m.bounds.devices { // the node itself is one more
		n.full = true
		return nil
	}
	d := &device{}
	n.devices[id] = d
	return d
}

// drop forgets what the BIRTH of a device told, not that there is one.
func (m *memory) drop(n *node, d *device) {
	m.metrics -= d.size()
	n.metrics -= d.size()
	d.born, d.byAlias, d.byName = false, nil, nil
}

func (d *device) size() int { return len(d.byAlias) + len(d.byName) }

// learn remembers what a BIRTH defined.
func (m *memory) learn(n *node, d *device, metrics []metric, defined []definition) {
	m.drop(n, d)
	d.born, d.byAlias, d.byName = true, map[string]definition{}, map[string]definition{}
	for i, def := range defined {
		if n.metrics+d.size()+2 > m.bounds.nodeMetrics {
			n.full = true
			break
		}
		if alias := metrics[i].alias; alias != "" {
			d.byAlias[alias] = def
		}
		if def.key != "" {
			d.byName[metrics[i].name] = def
		}
	}
	n.metrics += d.size()
	m.metrics += d.size()
	for m.metrics > m.bounds.metrics && m.recent.Back().Value.(*node) != n {
		m.forget(m.recent.Back().Value.(*node))
	}
}

// find returns what is known of a metric of a later message. alien says that it stands for an alias that nobody explained.
func (d *device) find(m metric) (def definition, alien bool) {
	if d != nil && m.name != "" {
		if def, ok := d.byName[m.name]; ok {
			return def, false
		}
	}
	if m.name != "" {
		return define(m), false
	}
	if d != nil {
		if def, ok := d.byAlias[m.alias]; ok {
			return def, false
		}
	}
	return definition{meaning: meaning{path: "*"}}, true
}

// defineAll reads the metrics of a BIRTH. Those that say the same without a number of their own are numbered in the order of their
// names, so that each has its own series.
func defineAll(metrics []metric) []definition {
	defined := make([]definition, len(metrics))
	alike := map[string][]int{}
	for i, m := range metrics {
		defined[i] = define(m)
		if d := defined[i]; d.key != "" && d.channel == "" {
			alike[d.subject()] = append(alike[d.subject()], i)
		}
	}
	for _, same := range alike {
		if len(same) < 2 {
			continue
		}
		slices.SortStableFunc(same, func(a, b int) int { return cmp.Compare(metrics[a].name, metrics[b].name) })
		number := 0
		for k, i := range same {
			if k == 0 || metrics[i].name != metrics[same[k-1]].name {
				number++
			}
			defined[i].channel = strconv.Itoa(number)
		}
		if number == 1 {
			for _, i := range same {
				defined[i].channel = ""
			}
		}
	}
	return defined
}

// subject is what a definition is about: metrics with the same one are several of a kind.
func (d definition) subject() string {
	if r := rules[d.key]; r.Quantity != "" {
		return r.Quantity
	} else if r.Measure == nil {
		return string(r.Kind) + " " // no quantity has a space
	}
	return d.key
}
