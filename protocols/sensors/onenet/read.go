package onenet

import (
	"maps"
	"slices"
	"time"

	"gridgate/protocols/names"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// read takes what a message of a known topic holds.
func read(b *names.Batch, device, what string, object map[string]any) observation.Translation {
	switch what {
	case "dp/post/json":
		points, _ := object["dp"].(map[string]any)
		b.Properties("dp.", device, points, time.Time{})
	case "thing/event/post":
		params, _ := object["params"].(map[string]any)
		events(b, device, params)
	case "thing/property/post":
		params, _ := object["params"].(map[string]any)
		b.Properties("params.", device, params, time.Time{})
	default:
		b.Kept = what == "thing/history/post"
		packed(b, device, object["params"])
	}
	return b.Done(whyNothing)
}

// events takes {"identifier": {"value": {parameters}, "time": ...}}.
func events(b *names.Batch, device string, params map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(params)) {
		at := time.Time{}
		event, _ := params[key].(map[string]any)
		if told, ok := event["time"]; ok {
			at, _ = sensors.Time(told)
		}
		values, ok := event["value"].(map[string]any)
		if _, wrapped := event["value"]; !ok && !wrapped {
			values = event
		}
		b.Event("params", device, key, values, at)
	}
}

// packed takes a gateway's list of devices, or one of them.
func packed(b *names.Batch, gateway string, params any) {
	list, ok := params.([]any)
	if !ok {
		list = []any{params}
	}
	b.Packed("params", gateway, list, func(device string, one map[string]any) {
		for _, key := range []string{"events", "event"} {
			told, _ := one[key].(map[string]any)
			events(b, device, told)
		}
	})
}
