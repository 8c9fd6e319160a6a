package sensor

import (
	"time"
)

// Care knows how each device is. The hub alone tells that a device is offline: by its configured silence, or else as Care says.
type Care interface {
	// Time is when happened what a device says happened at told, by our clock, and whether that is to be believed. Live: no retained message.
	Time(device string, told, received time.Time, live bool) (at time.Time, believed bool)
	// Heard learns that a device spoke, whatever it said.
	Heard(device string, at time.Time)
	// Silent says whether a device that was heard last at last ought to have spoken by now; judged is false where nobody can know.
	Silent(device string, last, now time.Time) (silent, judged bool)
	// Health is what is known of a device.
	Health(device string) Health
}

// Keeper is a stage that wants to know what was stored of a message, after all stages worked on it.
type Keeper interface {
	Keep(told *Told)
}

// keepersOf are those stages that want to know what was stored.
func keepersOf(stages []Stage) (keepers []Keeper) {
	for _, s := range stages {
		if k, ok := s.(Keeper); ok {
			keepers = append(keepers, k)
		}
	}
	return keepers
}

// Health is how a device is. Of one in a home only its battery and its faults are known.
type Health struct {
	Battery     *float64 `json:"battery,omitempty"`     // percent
	DaysLeft    *int     `json:"daysLeft,omitempty"`    // of the battery, at its present rate
	Faults      []string `json:"faults,omitempty"`      // quantities that are not to be trusted, and why
	Silence     int      `json:"silence,omitempty"`     // seconds after which it is taken to be offline
	ClockBehind int      `json:"clockBehind,omitempty"` // seconds that are added to the times it tells
	Values      []Value  `json:"values,omitempty"`      // the last of each quantity, whichever message told it
}

// Value is the last of a quantity and when it was measured.
type Value struct {
	Quantity string    `json:"quantity"`
	Value    float64   `json:"value"`
	Unit     string    `json:"unit"` // UCUM code
	At       time.Time `json:"at"`   // UTC
}

// trusting is the Care of a hub without one: it knows nothing, and believes a clock that is within a day of ours.
type trusting struct{}

func (trusting) Time(_ string, told, received time.Time, _ bool) (time.Time, bool) {
	return told, told.Sub(received).Abs() <= maxSkew
}
func (trusting) Heard(string, time.Time)                          {}
func (trusting) Silent(string, time.Time, time.Time) (bool, bool) { return false, false }
func (trusting) Health(string) Health                             { return Health{} }

// maxSkew is how far a device's clock may be off, as long as nothing better is known: gateways that lost their time are weeks off. What is
// older is no alert of now, however well the clock is known.
const maxSkew = 24 * time.Hour

// settle gives what a device told times of our clock, or none where its own is not believed. What it kept while nobody listened says
// itself how old it is.
func (h *Hub) settle(told *Told) {
	live := !told.Retained
	for i := range told.Observations {
		at := &told.Observations[i].At
		if told.Observations[i].Kept && at.Before(told.Received) {
			continue
		}
		if h.settled(told, at, live); told.Received.Sub(*at) > maxSkew {
			*at = time.Time{}
		}
	}
	for i := range told.Readings {
		if r := &told.Readings[i]; !r.Kept || !r.At.Before(told.Received) {
			h.settled(told, &r.At, live)
		}
	}
}

func (h *Hub) settled(told *Told, at *time.Time, live bool) {
	if at.IsZero() {
		return
	}
	t, believed := h.care.Time(told.Device.ID, *at, told.Received, live)
	if *at = t.UTC(); !believed {
		*at = time.Time{}
	}
}
