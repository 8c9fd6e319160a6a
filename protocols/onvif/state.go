package onvif

import (
	"strconv"
	"strings"

	"gridgate/protocols/alert"
)

// stateItems are the names of the items that hold the state of a property, in lower case; the first one found wins.
var stateItems = []string{
	"state", "ismotion", "isinside", "istamper", "ispeople", "isvehicle", "ispet", "islinecross", "isintrusion", "logicalstate",
	"active", "triggered", "failed", "alert", "disruption", "tampering", "detected", "isdetected", "open", "crossed", "iscrossed", "motion", "motionactive",
	"alarm", "isalarm", "alarmactive", "alarmstate", "isface", "ishuman", "isobject", "isloitering", "issounddetected", "sensor_level", "level", "status", "value",
	"isabandoned", "isremoved", "isleft", "isfire", "issmoke", "signalloss", "lost", "critical",
}

// on and off are the words of states. A number is a state, too: not zero is on.
var (
	on  = strings.Fields("true on active yes open opened start started high alarm detected failed motion crossed triggered enter inside")
	off = strings.Fields("false off inactive no close closed stop stopped low normal idle none ok cleared leave outside")
)

// truth reads the value of a state.
func truth(s string) (holds, ok bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	for i := range on {
		if s == on[i] {
			return true, true
		}
	}
	for i := range off {
		if s == off[i] {
			return false, true
		}
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 0 && len(s) <= 4 {
		return n > 0, true
	}
	return false, false
}

// state finds the state among the data: by its name, or as the only item that can be one.
func (n notification) state() (at int, holds, ok bool) {
	for _, name := range stateItems {
		for i, it := range n.data {
			if strings.EqualFold(it.name, name) {
				if holds, ok = truth(it.value); ok {
					return i, holds, true
				}
			}
		}
	}
	at = -1
	for i, it := range n.data {
		if h, is := truth(it.value); is && !known[strings.ToLower(it.name)] {
			if at >= 0 {
				return -1, false, false
			}
			at, holds = i, h
		}
	}
	return at, holds, at >= 0
}

// classWords are the classes of objects (ONVIF Analytics, tt:ObjectType and tt:ClassType), in lower case.
var classWords = map[string]alert.Object{
	"human": alert.Person, "person": alert.Person, "people": alert.Person, "pedestrian": alert.Person, "face": alert.Person,
	"humanface": alert.Person, "humanbody": alert.Person, "head": alert.Person, "rider": alert.Person, "group": alert.Person,
	"vehicle": alert.Vehicle, "vehical": alert.Vehicle, "car": alert.Vehicle, "bus": alert.Vehicle, "truck": alert.Vehicle, "bicycle": alert.Vehicle,
	"bike": alert.Vehicle, "motorcycle": alert.Vehicle, "motorbike": alert.Vehicle, "van": alert.Vehicle, "licenseplate": alert.Vehicle, "train": alert.Vehicle,
	"boat": alert.Vehicle, "nonmotor": alert.Vehicle, "othervehicle": alert.Vehicle, "trailer": alert.Vehicle, "suv": alert.Vehicle, "twowheeler": alert.Vehicle,
	"animal": alert.Animal, "pet": alert.Animal, "dog": alert.Animal, "cat": alert.Animal, "bird": alert.Animal, "horse": alert.Animal, "deer": alert.Animal,
}

// classOf is what a word of a class means: unknown is an object, too.
func classOf(word string) alert.Object {
	if o, ok := classWords[strings.ToLower(strings.TrimSpace(word))]; ok {
		return o
	}
	return alert.UnknownObject
}

func splitClasses(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ,;|\t\n", r) })
}

// named are the items whose name is the event, as TP-Link writes them.
var named = map[string]meaning{
	"ispeople": person, "isperson": person, "ishuman": person, "isface": person, "isvehicle": vehicle, "ispet": animal, "isanimal": animal,
	"islinecross": tripwire, "istamper": tamper, "isintrusion": intrusion, "ismotion": motion, "ispackage": left,
}

// known are the items that can be named among the dropped, in lower case, and are no state.
var known = map[string]bool{
	"rule": true, "rulename": true, "videosourceconfigurationtoken": true, "videosourcetoken": true, "videosource": true, "source": true,
	"videoanalyticsconfigurationtoken": true, "videoanalyticsconfiguration": true, "analyticsconfigurationtoken": true, "objectid": true, "classtypes": true, "confidence": true,
	"relaytoken": true, "inputtoken": true, "token": true, "objects": true, "direction": true, "count": true, "wear": true, "temperature": true,
	"overall_health": true, "disk_id": true, "port": true, "channel": true, "videochannel": true, "timestamp": true, "likelihood": true, "videosourceconfiguration": true,
	"objecttype": true, "class": true, "classtype": true, "type": true, "score": true,
}
