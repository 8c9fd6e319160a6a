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

// Situation is an ongoing situation: it was raised and not yet cleared.
type Situation struct {
	Key     string
	AlertID string // of the raised alert
	Since   time.Time
	Alert   alert.Alert // the raised alert, from which the cleared one is made
}

// Commit is everything that one call changes, written in one transaction or not at all.
type Commit struct {
	Message  string // identity of the message that caused it; empty for none. Seen before: nothing is written
	Alerts   []alert.Alert
	Readings []alert.Reading
	Opened   []Situation
	Closed   []string // keys
}

// Log is where raise keeps what must survive a crash. The outbox implements it; replay has one in memory.
type Log interface {
	// Situations returns the open situations, at start.
	Situations(ctx context.Context) ([]Situation, error)
	// Commit returns nil only once everything is on stable storage. duplicate means that Message was committed before.
	Commit(ctx context.Context, c Commit) (duplicate bool, err error)
}
