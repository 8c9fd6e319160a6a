package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gridgate/central/rollout"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
	"gridgate/protocols/release"
)

// Rollout brings a build to edges, see [gridgate/central/rollout].
type Rollout struct {
	ID       string    `json:"id"`
	Version  string    `json:"version"`
	TrialSec int64     `json:"trialSec,omitzero"`
	Reason   string    `json:"reason"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	// TakenBack says that an aborted one was taken back from all: whoever is given the same build later has it of another rollout.
	TakenBack bool `json:"takenBack,omitzero"`
	rollout.Rollout

	document int64 // version of its document
}

// member is an edge of a plan.
type member struct {
	Edge   string `json:"edge"`
	Before string `json:"before,omitempty"` // version that it ran when the rollout began; empty: one without a number
}

// Wish is what is asked for when a rollout begins.
type Wish struct {
	Version  string
	Edges    []string
	Waves    []string // as of [rollout.ParseWaves]
	Failures int
	Trial    time.Duration // 0: the edges' default
	Reason   string
	Actor    string
}

// Bounds of rollouts.
const (
	maxReason = 200 // runes
	maxShown  = 50  // of rollouts that are looked at
	// inTouch is how long after its last sync an edge counts as one that can be given something.
	inTouch = 3 * time.Minute
)

// Begin begins a rollout. An edge can be in one open rollout of a build at a time.
func (c *Catalogue) Begin(ctx context.Context, w Wish) (r Rollout, err error) {
	if err := c.check(ctx, &w); err != nil {
		return r, err
	}
	open, err := c.Rollouts(ctx)
	if err != nil {
		return r, err
	}
	for _, o := range open {
		if o.Over() {
			continue
		}
		members, err := c.plan(ctx, o.ID)
		if err != nil {
			return r, err
		}
		for _, m := range members {
			if slices.Contains(w.Edges, m.Edge) {
				return r, fmt.Errorf("%s is part of the rollout %s: let that end, or abort it", m.Edge, o.ID)
			}
		}
	}
	state, err := rollout.New(len(w.Edges), w.Waves, w.Failures)
	if err != nil {
		return r, err
	}
	now := c.now().UTC()
	r = Rollout{ID: now.Format("r20060102t150405.000000"), Version: release.Name(w.Version), TrialSec: int64(w.Trial / time.Second), Reason: w.Reason, By: w.Actor, At: now, Rollout: state}
	return r, c.begin(ctx, r, w.Edges)
}

func (c *Catalogue) check(ctx context.Context, w *Wish) error {
	builds, err := c.List(ctx)
	if err != nil {
		return err
	}
	slices.Sort(w.Edges)
	w.Edges = slices.Compact(w.Edges)
	w.Reason = strings.TrimSpace(w.Reason)
	switch {
	case !slices.ContainsFunc(builds, func(b Build) bool { return release.Same(b.Manifest.Version, w.Version) }):
		return fmt.Errorf("no build %.40q is stored", w.Version)
	case len(w.Edges) == 0 || len(w.Edges) > rollout.MaxTargets:
		return fmt.Errorf("a rollout has 1 to %d edges", rollout.MaxTargets)
	case w.Reason == "" || len([]rune(w.Reason)) > maxReason:
		return fmt.Errorf("a reason is demanded, of %d letters at most", maxReason)
	case w.Trial < 0 || w.Trial > ingest.MaxTrialTime:
		return fmt.Errorf("a trial takes at most %s", ingest.MaxTrialTime)
	}
	return nil
}

func (c *Catalogue) begin(ctx context.Context, r Rollout, edges []string) error {
	var members []member
	for _, name := range edges {
		e, err := c.store.Edge(ctx, name)
		if err != nil {
			return fmt.Errorf("edge %s: %w", name, err)
		}
		m := member{Edge: name}
		if _, err := release.ParseVersion(e.Report.Software); err == nil {
			m.Before = release.Name(e.Report.Software)
		}
		members = append(members, m)
	}
	plan, err := json.Marshal(members)
	if err != nil {
		return fmt.Errorf("encode the plan: %w", err)
	}
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode the rollout: %w", err)
	}
	return c.store.PutDocuments(ctx, []store.Document{
		{Kind: KindPlan, ID: r.ID, Version: 1, Body: plan, At: r.At, Actor: r.By},
		{Kind: KindRollout, ID: r.ID, Version: 1, Body: body, At: r.At, Actor: r.By},
	})
}

// Rollouts returns the last ones, newest first.
func (c *Catalogue) Rollouts(ctx context.Context) (list []Rollout, err error) {
	docs, err := c.store.DocumentsBefore(ctx, KindRollout, "", maxShown)
	if err != nil {
		return nil, fmt.Errorf("read the rollouts: %w", err)
	}
	for _, d := range docs {
		r, err := rolloutOf(d)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

func rolloutOf(d store.Document) (r Rollout, err error) {
	if err := json.Unmarshal(d.Body, &r); err != nil {
		return r, fmt.Errorf("read the rollout %s: %w", d.ID, err)
	}
	r.document = d.Version
	return r, nil
}

func (c *Catalogue) plan(ctx context.Context, id string) (members []member, err error) {
	d, err := c.store.Document(ctx, KindPlan, id)
	if err != nil {
		return nil, fmt.Errorf("read the plan of %s: %w", id, err)
	}
	return members, json.Unmarshal(d.Body, &members)
}

// The ways to act on a rollout.
const (
	Pause  = "pause"
	Resume = "resume"
	Abort  = "abort"
)

// Act pauses, resumes or aborts a rollout. [rollout.ErrState] if that cannot be done with it.
func (c *Catalogue) Act(ctx context.Context, id, what, actor string) (r Rollout, err error) {
	for range 5 { // the central that leads writes, too
		d, err := c.store.Document(ctx, KindRollout, id)
		if err != nil {
			return r, err
		}
		if r, err = rolloutOf(d); err != nil {
			return r, err
		}
		if r.Rollout, err = c.act(ctx, r, what); err != nil {
			return r, err
		}
		err = c.put(ctx, KindRollout, id, r.document+1, actor, r)
		if err == nil || !errors.Is(err, store.ErrConflict) {
			return r, err
		}
	}
	return r, store.ErrConflict
}

func (c *Catalogue) act(ctx context.Context, r Rollout, what string) (rollout.Rollout, error) {
	switch what {
	case Pause:
		return r.Rollout.Pause()
	case Abort:
		return r.Rollout.Abort()
	case Resume:
		targets, err := (&driver{catalogue: c}).targets(ctx, r)
		if err != nil {
			return r.Rollout, err
		}
		return r.Rollout.Resume(rollout.Count(targets).Failed)
	}
	return r.Rollout, fmt.Errorf("a rollout is paused, resumed or aborted, not %.20q", what)
}

// Progress says how the edges of a rollout are, in the order in which they get it.
func (c *Catalogue) Progress(ctx context.Context, id string) (r Rollout, targets []rollout.Target, err error) {
	d, err := c.store.Document(ctx, KindRollout, id)
	if err != nil {
		return r, nil, err
	}
	if r, err = rolloutOf(d); err != nil {
		return r, nil, err
	}
	targets, err = (&driver{catalogue: c}).targets(ctx, r)
	return r, targets, err
}
