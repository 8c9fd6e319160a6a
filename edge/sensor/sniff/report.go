package sniff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/sensors"
)

// Report is what was heard.
type Report struct {
	For      time.Duration // from the first message to the last
	Messages uint64
	Topics   int
	Learnt   uint64 // messages that were understood and tell nothing: descriptions, commands
	Unheard  uint64 // messages beyond the bounds
	Devices  []Device
	Unknown  []Unknown
}

// Device is a device that some dialect understands.
type Device struct {
	Dialect    string
	Because    string   // why the messages were taken for that dialect
	Name       string   // as the dialect tells it
	Topics     []string // the one with the most messages first
	Kinds      []alert.Kind
	Quantities []Quantity
	Dropped    []string // paths that were not taken
	Messages   uint64
	Interval   time.Duration // 0: unknown
}

// Quantity is what a device measures.
type Quantity struct{ Name, Unit string }

// Unknown is a group of topics of one form that nobody understands.
type Unknown struct {
	Filter   string // selects them
	Topics   int
	Messages uint64
	Reason   string
	Other    string // what the payloads are that are no JSON: "no JSON", "empty"
	Paths    []Path
	Cut      bool // there were more paths
}

// Path is a path of JSON and the type of what is there.
type Path struct{ Name, Type string }

// Report says what was heard until now.
func (s *Sniffer) Report() Report {
	r := Report{For: s.last.Sub(s.first), Messages: s.messages, Topics: len(s.topics), Learnt: s.learnt, Unheard: s.unheard}
	for _, d := range s.devices {
		r.Devices = append(r.Devices, d.report())
	}
	slices.SortFunc(r.Devices, func(a, b Device) int {
		return cmp.Or(cmp.Compare(a.Dialect, b.Dialect), cmp.Compare(a.Name, b.Name))
	})
	groups := map[string][]*topic{}
	for _, name := range sorted(s.topics) {
		if t := s.topics[name]; !t.understood {
			groups[t.form()] = append(groups[t.form()], t)
		}
	}
	for _, form := range sorted(groups) {
		r.Unknown = append(r.Unknown, unknownOf(groups[form]))
	}
	return r
}

func (d *device) report() Device {
	out := Device{
		Dialect: d.dialect, Because: d.because, Name: d.name, Topics: sorted(d.topics), Kinds: sorted(d.kinds),
		Dropped: sorted(d.dropped), Messages: d.messages, Interval: d.interval(),
	}
	slices.SortStableFunc(out.Topics, func(a, b string) int { return cmp.Compare(d.topics[b], d.topics[a]) })
	for _, q := range sorted(d.quantities) {
		out.Quantities = append(out.Quantities, Quantity{q, d.quantities[q]})
	}
	return out
}

// form is the same for topics whose messages one mapping may translate.
func (t *topic) form() string {
	levels := strings.Split(t.name, "/")
	return fmt.Sprintf("%s %d %s %s", levels[0], len(levels), strings.Join(sorted(t.shape.types), " "), t.shape.other)
}

func unknownOf(topics []*topic) Unknown {
	first := topics[0]
	u := Unknown{Filter: first.name, Topics: len(topics), Reason: first.reason, Other: first.shape.other, Cut: first.shape.cut}
	for _, t := range topics {
		u.Filter = covering(u.Filter, t.name)
		u.Messages += t.messages
	}
	for _, name := range sorted(first.shape.types) {
		u.Paths = append(u.Paths, Path{name, first.shape.types[name]})
	}
	return u
}

// covering returns the narrowest filter that selects what a and b do.
func covering(a, b string) string {
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	if last := len(x) - 1; x[last] == "#" {
		x, y = x[:last], y[:min(last, len(y))]
	} else if len(x) == len(y) {
		return strings.Join(merge(x, y), "/")
	}
	n := min(len(x), len(y))
	return strings.Join(append(merge(x[:n], y[:n]), "#"), "/")
}

func merge(x, y []string) []string {
	out := slices.Clone(x)
	for i := range out {
		if out[i] != y[i] {
			out[i] = "+"
		}
	}
	return out
}

// Filter is the topic filter that brings a device's messages: one of its topics, if the dialect reads the others beside it.
func (d Device) Filter(dialect sensors.Dialect) string {
	if c, ok := dialect.(sensors.Companion); ok {
		for _, t := range d.Topics {
			also := append(c.Also(t), t)
			all := !slices.ContainsFunc(d.Topics, func(other string) bool {
				return !slices.ContainsFunc(also, func(f string) bool { return sensors.MatchFilter(f, other) })
			})
			if all {
				return t
			}
		}
	}
	filter := d.Topics[0]
	for _, t := range d.Topics {
		filter = covering(filter, t)
	}
	return filter
}
