package vendor

import (
	"maps"
	"strings"

	"gridgate/protocols/alert"
)

// Meaning is what a vendor's name of an event says.
type Meaning struct {
	Kind   alert.Kind
	Moment bool         // it has no duration, whatever the device tells
	Object alert.Object // what the event is about, for motion and presence
	Quiet  string       // understood, nothing to tell
	Never  string       // why it is ignored
}

// TellsObject says whether an event may tell what moved or stayed. A presence that is a moment is a face or a body that was seen:
// of it nothing more is told.
func (m Meaning) TellsObject() bool {
	return m.Kind == alert.Motion || m.Kind == alert.Presence && !m.Moment
}

// Of gives a meaning to names, whatever their letter case.
func (m Meaning) Of(names ...string) Meanings {
	out := make(Meanings, len(names))
	for _, name := range names {
		out[strings.ToLower(name)] = m
	}
	return out
}

// Meanings are an allow-list of events, by their names in lower case.
type Meanings map[string]Meaning

// Table joins meanings. Of a name that stands twice the last one counts.
func Table(groups ...Meanings) Meanings {
	out := Meanings{}
	for _, g := range groups {
		maps.Copy(out, g)
	}
	return out
}

// KindsOf are all that the events of some tables may tell, in the order of [alert.Kinds].
func KindsOf(tables ...Meanings) (kinds []alert.Kind) {
	told := map[alert.Kind]bool{}
	for _, t := range tables {
		for _, m := range t {
			told[m.Kind] = true
		}
	}
	for _, k := range alert.Kinds() {
		if told[k] {
			kinds = append(kinds, k)
		}
	}
	return kinds
}
