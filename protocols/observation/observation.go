// Package observation says what a source noticed, before anyone decided whether it matters.
//
// In: values built by a vendor mapper, a sensor dialect or a detector, always from an allow-list. Out: the same values, to
// edge/raise, which alone turns them into alerts. It never carries an identity, a raw payload or free text.
package observation

import (
	"time"

	"gridgate/protocols/alert"
)

// Phase says what the source told about the state of what it noticed.
type Phase string

// The phases: a state that holds, the same state over, or a moment without an end.
const (
	Active    Phase = "active"
	Inactive  Phase = "inactive"
	Momentary Phase = "momentary"
)

// Observation is one thing that one device noticed.
type Observation struct {
	Device string     `json:"device"` // the device's name on its own bus: a camera id, a topic segment, a device EUI
	Kind   alert.Kind `json:"kind"`
	Phase  Phase      `json:"phase"`
	At     time.Time  `json:"at,omitzero"` // UTC, zero where the source told no time
	Value  *float64   `json:"value,omitzero"`

	Zone   string       `json:"zone,omitzero"`
	Object alert.Object `json:"object,omitzero"`
	Score  *float64     `json:"score,omitzero"` // 0 to 1
	Count  *int         `json:"count,omitzero"` // how many; becomes a bucket in the alert
	// Retained marks state that a broker told again at connect: it sets the state, and raises only what is new.
	Retained bool `json:"retained,omitzero"`
	// Kept: the device says that it kept this while nobody listened. At is believed then, however long ago it is.
	Kept bool `json:"-"`
	// Expires: the source tells no end; the state is over when it was not told again for so long. 0: the source ends it.
	Expires time.Duration `json:"-"`
}

// Reading is a number that a device measured, by the device's own name; edge/sensor gives it its source and grid.
type Reading struct {
	Device   string    `json:"device"`
	Quantity string    `json:"quantity"` // lower-case name, for example "temperature"
	Value    float64   `json:"value"`
	Unit     string    `json:"unit"` // UCUM code
	At       time.Time `json:"at,omitzero"`
	Kept     bool      `json:"-"` // see [Observation]
}

// Translation is everything that one message of a dialect meant. Either Ignored says why nothing was understood, or the
// lists say what was. Dropped names the paths that no rule took; a key that the dialect does not know is written "*",
// since a key can be an identity.
type Translation struct {
	Observations []Observation `json:"observations"`
	Readings     []Reading     `json:"readings"`
	Dropped      []string      `json:"dropped"`
	Ignored      string        `json:"ignored,omitzero"`
	// Quiet: the message was understood and has nothing to tell (a heartbeat, a description), although Ignored says so in words.
	Quiet bool `json:"-"`
	Meta  Meta `json:"meta"`
}

// Meta is where and when a message came from, as far as its source told.
type Meta struct {
	Topic   string    `json:"topic,omitzero"`
	Channel string    `json:"channel,omitzero"`
	Time    time.Time `json:"time,omitzero"`
}
