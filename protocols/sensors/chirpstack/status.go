package chirpstack

import (
	"strings"

	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// status reads the battery that a device told the network server (LoRaWAN 1.0.4, 5.5, DevStatusAns).
func status(b *sensors.Builder, object map[string]any) observation.Translation {
	if _, ok := object["margin"]; ok {
		b.Drop("margin")
	}
	unavailable, _ := object["batteryLevelUnavailable"].(bool)
	external, _ := object["externalPowerSource"].(bool)
	if unavailable || external {
		return sensors.Learnt(b.Topic, whyPower)
	}
	if percent, ok := object["batteryLevel"].(float64); ok {
		if percent == 0 {
			return sensors.Learnt(b.Topic, whyPower)
		}
		b.Apply("batteryLevel", "battery", "", sensors.Amount("%", 0, 100), object["batteryLevel"])
		return b.Done(whyNothing)
	}
	level, ok := object["battery"].(float64)
	switch {
	case ok && (level == 0 || level == 255):
		return sensors.Learnt(b.Topic, whyPower)
	case ok && level > 0 && level < 255:
		b.Read("battery", "battery", "%", level/254*100)
	}
	return b.Done(whyNothing)
}

// Recognise implements [sensors.Recogniser].
func (Dialect) Recognise(topic string, payload []byte) (sensors.Likeness, string) {
	at := place(topic)
	known := at.why == "" && eui(at.eui) != ""
	value, err := sensors.Decode(payload)
	object, ok := value.(map[string]any)
	if err != nil || !ok {
		if known && strings.Contains(topic, "/event/") {
			return sensors.Likely, "a topic of ChirpStack"
		}
		return sensors.Unlike, ""
	}
	if info, ok := object["deviceInfo"].(map[string]any); ok && info["devEui"] != nil {
		return sensors.Surely, "deviceInfo.devEui of ChirpStack 4"
	}
	switch {
	case known && object["devEUI"] != nil:
		return sensors.Surely, "devEUI and a topic of ChirpStack 3"
	case object["devEUI"] != nil && object["applicationID"] != nil:
		return sensors.Surely, "devEUI and applicationID of ChirpStack 3"
	case known:
		return sensors.Likely, "a topic of ChirpStack"
	}
	return sensors.Unlike, ""
}
