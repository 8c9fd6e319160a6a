package huawei

import (
	"maps"
	"slices"
	"strings"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/names"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Bounds of one message.
const (
	maxServices = 64
	maxDevices  = 64
)

// message gathers what one message tells.
type message struct{ b *names.Batch }

// read takes what a message of a known topic holds.
func (m *message) read(device, what string, object map[string]any) observation.Translation {
	switch what {
	case "sys/messages/up":
		return m.content(device, object)
	case "sys/gateway/sub_devices/properties/report":
		m.below(object["devices"])
	case "data/json":
		m.services(device, object["data"], time.Time{})
	default:
		if told, ok := object["object_device_id"].(string); ok && names.ValidDevice(told) {
			device = told
		}
		m.services(device, object["services"], time.Time{})
	}
	return m.b.Done(whyNothing)
}

// below reads the devices behind a gateway.
func (m *message) below(v any) {
	list, _ := v.([]any)
	for i, item := range list {
		one, _ := item.(map[string]any)
		device, _ := one["device_id"].(string)
		if i == maxDevices || !names.ValidDevice(device) {
			m.b.Drop("devices")
			continue
		}
		m.services(device, one["services"], time.Time{})
	}
}

// notified reads what a rule of the platform told on.
func (m *message) notified(fromTopic string, notice, object map[string]any) observation.Translation {
	header, _ := notice["header"].(map[string]any)
	body, ok := notice["body"].(map[string]any)
	if !ok {
		body, _ = object["body"].(map[string]any)
	}
	device, _ := header["device_id"].(string)
	at, _ := moment(object["event_time_ms"])
	if at.IsZero() {
		at, _ = moment(object["event_time"])
	}
	switch {
	case fromTopic != "" && fromTopic != device:
		return sensors.Ignored(m.b.Topic, whyOther)
	case !names.ValidDevice(device):
		return sensors.Ignored(m.b.Topic, whyDevice)
	}
	switch object["resource"] {
	case "device.property", "device.event":
		m.services(device, body["services"], at)
		return m.b.Done(whyNothing)
	case "device.message":
		return m.content(device, body)
	case "device.status":
		m.online(device, body["status"], at)
		return m.b.Done(whyStatus)
	}
	return sensors.Ignored(m.b.Topic, whyTopic)
}

// content reads a message of free form, as an object or as the text of one.
func (m *message) content(device string, object map[string]any) observation.Translation {
	v, ok := object["content"]
	if !ok {
		v = map[string]any(object)
	}
	if text, ok := v.(string); ok {
		v, _ = sensors.Decode([]byte(text))
	}
	content, ok := v.(map[string]any)
	if !ok {
		return sensors.Ignored(m.b.Topic, whyContent)
	}
	if list, ok := content["services"].([]any); ok {
		m.services(device, list, time.Time{})
	} else {
		m.b.Properties("content.", device, content, time.Time{})
	}
	return m.b.Done(whyNothing)
}

func (m *message) services(device string, v any, at time.Time) {
	list, _ := v.([]any)
	for i, item := range list {
		service, ok := item.(map[string]any)
		if !ok || i == maxServices {
			m.b.Drop("services")
			return
		}
		m.service(device, service, at)
	}
}

func (m *message) service(device string, service map[string]any, at time.Time) {
	for _, key := range []string{"event_time", "eventTime"} {
		if told, ok := service[key]; ok {
			at, _ = moment(told)
		}
	}
	id := text(service, "service_id", "serviceId")
	properties := object(service, "properties", "serviceData")
	if name := text(service, "event_type", "eventType"); name != "" {
		m.event(device, id, name, object(service, "paras"), at)
		return
	}
	m.b.Properties("services.", device, joined(id, properties), at)
}

// joined names the properties that say nothing alone by their service.
func joined(service string, properties map[string]any) map[string]any {
	out := make(map[string]any, len(properties))
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		name := names.Things.Joined(service, key)
		_, told := properties[name]
		_, taken := out[name]
		if name == "" || told || taken {
			name = key
		}
		out[name] = properties[key]
	}
	return out
}

// event reads an event; of those of the platform only whether the devices behind a gateway are online.
func (m *message) event(device, service, name string, paras map[string]any, at time.Time) {
	if !strings.HasPrefix(service, "$") {
		m.b.Event("services", device, name, paras, at)
		return
	}
	if service != "$sub_device_manager" || name != "sub_device_update_status" {
		return
	}
	list, _ := paras["device_statuses"].([]any)
	for _, item := range list[:min(len(list), maxDevices)] {
		one, _ := item.(map[string]any)
		if id := text(one, "device_id"); names.ValidDevice(id) {
			m.online(id, one["status"], at)
		}
	}
}

func (m *message) online(device string, status any, at time.Time) {
	r := m.b.At(device, at)
	if r == nil {
		return
	}
	switch status {
	case "ONLINE":
		r.B.Observe("status", alert.DeviceOffline, observation.Inactive, "")
	case "OFFLINE":
		r.B.Observe("status", alert.DeviceOffline, observation.Active, "")
	}
}

func text(object map[string]any, keys ...string) string {
	for _, key := range keys {
		if s, ok := object[key].(string); ok {
			return s
		}
	}
	return ""
}

func object(from map[string]any, keys ...string) map[string]any {
	for _, key := range keys {
		if o, ok := from[key].(map[string]any); ok {
			return o
		}
	}
	return nil
}

// moment reads a time in the basic or the extended form of ISO 8601, in UTC.
func moment(v any) (time.Time, bool) {
	text, ok := v.(string)
	if !ok {
		return sensors.Time(v)
	}
	for _, form := range []string{"20060102T150405Z", "20060102T150405.999Z"} {
		if t, err := time.Parse(form, text); err == nil && t.Year() >= 2001 && t.Year() <= 2286 {
			return t.UTC(), true
		}
	}
	return sensors.Time(text)
}
