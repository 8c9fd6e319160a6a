// Package rollout decides which edges are given something new next: a few first, and more when those are well with it. Configurations and
// builds use the same engine.
//
// In: the state of a rollout, and of each of its edges whether the wish stands at central, whether it is in touch, and what it reports of it.
// Out: which edges to give it to now, of which to take it back, and the next state. It is pure: it reads no clock and no store and writes
// nothing. What it decides is the same whichever central asks, and asking twice changes nothing, so a central that dies between the
// decision and the write loses nothing. A state has no list of edges, so that it is written only when a wave begins or somebody intervenes.
//
// How it is used, by the one central that leads (see gridgate/central/job), once a second:
//
//	d := r.Step(targets)            // targets in a fixed order, Given by the wishes that stand in the documents
//	... write the wishes of d.Give, take back those of d.Withdraw, put d.Next if d.Changed: all in one put ...
//
// An edge that is away is never given anything, so that nothing comes into force behind the back of a rollout that stopped meanwhile; it is
// given it when it is in touch and its turn has come, and blocks nobody. What takes back means is up to the caller: what was wanted before.
package rollout

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gridgate/protocols/ingest"
)

// State says how a rollout is.
type State string

// The states. Done and Aborted are final.
const (
	Running State = "running"
	Paused  State = "paused"  // by a person; nothing more is given
	Stopped State = "stopped" // by itself: more edges than may refused it or rolled back
	Aborted State = "aborted" // by a person: taken back from all
	Done    State = "done"    // given to all, and settled at all
)

// States are all of them.
var States = []State{Running, Paused, Stopped, Aborted, Done}

// Bounds.
const (
	MaxWaves   = 10
	MaxTargets = 10_000
	// SilentShare is how many edges one may be silent that were given it, and the wave still goes on: among many edges over bad links some
	// always are. Of fewer than that none may be: a canary that falls silent holds up all.
	SilentShare = 10
)

// Rollout is the state. It is kept as JSON by the caller.
type Rollout struct {
	State    State  `json:"state"`
	Waves    []int  `json:"waves"`    // how many edges have it in all once each wave is given, growing; the last is all
	Wave     int    `json:"wave"`     // index of the one that is being given
	Failures int    `json:"failures"` // how many edges may refuse it or roll back before it stops
	Forgiven int    `json:"forgiven"` // how many had when a person let it go on
	Why      string `json:"why,omitempty"`
}

// Target is what is known of one edge.
type Target struct {
	Edge    string
	Given   bool // the wish stands at central
	InTouch bool // it synced not long ago
	// State is what it reports of this very wish, empty if nothing yet. What it reports of another wish does not belong here.
	State ingest.WantedState
	Why   string // of refused and rolled-back
}

func (t Target) failed() bool {
	return t.Given && (t.State == ingest.WantedRefused || t.State == ingest.WantedRolledBack)
}

func (t Target) settled() bool { return t.Given && t.State == ingest.WantedInForce || t.failed() }

// Counts are edges by how they are.
type Counts struct {
	Targets int `json:"targets"`
	Pending int `json:"pending"` // its turn has not come
	Away    int `json:"away"`    // its turn has not come, and it is not in touch
	Given   int `json:"given"`   // it has heard of it or will with its next sync
	Silent  int `json:"silent"`  // it was given it, has not settled, and is not in touch any more
	InForce int `json:"inForce"`
	Failed  int `json:"failed"` // refused or rolled back
}

// Count counts.
func Count(targets []Target) (c Counts) {
	c.Targets = len(targets)
	for _, t := range targets {
		switch {
		case !t.Given && !t.InTouch:
			c.Away++
		case !t.Given:
			c.Pending++
		case t.failed():
			c.Failed++
		case t.settled():
			c.InForce++
		case !t.InTouch:
			c.Silent++
		default:
			c.Given++
		}
	}
	return c
}

// Decision is what is to be done.
type Decision struct {
	Give     []string // edges, in the order of the targets
	Withdraw []string
	Next     Rollout
	Changed  bool // Next is not what it was
	Counts   Counts
}

// New begins a rollout to total edges in waves, as from [ParseWaves].
func New(total int, waves []string, failures int) (Rollout, error) {
	ends, err := ParseWaves(total, waves)
	if err != nil {
		return Rollout{}, err
	}
	if failures < 0 || failures > total {
		return Rollout{}, fmt.Errorf("%d failures of %d edges cannot be let pass", failures, total)
	}
	return Rollout{State: Running, Waves: ends, Failures: failures}, nil
}

// DefaultWaves are one edge, a tenth, and all.
var DefaultWaves = []string{"1", "10%", "100%"}

// ParseWaves turns "1", "10%", "100%" into how many of total edges have it once each wave is given. A share is rounded up. Waves that add
// nothing fall away, and the last is all whether it is named or not. None: [DefaultWaves].
func ParseWaves(total int, waves []string) (ends []int, err error) {
	if total < 1 || total > MaxTargets {
		return nil, fmt.Errorf("a rollout has 1 to %d edges, not %d", MaxTargets, total)
	}
	if len(waves) == 0 {
		waves = DefaultWaves
	}
	if len(waves) > MaxWaves {
		return nil, fmt.Errorf("%d waves, at most %d", len(waves), MaxWaves)
	}
	for _, w := range waves {
		share, percent := strings.CutSuffix(w, "%")
		n, err := strconv.Atoi(share)
		if err != nil || n < 1 || percent && n > 100 {
			return nil, fmt.Errorf("wave %q is neither a number of edges nor a share such as 10%%", w)
		}
		if percent {
			n = (total*n + 99) / 100
		}
		if n = min(n, total); len(ends) == 0 || n > ends[len(ends)-1] {
			ends = append(ends, n)
		}
	}
	if ends[len(ends)-1] < total {
		ends = append(ends, total)
	}
	return ends, nil
}

// Step decides what is to be done now. Targets stand in the order in which they get it.
func (r Rollout) Step(targets []Target) Decision {
	d := Decision{Next: r, Counts: Count(targets)}
	switch r.State {
	case Aborted:
		d.Withdraw = pick(targets, func(t Target) bool { return t.Given })
	case Stopped:
		d.Withdraw = unheard(targets)
	case Running:
		d.run(targets)
	}
	d.Changed = d.Next.State != r.State || d.Next.Wave != r.Wave || d.Next.Why != r.Why
	return d
}

func (d *Decision) run(targets []Target) {
	r := &d.Next
	if d.Counts.Failed > r.Failures+r.Forgiven {
		r.State, r.Why = Stopped, firstFailure(targets)
		d.Withdraw = unheard(targets)
		return
	}
	given := d.Counts.Targets - d.Counts.Pending - d.Counts.Away
	if given >= r.end() && d.waveSettled(given) && r.Wave < len(r.Waves)-1 {
		r.Wave++
	}
	if d.Counts.InForce+d.Counts.Failed == len(targets) {
		r.State = Done
		return
	}
	left := max(r.end()-given, 0)
	d.Give = pick(targets, func(t Target) bool {
		if t.Given || !t.InTouch || left == 0 {
			return false
		}
		left--
		return true
	})
}

// end is how many have it once the wave is given.
func (r Rollout) end() int {
	if r.Wave < 0 || r.Wave >= len(r.Waves) {
		return 0
	}
	return r.Waves[r.Wave]
}

// waveSettled says whether all that were given it are in force or have failed, but for a few that are silent, and at least one is well with
// it.
func (d *Decision) waveSettled(given int) bool {
	return d.Counts.Given == 0 && d.Counts.Silent <= given/SilentShare && d.Counts.InForce > 0
}

// unheard are those that were given it and have not begun with it, so that it can be taken back without a trace.
func unheard(targets []Target) []string {
	return pick(targets, func(t Target) bool { return t.Given && t.State == "" })
}

func firstFailure(targets []Target) string {
	i := slices.IndexFunc(targets, Target.failed)
	return fmt.Sprintf("%s %s: %s", targets[i].Edge, targets[i].State, targets[i].Why)
}

func pick(targets []Target, which func(Target) bool) (edges []string) {
	for _, t := range targets {
		if which(t) {
			edges = append(edges, t.Edge)
		}
	}
	return edges
}

// ErrState is of what cannot be done with a rollout as it is.
var ErrState = errors.New("the rollout is over, or it is so already")

// Pause gives it to nobody more until [Rollout.Resume]. What was given goes on.
func (r Rollout) Pause() (Rollout, error) {
	if r.State != Running {
		return r, ErrState
	}
	r.State = Paused
	return r, nil
}

// Resume lets a paused or stopped rollout go on. Those that failed so far are forgiven: the caller says how many there are.
func (r Rollout) Resume(failed int) (Rollout, error) {
	if r.State != Paused && r.State != Stopped {
		return r, ErrState
	}
	if r.State == Stopped {
		r.Forgiven = failed
	}
	r.State, r.Why = Running, ""
	return r, nil
}

// Abort takes it back from all that were given it. One that is done can be aborted, too.
func (r Rollout) Abort() (Rollout, error) {
	if r.State == Aborted {
		return r, ErrState
	}
	r.State, r.Why = Aborted, ""
	return r, nil
}

// Over says whether nothing more comes of it.
func (r Rollout) Over() bool { return r.State == Done || r.State == Aborted }
