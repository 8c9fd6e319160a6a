// Package raise is step 4 of the pipeline and the only place where observations become alerts.
//
// In: [Signal] values from cameras and sensors. Out: alerts, through a [Log] that has them on stable storage before
// [Raiser.Raise] returns. It debounces, gives each ongoing situation a key, pairs raised with cleared, and never says who.
package raise

import (
	"context"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// Signal is an observation of a configured device, with what the configuration knows of it.
type Signal struct {
	observation.Observation // Device is the configured id; At must be set

	Source      string // see [alert.CameraSource]
	Edge        string
	Grid        string
	Origin      string // detector or dialect
	Clock       alert.Clock
	Uncertainty time.Duration
	Severity    alert.Severity // empty: the default of the kind
	Exercise    bool           // a walk-test or a drill
	Reading     *alert.Measure
}

// Situation is what is known of a key whose state holds: raised and not yet cleared, or (Pending) active for less than
// the minimum of its kind.
type Situation struct {
	Key     string
	AlertID string // of the raised alert; minted when the state began
	Since   time.Time
	Alert   alert.Alert // the raised alert, from which the cleared one is made

	Pending bool         // active, but not for long enough yet: no alert was raised
	Ending  *alert.Alert // the clear that is sent unless the state returns before Due
	Due     time.Time    // edge clock: when Pending becomes raised or Ending is sent; zero where nothing is due
}

// Commit is everything that one call changes, written in one transaction or not at all.
type Commit struct {
	Message  string // identity of the message that caused it; empty for none. Seen before: nothing is written
	First    bool   // Message is new, although an equal identity may be known: it is written, and takes the place of that one
	Alerts   []alert.Alert
	Readings []alert.Reading
	Opened   []Situation // opened or changed: each replaces what is stored for its key
	Closed   []string    // keys
}

// firstDelivery marks what [FirstDelivery] returns; no identity begins with it.
const firstDelivery = "first "

// FirstDelivery marks the identity of a message that, by its source's word, was never sent before (MQTT: DUP is 0). Packet
// identifiers are used again: without this word, a second press of a button would be taken for the first one sent twice.
func FirstDelivery(message string) string { return firstDelivery + message }

// Log is where raise keeps what must survive a crash. The outbox implements it; replay uses [Memory].
type Log interface {
	// Situations returns the open situations, at start.
	Situations(ctx context.Context) ([]Situation, error)
	// Commit returns nil only once everything is on stable storage, but for the readings and bulk alerts that the log sheds,
	// and counts, for want of room: what is shed is dealt with, too. duplicate means that Message was committed before.
	// An error means that nothing was written: an implementation that has begun to write waits for the end, whatever
	// becomes of ctx. It is safe for concurrent use, and calls that overlap may share one write.
	Commit(ctx context.Context, c Commit) (duplicate bool, err error)
}
