package desired

import (
	"fmt"

	"gridgate/edge/trial"
)

// Health is how well an edge is. Devices are named, so that those that are in one configuration alone do not count.
type Health struct {
	Outbox   bool            `json:"outbox"`            // it answers
	Central  bool            `json:"central"`           // central answered the last time, in this start
	Why      string          `json:"-"`                 // why central does not, in one line without addresses
	Restarts uint64          `json:"-"`                 // of decoder workers, in this start
	Cameras  map[string]bool `json:"cameras,omitempty"` // it streams
	Brokers  map[string]bool `json:"brokers,omitempty"` // it is connected
	Sensors  map[string]bool `json:"sensors,omitempty"` // it was heard; one that waits for its first message is in none of the two
}

// maxRestarts of decoder workers are more than a stream that begins costs.
const maxRestarts = 5

// Compare says how an edge is compared with how it was, and what is worse in one line.
func Compare(before, now Health) (trial.Verdict, string) {
	switch {
	case !now.Outbox:
		return trial.Ill, "the outbox does not answer"
	case now.Restarts > maxRestarts:
		return trial.Ill, "decoders crash again and again"
	case before.Central && !now.Central && now.Why != "":
		return trial.Ill, "central is not reached any more: " + now.Why
	case before.Central && !now.Central:
		return trial.Ill, "central is not reached any more"
	}
	for _, kind := range []struct {
		what        string
		before, now map[string]bool
	}{{"cameras that stream", before.Cameras, now.Cameras}, {"brokers that are connected", before.Brokers, now.Brokers}, {"sensors that are heard", before.Sensors, now.Sensors}} {
		if was, is := common(kind.before, kind.now); is < was {
			return trial.Unsure, fmt.Sprintf("fewer %s: %d of %d", kind.what, is, was)
		}
	}
	return trial.Well, ""
}

// common counts, of what is in both, what is good in each.
func common(before, now map[string]bool) (was, is int) {
	for name, good := range before {
		still, known := now[name]
		if !known {
			continue
		}
		if good {
			was++
		}
		if still {
			is++
		}
	}
	return was, is
}
