package sparkplug

import (
	"slices"
	"strings"
	"unicode/utf8"

	"gridgate/protocols/sensors"
)

// namespace is the first level of all topics (4.1).
const namespace = "spBv1.0"

// Message types (4.1.3).
const (
	nodeBirth   = "NBIRTH"
	nodeDeath   = "NDEATH"
	nodeData    = "NDATA"
	nodeCommand = "NCMD"
	birth       = "DBIRTH"
	death       = "DDEATH"
	data        = "DDATA"
	command     = "DCMD"
	state       = "STATE"
)

// address is what a topic says.
type address struct {
	group, kind, node, device string
	foreign                   string // a topic that is not of the specification
}

// Reasons for which a topic tells nothing.
const (
	whyTopic   = "the topic is not spBv1.0/<group>/<type>/<node>[/<device>]"
	whyLong    = "the topic is too long or not UTF-8"
	whyCommand = "a command to a node, not a report"
	whyState   = "the state of a host application, not of a device"
	whyOld     = "Sparkplug A is not understood: it was given up in 2016"
)

// parse reads a topic or says why not; quiet topics are understood and tell nothing of a device.
func parse(topic string) (a address, why string, quiet bool) {
	if len(topic) > sensors.MaxTopic || !utf8.ValidString(topic) {
		return a, whyLong, false
	}
	levels := strings.Split(topic, "/")
	switch {
	case levels[0] == state && len(levels) == 2, levels[0] == namespace && len(levels) == 3 && levels[1] == state:
		return a, whyState, true
	case levels[0] == "spAv1.0":
		return a, whyOld, false
	case levels[0] != namespace || len(levels) < 4 || len(levels) > 5 || slices.Contains(levels, ""):
		return a, whyTopic, false
	}
	a = address{group: levels[1], kind: levels[2], node: levels[3]}
	if len(levels) == 5 {
		a.device = levels[4]
	}
	switch a.kind {
	case nodeCommand, command:
		return a, whyCommand, true
	case nodeBirth, nodeDeath, nodeData:
		if a.device == "" {
			return a, "", false
		}
	case birth, death, data:
		if a.device != "" {
			return a, "", false
		}
	}
	return a, whyTopic, false
}

// descriptor names a node among all.
func (a address) descriptor() string { return a.group + "/" + a.node }

// name is the device's, or the node's where the message is its own.
func (a address) name() string {
	switch {
	case a.foreign != "":
		return a.foreign
	case a.device == "":
		return a.descriptor()
	}
	return a.descriptor() + "/" + a.device
}

// rebirth is where a node is asked to be born again.
func (a address) rebirth() string {
	return namespace + "/" + a.group + "/" + nodeCommand + "/" + a.node
}
