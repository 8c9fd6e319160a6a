// Package ingest is the contract between an edge and central: paths, headers, batches, receipts and sync.
//
// In: values of the alert package. Out: the JSON bodies that both sides read and write. The clients live in edge/forward and edge/enrol,
// the servers in central/ingest, central/fleet and central/enrol; nothing else knows these paths. There is no other channel into an edge, and nothing dials in.
package ingest

import (
	"time"

	"gridgate/protocols/alert"
)

// SchemaVersion is the version of the alert schema that this build speaks. Central is upgraded first and accepts every
// version up to its own; an edge holds what central does not know yet.
const SchemaVersion = 1

// Paths of central, relative to its base URL. {sha256} and {id} are path segments.
const (
	EventsPath   = "/v1/events"
	ReadingsPath = "/v1/readings"
	EvidencePath = "/v1/evidence/" // + sha256
	SyncPrefix   = "/v1/edges/"    // + edge + SyncSuffix
	SyncSuffix   = "/sync"
)

// Headers of a batch.
const (
	LaneHeader  = "Gridgate-Lane"  // the one lane of the batch, so that admission precedes parsing
	EpochHeader = "Gridgate-Epoch" // the outbox epoch (a replaced damaged file is a new epoch)
	// SchemaHeader is the newest schema that an alert of the batch needs. Central answers a newer one than its own with 409 and its
	// own in the same header: the edge holds those alerts until a sync says that central knows them. They are never dead letters.
	SchemaHeader = "Gridgate-Schema"
)

// Limits of one request.
const (
	MaxBatch     = 1000    // events, or readings
	MaxBatchBody = 8 << 20 // bytes, after decompression
	MaxSyncBody  = 1 << 20 // bytes
)

// Outcome says what became of one event.
type Outcome string

// The outcomes. Accepted and Duplicate both mean that the event is on central's stable storage.
const (
	Accepted  Outcome = "accepted"
	Duplicate Outcome = "duplicate"
	Rejected  Outcome = "rejected"
)

// Receipt answers one event of a batch. ID is empty only if the event had none that could be read.
type Receipt struct {
	ID      string  `json:"id"`
	Outcome Outcome `json:"outcome" enum:"accepted,duplicate,rejected"`
	Reason  string  `json:"reason,omitempty"` // for Rejected: which field, which rule
}

// Receipts is the answer to a batch, given after the commit, in the order of the batch.
type Receipts struct {
	Receipts []Receipt `json:"receipts"`
}

// Readings is the body of a readings upload. Points are idempotent in (source, quantity, at).
type Readings struct {
	Readings []alert.Reading `json:"readings"`
}

// ReadingsReceipt answers [Readings] once the points are in the time-series database. Rejected ones are named by index.
type ReadingsReceipt struct {
	Accepted int               `json:"accepted"`
	Rejected []RejectedReading `json:"rejected,omitempty"`
}

// RejectedReading names a reading by its index in the request and says why it was refused.
type RejectedReading struct {
	Index  int    `json:"index"`
	Reason string `json:"reason"`
}

// DeviceState is what an edge tells of one camera or sensor.
type DeviceState struct {
	ID       string    `json:"id"`
	Family   string    `json:"family" enum:"cameras,sensors"`
	Grid     string    `json:"grid"`
	State    string    `json:"state"`         // for a camera: connecting, streaming, auth-failed, unreachable, no-keyframe, stalled, unsupported
	Why      string    `json:"why,omitempty"` // one line, without addresses or credentials
	Since    time.Time `json:"since"`
	LastSeen time.Time `json:"lastSeen,omitzero"`
	Zones    []Zone    `json:"zones,omitempty"` // of a camera
	// Lane is the most urgent lane in which its alerts travel. What travels as life-safety is never disarmed; empty: the edge does not say,
	// and central takes a sensor for one that does.
	Lane alert.Lane `json:"lane,omitempty" enum:"life-safety,normal,bulk"`
	// Arrangement is the version of the [Arrangement] in force, 0 for the file's own zones; Refused says why a newer one is not.
	Arrangement int64  `json:"arrangement,omitzero"`
	Refused     string `json:"refused,omitempty"`
	// Register is what the edge's configuration says of a camera; nil for a sensor, and where the edge does not say.
	Register *Register `json:"register,omitempty"`
}

// Zone is one zone of a camera and how it is armed.
type Zone struct {
	Name string `json:"name"`
	Mode string `json:"mode" enum:"armed,disarmed,walk-test"`
}

// LaneState is the outbox of an edge in one lane.
type LaneState struct {
	Lane      alert.Lane `json:"lane" enum:"life-safety,normal,bulk"`
	Pending   int64      `json:"pending"`
	OldestSec float64    `json:"oldestSec"`     // age of the oldest pending alert in seconds, 0 if none
	Shed      int64      `json:"shed,omitzero"` // given up for want of room or coalesced, in this epoch
	Held      int64      `json:"held,omitzero"` // pending ones that need a newer central
}

// SyncRequest goes up about once a minute and on change.
type SyncRequest struct {
	Schema        int                `json:"schema"`
	Software      string             `json:"software"`
	StartedAt     time.Time          `json:"startedAt"`
	Now           time.Time          `json:"now"` // the edge's clock, so that central can tell its skew
	ConfigVersion string             `json:"configVersion"`
	Devices       []DeviceState      `json:"devices"`
	Outbox        []LaneState        `json:"outbox"`
	DeadLetters   int64              `json:"deadLetters"`
	Metrics       map[string]float64 `json:"metrics,omitempty"` // the edge's own, a closed list of at most 64 names
	// Orders is the revision of the [Orders] that the edge follows, empty for none. If central has others it answers at once; if not, it
	// may hold the answer for up to WaitSec seconds until it has. 0: never.
	Orders  string `json:"orders,omitempty"`
	WaitSec int    `json:"waitSec,omitzero"`
	// Platform is what the edge runs on, as in "linux-amd64".
	Platform string `json:"platform,omitempty"`
	// Configuration and Release tell how far the edge is with what central wants it to run; nil: nothing was ever wanted.
	Configuration *ConfigurationState `json:"configuration,omitempty"`
	Release       *ReleaseState       `json:"release,omitempty"`
}

// SyncResponse comes down.
type SyncResponse struct {
	Now           time.Time `json:"now"`              // central's clock
	Schema        int       `json:"schema"`           // newest schema that central accepts
	ConfigVersion string    `json:"configVersion"`    // version that central wants the edge to run; empty: no wish
	Orders        *Orders   `json:"orders,omitempty"` // nil: those that the edge follows
}
