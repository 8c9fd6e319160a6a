package hikvision

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/vendor"
)

// reduction gathers what the alerts of one capture say.
type reduction struct {
	vendor.Summary

	location *time.Location
	retained bool

	meta   observation.Meta
	alerts int
	beats  bool // all so far were heartbeats
}

// plain are the members of an alert that are known and say nothing; others are dropped as "*".
var plain = []string{
	"ipaddress", "ipv6address", "portno", "protocol", "protocoltype", "macaddress", "activepostcount", "eventdescription", "channelname", "deviceid",
	"detectionpicturesnumber", "detectionpicturetransfertype", "ispicturestransfer", "issecurity", "extensions", "uid", "uuid", "sensitivitylevel", "deviceserial",
}

// used are the members that are read.
var used = []string{
	"eventtype", "eventstate", "datetime", "triggertime", "channelid", "dynchannelid", "inputioportid", "dyninputioportid", "detectionregionlist", "durationlist", "targettype", "detectiontarget", "regionid",
}

// take reads one alert.
func (r *reduction) take(a *node) {
	r.alerts++
	for _, name := range r.types(a) {
		r.event(a, name)
	}
	for _, c := range a.under {
		switch name := strings.ToLower(c.name); {
		case slices.Contains(plain, name):
			r.Drop(name)
		case !slices.Contains(used, name) && name != "$" && name != "version":
			r.Drop("*")
		}
	}
}

// types are the event types of an alert: those that a duration wraps, or its own.
func (r *reduction) types(a *node) []string {
	own := a.text("eventType")
	if !strings.EqualFold(own, "duration") {
		return []string{own}
	}
	var out []string
	for _, d := range a.all("relationEvent", nil) {
		if d.value != "" && !slices.Contains(out, d.value) && len(out) < vendor.MaxObservations {
			out = append(out, d.value)
		}
	}
	if len(out) == 0 {
		return []string{own}
	}
	return out
}

// event adds what one type of an alert says.
func (r *reduction) event(a *node, name string) {
	m, known := types[strings.ToLower(name)]
	state := stateOf(a)
	if strings.EqualFold(name, panel) {
		m, known, state = ofPanel(a)
	}
	beat := strings.EqualFold(name, "videoloss") && state == "inactive" && unposted(a)
	if beat {
		m = vendor.Meaning{Quiet: "a heartbeat"}
	}
	r.note(a, name, m.Quiet == "a heartbeat")
	switch {
	case !known:
		r.Reject("the event type is not in the table")
	case m.Never != "":
		r.Reject(m.Never)
	case m.Quiet != "":
		r.Calm(m.Quiet)
	case m.Moment && state == "inactive":
		r.Calm("the end of a moment")
	case m.Moment && r.retained:
		r.Reject("a moment that was retained is over")
	case m.Moment:
		r.tell(a, m, observation.Momentary)
	case state == "inactive":
		r.tell(a, m, observation.Inactive)
	case state == "active":
		r.tell(a, m, observation.Active)
	default:
		r.Reject("the event state is neither active nor inactive")
	}
}

// ofPanel is what the code of an alarm panel says.
func ofPanel(a *node) (m vendor.Meaning, known bool, state string) {
	cid := a.child("CIDEvent")
	if cid == nil {
		return m, false, ""
	}
	code := cid.number("code")
	if len(code) != 4 || code[0] != '1' && code[0] != '3' {
		return m, false, ""
	}
	if code[1] == '4' { // opened, closed, by whom
		return vendor.Meaning{Never: aboutPerson}, true, ""
	}
	m, known = panelCodes[code[1:]]
	if code[0] == '3' {
		return m, known, "inactive"
	}
	return m, known, "active"
}

// unposted says that an alert was never told before, as that of a heartbeat: its count is 0 or not there.
func unposted(a *node) bool {
	count := a.text("activePostCount")
	return count == "" || count == "0"
}

// stateOf is active where firmware tells none: what it pushes then has begun. A message that is torn may have lost it.
func stateOf(a *node) string {
	if !a.known("eventState") && !a.torn {
		return "active"
	}
	return strings.ToLower(a.text("eventState"))
}

// clock is when it happened.
func (r *reduction) clock(a *node) time.Time {
	for _, name := range []string{"dateTime", "triggerTime"} {
		if t := at(a.text(name), r.location); !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

var harmless = regexp.MustCompile(`^[A-Za-z0-9_.:/-]{1,128}$`)

// note keeps where and when: of the first alert that is no heartbeat, or of the first.
func (r *reduction) note(a *node, name string, beat bool) {
	if r.meta != (observation.Meta{}) && (!r.beats || beat) {
		return
	}
	r.beats = beat
	r.meta = observation.Meta{Channel: channel(a), Time: r.clock(a)}
	if harmless.MatchString(name) {
		r.meta.Topic = name
	}
}

// channel is where it happened, as the device numbers it; of an alarm input the input's number, if the device names no channel.
func channel(a *node) string {
	for _, name := range []string{"channelID", "dynChannelID", "inputIOPortID", "dynInputIOPortID"} {
		if n := a.number(name); n != "" {
			return n
		}
	}
	return ""
}

// tell adds an observation for each region that the alert names.
func (r *reduction) tell(a *node, m vendor.Meaning, phase observation.Phase) {
	o := observation.Observation{
		Device: channel(a), Kind: m.Kind, Phase: phase, At: r.clock(a), Retained: r.retained,
	}
	if o.Device == "0" { // the device as a whole
		o.Device = ""
	}
	if phase == observation.Active && !strings.EqualFold(a.text("eventType"), panel) { // panels say once what begins and what is over
		o.Expires = Expiry
	}
	regions := entries(a)
	for _, region := range regions {
		o.Zone = region.number("regionID")
		o.Object = object(m, region, a)
		r.Observe(o)
	}
	if len(regions) == 0 {
		o.Zone, o.Object = a.number("regionID"), object(m, a)
		r.Observe(o)
	}
}

// entries are the regions of an alert, each number once.
func entries(a *node) (out []*node) {
	list := a.child("DetectionRegionList")
	if list == nil {
		return nil
	}
	seen := map[string]bool{}
	for _, e := range append(list.all("DetectionRegionEntry", nil), list) {
		if n := e.number("regionID"); n != "" && !seen[n] {
			seen[n] = true
			out = append(out, e)
		}
	}
	return out
}

// object is what moved or stayed, as far as the device tells: a class, never which one.
func object(m vendor.Meaning, from ...*node) alert.Object {
	if !m.TellsObject() {
		return ""
	}
	if m.Object != "" {
		return m.Object
	}
	for _, n := range from {
		for _, key := range []string{"detectionTarget", "targetType"} {
			if o := class(n.text(key)); o != "" {
				return o
			}
		}
	}
	return ""
}

// class is the object that a list of targets names; none if it names several.
func class(targets string) (class alert.Object) {
	for _, t := range strings.FieldsFunc(strings.ToLower(targets), func(r rune) bool { return strings.ContainsRune(",;| \t\r\n", r) }) {
		o, ok := objects[t]
		if !ok || class != "" && class != o {
			return ""
		}
		class = o
	}
	return class
}

var objects = map[string]alert.Object{
	"human": alert.Person, "person": alert.Person, "people": alert.Person, "pedestrian": alert.Person, "vehicle": alert.Vehicle, "car": alert.Vehicle,
	"nonvehicle": alert.Vehicle, "nonmotor": alert.Vehicle, "twowheelvehicle": alert.Vehicle, "threewheelvehicle": alert.Vehicle, "animal": alert.Animal, "others": alert.UnknownObject, "other": alert.UnknownObject,
}

// done returns the translation of the capture.
func (r *reduction) done(payload []byte) observation.Translation {
	t := r.Translation(r.meta)
	if r.alerts == 0 {
		t.Ignored, t.Quiet = absent(payload), false
	}
	return t
}

// absent says why no alert was found.
func absent(payload []byte) string {
	switch {
	case len(payload) == 0:
		return "empty"
	case rootName.Match(payload):
		return "an EventNotificationAlert that is not valid XML or has no eventType"
	}
	return "no EventNotificationAlert"
}
