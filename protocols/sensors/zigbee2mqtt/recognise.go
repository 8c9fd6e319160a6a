package zigbee2mqtt

import (
	"strings"
	"unicode/utf8"

	"gridgate/protocols/sensors"
)

// usual is the base topic that the gateway has unless somebody changes it.
const usual = "zigbee2mqtt"

// Recognise implements [sensors.Recogniser].
func (d Dialect) Recognise(topic string, payload []byte) (sensors.Likeness, string) {
	if len(topic) > sensors.MaxTopic || !utf8.ValidString(topic) {
		return sensors.Unlike, ""
	}
	levels := strings.Split(topic, "/")
	below := len(levels) > 1 && (levels[0] == usual || d.Base != "" && strings.HasPrefix(topic, d.Base+"/"))
	object := decoded(payload)
	_, quality := object["linkquality"].(float64)
	switch {
	case below && (quality || levels[1] == "bridge"):
		return sensors.Surely, "the usual base topic, and a link quality or the bridge"
	case below:
		return sensors.Likely, "the usual base topic"
	case quality:
		return sensors.Likely, "a JSON object with linkquality"
	case describes(object):
		return sensors.Perhaps, "a JSON object with keys of the converters"
	}
	return sensors.Unlike, ""
}

func decoded(payload []byte) map[string]any {
	value, err := sensors.Decode(payload)
	if err != nil {
		return nil
	}
	object, _ := value.(map[string]any)
	return object
}

// describes says that an object has a key of the allow-list whose value its rule takes.
func describes(object map[string]any) bool {
	for key, v := range object {
		r, _, ok := lookup(key)
		switch {
		case !ok:
		case r.Observe != nil:
			if _, ok := r.Observe(v); ok {
				return true
			}
		case r.Measure != nil:
			if _, _, ok := r.Measure(v); ok {
				return true
			}
		}
	}
	return false
}
