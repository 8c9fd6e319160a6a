package onvif

import (
	"strconv"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// frameLasts is how long an object counts as seen after the last frame with it: devices send several a second, and none when
// nothing is there.
const frameLasts = 5 * time.Second

// maxObjects bounds the objects of a frame that are counted.
const maxObjects = 256

// frameStatement counts the objects of a tt:Frame (ONVIF Analytics, 5.3.1): kind and number. Where they are, what they look like and
// under which number the device follows them is not read.
func frameStatement(frame *element) statement {
	s := statement{Translation: sensors.Learnt("", "a frame without objects")}
	at := readTime(frame.attr("utctime"))
	s.Meta.Time = at
	counts, best, parts := map[alert.Object]int{}, map[alert.Object]float64{}, 0
	for i, e := range frame.all("Object") {
		if i == maxObjects {
			break
		}
		object, score := objectOf(e)
		best[object] = max(best[object], score)
		if e.attr("parent") != "" && object == alert.Person {
			parts++ // a head or a face of somebody who is counted
			continue
		}
		counts[object]++
	}
	if n := counts[alert.Person]; n > 0 || parts > 0 {
		n = max(1, n)
		s.seen(alert.Presence, alert.Person, n, best[alert.Person], at)
	}
	for _, object := range []alert.Object{alert.Vehicle, alert.Animal, alert.UnknownObject} {
		if n := counts[object]; n > 0 {
			s.seen(alert.Motion, object, n, best[object], at)
			break
		}
	}
	return s
}

func (s *statement) seen(kind alert.Kind, object alert.Object, n int, score float64, at time.Time) {
	o := observation.Observation{Kind: kind, Phase: observation.Active, At: at, Object: object, Count: &n, Expires: frameLasts}
	if score > 0 {
		o.Score = &score
	}
	s.Observations = append(s.Observations, o)
	s.identities = append(s.identities, "")
	s.Ignored, s.Quiet = "", false
}

// objectOf is the likeliest class of an object and how sure the device is of it, 0 to 1. Of its appearance nothing else is read.
func objectOf(e *element) (object alert.Object, score float64) {
	object = alert.UnknownObject
	class := e.child("Appearance", "Class")
	if class == nil {
		return object, 0
	}
	for _, c := range class.children {
		word, told := c.value(), c.attr("likelihood")
		if c.name == "ClassCandidate" {
			word, told = c.child("Type").value(), c.child("Likelihood").value()
		}
		likelihood, err := strconv.ParseFloat(told, 64)
		if err != nil || !(likelihood >= 0 && likelihood <= 1) {
			likelihood = 0
		}
		if word != "" && (object == alert.UnknownObject || likelihood > score) {
			object, score = classOf(word), likelihood
		}
	}
	return object, score
}
