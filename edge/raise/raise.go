// Package raise is step 4 of the pipeline and the only place where observations become alerts.
//
// In: [Signal] values from cameras and sensors. Out: alerts, through a [Log] that has them on stable storage before
// [Raiser.Raise] returns. It debounces, gives each ongoing situation a key, pairs raised with cleared, and never says who.
package raise

import (
	"context"
	"strings"
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

	// By names who concludes it beside the device itself, a rule for example: what it says begins and ends situations of its own, so
	// that the device and its rules do not end each other's. Empty: the device.
	By string
	// Patience is that of this signal; nil: that of its kind. No more of its MinActive counts than [LongestWait] allows.
	Patience *Debounce
}

// Key names the situation that a signal tells of: that of [alert.KeyOf], and By behind it.
func (s Signal) Key() string {
	key := alert.KeyOf(s.Edge, s.Device, s.Zone, s.Kind)
	if s.By != "" {
		key += "/" + s.By
	}
	return key
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

// By is the one of the signals that began the situation.
func (s Situation) By() string {
	edge, _, device, err := alert.ParseSource(s.Alert.Source)
	if err != nil {
		return ""
	}
	by, _ := strings.CutPrefix(s.Key, alert.KeyOf(edge, device, s.Alert.Zone, s.Alert.Kind))
	return strings.TrimPrefix(by, "/")
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
