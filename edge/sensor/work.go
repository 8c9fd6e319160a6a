package sensor

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gridgate/edge/raise"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// work is what one message becomes.
type work struct {
	hub     *Hub
	message Message

	signals  []raise.Signal
	readings []alert.Reading
	heard    map[*Device]availability
	said     map[sensors.Dialect]observation.Translation
}

// availability is what a message said of the device itself.
type availability int

const (
	heardFrom availability = iota
	saidOnline
	saidOffline
)

// translate asks the dialect of each candidate. A message that none of them understands is counted by its reason.
func (w *work) translate(candidates []*Device) {
	w.heard, w.said = map[*Device]availability{}, map[sensors.Dialect]observation.Translation{}
	why := ""
	for _, d := range candidates {
		t := w.translation(d.Dialect)
		if t.Ignored != "" {
			why = t.Ignored
			w.quiet(d, t)
			continue
		}
		if !w.take(d, t) && why == "" {
			why = "the message is about another device than the configured ones"
		}
	}
	if len(w.heard) == 0 && why != "" {
		w.hub.notUnderstood(w.message, why)
	}
}

// translation asks a dialect once, however many devices share the topic of their gateway.
func (w *work) translation(d sensors.Dialect) observation.Translation {
	if !reflect.ValueOf(d).Comparable() {
		return d.Translate(w.message.Topic, w.message.Payload, w.message.Retained)
	}
	t, known := w.said[d]
	if !known {
		t = d.Translate(w.message.Topic, w.message.Payload, w.message.Retained)
		w.said[d] = t
	}
	return t
}

// quiet notes that a device with its own topic is alive, although its message said nothing for us (a link quality, a button).
func (w *work) quiet(d *Device, t observation.Translation) {
	if d.Name == "" && d.Topic == w.message.Topic && len(t.Dropped) > 0 && !w.message.Retained {
		w.heard[d] = heardFrom
	}
}

// take keeps what a translation says of d and reports whether it said anything of d.
func (w *work) take(d *Device, t observation.Translation) bool {
	mine, private := false, false
	for _, o := range t.Observations {
		if d.Name == "" || o.Device == d.Name {
			mine = true
			private = !w.observe(d, o) || private
		}
	}
	for _, r := range t.Readings {
		if d.Name == "" || r.Device == d.Name {
			mine = true
			if !private {
				w.read(d, r)
			}
		}
	}
	if mine {
		if _, said := w.heard[d]; !said && !w.message.Retained {
			w.heard[d] = heardFrom
		}
	}
	return mine
}

// observe returns false for what must not leave a home. Then the readings beside it stay, too: the battery of a door's
// contact is told whenever the door moves.
func (w *work) observe(d *Device, o observation.Observation) bool {
	if o.Kind == alert.DeviceOffline {
		w.heard[d] = saidOnline
		if o.Phase == observation.Active {
			w.heard[d] = saidOffline
		}
	}
	if d.Home && !leavesHome(o.Kind) {
		return false
	}
	w.hub.noteLane(d.ID, o.Kind.Lane())
	if o.Phase != observation.Inactive && Disarmable(o.Kind) && w.hub.Mode(d.ID) == Disarmed {
		return true
	}
	at, clock := clockOf(o.At, w.message.Received)
	w.signals = append(w.signals, w.hub.signal(d, o, at, clock))
	return true
}

// signal completes an observation with what the configuration knows of the device.
func (h *Hub) signal(d *Device, o observation.Observation, at time.Time, clock alert.Clock) raise.Signal {
	o.Device, o.At, o.Zone = d.ID, at, zoneOf(d.Zone, o.Zone)
	return raise.Signal{
		Observation: o, Source: alert.SensorSource(h.edge, d.ID), Edge: h.edge, Grid: d.Grid, Origin: d.Origin,
		Clock: clock, Severity: d.Severity[o.Kind], Exercise: d.Exercise || tested(o.Kind) && h.Mode(d.ID) == WalkTest,
	}
}

// zoneOf joins the configured zone with the part of the device that noticed something. What would be too long for an alert
// loses the end of the configured zone: a hazard must not be refused for its name.
func zoneOf(zone, part string) string {
	switch {
	case part == "":
		return zone
	case zone == "":
		return part
	}
	room := alert.MaxName - 1 - utf8.RuneCountInString(part)
	if runes := []rune(zone); len(runes) > room {
		zone = string(runes[:max(0, room)])
	}
	return strings.TrimSpace(zone + " " + part)
}

// read keeps a reading. One that was retained without a time is no sample: nobody knows when it was taken.
func (w *work) read(d *Device, r observation.Reading) {
	if w.message.Retained && r.At.IsZero() || d.Home && !measuredAtHome(r.Quantity) {
		return
	}
	at, _ := clockOf(r.At, w.message.Received)
	w.readings = append(w.readings, alert.Reading{
		Source: alert.SensorSource(w.hub.edge, d.ID), Grid: d.Grid, Quantity: r.Quantity, Value: r.Value, Unit: r.Unit, At: at,
	})
}

// maxSkew is how far a device's clock may be off before it is not believed: gateways that lost their time are weeks off.
const maxSkew = 24 * time.Hour

// clockOf chooses between the device's time and ours.
func clockOf(told, received time.Time) (time.Time, alert.Clock) {
	if told.IsZero() || told.Sub(received).Abs() > maxSkew {
		return received.UTC(), alert.ReceiveClock
	}
	return told.UTC(), alert.CameraClock
}

// homeKinds are what a sensor in a home may tell: smoke, gas, water, a call for help, and its own failure.
var homeKinds = []alert.Kind{
	alert.Smoke, alert.Fire, alert.Gas, alert.CO, alert.Heat, alert.WaterLevel, alert.Flood, alert.Leak, alert.SOS,
	alert.LowBattery, alert.Tamper, alert.DeviceOffline, alert.DeviceFault,
}

func leavesHome(k alert.Kind) bool { return slices.Contains(homeKinds, k) }

// homeQuantities are the readings that may leave a home: how much there is of a hazard, and how the device is. Light, CO2,
// humidity, temperature and power would tell whether somebody is in.
var homeQuantities = []string{
	"smoke_concentration", "smoke_density_dbm", "gas", "gas_value", "co", "water_level", "liquid_depth", "liquid_level_percent",
	"battery", "battery_voltage", "smoke_battery",
}

func measuredAtHome(quantity string) bool { return slices.Contains(homeQuantities, quantity) }

// identity names a message for the outbox, so that a redelivery after a crash between our commit and our acknowledgement
// changes nothing. QoS 0 has none. Only a message with DUP can be a redelivery (MQTT 3.1.1, 3.3.1.1); one without takes the
// place of an equal identity, since packet identifiers are used again at once by many devices.
func identity(m Message) string {
	if m.QoS == 0 {
		return ""
	}
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %d %q ", m.Broker, m.Session, m.PacketID, m.Topic)
	h.Write(m.Payload)
	id := "mqtt " + hex.EncodeToString(h.Sum(nil))
	if m.Duplicate {
		return id
	}
	return raise.FirstDelivery(id)
}
