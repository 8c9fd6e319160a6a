package store

import (
	"encoding/json"
	"time"
)

// Horizon says what retention gives free. The zero time keeps all of its sort.
type Horizon struct {
	Cases    time.Time // closed cases whose last event is older, with alerts, history and evidence; alerts that joined no case and were received before
	Evidence time.Time // evidence received before, unless its case is open, acknowledged or held
	Clips    time.Time // sealed clips received before, under the same conditions; zero: as other evidence
	// Sources has its own time for the evidence of some sources, instead of both: at most [MaxSources].
	Sources map[string]time.Time
}

// MaxSources bounds [Horizon.Sources].
const MaxSources = 1000

// Latest is the latest time of any evidence that goes; zero: none does.
func (h Horizon) Latest() time.Time {
	latest := h.Evidence
	for _, t := range h.Sources {
		if t.After(latest) {
			latest = t
		}
	}
	if h.Clips.After(latest) {
		latest = h.Clips
	}
	return latest
}

// BySource is Sources as a JSON object of nanoseconds, for the databases.
func (h Horizon) BySource() (string, error) {
	out := make(map[string]int64, len(h.Sources))
	for source, t := range h.Sources {
		out[source] = Nanos(t)
	}
	text, err := json.Marshal(out)
	return string(text), err
}

// ClipsOr is when sealed clips go.
func (h Horizon) ClipsOr() time.Time {
	if h.Clips.IsZero() {
		return h.Evidence
	}
	return h.Clips
}

// Pruned is what one [Store.Prune] deleted.
type Pruned struct {
	Cases, Alerts, Events, Evidence int64
	More                            bool // call again: there is more to delete
}
