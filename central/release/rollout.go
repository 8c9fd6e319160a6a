package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"gridgate/central/configure"
	"gridgate/central/rollout"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
	"gridgate/protocols/release"
)

// Rollout brings a build to edges, see [gridgate/central/rollout].
type Rollout struct {
	ID       string    `json:"id"`
	Version  string    `json:"version"`
	To       string    `json:"to,omitempty" doc:"all, group:NAME or edge:NAME as it stood when it began; empty: edges by name"`
	TrialSec int64     `json:"trialSec,omitzero"`
	Reason   string    `json:"reason"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	// TakenBack says that an aborted one was taken back from all: whoever is given the same build later has it of another rollout.
	TakenBack bool `json:"takenBack,omitzero" doc:"an aborted one was taken back from all"`
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
	To       string   // all, group:NAME or edge:NAME: those of its edges that ever reported; empty: Edges
	Edges    []string // by name, without To
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

// refuse says what is wrong with what is asked for.
func refuse(why configure.Why, format string, args ...any) error {
	return &configure.Refused{Why: why, Text: fmt.Sprintf(format, args...)}
}

// Begin begins a rollout. An edge can be in one open rollout of a build at a time; one that waits only for edges that are away ends by that.
// What cannot begin as it is asked for is [configure.Refused].
func (c *Catalogue) Begin(ctx context.Context, w Wish) (r Rollout, err error) {
	if err := c.check(ctx, &w); err != nil {
		return r, err
	}
	state, err := rollout.New(len(w.Edges), w.Waves, w.Failures)
	if err != nil {
		return r, refuse(configure.Invalid, "%v", err)
	}
	ended, err := c.outOfTheWay(ctx, w.Edges)
	if err != nil {
		return r, err
	}
	now := c.now().UTC()
	r = Rollout{
		ID: now.Format("r20060102t150405.000000"), Version: release.Name(w.Version), To: w.To, TrialSec: int64(w.Trial / time.Second), Reason: w.Reason, By: w.Actor, At: now, Rollout: state,
	}
	return r, c.begin(ctx, r, w.Edges, ended)
}

// outOfTheWay returns the open rollouts that some of the edges, which are sorted, are part of and that can end: all that are not away have it.
func (c *Catalogue) outOfTheWay(ctx context.Context, edges []string) (ended []Rollout, err error) {
	open, err := c.Rollouts(ctx)
	if err != nil {
		return nil, err
	}
	for _, o := range open {
		if o.Over() {
			continue
		}
		members, err := c.plan(ctx, o.ID)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(members, func(m member) bool { return within(edges, m.Edge) })
		if i < 0 {
			continue
		}
		targets, err := (&driver{catalogue: c}).targets(ctx, o)
		if err != nil {
			return nil, err
		}
		if n := rollout.Count(targets); o.State != rollout.Running || n.Pending+n.Given+n.Silent > 0 {
			return nil, refuse(configure.Conflict, "%s is part of the rollout %s: let that end, or abort it", members[i].Edge, o.ID)
		}
		ended = append(ended, o)
	}
	return ended, nil
}

// within says whether a sorted list has an edge.
func within(edges []string, edge string) bool {
	_, has := slices.BinarySearch(edges, edge)
	return has
}

func (c *Catalogue) check(ctx context.Context, w *Wish) error {
	builds, err := c.List(ctx)
	if err != nil {
		return err
	}
	if w.To != "" {
		if w.Edges, err = c.fleet.Reached(ctx, w.To); err != nil {
			return err
		}
	}
	slices.Sort(w.Edges)
	w.Edges = slices.Compact(w.Edges)
	w.Reason = strings.TrimSpace(w.Reason)
	switch {
	case !slices.ContainsFunc(builds, func(b Build) bool { return release.Same(b.Manifest.Version, w.Version) }):
		return refuse(configure.Invalid, "no build %.40q is stored", w.Version)
	case len(w.Edges) == 0 && w.To != "":
		return refuse(configure.Conflict, "no edge of %s has ever reported", w.To)
	case len(w.Edges) == 0 || len(w.Edges) > rollout.MaxTargets:
		return refuse(configure.Invalid, "a rollout has 1 to %d edges", rollout.MaxTargets)
	case w.Reason == "" || len([]rune(w.Reason)) > maxReason || strings.ContainsFunc(w.Reason, func(r rune) bool { return !unicode.IsPrint(r) }):
		return refuse(configure.Invalid, "a reason is demanded, one line of %d letters at most", maxReason)
	case w.Trial < 0 || w.Trial > ingest.MaxTrialTime:
		return refuse(configure.Invalid, "a trial takes at most %s", ingest.MaxTrialTime)
	}
	return nil
}

// begin puts a rollout and its plan, and ends those that were in its way.
func (c *Catalogue) begin(ctx context.Context, r Rollout, edges []string, ended []Rollout) error {
	var members []member
	for _, name := range edges {
		e, err := c.store.Edge(ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			return refuse(configure.Invalid, "edge %s has never reported", name)
		} else if err != nil {
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
	docs := []store.Document{
		{Kind: KindPlan, ID: r.ID, Version: 1, Body: plan, At: r.At, Actor: r.By},
		{Kind: KindRollout, ID: r.ID, Version: 1, Body: body, At: r.At, Actor: r.By},
	}
	for _, o := range ended {
		o.State = rollout.Done
		body, err := json.Marshal(o)
		if err != nil {
			return fmt.Errorf("encode the rollout: %w", err)
		}
		docs = append(docs, store.Document{Kind: KindRollout, ID: o.ID, Version: o.document + 1, Body: body, At: r.At, Actor: r.By})
	}
	return c.store.PutDocuments(ctx, docs)
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
