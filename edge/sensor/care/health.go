package care

import (
	"maps"
	"slices"
	"time"

	"gridgate/edge/sensor"
)

// Health implements [sensor.Care].
func (c *Care) Health(id string) sensor.Health {
	d := c.devices[id]
	if d == nil {
		return sensor.Health{}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	h := sensor.Health{Faults: d.faults()}
	if percent, known := d.Charge.known(); known {
		h.Battery = &percent
	}
	if left := d.Charge.left; left >= 0 {
		h.DaysLeft = &left
	}
	if d.Home { // how often it speaks tells when somebody is in
		return h
	}
	h.Silence = int(d.patience().Seconds())
	h.ClockBehind = int(d.Clock.Behind.Seconds())
	h.Values = d.last()
	return h
}

// faults are the quantities that are not to be trusted, and why.
func (d *device) faults() []string {
	var out []string
	for _, quantity := range slices.Sorted(maps.Keys(d.Values)) {
		if f := d.Values[quantity].Fault; f != noFault {
			out = append(out, quantity+": "+string(f))
		}
	}
	return out
}

// last are the last values of all quantities, whichever message told them.
func (d *device) last() []sensor.Value {
	var out []sensor.Value
	for _, quantity := range slices.Sorted(maps.Keys(d.Values)) {
		if v := d.Values[quantity]; !v.At.IsZero() {
			out = append(out, sensor.Value{Quantity: quantity, Value: v.Value, Unit: v.Unit, At: v.At.Truncate(time.Millisecond)})
		}
	}
	return out
}
