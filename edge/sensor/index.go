package sensor

import (
	"fmt"
	"reflect"
	"slices"

	"gridgate/protocols/sensors"
)

// index finds the devices of a topic.
type index struct {
	all    []Device
	byID   map[string]*Device
	groups sensors.ByFilter[[]*group]
}

// group is the devices of one filter, broker and dialect: however many there are behind a gateway, a message is translated once
// and costs no more than the devices that it names.
type group struct {
	broker  string // empty: any
	dialect sensors.Dialect
	alike   bool                 // the dialect can be compared: it is asked once for a message
	any     []*Device            // every name on the topic is theirs
	named   map[string][]*Device // by their name on their bus
}

func newIndex(devices []Device) (*index, error) {
	x := &index{all: slices.Clone(devices), byID: map[string]*Device{}}
	for i := range x.all {
		d := &x.all[i]
		switch {
		case d.ID == "" || d.Origin == "" || d.Dialect == nil:
			return nil, fmt.Errorf("device %q needs an id, an origin and a dialect", d.ID)
		case x.byID[d.ID] != nil:
			return nil, fmt.Errorf("two devices are called %q", d.ID)
		}
		x.byID[d.ID] = d
		for _, filter := range d.filters() {
			if err := sensors.CheckFilter(filter); err != nil {
				return nil, fmt.Errorf("device %q: %w", d.ID, err)
			}
			at := x.groups.At(filter)
			*at = join(*at, d)
		}
	}
	return x, nil
}

// filters are the device's own and those of what its dialect reads beside it.
func (d *Device) filters() []string {
	filters := []string{d.Topic}
	if c, ok := d.Dialect.(sensors.Companion); ok {
		filters = append(filters, c.Also(d.Topic)...)
	}
	return filters
}

// join adds a device to its group.
func join(groups []*group, d *Device) []*group {
	alike := reflect.ValueOf(d.Dialect).Comparable()
	i := slices.IndexFunc(groups, func(g *group) bool {
		return alike && g.alike && g.broker == d.Broker && g.dialect == d.Dialect
	})
	if i < 0 {
		i = len(groups)
		groups = append(groups, &group{broker: d.Broker, dialect: d.Dialect, alike: alike, named: map[string][]*Device{}})
	}
	g := groups[i]
	switch {
	case d.Name == "" && !slices.Contains(g.any, d):
		g.any = append(g.any, d)
	case d.Name != "" && !slices.Contains(g.named[d.Name], d):
		g.named[d.Name] = append(g.named[d.Name], d)
	}
	return groups
}

// match returns the groups whose filters select a topic of a broker, each once.
func (x *index) match(broker, topic string) []*group {
	var found []*group
	for groups := range x.groups.Match(topic) {
		for _, g := range groups {
			if g.broker == "" || g.broker == broker {
				found = append(found, g)
			}
		}
	}
	return found
}

// topics returns what to subscribe to at a broker, each filter once.
func (x *index) topics(broker string) []string {
	var out []string
	for i := range x.all {
		if d := &x.all[i]; d.Broker == "" || d.Broker == broker {
			out = append(out, d.filters()...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// learning returns the filters under which the sources of learning dialects say what they are.
func (x *index) learning(broker string) []string {
	var out []string
	for i := range x.all {
		d := &x.all[i]
		_, learns := d.Dialect.(sensors.Learner)
		c, also := d.Dialect.(sensors.Companion)
		if learns && also && (d.Broker == "" || d.Broker == broker) {
			out = append(out, c.Also(d.Topic)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
