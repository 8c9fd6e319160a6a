package aliyun

import (
	"maps"
	"slices"
	"strings"
	"time"

	"gridgate/protocols/names"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// items reads the properties of a message that was told on.
func items(b *names.Batch, device string, object map[string]any) observation.Translation {
	properties, _ := object["items"].(map[string]any)
	at, _ := sensors.Time(object["gmtCreate"])
	b.Properties("items.", device, properties, at)
	return b.Done(whyNothing)
}

// told reads an event that was told on.
func told(b *names.Batch, device string, object map[string]any) observation.Translation {
	at, _ := sensors.Time(object["time"])
	name, _ := object["identifier"].(string)
	values, _ := object["value"].(map[string]any)
	b.Event("identifier", device, name, values, at)
	return b.Done(whyNothing)
}

// report reads what a device published itself.
func report(b *names.Batch, device, what string, object map[string]any) observation.Translation {
	params, _ := object["params"].(map[string]any)
	at, _ := sensors.Time(params["time"])
	switch what {
	case "event/property/post", "property/post":
		b.Properties("params.", device, params, time.Time{})
	case "event/property/batch/post", "event/property/pack/post", "event/property/history/post":
		b.Kept = what != "event/property/pack/post"
		packed(b, device, object["params"])
	default:
		name := strings.TrimSuffix(strings.TrimPrefix(what, "event/"), "/post")
		values, ok := params["value"].(map[string]any)
		if !ok {
			values = params
		}
		b.Event("params", device, name, values, at)
	}
	return b.Done(whyNothing)
}

// packed reads the properties and events of a device and of those behind it.
func packed(b *names.Batch, gateway string, params any) {
	list, isList := params.([]any)
	if one, ok := params.(map[string]any); ok && !isList {
		below, _ := one["subDevices"].([]any)
		list = append([]any{one}, below...)
	}
	b.Packed("params", gateway, list, func(device string, one map[string]any) {
		told, _ := one["events"].(map[string]any)
		events(b, device, told)
	})
}

// events takes {"identifier": {"value": {parameters}, "time": ...}}, or lists of such.
func events(b *names.Batch, device string, told map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(told)) {
		list, ok := told[key].([]any)
		if !ok {
			list = []any{told[key]}
		}
		for _, item := range list[:min(len(list), names.MaxPacked)] {
			event, _ := item.(map[string]any)
			at, _ := sensors.Time(event["time"])
			values, _ := event["value"].(map[string]any)
			b.Event("params", device, key, values, at)
		}
	}
}

// shadow reads what a device reports to its shadow. What is desired of it is a command.
func shadow(b *names.Batch, device string, object map[string]any) observation.Translation {
	state, _ := object["state"].(map[string]any)
	reported, ok := state["reported"].(map[string]any)
	if object["method"] != "update" || !ok {
		return sensors.Ignored(b.Topic, whyShadow)
	}
	b.Properties("state.reported.", device, reported, time.Time{})
	return b.Done(whyNothing)
}
