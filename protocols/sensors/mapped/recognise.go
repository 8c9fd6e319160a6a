package mapped

import "gridgate/protocols/sensors"

var _ sensors.Recogniser = Default{}

// Recognise implements [sensors.Recogniser]. Well-known names are nobody's mark.
func (Default) Recognise(topic string, payload []byte) (sensors.Likeness, string) {
	if t := (Default{}).Translate(topic, payload, false); t.Ignored == "" {
		return sensors.Perhaps, "JSON with well-known English names"
	}
	return sensors.Unlike, ""
}
