package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gridgate/central/job"
	"gridgate/central/orders"
	"gridgate/central/rollout"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
	"gridgate/protocols/release"
)

// Job is the task that one central leads.
const Job = "releases"

// driver goes on with the rollouts that are open. It is of one goroutine.
type driver struct {
	catalogue *Catalogue
	log       *slog.Logger
	plans     map[string][]member // by rollout
	seen      map[string]seen     // what edges reported, by rollout and edge
}

// seen is what an edge reported when it synced last.
type seen struct {
	at    time.Time
	state ingest.WantedState
	why   string
}

// Run goes on with rollouts until ctx ends; it returns nil. lead may be nil.
func (c *Catalogue) Run(ctx context.Context, lead job.Lead, log *slog.Logger) error {
	d := &driver{catalogue: c, log: log}
	return job.Loop{Name: Job, Begin: d.begin, CatchUp: d.step, Lead: lead, Logger: log}.Run(ctx)
}

// begin forgets what was known when another central led. That one tells what has stopped, once this one leads no more.
func (d *driver) begin(ctx context.Context) error {
	d.plans, d.seen = nil, nil
	context.AfterFunc(ctx, func() { d.catalogue.stopped.Store(0) })
	return nil
}

// step goes on with every rollout that is not over; an aborted one, too, until it is taken back from all.
func (d *driver) step(ctx context.Context) error {
	list, err := d.catalogue.Rollouts(ctx)
	if err != nil {
		return err
	}
	d.tell(ctx, list)
	for _, r := range list {
		if r.State == rollout.Done || r.State == rollout.Paused || r.TakenBack {
			continue
		}
		if err := d.drive(ctx, r); err != nil && !errors.Is(err, store.ErrConflict) { // the next step sees what came before it
			return err
		}
	}
	return nil
}

// tell counts the rollouts that wait for somebody.
func (d *driver) tell(ctx context.Context, list []Rollout) {
	n := int64(0)
	for _, r := range list {
		if r.State == rollout.Stopped {
			n++
		}
	}
	d.catalogue.stopped.Store(n)
	if ctx.Err() != nil { // it may have ended before
		d.catalogue.stopped.Store(0)
	}
}

// drive takes one step of a rollout: what is wanted of edges and its own state, all or nothing.
func (d *driver) drive(ctx context.Context, r Rollout) error {
	targets, err := d.targets(ctx, r)
	if err != nil {
		return err
	}
	decision := r.Step(targets)
	aborted := r.State == rollout.Aborted
	if !decision.Changed && !aborted && len(decision.Give)+len(decision.Withdraw) == 0 {
		return nil
	}
	docs, err := d.wishes(ctx, r, decision)
	if err != nil {
		return err
	}
	if decision.Changed || aborted {
		next := r
		next.Rollout, next.TakenBack = decision.Next, aborted
		body, err := json.Marshal(next)
		if err != nil {
			return fmt.Errorf("encode the rollout: %w", err)
		}
		docs = append(docs, store.Document{Kind: KindRollout, ID: r.ID, Version: r.document + 1, Body: body, At: d.catalogue.now().UTC(), Actor: r.By})
	}
	if err := d.catalogue.store.PutDocuments(ctx, docs); err != nil {
		return fmt.Errorf("go on with the rollout %s: %w", r.ID, err)
	}
	if d.log != nil {
		d.log.Info("a rollout of a build goes on", "rollout", r.ID, "version", r.Version, "state", decision.Next.State, "wave", decision.Next.Wave+1, "why", decision.Next.Why,
			"given", len(decision.Give), "takenBack", len(decision.Withdraw), "inForce", decision.Counts.InForce, "failed", decision.Counts.Failed)
	}
	return nil
}

// wishes are the documents of what is wanted now: the build, or, of those that it is taken back from, what they ran before.
func (d *driver) wishes(ctx context.Context, r Rollout, decision rollout.Decision) (docs []store.Document, err error) {
	versions, err := d.catalogue.store.DocumentVersions(ctx, orders.KindRelease)
	if err != nil {
		return nil, fmt.Errorf("read what is wanted of edges: %w", err)
	}
	before := map[string]string{}
	for _, m := range d.plans[r.ID] {
		before[m.Edge] = m.Before
	}
	add := func(edge string, w *ingest.WantedRelease) error {
		doc := store.Document{Kind: orders.KindRelease, ID: edge, Version: versions[edge] + 1, At: d.catalogue.now().UTC(), Actor: r.By, Gone: w == nil}
		if w != nil {
			if doc.Body, err = json.Marshal(w); err != nil {
				return fmt.Errorf("encode what is wanted: %w", err)
			}
		}
		docs = append(docs, doc)
		return nil
	}
	for _, edge := range decision.Give {
		if err := add(edge, &ingest.WantedRelease{Version: r.Version, TrialSec: r.TrialSec}); err != nil {
			return nil, err
		}
	}
	for _, edge := range decision.Withdraw {
		var w *ingest.WantedRelease
		if before[edge] != "" {
			w = &ingest.WantedRelease{Version: before[edge], TrialSec: r.TrialSec}
		}
		if err := add(edge, w); err != nil {
			return nil, err
		}
	}
	return docs, nil
}

// targets is what is known of the edges of a rollout. Only reports that came since the last look are read.
func (d *driver) targets(ctx context.Context, r Rollout) ([]rollout.Target, error) {
	members, err := d.members(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	wanted, err := d.catalogue.wanted(ctx)
	if err != nil {
		return nil, err
	}
	syncs, err := d.catalogue.store.LastSyncs(ctx)
	if err != nil {
		return nil, fmt.Errorf("read when edges synced: %w", err)
	}
	now := d.catalogue.now()
	targets := make([]rollout.Target, len(members))
	for i, m := range members {
		w, last := wanted[m.Edge], syncs[m.Edge]
		t := rollout.Target{Edge: m.Edge, Given: release.Same(w.version, r.Version), InTouch: now.Sub(last) <= inTouch}
		if t.Given && last.After(w.at) {
			s, err := d.report(ctx, r, m.Edge, last)
			if err != nil {
				return nil, err
			}
			t.State, t.Why = s.state, s.why
		}
		targets[i] = t
	}
	return targets, nil
}

func (d *driver) members(ctx context.Context, id string) ([]member, error) {
	if m, ok := d.plans[id]; ok {
		return m, nil
	}
	m, err := d.catalogue.plan(ctx, id)
	if err != nil {
		return nil, err
	}
	if d.plans == nil || len(d.plans) > maxShown {
		d.plans, d.seen = map[string][]member{}, map[string]seen{}
	}
	d.plans[id] = m
	return m, nil
}

// wish is what is wanted of an edge, and since when.
type wish struct {
	version string
	at      time.Time
}

func (c *Catalogue) wanted(ctx context.Context) (map[string]wish, error) {
	docs, err := c.store.DocumentsOf(ctx, orders.KindRelease)
	if err != nil {
		return nil, fmt.Errorf("read what is wanted of edges: %w", err)
	}
	out := make(map[string]wish, len(docs))
	for _, doc := range docs {
		var w ingest.WantedRelease
		if err := json.Unmarshal(doc.Body, &w); err != nil {
			return nil, fmt.Errorf("read what is wanted of %s: %w", doc.ID, err)
		}
		out[doc.ID] = wish{w.Version, doc.At}
	}
	return out, nil
}

// report is what an edge says of a build as of its last sync.
func (d *driver) report(ctx context.Context, r Rollout, edge string, last time.Time) (seen, error) {
	name := r.ID + " " + edge
	if s, ok := d.seen[name]; ok && s.at.Equal(last) {
		return s, nil
	}
	e, err := d.catalogue.store.Edge(ctx, edge)
	if err != nil {
		return seen{}, fmt.Errorf("read the report of %s: %w", edge, err)
	}
	s := seen{at: last}
	if said := e.Report.Release; said != nil && release.Same(said.Wanted, r.Version) {
		s.state, s.why = said.State, said.Why
	}
	d.seen[name] = s
	return s, nil
}
