package sensor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
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
	heard    []heard
	told     []Told // for those stages that want to know what was stored
	// Where more than one group has the topic:
	said  map[sensors.Dialect]observation.Translation
	taken []*Device

	identity string
	turn     turn
}

// heard is a device that a message was of, and what it said of it.
type heard struct {
	*Device
	said availability
}

// availability is what a message said of the device itself.
type availability int

const (
	heardFrom availability = iota
	saidOnline
	saidOffline
)

// store is [Hub.Handle] after what was begun.
func (w *work) store(ctx context.Context) error {
	defer w.turn.end()
	if len(w.signals)+len(w.readings) > 0 {
		err := w.turn.wait(ctx)
		if err == nil {
			_, err = w.hub.raiser.Raise(ctx, w.hub.identityOf(w), w.signals, w.readings)
		}
		switch {
		case errors.Is(err, raise.ErrInvalid):
			w.hub.notUnderstood(w.message, whyInvalid)
		case err != nil:
			w.hub.miss(w)
			return fmt.Errorf("raise what a sensor of broker %s told: %w", w.message.Broker, err)
		}
	}
	w.hub.heard(w)
	w.stored()
	return nil
}

// translate asks the dialect of each group. A message that none of them understands is counted by its reason.
func (w *work) translate(candidates []*group) {
	if len(candidates) > 1 {
		w.said = make(map[sensors.Dialect]observation.Translation, len(candidates))
	}
	why := ""
	for _, g := range candidates {
		t := w.translation(g)
		if t.Ignored != "" {
			if !t.Quiet {
				why = t.Ignored
			}
			for _, d := range g.any {
				w.quiet(d, t)
			}
			continue
		}
		if !w.takeAll(g, t) && why == "" {
			why = "the message is about another device than the configured ones"
		}
	}
	if len(w.heard) == 0 && why != "" {
		w.hub.notUnderstood(w.message, why)
	}
}

// translation asks a dialect once, however many groups of it have the topic.
func (w *work) translation(g *group) observation.Translation {
	if !g.alike {
		return g.dialect.Translate(w.message.Topic, w.message.Payload, w.message.Retained)
	}
	t, known := w.said[g.dialect]
	if !known {
		t = w.hub.sessions.translate(g.dialect, w.message)
		if w.said != nil {
			w.said[g.dialect] = t
		}
	}
	return t
}

// quiet notes that a device with its own topic is alive, although its message said nothing for us (a link quality, a button).
func (w *work) quiet(d *Device, t observation.Translation) {
	if d.Topic == w.message.Topic && len(t.Dropped) > 0 && !w.message.Retained {
		w.hear(d, heardFrom)
	}
}

// hear notes what a message said of d; the last word of it counts.
func (w *work) hear(d *Device, said availability) {
	for i := range w.heard {
		if w.heard[i].Device == d {
			w.heard[i].said = said
			return
		}
	}
	w.heard = append(w.heard, heard{d, said})
}

func (w *work) hasHeard(d *Device) bool {
	return slices.ContainsFunc(w.heard, func(h heard) bool { return h.Device == d })
}

// takeAll keeps what a translation says of the devices of g and reports whether it said anything of one.
func (w *work) takeAll(g *group, t observation.Translation) (said bool) {
	for _, d := range g.any {
		said = w.take(d, t) || said
	}
	for _, name := range namesIn(g, t) {
		for _, d := range g.named[name] {
			said = w.take(d, t) || said
		}
	}
	return said
}

// namesIn are the names of devices that a translation speaks of, each once; none if the group has no names.
func namesIn(g *group, t observation.Translation) (names []string) {
	if len(g.named) == 0 {
		return nil
	}
	for _, o := range t.Observations {
		names = append(names, o.Device)
	}
	for _, r := range t.Readings {
		names = append(names, r.Device)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// take keeps what a translation says of d and reports whether it said anything of d.
func (w *work) take(d *Device, t observation.Translation) bool {
	if slices.Contains(w.taken, d) { // two of its filters have the topic
		return true
	}
	told := Told{
		Device: d, Received: w.message.Received, Retained: w.message.Retained,
		Observations: mine(t.Observations, d, func(o *observation.Observation) string { return o.Device }),
		Readings:     mine(t.Readings, d, func(r *observation.Reading) string { return r.Device }),
	}
	if len(told.Observations)+len(told.Readings) == 0 {
		return false
	}
	if w.said != nil {
		w.taken = append(w.taken, d)
	}
	if !w.message.Retained && !w.hasHeard(d) {
		w.hear(d, heardFrom)
	}
	w.keep(told)
	return true
}

// mine are those of said that speak of d, in a list of their own: stages may change it, and another device may have the same.
func mine[T any](said []T, d *Device, name func(*T) string) (own []T) {
	if d.Name == "" {
		return slices.Clone(said)
	}
	for i := range said {
		if name(&said[i]) == d.Name {
			own = append(own, said[i])
		}
	}
	return own
}

// keep lets the stages work on what a device told, and takes what they leave and what they found.
func (w *work) keep(told Told) {
	w.hub.settle(&told)
	var found []Finding
	for _, s := range w.hub.stages {
		if more := s.Take(&told); len(found) == 0 {
			found = more
		} else {
			found = append(found, more...)
		}
	}
	w.signals = slices.Grow(w.signals, len(told.Observations)+len(found))
	w.readings = slices.Grow(w.readings, len(told.Readings))
	private := false
	for _, o := range told.Observations {
		private = !w.observe(told.Device, o) || private
	}
	for _, r := range told.Readings {
		if !private {
			w.read(told.Device, r)
		}
	}
	for _, f := range found {
		if s, ok := w.hub.found(f, w.message.Received); ok {
			w.signals = append(w.signals, s)
		}
	}
	if len(w.hub.keepers) > 0 {
		w.told = append(w.told, told)
	}
}

// stored tells the stages that what they left is on stable storage.
func (w *work) stored() {
	for i := range w.told {
		for _, k := range w.hub.keepers {
			k.Keep(&w.told[i])
		}
	}
}

// observe returns false for what must not leave a home. Then the readings beside it stay, too: the battery of a door's
// contact is told whenever the door moves.
func (w *work) observe(d *Device, o observation.Observation) bool {
	if o.Kind == alert.DeviceOffline {
		said := saidOnline
		if o.Phase == observation.Active {
			said = saidOffline
		}
		w.hear(d, said)
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

// clockOf takes the device's time, which [Hub.settle] has judged, or ours where there is none.
func clockOf(told, received time.Time) (time.Time, alert.Clock) {
	if told.IsZero() {
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
	"smoke_concentration", "smoke_density_dbm", "gas", "gas_value", "gas_lel", "co", "water_level", "liquid_depth", "liquid_level_percent",
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
	told := make([]byte, 0, 512) // it need not leave the stack
	told = append(strconv.AppendQuote(told, m.Broker), ' ')
	told = append(strconv.AppendQuote(told, m.Session), ' ')
	told = append(strconv.AppendUint(told, uint64(m.PacketID), 10), ' ')
	told = append(strconv.AppendQuote(told, m.Topic), ' ')
	sum := sha256.Sum256(append(told, m.Payload...))
	id := "mqtt " + hex.EncodeToString(sum[:])
	if m.Duplicate {
		return id
	}
	return raise.FirstDelivery(id)
}
