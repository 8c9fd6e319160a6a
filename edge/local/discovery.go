package local

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/alert"
)

// entity is what one state topic tells of: a kind at a place of a device, or, without a device, anywhere at this edge.
type entity struct {
	Device string     `json:"device,omitzero"`
	Zone   string     `json:"zone,omitzero"`
	Kind   alert.Kind `json:"kind"`
}

// node names the edge; it is of the characters that Home Assistant allows.
func (s scheme) node() string { return "gridgate_" + distinct(s.Edge) }

// object names an entity of the edge.
func object(e entity) string {
	if e.Device == "" {
		return plain(string(e.Kind))
	}
	return distinct(e.Device, e.Zone, string(e.Kind))
}

// distinct joins names in the characters [a-zA-Z0-9_-], and ends in a digest if that made them less distinct.
func distinct(names ...string) string {
	whole := strings.Join(names, "_")
	if p := plain(whole); len(names) == 1 && p == whole {
		return p
	}
	sum := sha256.Sum256([]byte(strings.Join(names, "\x00")))
	return strings.Trim(plain(whole), "_") + "_" + hex.EncodeToString(sum[:4])
}

func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-':
			return r
		}
		return '_'
	}, s)
}

// class is Home Assistant's device class of a kind; inverted means that its "on" is our absence.
type class struct {
	name     string
	inverted bool
}

// classes are those of its binary sensors. A kind without one is plain on or off.
var classes = map[alert.Kind]class{
	alert.Motion: {name: "motion"}, alert.Presence: {name: "occupancy"}, alert.Tripwire: {name: "motion"},
	alert.Intrusion: {name: "safety"}, alert.LeftObject: {name: "safety"}, alert.Smoke: {name: "smoke"}, alert.Fire: {name: "safety"},
	alert.Gas: {name: "gas"}, alert.CO: {name: "carbon_monoxide"}, alert.Heat: {name: "heat"}, alert.WaterLevel: {name: "moisture"},
	alert.Flood: {name: "moisture"}, alert.Leak: {name: "moisture"}, alert.SOS: {name: "safety"}, alert.Door: {name: "door"},
	alert.Vibration: {name: "vibration"}, alert.Temperature: {name: "problem"}, alert.Humidity: {name: "problem"},
	alert.Power: {name: "problem"}, alert.LowBattery: {name: "battery"}, alert.Tamper: {name: "tamper"}, alert.Covered: {name: "tamper"},
	alert.Defocused: {name: "problem"}, alert.Turned: {name: "tamper"}, alert.Frozen: {name: "problem"}, alert.Black: {name: "problem"},
	alert.VideoLoss: {name: "connectivity", inverted: true}, alert.StorageFault: {name: "problem"},
	alert.DeviceOffline: {name: "connectivity", inverted: true}, alert.DeviceFault: {name: "problem"}, alert.Other: {},
}

// discovery is what Home Assistant is told of an entity (its MQTT discovery, component binary_sensor).
type discovery struct {
	Name             string          `json:"name"`
	UniqueID         string          `json:"unique_id"`
	DefaultEntityID  string          `json:"default_entity_id"`
	DeviceClass      string          `json:"device_class,omitzero"`
	EntityCategory   string          `json:"entity_category,omitzero"`
	EnabledByDefault bool            `json:"enabled_by_default"`
	StateTopic       string          `json:"state_topic"`
	PayloadOn        string          `json:"payload_on"`
	PayloadOff       string          `json:"payload_off"`
	Availability     string          `json:"availability_topic"`
	Device           discoveryDevice `json:"device"`
	Origin           discoveryOrigin `json:"origin"`
}

type discoveryDevice struct {
	Identifiers  []string `json:"identifiers"`
	Name         string   `json:"name"`
	Manufacturer string   `json:"manufacturer"`
	Model        string   `json:"model"`
	Software     string   `json:"sw_version,omitzero"`
	Via          string   `json:"via_device,omitzero"`
}

type discoveryOrigin struct {
	Name     string `json:"name"`
	Software string `json:"sw_version"`
}

// product is what the edge calls itself.
const product = "Gridgate"

// Payloads of state and availability topics.
const (
	on, off         = "ON", "OFF"
	online, offline = "online", "offline"
)

// discoveryOf builds the message of an entity. Bulk kinds are diagnostics; those of the edge as a whole are off until
// somebody wants them.
func (v *Voice) discoveryOf(e entity) ([]byte, error) {
	id := v.scheme.node() + "_" + object(e)
	c := classes[e.Kind]
	d := discovery{
		Name: v.nameOf(e), UniqueID: id, DefaultEntityID: "binary_sensor." + strings.ToLower(id), DeviceClass: c.name, EnabledByDefault: true,
		StateTopic: v.scheme.state(e), PayloadOn: on, PayloadOff: off, Availability: v.scheme.availability(),
		Device: v.deviceOf(e), Origin: discoveryOrigin{Name: product, Software: v.o.Software},
	}
	if c.inverted {
		d.PayloadOn, d.PayloadOff = off, on
	}
	if e.Kind.Lane() == alert.Bulk {
		d.EntityCategory, d.EnabledByDefault = "diagnostic", e.Device != ""
	}
	body, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode what Home Assistant is told: %w", err)
	}
	return body, nil
}

func (v *Voice) nameOf(e entity) string {
	if e.Zone == "" {
		return v.o.Language.Kind(e.Kind)
	}
	return e.Zone + " " + v.o.Language.Kind(e.Kind)
}

func (v *Voice) deviceOf(e entity) discoveryDevice {
	node := v.scheme.node()
	if e.Device == "" {
		return discoveryDevice{
			Identifiers: []string{node}, Name: product + " " + v.o.Edge, Manufacturer: product, Model: "edge", Software: v.o.Software,
		}
	}
	return discoveryDevice{
		Identifiers: []string{node + "_" + distinct(e.Device)}, Name: e.Device, Manufacturer: product,
		Model: strings.TrimSuffix(v.devices[e.Device], "s"), Via: node,
	}
}
