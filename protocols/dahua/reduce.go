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
)

// reduction gathers what the events of one capture say.
type reduction struct {
	location *time.Location
	retained bool
	topic    string

	obs     []observation.Observation
	dropped []string
	meta    observation.Meta
	noted   int  // 0: meta is empty, 1: of a quiet event, 2: of one that tells something
	refused bool // something was not understood
	events  int
	why     string
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
		r.drop("*")
	}
	if strings.EqualFold(e.code, "VideoAbnormalDetection") {
		m.kind = abnormalKind(data)
	}
	phase, ok := phaseOf(e, data, m)
	switch {
	case !known:
		r.reject("the code is not in the table")
	case m.never != "":
		r.reject(m.never)
	case m.quiet != "":
		r.calm(m.quiet)
	case strings.EqualFold(e.action, "State"):
		r.calm("a report of a state, beside its start and stop")
	case !ok:
		r.reject("the action is none of Start, Stop, Pulse and State")
	case phase == "":
		r.calm("the end of a moment")
	case phase == observation.Momentary && r.retained:
		r.reject("a moment that was retained is over")
	default:
		r.observe(e, data, m, phase)
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
func phaseOf(e event, data map[string]any, m meaning) (phase observation.Phase, ok bool) {
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
	case m.moment && phase == observation.Inactive:
		return "", true
	case m.moment:
		return observation.Momentary, true
	case m.kind == alert.Door && strings.EqualFold(e.code, "DoorStatus"):
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
	if k, ok := abnormal[strings.ToLower(s)]; ok {
		return k
	}
	return alert.DeviceFault
}

func (r *reduction) reject(why string) {
	if !r.refused {
		r.refused, r.why = true, why
	}
}

func (r *reduction) calm(why string) {
	if r.why == "" {
		r.why = why
	}
}

// note keeps where and when: of the first event that tells something, or of the first.
func (r *reduction) note(e event, data map[string]any, m meaning) {
	rank := 2
	if m.quiet != "" {
		rank = 1
	}
	if rank <= r.noted {
		return
	}
	r.noted = rank
	r.meta = observation.Meta{Topic: e.code, Channel: digits(e.index), Time: at(data, r.location)}
}

// observe adds an observation for each rule or window that the event names.
func (r *reduction) observe(e event, data map[string]any, m meaning, phase observation.Phase) {
	o := observation.Observation{
		Device: digits(e.index), Kind: m.kind, Phase: phase, At: at(data, r.location), Retained: r.retained, Object: object(m, data),
	}
	for _, zone := range zones(data) {
		o.Zone = zone
		same := func(b observation.Observation) bool {
			return b.Device == o.Device && b.Zone == o.Zone && b.Kind == o.Kind && b.Phase == o.Phase && b.Object == o.Object && b.At.Equal(o.At)
		}
		switch {
		case slices.ContainsFunc(r.obs, same):
		case len(r.obs) == maxObservations:
			r.drop("*")
		default:
			r.obs = append(r.obs, o)
		}
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
func object(m meaning, data map[string]any) alert.Object {
	switch {
	case m.kind != alert.Motion && m.kind != alert.Presence, m.kind == alert.Presence && m.moment:
		return ""
	case m.object != "":
		return m.object
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

func (r *reduction) drop(path string) {
	if !slices.Contains(r.dropped, path) {
		r.dropped = append(r.dropped, path)
	}
}

// done returns the translation of the capture.
func (r *reduction) done(payload []byte) observation.Translation {
	t := sensors.Ignored("", "")
	t.Meta = r.meta
	t.Observations = append(t.Observations, r.obs...)
	t.Dropped = append(t.Dropped, r.dropped...)
	switch {
	case len(r.obs) > 0:
	case r.events > 0:
		t.Ignored, t.Quiet = r.why, !r.refused
	case heartbeat.Match(payload):
		t.Ignored, t.Quiet = "a heartbeat", true
	case len(payload) == 0:
		t.Ignored = "empty"
	default:
		t.Ignored = "no event: neither Code=…;action=… nor its JSON form"
	}
	return t
}

// heartbeat is the body of a part that tells only that the device is there.
var heartbeat = regexp.MustCompile(`(?im)^[ \t]*heartbeat[ \t\r]*$`)
