package ingest

import "time"

// Discovery asks an edge which cameras and recorders announce themselves on the networks that it is in. It names no address and no
// account: nothing is tried that a device does not tell everybody who asks all of them. The answer goes up with [DiscoveryPath].
type Discovery struct {
	ID     string    `json:"id"`
	ForSec int64     `json:"forSec"` // how long to listen for answers in seconds, at most [MaxDiscoveryFor]
	Until  time.Time `json:"until"`  // by central's clock: nobody waits for a result then any more
}

// DiscoveryResult answers a [Discovery].
type DiscoveryResult struct {
	Why   string  `json:"why,omitempty"`  // why there is no answer, in one line
	More  bool    `json:"more,omitempty"` // there were more than [MaxFound]
	Found []Found `json:"found,omitempty"`
}

// Found is a device that was found. It has no serial number, no name that somebody gave it, and no account.
type Found struct {
	Address      string   `json:"address"`                // IP address, in the networks of the edge
	Protocols    []string `json:"protocols,omitempty"`    // of [FoundProtocols]
	Manufacturer string   `json:"manufacturer,omitempty"` // empty: it did not say, or it is not known to be one
	Model        string   `json:"model,omitempty"`
	Notes        []string `json:"notes,omitempty"`    // what is not known, in words
	Proposal     string   `json:"proposal,omitempty"` // entries under cameras: of the edge's file, YAML, without a secret
}

// FoundProtocols are what a device may be found to speak.
var FoundProtocols = []string{"onvif", "hikvision", "dahua", "rtsp", "http"}

// Bounds of a [Discovery] and its result.
const (
	MaxDiscoveryFor    = 30 * time.Second
	MaxFound           = 256     // devices
	MaxFoundText       = 64      // characters of an address, a manufacturer or a model
	MaxFoundNotes      = 8       // of a device,
	MaxFoundNote       = 200     // characters each
	MaxProposal        = 8 << 10 // bytes of the proposal for one device
	MaxDiscoveryResult = 1 << 20 // bytes, as JSON
)

// DiscoveryPath is where a [DiscoveryResult] goes by PUT. 204, or 410 if nobody waits any more.
func DiscoveryPath(edge, discovery string) string {
	return SyncPrefix + edge + "/discoveries/" + discovery
}
