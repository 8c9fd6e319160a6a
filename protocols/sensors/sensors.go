// Package sensors is the family of MQTT sensor dialects: one sub-package per way in which sensors speak.
//
// In: one message, as topic and payload. Out: an [observation.Translation], built from an allow-list. A dialect is pure: it
// keeps no state, reads no clock, does no I/O and never panics, whatever the bytes. It never guesses: a value of the wrong
// type is named in Dropped, and a payload that means nothing says why in Ignored. It never lets an identity through: a key
// that it does not know is written "*", values of such keys are not looked at, and no payload is kept.
package sensors

import (
	"fmt"
	"slices"
	"strings"

	"gridgate/protocols/observation"
)

// Limits of one message. What exceeds them is ignored with a reason.
const (
	MaxPayload = 64 << 10 // bytes
	MaxDepth   = 16       // nesting of JSON
	MaxTopic   = 512      // bytes
)

// Dialect understands the messages of one kind of sensor gateway.
type Dialect interface {
	// Translate says what a message meant. The topic is that of the broker; retained says that the broker told an old
	// message again. The lists of the result are never nil, and Ignored is set when nothing was understood.
	Translate(topic string, payload []byte, retained bool) observation.Translation
}

// Registry names the dialects. It is filled in one visible place, in the app.
type Registry map[string]Dialect

// Get returns the dialect of a name or an error that lists the known ones.
func (r Registry) Get(name string) (Dialect, error) {
	if d, ok := r[name]; ok {
		return d, nil
	}
	return nil, fmt.Errorf("unknown dialect %q (known: %s)", name, strings.Join(r.Names(), ", "))
}

// Names lists the dialects in alphabetical order.
func (r Registry) Names() []string {
	names := make([]string, 0, len(r))
	for name := range r {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Ignored is the translation of a message of which nothing was understood.
func Ignored(topic, reason string) observation.Translation {
	return observation.Translation{
		Observations: []observation.Observation{}, Readings: []observation.Reading{}, Dropped: []string{},
		Ignored: reason, Meta: observation.Meta{Topic: topic},
	}
}
