package local

import (
	"slices"
	"strings"

	"gridgate/protocols/alert"
)

// Own are the topics on which edges speak and command. No message on them is a sensor's word: what an edge says must not come
// back to it as news. The zero value is none.
type Own struct {
	Edge      string
	Topic     string   // see [Options]
	Discovery string   // see [Options]
	Commands  []string // of sirens
}

// Has says whether a topic is one of them: of this edge, or of another one that begins its topics alike.
func (o Own) Has(topic string) bool {
	return under(o.Topic, topic) || under(o.scheme().configs(), topic) || slices.Contains(o.Commands, topic)
}

// Reserved are filters of the topics on which nobody but this edge speaks.
func (o Own) Reserved() (filters []string) {
	for _, prefix := range []string{o.scheme().base(), o.scheme().configs()} {
		if prefix != "" {
			filters = append(filters, prefix+"/#")
		}
	}
	return filters
}

func (o Own) scheme() scheme { return scheme{Edge: o.Edge, Topic: o.Topic, Discovery: o.Discovery} }

// under says whether topic lies under a prefix; nothing lies under an empty one.
func under(prefix, topic string) bool {
	return prefix != "" && strings.HasPrefix(topic, prefix+"/")
}

// scheme is where things are said. It is stored, so that what was said under another one can be taken back.
type scheme struct {
	Edge      string `json:"edge"`
	Topic     string `json:"topic"`     // what the edge's topics begin with
	Discovery string `json:"discovery"` // what Home Assistant's begin with; empty: none
}

func (s scheme) base() string {
	if s.Topic == "" {
		return ""
	}
	return s.Topic + "/" + s.Edge
}

func (s scheme) availability() string { return s.base() + "/availability" }

func (s scheme) alert(k alert.Kind) string { return s.base() + "/alert/" + string(k) }

// noZone stands for an empty zone; no zone has this name.
const noZone = "-"

func (s scheme) state(e entity) string {
	if e.Device == "" {
		return s.base() + "/kind/" + string(e.Kind) + "/state"
	}
	zone := e.Zone
	if zone == "" {
		zone = noZone
	}
	return s.base() + "/device/" + e.Device + "/" + zone + "/" + string(e.Kind) + "/state"
}

// configs is what the topics of the discovery messages begin with, config the topic of an entity's; both empty if there are none.
func (s scheme) configs() string {
	if s.Discovery == "" {
		return ""
	}
	return s.Discovery + "/binary_sensor/" + s.node()
}

func (s scheme) config(e entity) string {
	if s.Discovery == "" {
		return ""
	}
	return s.configs() + "/" + object(e) + "/config"
}
