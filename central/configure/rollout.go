package configure

import (
	"time"

	"gridgate/central/rollout"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

// Rollout brings a version of a layer to edges, wave by wave, see [gridgate/central/rollout].
type Rollout struct {
	ID       string    `json:"id"`
	Layer    string    `json:"layer"`
	Version  int64     `json:"version"`
	Digest   string    `json:"digest,omitempty" doc:"SHA-256 of the layer's text"`
	Reason   string    `json:"reason"`
	At       time.Time `json:"at" doc:"when it began"`
	By       string    `json:"by"`
	TrialSec int64     `json:"trialSec,omitempty"`
	rollout.Rollout
	Stop    *Stop     `json:"stop,omitempty" doc:"why it stopped by itself"`
	Changed time.Time `json:"changed" doc:"when its state changed last"`

	version int64 // of its document
}

// Stop is why a rollout stopped by itself.
type Stop struct {
	At       time.Time          `json:"at"`
	Failed   int                `json:"failed" doc:"edges that refused it or went back"`
	Edge     string             `json:"edge" doc:"the first of them"`
	State    ingest.WantedState `json:"state"`
	Why      string             `json:"why,omitempty"`
	Problems []Located          `json:"problems,omitempty"`
}

// Located is a problem that an edge told, with the place where its line was written.
type Located struct {
	ingest.Problem
	Layer  string `json:"layer,omitempty" doc:"the layer that has the line"`
	LineIn int    `json:"lineIn,omitzero" doc:"the line in that layer"`
}

// plan is the body of a [KindPlan]: the edges in the order in which they get it.
type plan struct {
	Edges []string `json:"edges"`
}

// Used is a version of a layer that an edge's text is made of.
type Used struct {
	Layer   string `json:"layer"`
	Version int64  `json:"version"`
	Text    string `json:"text"` // digest
}

// assigned is the body of a [KindAssigned]: what an edge's text is made of.
type assigned struct {
	Layers   []Used `json:"layers"`
	Revision string `json:"revision"`
	Bytes    int64  `json:"bytes"`
	Rollout  string `json:"rollout"`          // that brought it; empty: it was taken back
	Before   []Used `json:"before,omitempty"` // what was before that rollout

	version int64 // of the document
	at      time.Time
}

// Progress is how far an edge is with what is wanted of it.
type Progress string

// The degrees, beside the states that edges report.
const (
	Away    Progress = "away"    // not in touch: it gets it when it comes
	Waiting Progress = "waiting" // in touch, and has said nothing of it yet
	Alone   Progress = "alone"   // nothing is wanted, and the edge runs its own file
)

// reported is what an edge says of what is wanted of it; empty: nothing yet. A report counts if it came after the wish.
func reported(a assigned, e store.Edge) ingest.WantedState {
	c := e.Report.Configuration
	switch fresh := e.LastSync.After(a.at); {
	case !fresh:
	case a.Revision == "" && (c == nil || c.Running == "" && c.State != ingest.WantedTrying):
		return ingest.WantedInForce // the edge's own file alone
	case c != nil && c.Wanted == a.Revision:
		return c.State
	}
	return ""
}

// progress judges an edge for people.
func progress(a assigned, e store.Edge, now time.Time) Progress {
	state, away := reported(a, e), now.Sub(e.LastSync) > inTouch
	switch state {
	case ingest.WantedInForce:
		if a.Revision == "" {
			return Alone
		}
	case ingest.WantedRefused, ingest.WantedRolledBack:
	default:
		if away {
			return Away
		}
	}
	if state == "" {
		return Waiting
	}
	return Progress(state)
}

// failed says whether the edge will not have it.
func (p Progress) failed() bool {
	return p == Progress(ingest.WantedRefused) || p == Progress(ingest.WantedRolledBack)
}

// member is an edge of a rollout.
type member struct {
	has assigned
	e   store.Edge
	rollout.Target
}

func memberOf(name string, r Rollout, has assigned, e store.Edge, now time.Time) member {
	m := member{has: has, e: e, Target: rollout.Target{Edge: name, Given: has.Rollout == r.ID, InTouch: now.Sub(e.LastSync) <= inTouch}}
	if m.Given {
		m.State = reported(has, e)
		if c := e.Report.Configuration; c != nil {
			m.Why = c.Why
		}
	}
	return m
}
