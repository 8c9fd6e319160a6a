package ttn

import (
	"time"

	"gridgate/protocols/names"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// uplink is the part of a message that tells values.
type uplink struct {
	at                  time.Time
	path                string
	decoded, normalized map[string]any
	battery             map[string]any
	brand               string
}

// message finds the uplink in a message, nil if there is none.
func message(object map[string]any) *uplink {
	for _, key := range []string{"uplink_message", "uplink_normalized"} {
		if m, ok := object[key].(map[string]any); ok {
			return read(key, m, object)
		}
	}
	fields, ok := object["payload_fields"].(map[string]any)
	if _, raw := object["payload_raw"]; !ok && !raw {
		return nil
	}
	metadata, _ := object["metadata"].(map[string]any)
	at, _ := sensors.Time(metadata["time"])
	return &uplink{at: at, path: "payload_fields.", decoded: fields}
}

func read(key string, m, object map[string]any) *uplink {
	u := &uplink{path: key + ".decoded_payload."}
	var ok bool
	if u.at, ok = sensors.Time(m["received_at"]); !ok {
		u.at, _ = sensors.Time(object["received_at"])
	}
	u.decoded, _ = m["decoded_payload"].(map[string]any)
	u.normalized = last(m["normalized_payload"])
	u.battery, _ = m["last_battery_percentage"].(map[string]any)
	ids, _ := m["version_ids"].(map[string]any)
	brand, _ := ids["brand_id"].(string)
	model, _ := ids["model_id"].(string)
	u.brand = names.Brand(model + " " + brand)
	return u
}

func last(v any) map[string]any {
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[len(list)-1]
	}
	object, _ := v.(map[string]any)
	return object
}

func (u *uplink) translate(b *names.Batch, device string) observation.Translation {
	b.Brand = u.brand
	r := b.At(device, u.at)
	u.normal(r.B)
	b.Codec(u.path, device, u.decoded, u.at)
	u.charge(b, device)
	if len(u.decoded)+len(u.normalized) == 0 {
		return b.Done(whyCodec)
	}
	return b.Done(whyNothing)
}

// charge tells the battery as the network server last heard it, unless the device tells its own.
func (u *uplink) charge(b *names.Batch, device string) {
	level, ok := u.battery["value"].(float64)
	at, told := sensors.Time(u.battery["received_at"])
	if !ok || !told || level <= 0 || level > 100 || b.Has(device, "battery") {
		return
	}
	if r := b.At(device, at); r != nil {
		r.B.Read("uplink_message.last_battery_percentage", "battery", "%", level)
	}
}
