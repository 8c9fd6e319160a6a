package names

import (
	"slices"
	"strconv"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// seeed are the measurements of Seeed's SenseCAP by their number ("SenseCAP measurement ID list").
var seeed = map[int]measure{
	3000: usual("battery", share, "%"),
	4097: usual("temperature", temperature, "Cel"),
	4098: usual("humidity", share, "%"),
	4099: usual("illuminance", light, "lx"),
	4100: usual("co2", parts, "[ppm]"),
	4101: usual("pressure", dimension{{Unit: "Pa", Lo: 30_000, Hi: 120_000}}, "Pa"),
	4102: usual("soil_temperature", temperature, "Cel"),
	4103: usual("soil_moisture", soil, "%"),
	4104: usual("wind_direction", dimension{{Unit: "deg", Lo: 0, Hi: 360}}, "deg"),
	4105: usual("wind_speed", speed, "m/s"),
	4190: usual("uv_index", dimension{{Unit: "1", Lo: 0, Hi: 50}}, "1"),
}

// maxMessages is how many of Seeed's messages are read.
const maxMessages = 64

// messages takes the list of Seeed's codecs: {"measurementId": 4097, "measurementValue": 21.4}, or lists of such.
func (r *Reader) messages(path string, v any) {
	list, ok := v.([]any)
	if !ok {
		r.B.Drop(path)
		return
	}
	for i, item := range list {
		switch item := item.(type) {
		case []any:
			if i < maxMessages {
				r.flat(path, item)
			}
		case map[string]any:
			if i < maxMessages {
				r.message(path, item)
			}
		}
	}
}

func (r *Reader) flat(path string, list []any) {
	for _, item := range list[:min(len(list), maxMessages)] {
		if object, ok := item.(map[string]any); ok {
			r.message(path, object)
		}
	}
}

func (r *Reader) message(path string, object map[string]any) {
	id := measurement(object["measurementId"])
	if id == seeedEvents {
		r.events(path, object["measurementValue"])
		return
	}
	f, _, ok := number(object["measurementValue"])
	measure, known := seeed[id]
	if level, is := object["battery"].(float64); is && !known {
		measure, f, ok, known = seeed[3000], level, true, true
	}
	if !ok || !known {
		r.B.Drop(path)
		return
	}
	r.measure("", meaning{path: path, measure: &measure}, f, "")
}

// Seeed's trackers tell events by their number; of them only the call for help is told here.
const (
	seeedEvents = 4200
	seeedSOS    = 7
)

// events takes [{"id": 7, "eventName": "SOS event."}]. What an event is called is not looked at.
func (r *Reader) events(path string, v any) {
	list, _ := v.([]any)
	help := slices.ContainsFunc(list[:min(len(list), maxMessages)], func(item any) bool {
		object, _ := item.(map[string]any)
		id, is := object["id"].(float64)
		return is && id == seeedSOS
	})
	if !help || r.past || r.test {
		r.B.Drop(path)
		return
	}
	r.B.Observe(path, alert.SOS, observation.Momentary, "")
}

func measurement(v any) int {
	switch v := v.(type) {
	case float64:
		return int(min(max(v, 0), 65_535))
	case string:
		n, _ := strconv.Atoi(v)
		return n
	}
	return 0
}
