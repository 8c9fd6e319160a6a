package sensors

import (
	"slices"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// Bounds of one translation; a message that means more is cut and says so in Dropped.
const (
	maxObservations = 64
	maxReadings     = 128
)

// Builder gathers a translation. Set its fields, call its methods, then [Builder.Done].
type Builder struct {
	Topic    string
	Device   string
	Retained bool
	Time     time.Time // the device's own, zero where it told none
	At       time.Time // of what is added from now on, where values have times of their own; zero: Time

	observations []observation.Observation
	readings     []observation.Reading
	dropped      []string
}

// Apply does to a value what a rule says; zone tells several sensors of one device apart. It reports whether the rule took
// the value; where not, path is among the dropped.
func (b *Builder) Apply(path, key, zone string, r Rule, v any) bool {
	switch {
	case r.Observe != nil:
		if phase, ok := r.Observe(v); ok {
			return b.Observe(path, r.Kind, phase, zone)
		}
	case r.Measure != nil:
		quantity := r.Quantity
		if quantity == "" {
			quantity = key
		}
		if value, unit, ok := r.Measure(v); ok {
			return b.Read(path, quantity, unit, value)
		}
	}
	b.Drop(path)
	return false
}

// Observe adds an observation. Of two about the same thing, one that is active wins, so that no field can hide a hazard.
// A moment that was retained is dropped: it is over.
func (b *Builder) Observe(path string, kind alert.Kind, phase observation.Phase, zone string) bool {
	if phase == observation.Momentary && b.Retained || len(b.observations) == maxObservations {
		b.Drop(path)
		return false
	}
	for i, o := range b.observations {
		if o.Device == b.Device && o.Kind == kind && o.Zone == zone && o.Phase != observation.Momentary && phase != observation.Momentary {
			if phase == observation.Active {
				b.observations[i].Phase = phase
			}
			return true
		}
	}
	b.observations = append(b.observations, observation.Observation{
		Device: b.Device, Kind: kind, Phase: phase, At: b.At, Zone: zone, Retained: b.Retained,
	})
	return true
}

// Read adds a reading. A quantity that was already told is dropped.
func (b *Builder) Read(path, quantity, unit string, value float64) bool {
	known := slices.ContainsFunc(b.readings, func(r observation.Reading) bool { return r.Device == b.Device && r.Quantity == quantity })
	if known || len(b.readings) == maxReadings {
		b.Drop(path)
		return false
	}
	b.readings = append(b.readings, observation.Reading{Device: b.Device, Quantity: quantity, Value: value, Unit: unit, At: b.At})
	return true
}

// Drop names a path that no rule took. A part that the dialect does not know must be given as "*".
func (b *Builder) Drop(path string) { b.dropped = append(b.dropped, path) }

// Done returns the translation, with the device's time in all parts that have none of their own. why is the reason if nothing was understood.
func (b *Builder) Done(why string) observation.Translation {
	t := Ignored(b.Topic, "")
	t.Meta.Time = b.Time
	for _, o := range b.observations {
		o.At = either(o.At, b.Time)
		t.Observations = append(t.Observations, o)
	}
	for _, r := range b.readings {
		r.At = either(r.At, b.Time)
		t.Readings = append(t.Readings, r)
	}
	slices.Sort(b.dropped)
	b.dropped = slices.Compact(b.dropped) // it clears what it leaves over: Done can be asked again
	t.Dropped = append(t.Dropped, b.dropped...)
	if len(t.Observations)+len(t.Readings) == 0 {
		t.Ignored = why
	}
	return t
}

func either(own, message time.Time) time.Time {
	if own.IsZero() {
		return message
	}
	return own
}
