package dahua

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
	"gridgate/protocols/vendor"
)

// reduction gathers what the events of one capture say.
type reduction struct {
	vendor.Summary

	location *time.Location
	retained bool
	topic    string

	meta   observation.Meta
	noted  int // 0: meta is empty, 1: of a quiet event, 2: of one that tells something
	events int
}

// take reads one event.
func (r *reduction) take(e event) {
	r.events++
	if e.code == "" {
		e.code = r.codeOfTopic()
	}
	m, known := codes[strings.Trim(strings.ToLower(e.code), "_")] // some codes stand between underscores
	data, _ := e.data.(map[string]any)
	r.note(e, data, m)
	if len(data) > 0 {
		r.Drop("*")
	}
	if strings.EqualFold(e.code, "VideoAbnormalDetection") {
		m.Kind = abnormalKind(data)
	}
	phase, ok := phaseOf(e, data, m)
	switch {
	case !known:
		r.Reject("the code is not in the table")
	case m.Never != "":
		r.Reject(m.Never)
	case m.Quiet != "":
		r.Calm(m.Quiet)
	case strings.EqualFold(e.action, "State"):
		r.Calm("a report of a state, beside its start and stop")
	case !ok:
		r.Reject("the action is none of Start, Stop, Pulse and State")
	case phase == "":
		r.Calm("the end of a moment")
	case phase == observation.Momentary && r.retained:
		r.Reject("a moment that was retained is over")
	default:
		r.tell(e, data, m, phase)
	}
}

// codeOfTopic is for bridges to MQTT that put the code into the topic: prefix/VideoMotion/Event.
func (r *reduction) codeOfTopic() string {
	for _, level := range strings.Split(r.topic, "/") {
		if _, ok := codes[strings.ToLower(level)]; ok {
			return level
		}
	}
	return ""
}

// phaseOf is empty for the end of a moment.
func phaseOf(e event, data map[string]any, m vendor.Meaning) (phase observation.Phase, ok bool) {
	switch strings.ToLower(e.action) {
	case "start", "appear":
		phase = observation.Active
	case "stop", "disappear":
		phase = observation.Inactive
	case "pulse":
		phase = observation.Momentary
	default:
		return "", false
	}
	switch {
	case m.Moment && phase == observation.Inactive:
		return "", true
	case m.Moment:
		return observation.Momentary, true
	case m.Kind == alert.Door && strings.EqualFold(e.code, "DoorStatus"):
		return doorPhase(data)
	}
	return phase, true
}

// doorPhase is what DoorStatus says of the door; its action is always Pulse.
func doorPhase(data map[string]any) (phase observation.Phase, ok bool) {
	s, _ := member(data, "Status").(string)
	switch strings.ToLower(s) {
	case "open", "opened":
		return observation.Active, true
	case "close", "closed":
		return observation.Inactive, true
	}
	return "", false
}

func abnormalKind(data map[string]any) alert.Kind {
	s, _ := member(data, "Type").(string)
	if m, ok := abnormal[strings.ToLower(s)]; ok {
		return m.Kind
	}
	return alert.DeviceFault
}

// note keeps where and when: of the first event that tells something, or of the first.
func (r *reduction) note(e event, data map[string]any, m vendor.Meaning) {
	rank := 2
	if m.Quiet != "" {
		rank = 1
	}
	if rank <= r.noted {
		return
	}
	r.noted = rank
	r.meta = observation.Meta{Topic: e.code, Channel: digits(e.index), Time: at(data, r.location)}
}

// tell adds an observation for each rule or window that the event names.
func (r *reduction) tell(e event, data map[string]any, m vendor.Meaning, phase observation.Phase) {
	o := observation.Observation{
		Device: digits(e.index), Kind: m.Kind, Phase: phase, At: at(data, r.location), Retained: r.retained, Object: object(m, data),
	}
	for _, zone := range zones(data) {
		o.Zone = zone
		r.Observe(o)
	}
}

// maxWindows bounds the windows of one event.
const maxWindows = 16

// zones are the number of the rule, or of the windows in which something moved; one empty zone if the event names none.
func zones(data map[string]any) []string {
	for _, key := range []string{"RuleID", "CfgRuleId"} {
		if n := digits(member(data, key)); n != "" {
			return []string{n}
		}
	}
	for _, key := range []string{"WindowId", "Id"} {
		list, _ := member(data, key).([]any)
		var out []string
		for _, v := range list[:min(len(list), maxWindows)] {
			if n := digits(v); n != "" && !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return []string{""}
}

// object is what moved or stayed, as far as the device tells: a class, never which one.
func object(m vendor.Meaning, data map[string]any) alert.Object {
	switch {
	case !m.TellsObject():
		return ""
	case m.Object != "":
		return m.Object
	}
	if o, ok := classes[class(data)]; ok {
		return o
	}
	for _, key := range []string{"Object", "Objects"} {
		switch v := member(data, key).(type) {
		case map[string]any:
			return classes[class(v)]
		case []any:
			if len(v) > 0 {
				first, _ := v[0].(map[string]any)
				return classes[class(first)]
			}
		}
	}
	return ""
}

func class(of map[string]any) string {
	s, _ := member(of, "ObjectType").(string)
	return strings.ToLower(s)
}

var classes = map[string]alert.Object{
	"human": alert.Person, "person": alert.Person, "humanface": alert.Person, "face": alert.Person, "vehicle": alert.Vehicle, "nonmotor": alert.Vehicle, "plate": alert.Vehicle,
	"animal": alert.Animal, "pet": alert.Animal, "unknown": alert.UnknownObject,
}

// localSkew is how far UTC may be from the time on the device's wall to be the same.
const localSkew = 3 * time.Second

// at is when it happened: RealUTC, or UTC unless that is the local time; with milliseconds where they are told.
func at(data map[string]any, location *time.Location) time.Time {
	millis, _ := member(data, "UTCMS").(float64)
	if millis < 0 || millis > 999 {
		millis = 0
	}
	for _, key := range []string{"RealUTC", "UTC"} {
		seconds, _ := member(data, key).(float64)
		t, ok := sensors.Time(math.Trunc(seconds))
		if !ok || seconds >= 1e10 {
			continue
		}
		if key == "UTC" {
			t = placed(t, data, location)
		}
		return t.Add(time.Duration(millis) * time.Millisecond)
	}
	if s, _ := member(data, "LocaleTime").(string); location != nil && s != "" {
		if t, err := time.ParseInLocation(time.DateTime, s, location); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// placed corrects a UTC that is the local time, where the event tells that, too, and the device's place is known.
func placed(t time.Time, data map[string]any, location *time.Location) time.Time {
	s, _ := member(data, "LocaleTime").(string)
	local, err := time.Parse(time.DateTime, s)
	if err != nil || location == nil || local.Sub(t).Abs() > localSkew {
		return t
	}
	y, mo, d := t.Date()
	return time.Date(y, mo, d, t.Hour(), t.Minute(), t.Second(), 0, location).UTC()
}

// done returns the translation of the capture.
func (r *reduction) done(payload []byte) observation.Translation {
	t := r.Translation(r.meta)
	if r.events == 0 {
		t.Ignored, t.Quiet = absent(payload)
	}
	return t
}

// absent says why no event was found.
func absent(payload []byte) (why string, quiet bool) {
	switch {
	case heartbeat.Match(payload):
		return "a heartbeat", true
	case len(payload) == 0:
		return "empty", false
	}
	return "no event: neither Code=…;action=… nor its JSON form", false
}

// heartbeat is the body of a part that tells only that the device is there.
var heartbeat = regexp.MustCompile(`(?im)^[ \t]*heartbeat[ \t\r]*$`)
