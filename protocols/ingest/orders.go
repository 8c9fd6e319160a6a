package ingest

import "time"

// Orders are what central wants of an edge, in the answer to a sync. They say how things shall be, not what to do: an edge that hears the
// same orders twice, or an hour late, ends up the same. They can ask for less than the edge's own file allows, never for more: a mask of
// the file stays, a camera without pictures gives none, nothing in them names an address or a credential, and a configuration or a build
// is taken only as far as that file says so.
type Orders struct {
	// Revision changes whenever anything below does. The edge repeats what it last heard in [SyncRequest.Orders]. Empty: nothing is
	// wanted, and whatever was is over.
	Revision string `json:"revision"`
	// Cameras are those whose zones and masks were drawn at the centre. A camera that is not listed has what its file says.
	Cameras []Arrangement `json:"cameras,omitempty"`
	Modes   []ModeOrder   `json:"modes,omitempty"`
	Looks   []Look        `json:"looks,omitempty"`
	Trials  []Trial       `json:"trials,omitempty"`
	// Discoveries ask the edge to look for cameras.
	Discoveries []Discovery `json:"discoveries,omitempty"`
	// Configuration and Release are what the edge shall run; nil: whatever it runs.
	Configuration *WantedConfiguration `json:"configuration,omitempty"`
	Release       *WantedRelease       `json:"release,omitempty"`
}

// Bounds of [Orders].
const (
	MaxArrangements  = 1000 // cameras of an edge
	MaxOrderZones    = 16   // of a camera
	MaxOrderMasks    = 16   // of a camera, beside those of the file
	MaxOutlinePoints = 64
	// MaxMinDuration is how long something must move at most before it counts in a zone.
	MaxMinDuration = time.Minute
	MaxLooks       = 4 // of an edge, at a time
	MaxTrials      = 4 // of an edge, at a time
	MaxDiscoveries = 1 // of an edge, at a time
	MaxModeOrders  = 500
	MaxOrders      = 1 << 20 // bytes of all that is wanted of an edge, as JSON
	// MaxWait is how long an edge may ask for its sync to be held.
	MaxWait = 50 * time.Second
	// MinLookEvery is the least time between two pictures of a look: at most two a second.
	MinLookEvery = 500 * time.Millisecond
	MaxLookFor   = 5 * time.Minute
)

// Outline is a closed polygon: points [x, y] relative to the picture, 0 to 1, the origin top left.
type Outline [][2]float64

// Arrangement is how a camera's picture is divided. It takes the place of the zones of the edge's file, and its masks come on top of
// those of the file. A zone that stood in the file keeps its schedule and its presence hook by name.
type Arrangement struct {
	Camera  string      `json:"camera"`
	Version int64       `json:"version"` // the edge repeats the one in force in [DeviceState.Arrangement]
	Zones   []OrderZone `json:"zones,omitempty"`
	Masks   []Outline   `json:"masks,omitempty"`
}

// OrderZone is a zone that was drawn at the centre.
type OrderZone struct {
	Name    string  `json:"name"`
	Outline Outline `json:"outline,omitempty"` // empty: the whole picture
	// MinArea is the smallest region that counts, as a share of the picture; 0: the edge's default.
	MinArea float64 `json:"minArea,omitzero"`
	// MinDurationMs is how long something must move before it counts, in milliseconds; 0: the detector's default.
	MinDurationMs int64 `json:"minDurationMs,omitzero"`
}

// ModeOrder arms, disarms or tests for a while; afterwards the file's mode holds again. Life-safety sensors cannot be disarmed, only tested.
type ModeOrder struct {
	Device string    `json:"device"`         // camera or sensor of the edge
	Zone   string    `json:"zone,omitempty"` // of a camera; empty: all of it
	Mode   string    `json:"mode" enum:"armed,disarmed,walk-test"`
	Until  time.Time `json:"until"`
}

// Look asks for redacted pictures of a camera as it is now. Each goes up with [LookPath]; central's answer 410 ends it.
type Look struct {
	ID      string    `json:"id"`
	Camera  string    `json:"camera"`
	Until   time.Time `json:"until"`            // by central's clock
	EveryMs int64     `json:"everyMs"`          // least time between two pictures in milliseconds, at least [MinLookEvery]
	Count   int       `json:"count,omitzero"`   // pictures after which it is over; 0: until it ends. 1 is a still to draw on
	MaxSide int       `json:"maxSide,omitzero"` // width at most in pixels; 0: as pictures of alerts are
}

// Trial asks what an arrangement would have raised over what the edge last saw of a camera. The answer goes up with [TrialPath].
type Trial struct {
	ID      string      `json:"id"`
	Camera  string      `json:"camera"`
	Zones   []OrderZone `json:"zones,omitempty"`
	Masks   []Outline   `json:"masks,omitempty"`
	LastSec int64       `json:"lastSec"` // how far back in seconds
}

// TrialResult answers a [Trial].
type TrialResult struct {
	From    time.Time    `json:"from"` // of what was there to look at
	To      time.Time    `json:"to"`
	Samples int64        `json:"samples"`       // pictures that had been looked at in that time
	Why     string       `json:"why,omitempty"` // why there is no answer, in one line
	Would   []TrialEvent `json:"would,omitempty"`
	Did     []TrialEvent `json:"did,omitempty"` // what was raised in fact
}

// TrialEvent is one situation of a trial.
type TrialEvent struct {
	Zone string    `json:"zone"`
	Kind string    `json:"kind"`
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// MaxTrialEvents bounds each list of a [TrialResult].
const MaxTrialEvents = 200

// LookPath is where a picture of a look goes by PUT (image/jpeg, redacted; at most [MaxLookPicture] bytes), relative to central's base URL.
// 204: go on; 410: the look is over.
func LookPath(edge, look string) string { return SyncPrefix + edge + "/looks/" + look }

// TrialPath is where a [TrialResult] goes by PUT. 204, or 410 if nobody waits any more.
func TrialPath(edge, trial string) string { return SyncPrefix + edge + "/trials/" + trial }

// MaxLookPicture is how many bytes a picture of a look may have.
const MaxLookPicture = 512 << 10
