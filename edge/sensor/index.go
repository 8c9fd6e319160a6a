package sensor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gridgate/protocols/sensors"
)

// index finds the devices of a topic. Filters without a wildcard, by far the most, are found by one look-up.
type index struct {
	all   []Device
	exact map[string][]*Device
	wild  []*Device
}

func newIndex(devices []Device) (*index, error) {
	x := &index{all: slices.Clone(devices), exact: map[string][]*Device{}}
	seen := map[string]bool{}
	for i := range x.all {
		d := &x.all[i]
		switch {
		case d.ID == "" || d.Origin == "" || d.Dialect == nil:
			return nil, fmt.Errorf("device %q needs an id, an origin and a dialect", d.ID)
		case seen[d.ID]:
			return nil, fmt.Errorf("two devices are called %q", d.ID)
		}
		seen[d.ID] = true
		if err := sensors.CheckFilter(d.Topic); err != nil {
			return nil, fmt.Errorf("device %q: %w", d.ID, err)
		}
		if strings.ContainsAny(d.Topic, "+#") {
			x.wild = append(x.wild, d)
			continue
		}
		x.exact[d.Topic] = append(x.exact[d.Topic], d)
	}
	if len(x.wild) > maxWild {
		return nil, errors.New("too many devices have a wildcard in their topic")
	}
	return x, nil
}

// maxWild bounds what a message of an unknown topic costs.
const maxWild = 1024

// subtopics are the endings below the topic of a device under which its dialect says more about it.
var subtopics = []string{"/availability"}

// match returns the devices whose filter selects topic. The availability topic of what it selects belongs to it,
// with wildcards, too.
func (x *index) match(topic string) []*Device {
	base := topic
	for _, ending := range subtopics {
		base = strings.TrimSuffix(base, ending)
	}
	found := slices.Clone(x.exact[topic])
	if base != topic {
		found = append(found, x.exact[base]...)
	}
	for _, d := range x.wild {
		if sensors.MatchFilter(d.Topic, topic) || base != topic && sensors.MatchFilter(d.Topic, base) {
			found = append(found, d)
		}
	}
	return found
}

// filters returns what to subscribe to.
func (x *index) filters() []string {
	var out []string
	for _, d := range x.all {
		out = append(out, d.Topic)
		if !strings.Contains(d.Topic, "#") {
			for _, ending := range subtopics {
				out = append(out, d.Topic+ending)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
