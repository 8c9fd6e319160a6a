package care

import (
	"math"
	"slices"
	"strings"
	"time"

	"gridgate/edge/raise"
	"gridgate/edge/sensor"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// Limits of what makes a device broken.
const (
	badInARow = 3 // values that nothing measures, until the device is called broken; one good one ends it
	// A value is stuck only where as many messages as sameAtLeast told it, and where it is learnt that it moves: on more than enoughDays days
	// never the same for longer than half of what is allowed.
	sameAtLeast = 12
	// faultHold is how long a fault is over before it is told to be: one that comes and goes is one.
	faultHold = 5 * time.Minute
	// repeatEnd is how long an end is told again, in case it could not be stored.
	repeatEnd = 10 * time.Minute
	// unitLasts is how long a unit that cannot be converted keeps others from the same series.
	unitLasts = 24 * time.Hour
)

// fault is why a quantity of a device is not to be trusted.
type fault string

const (
	noFault     fault = ""
	implausible fault = "implausible"
	stuck       fault = "stuck"
)

// value is the last of a quantity and how it behaves.
type value struct {
	Value float64   `json:"value"`
	Unit  string    `json:"unit"`
	At    time.Time `json:"at"`              // when it was measured
	Since time.Time `json:"since"`           // when it was received first and has not changed since
	Same  int       `json:"same,omitempty"`  // messages that told it
	Bad   int       `json:"bad,omitempty"`   // implausible ones in a row
	Still peaks     `json:"still,omitempty"` // how long it stayed the same, by day
	Fault fault     `json:"fault,omitempty"`

	settled bool      // its end was told since the start, if it had ended
	ended   time.Time // of the fault
}

// take is the work on one message.
type take struct {
	care   *Care
	device *device
	told   *sensor.Told
	charge *float64 // percent
	found  []sensor.Finding
}

// reading converts and judges a reading, and says whether it is to be kept.
func (t *take) reading(r *observation.Reading) bool {
	q := t.device.Profile.Quantity(r.Quantity)
	v := t.value(r.Quantity)
	if t.device.isShared(r.Device) || v == nil {
		q.convert(r)
		return q.plausible(*r)
	}
	if !t.sameSeries(r, v, q) {
		t.care.counts.otherUnit.Add(1)
		return false
	}
	good := q.plausible(*r)
	if t.told.Retained && r.At.IsZero() {
		return good // nobody knows when it was measured: it says nothing of now
	}
	if !good {
		t.care.counts.implausible.Add(1)
		t.bad(r, v)
		return false
	}
	t.good(*r, v, q)
	return true
}

// value is the memory of a quantity, nil if there are too many.
func (t *take) value(quantity string) *value {
	v := t.device.Values[quantity]
	if v == nil && len(t.device.Values) < maxValues {
		v = &value{}
		t.device.Values[quantity] = v
	}
	return v
}

// convert changes a reading to q's unit, if that is possible.
func (q Quantity) convert(r *observation.Reading) bool {
	if q.Unit == "" {
		return false
	}
	v, ok := Convert(r.Value, r.Unit, q.Unit)
	if ok {
		r.Value, r.Unit = v, q.Unit
	}
	return ok
}

// sameSeries converts a reading to the unit of its quantity. It is false for one that would mix two units in one series.
func (t *take) sameSeries(r *observation.Reading, v *value, q Quantity) bool {
	if q.convert(r) || v.Unit == "" || v.Unit == r.Unit {
		return true
	}
	if converted, ok := Convert(r.Value, r.Unit, v.Unit); ok {
		r.Value, r.Unit = converted, v.Unit
		return true
	}
	return t.told.Received.Sub(v.At) > unitLasts
}

// plausible says whether an instrument can have measured it. Bounds are of q's unit only.
func (q Quantity) plausible(r observation.Reading) bool {
	if math.IsNaN(r.Value) || math.IsInf(r.Value, 0) {
		return false
	}
	if r.Unit != q.Unit && q.Unit != "" {
		return true
	}
	return (q.Min == nil || r.Value >= *q.Min) && (q.Max == nil || r.Value <= *q.Max)
}

func (t *take) bad(r *observation.Reading, v *value) {
	v.Bad = min(v.Bad+1, badInARow)
	if v.Bad < badInARow || plain(r.Quantity) == "battery" { // many sensors tell 255 % for a charge that they do not know
		return
	}
	v.Fault = implausible
	t.faulty(*r, observation.Active)
}

// good takes a plausible value. What was measured before the last one, and comes late, changes nothing.
func (t *take) good(r observation.Reading, v *value, q Quantity) {
	received := t.told.Received
	measured := r.At
	if measured.IsZero() {
		measured = received
	}
	v.Bad = 0
	if measured.Before(v.At) && v.At.Before(received.Add(exact)) { // what is of a time to come was told by a clock that is wrong
		return
	}
	t.noteCharge(r)
	if v.Unit = r.Unit; !t.device.Home { // of a home no value and no time is kept
		t.still(r, v, received)
		v.Value, v.At = r.Value, measured.UTC()
	}
	was := v.Fault
	if v.Fault = noFault; t.isStuck(v, q, received) {
		v.Fault = stuck
	}
	switch {
	case v.Fault != noFault:
		t.faulty(r, observation.Active)
		return
	case was != noFault:
		v.ended = received
	}
	if !v.settled || received.Sub(v.ended) < repeatEnd {
		v.settled = true
		t.faulty(r, observation.Inactive)
	}
}

// still follows how long a value stays the same.
func (t *take) still(r observation.Reading, v *value, received time.Time) {
	if !v.Since.IsZero() && r.Value == v.Value && r.Unit == v.Unit {
		v.Same++
		return
	}
	if !v.Since.IsZero() && !v.Since.Before(t.care.started) {
		v.Still.note(received, received.Sub(v.Since))
	}
	v.Since, v.Same = received.UTC(), 1
}

// isStuck is false for a value of which it is not known that it moves, and in homes: where nobody is, nothing moves.
func (t *take) isStuck(v *value, q Quantity, received time.Time) bool {
	if q.Stuck == 0 || t.device.Home || v.Same < sameAtLeast || received.Sub(v.Since) < q.Stuck {
		return false
	}
	return q.Moves || v.Still.days() >= enoughDays && v.Still.most() <= q.Stuck/2
}

// faulty tells that a quantity of the device is broken or no longer so. Each quantity has a situation of its own, so that none ends another's,
// or what the device says of itself: maxValues of a device at most.
func (t *take) faulty(r observation.Reading, phase observation.Phase) {
	f := sensor.Finding{
		Device:      t.told.Device.ID,
		Observation: observation.Observation{Kind: alert.DeviceFault, Phase: phase},
		Origin:      Origin,
		By:          Origin + "-" + r.Quantity,
		Patience:    &raise.Debounce{ClearHold: faultHold},
	}
	if phase == observation.Active && !t.device.Home {
		f.Reading = &alert.Measure{Quantity: r.Quantity, Value: r.Value, Unit: r.Unit}
	}
	t.found = append(t.found, f)
}

// Origin is the name under which findings go.
const Origin = "care"

// noteCharge keeps what a reading says of the battery.
func (t *take) noteCharge(r observation.Reading) {
	b := t.device.Profile.Battery
	switch name := r.Quantity; {
	case isBatteryVoltage(name) && b.volts():
		if v, ok := Convert(r.Value, r.Unit, "V"); ok {
			t.charge = at(b.percent(v))
		}
	case name == "battery" && !b.volts() && r.Unit == "%":
		t.charge = at(b.percent(r.Value))
	}
}

// isBatteryVoltage: many sensors call the voltage of their battery their voltage. It is asked of those only whose profile has a battery in volts.
func isBatteryVoltage(quantity string) bool {
	return quantity == "battery_voltage" || quantity == "voltage"
}

// battery judges the charge and what the device says of it, so that one voice tells of it.
func (t *take) battery() {
	if t.device.shared {
		return
	}
	c, b := &t.device.Charge, t.device.Profile.Battery
	held := c.holds()
	if t.charge != nil {
		c.note(*t.charge, b.low(), t.told.Received)
		if b.volts() || b.Empty != b.Full {
			t.tellPercent()
		}
	}
	t.told.Observations = slices.DeleteFunc(t.told.Observations, func(o observation.Observation) bool {
		if o.Kind != alert.LowBattery || o.Zone != "" || o.Phase == observation.Momentary {
			return false
		}
		c.Said = o.Phase == observation.Active
		return !c.Said && c.holds()
	})
	if held && !c.holds() {
		c.ended = t.told.Received
	}
	switch fresh := t.charge != nil; {
	case fresh && c.holds():
		t.low(observation.Active)
	case fresh && !c.Said && (!c.settled || t.told.Received.Sub(c.ended) < repeatEnd):
		c.settled = true
		t.low(observation.Inactive)
	}
}

func (t *take) low(phase observation.Phase) {
	f := sensor.Finding{
		Device: t.told.Device.ID, Origin: Origin,
		Observation: observation.Observation{Kind: alert.LowBattery, Phase: phase},
	}
	if phase == observation.Active {
		percent, _ := t.device.Charge.known()
		f.Reading = &alert.Measure{Quantity: "battery", Value: percent, Unit: "%"}
		if t.device.Charge.Soon {
			f.Severity = alert.Minor
		}
	}
	t.found = append(t.found, f)
}

// tellPercent adds or changes the reading of a charge that the profile scales.
func (t *take) tellPercent() {
	percent := math.Round(*t.charge)
	i := slices.IndexFunc(t.told.Readings, func(r observation.Reading) bool { return r.Quantity == "battery" })
	if i >= 0 {
		t.told.Readings[i].Value = percent
		return
	}
	var when time.Time
	for _, r := range t.told.Readings {
		if isBatteryVoltage(r.Quantity) {
			when = r.At
		}
	}
	t.told.Readings = append(t.told.Readings, observation.Reading{Device: t.told.Device.Name, Quantity: "battery", Value: percent, Unit: "%", At: when})
}

// Says says whether by, of a finding or a situation, is what this package concludes.
func Says(by string) bool { return strings.HasPrefix(by, Origin+"-") }
