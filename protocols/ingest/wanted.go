package ingest

import "time"

// WantedConfiguration names the configuration that central wants of an edge. Its text is fetched from [ConfigurationPath]. It can say no more
// than the edge's own file lets central say: which sections those are stands in that file alone.
type WantedConfiguration struct {
	Revision string `json:"revision"` // SHA-256 of the text, 64 hexadecimal digits
	Bytes    int64  `json:"bytes"`    // of the text, at most [MaxConfiguration]
	// TrialSec is for how long the edge watches its own health before the configuration stays, in seconds, at most [MaxTrialTime]; 0: the
	// edge's default.
	TrialSec int64 `json:"trialSec,omitzero"`
}

// WantedRelease names the build that central wants an edge to run. The archive is fetched from [ReleasePath]. The edge believes nothing of
// it but the signature by a key that its own file names: central stores what others signed.
type WantedRelease struct {
	Version string `json:"version"`
	// TrialSec is for how long the edge watches its own health before the build stays, in seconds; 0: the edge's default.
	TrialSec int64 `json:"trialSec,omitzero"`
}

// WantedState says how far an edge is with something that central wants of it.
type WantedState string

// The states. Refused and RolledBack are final for what was wanted: the edge does not try the same again until something else was wanted or
// it is wanted anew.
const (
	WantedFetching   WantedState = "fetching"    // not here yet
	WantedTrying     WantedState = "trying"      // in force, and watched
	WantedInForce    WantedState = "in-force"    // in force, and stays
	WantedRefused    WantedState = "refused"     // judged, and never in force
	WantedRolledBack WantedState = "rolled-back" // was in force, and what was before is again
)

// Why something that is wanted is still [WantedFetching] although nothing is wrong: one thing is on trial at a time.
const (
	WhyBuildOnTrial         = "a build is on trial; this comes after it"
	WhyConfigurationOnTrial = "a configuration is on trial; this comes after it"
)

// WantedStates are all of them.
var WantedStates = []WantedState{WantedFetching, WantedTrying, WantedInForce, WantedRefused, WantedRolledBack}

// ConfigurationState is what an edge tells of the configuration that central wants.
type ConfigurationState struct {
	Wanted   string      `json:"wanted"`             // the revision that this is about
	State    WantedState `json:"state"`              // how far it is
	Running  string      `json:"running,omitempty"`  // the revision in force; empty: the edge's own file alone
	Why      string      `json:"why,omitempty"`      // of refused, rolled-back, and fetching that takes its time, one line
	Problems []Problem   `json:"problems,omitempty"` // of refused, at most [MaxProblems]
	Since    time.Time   `json:"since"`
	// Sections are those that the edge's own file lets central say; empty: none, and every configuration is refused.
	Sections []string `json:"sections,omitempty"`
}

// Problem is something that is wrong in a configuration. No text of it repeats a value.
type Problem struct {
	Line   int    `json:"line"`  // 1 is the first; 0: none of its own
	Field  string `json:"field"` // path, as in cameras[0].url
	What   string `json:"what"`
	Remedy string `json:"remedy,omitempty"`
}

// ReleaseState is what an edge tells of the build that central wants.
type ReleaseState struct {
	Wanted  string      `json:"wanted"` // the version that this is about
	State   WantedState `json:"state"`
	Why     string      `json:"why,omitempty"` // of refused, rolled-back, and fetching that takes its time, one line
	Since   time.Time   `json:"since"`
	Trusted bool        `json:"trusted"` // the edge's own file names a key, so that it takes releases at all
}

// Bounds of what is wanted.
const (
	MaxConfiguration = 512 << 10 // bytes of the text
	MaxProblems      = 50
	MaxTrialTime     = time.Hour
	MaxRelease       = 256 << 20 // bytes of an archive
)

// ConfigurationPath is where the text of a [WantedConfiguration] is fetched by GET (application/yaml) with the token of the very edge. 404 if
// it is not wanted of this edge.
func ConfigurationPath(edge, revision string) string {
	return SyncPrefix + edge + "/configurations/" + revision
}

// ReleasePath is where the signed archive of a [WantedRelease] for a platform ("linux-amd64") is fetched by GET (application/octet-stream; byte
// ranges are served) with the token of the very edge. 404 if it is not wanted of this edge.
func ReleasePath(edge, version, platform string) string {
	return SyncPrefix + edge + "/releases/" + version + "/" + platform
}
