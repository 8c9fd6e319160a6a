package gb28181

import (
	"strings"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Hold is how long an alarm is taken to last: the standard has no message that ends one. Repeated, it lasts on.
const Hold = 30 * time.Second

// Kinds are all that a device may tell.
var Kinds = []alert.Kind{
	alert.Motion, alert.Tripwire, alert.Intrusion, alert.LeftObject, alert.Tamper, alert.Covered, alert.VideoLoss,
	alert.StorageFault, alert.DeviceFault, alert.Temperature, alert.Other,
}

// meaning is what a type of alarm says; the zero meaning tells nothing.
type meaning struct {
	kind   alert.Kind
	moment bool // a crossing has no length
}

// types is the allow-list by method and type of alarm (GB/T 28181-2016 and 2022, A.2.5 Alarm); type 0 stands for none or one that is not
// known. What is no kind of ours is other: an object taken away, a wrong direction, a count, a crowd, a button.
var types = map[byte]map[string]meaning{
	'1': {"0": {kind: alert.Other}}, // by telephone
	'2': {
		"0": {kind: alert.DeviceFault}, "1": {kind: alert.VideoLoss}, "2": {kind: alert.Tamper}, "3": {kind: alert.StorageFault},
		"4": {kind: alert.Temperature}, "5": {kind: alert.Temperature},
	},
	'3': {"0": {kind: alert.Other}}, // by text message
	'5': {
		"0": {kind: alert.Other}, "1": {kind: alert.Other}, "2": {kind: alert.Motion}, "3": {kind: alert.LeftObject}, "4": {kind: alert.Other},
		"5": {kind: alert.Tripwire, moment: true}, "6": {kind: alert.Intrusion}, "7": {kind: alert.Other}, "8": {kind: alert.Intrusion},
		"9": {kind: alert.Other}, "10": {kind: alert.Other}, "11": {kind: alert.VideoLoss}, "12": {kind: alert.Motion}, "13": {kind: alert.Covered},
	},
	'6': {"0": {kind: alert.DeviceFault}, "1": {kind: alert.StorageFault}, "2": {kind: alert.DeviceFault}},
	'7': {"0": {kind: alert.Other}},
}

// alarm is what an alarm notification says, by codes alone.
type alarm struct {
	methods string // of the digits 1 to 7; may be joined
	kind    string // AlarmType, as digits; empty: none
	event   string // AlarmTypeParam/EventType: 1 an area was entered, 2 it was left
	at      time.Time
}

func readAlarm(m Message, zone *time.Location) alarm {
	info := m.root.child("info")
	first := func(in *element, names ...string) string {
		for _, name := range names {
			if v := digits(in.value(name), 4); v != "" {
				return v
			}
		}
		return ""
	}
	a := alarm{methods: methods(m.root.value("alarmmethod")), kind: first(info, "alarmtype"), at: moment(m.root.value("alarmtime"), zone)}
	if a.kind == "" {
		a.kind = first(m.root, "alarmtype")
	}
	if a.methods == "" {
		a.methods = methods(info.value("alarmmethod"))
	}
	a.kind = strings.TrimLeft(a.kind, "0")
	for _, e := range []*element{info, m.root} {
		if v := first(e.child("alarmtypeparam"), "eventtype"); v != "" {
			a.event = v
			break
		}
	}
	return a
}

// methods are the digits 1 to 7 of a list that is joined with or without something between.
func methods(s string) string {
	if len(s) > 32 {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if r >= '1' && r <= '7' {
			return r
		}
		return -1
	}, s)
}

// meanings are the kinds that an alarm tells: of joined methods those that know the type, or all if none does.
func (a alarm) meanings() []meaning {
	var found, vague []meaning
	for i := range len(a.methods) {
		table := types[a.methods[i]]
		switch m, ok := table[a.kind]; {
		case ok && a.kind != "":
			found = append(found, m)
		case table != nil:
			vague = append(vague, table["0"])
		}
	}
	if len(found) == 0 {
		found = vague
	}
	if a.event == "2" && a.kind == "6" {
		found = []meaning{{kind: alert.Motion}} // the area was left
	}
	return found
}

// topic is the alarm's name by its codes: method/type.
func (a alarm) topic() string {
	if a.kind == "" {
		return a.methods
	}
	return a.methods + "/" + a.kind
}

func translateAlarm(m Message, zone *time.Location, retained bool) observation.Translation {
	a := readAlarm(m, zone)
	topic := "Alarm"
	if a.methods != "" {
		topic = a.topic()
	}
	b := sensors.Builder{Topic: topic, Device: m.Device, Retained: retained, Time: a.at}
	for _, found := range a.meanings() {
		phase := observation.Active
		if found.moment {
			phase = observation.Momentary
		}
		b.Observe("AlarmMethod", found.kind, phase, "")
	}
	drop(&b, m.root, alarmKeys)
	t := b.Done(whyNoAlarm(a, m, retained))
	for i := range t.Observations {
		if t.Observations[i].Phase == observation.Active {
			t.Observations[i].Expires = Hold
		}
	}
	t.Meta.Channel = m.Device
	return t
}

func whyNoAlarm(a alarm, m Message, retained bool) string {
	switch {
	case a.methods == "4":
		return "a position is not told"
	case a.methods == "":
		return "the alarm does not say by which method it was raised"
	case retained:
		return "a moment that was told again is over"
	}
	return "an alarm that no rule knows"
}

// moment reads a time of the device, which names no zone as a rule; zero if it is none.
func moment(s string, zone *time.Location) time.Time {
	s = strings.Replace(s, " ", "T", 1)
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-1-2T15:4:5", "20060102T150405"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return plausible(t)
		}
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return plausible(t)
	}
	return time.Time{}
}

// plausible leaves out a clock that was never set.
func plausible(t time.Time) time.Time {
	if t.Year() < 2001 || t.Year() > 2286 {
		return time.Time{}
	}
	return t.UTC()
}
