package onvif

import (
	"slices"
	"strings"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Reasons why nothing is told.
const (
	whyOver    = "a moment that was over before we asked"
	whyNoTopic = "the notification names no topic"
	whyEmpty   = "the notification holds no message"
	whyNoState = "the event has no state that is understood"
)

// statement reduces a notification to what it says of a place.
func (n notification) statement() statement {
	s := statement{Translation: sensors.Ignored("", "")}
	s.Meta = n.meta()
	m := meaningOf(n.path)
	switch {
	case len(n.path) == 0:
		m = meaning{why: whyNoTopic}
	case n.empty:
		m = meaning{why: whyEmpty}
	}
	taken := -1
	switch {
	case m.why != "":
		s.Ignored, s.Quiet = m.why, m.quiet
	case m.classes:
		taken = n.classes(&s)
	default:
		taken = n.tell(&s, m)
	}
	s.Dropped = n.dropped(taken)
	return s
}

// tell takes the state of a topic that has one meaning, and returns which item it was; -1: none.
func (n notification) tell(s *statement, m meaning) int {
	if n.operation == deleted {
		if !m.moment {
			n.add(s, m, false)
			return -1
		}
		s.Ignored, s.Quiet = "the device forgets an event", true
		return -1
	}
	at, holds, ok := n.state()
	switch {
	case ok:
		n.add(s, m, holds)
	case m.moment && n.retained():
		s.Ignored, s.Quiet = whyOver, true
	case m.moment:
		n.observe(s, m, observation.Momentary)
	default:
		s.Ignored = whyNoState
	}
	return at
}

func (n notification) add(s *statement, m meaning, holds bool) {
	phase := observation.Inactive
	if holds {
		phase = observation.Active
	}
	n.observe(s, m, phase)
}

func (n notification) observe(s *statement, m meaning, phase observation.Phase) {
	o := observation.Observation{
		Device: s.Meta.Channel, Kind: m.kind, Phase: phase, At: n.at, Zone: n.region(), Object: m.object, Retained: n.retained(),
	}
	if o.Object == "" && o.Kind == alert.Motion {
		o.Object = n.seen()
	}
	s.Observations = append(s.Observations, o)
	s.identities = append(s.identities, n.identity()+"\x02"+n.part)
}

// seen is the object of a motion, if its data name one class.
func (n notification) seen() alert.Object {
	for _, i := range n.data {
		if slices.Contains(classItems, strings.ToLower(i.name)) && len(splitClasses(i.value)) == 1 {
			return classOf(i.value)
		}
	}
	return ""
}

// classItems hold classes of objects.
var classItems = []string{"classtypes", "classtype", "objecttype", "class", "type"}

// classes takes a topic that tells by classes: a list of what is seen now, or items that are named after it.
func (n notification) classes(s *statement) int {
	for i, it := range n.data {
		name := strings.ToLower(it.name)
		if m, ok := named[name]; ok {
			if holds, ok := truth(it.value); ok {
				n.part = name
				n.add(s, m, holds && n.operation != deleted)
			}
			continue
		}
		if slices.Contains(classItems, name) {
			n.seenNow(s, name, splitClasses(it.value))
			return i
		}
	}
	if len(s.Observations) > 0 {
		return -1
	}
	if n.operation == deleted {
		n.list(s, nil)
		return -1
	}
	return n.tell(s, motion)
}

// seenNow takes the classes of an item. Only a list of all that is seen, or a state beside it, has an end.
func (n notification) seenNow(s *statement, name string, classes []string) {
	_, holds, hasState := n.state()
	switch {
	case hasState && !holds:
		n.list(s, nil)
	case hasState, strings.HasPrefix(name, "classtype"), n.operation == deleted:
		n.list(s, classes)
	case n.retained():
		s.Ignored, s.Quiet = whyOver, true
	default:
		n.list(s, classes)
		s.Observations = slices.DeleteFunc(s.Observations, func(o observation.Observation) bool { return o.Phase != observation.Active })
		s.identities = s.identities[:len(s.Observations)]
		for i := range s.Observations {
			s.Observations[i].Phase = observation.Momentary
		}
		if len(s.Observations) == 0 {
			s.Ignored = whyNoState
		}
	}
}

// list tells what is seen now and, so that it ends, what is not.
func (n notification) list(s *statement, classes []string) {
	var persons bool
	other := alert.Object("")
	for _, c := range classes {
		if o := classOf(c); o == alert.Person {
			persons = true
		} else if other == "" || other == alert.UnknownObject {
			other = o
		}
	}
	if n.operation == deleted {
		persons, other = false, ""
	}
	n.add(s, person, persons)
	n.add(s, meaning{kind: alert.Motion, object: other}, other != "")
	s.Observations[len(s.Observations)-1].Object = other
}

// dropped names what was not taken: by name if the name is known, else "*".
func (n notification) dropped(taken int) (paths []string) {
	add := func(part string, items []item, but int) {
		for i, it := range items {
			name := strings.ToLower(it.name)
			switch {
			case i == but:
			case known[name] || slices.Contains(stateItems, name):
				paths = append(paths, part+name)
			default:
				paths = append(paths, "*")
			}
		}
	}
	add("source.", n.untaken(), -1)
	add("key.", n.key, -1)
	add("data.", n.data, taken)
	return paths
}

// untaken are the sources that are neither channel nor region.
func (n notification) untaken() (items []item) {
	channel, region := n.channel(), n.region()
	for _, it := range n.source {
		name := strings.ToLower(it.name)
		if slices.Contains(channelItems, name) && it.value == channel || slices.Contains(regionItems, name) && it.value == region {
			continue
		}
		items = append(items, it)
	}
	return items
}

// identity is the topic and all sources of a state. Keys are left out: an object whose end a device forgets would hold the state for
// ever. It may hold free text: it is compared, never shown.
func (n notification) identity() string {
	parts := []string{strings.Join(n.path, "/")}
	for _, it := range n.source {
		parts = append(parts, it.name+"\x00"+it.value)
	}
	slices.Sort(parts[1:])
	return strings.Join(parts, "\x01")
}
