package configure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gridgate/central/orders"
	"gridgate/central/rollout"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// fleet is what is known of all edges at one moment.
type fleet struct {
	reports map[string]store.Edge
	has     map[string]assigned
	groups  []EdgeGroup
}

func (s *Service) fleet(ctx context.Context) (f fleet, err error) {
	edges, err := s.shelf.get(ctx, s.o.Store)
	if err != nil {
		return f, err
	}
	docs, err := s.o.Store.DocumentsOf(ctx, KindAssigned)
	if err != nil {
		return f, err
	}
	f.reports, f.has = make(map[string]store.Edge, len(edges)), make(map[string]assigned, len(docs))
	for _, e := range edges {
		f.reports[e.ID] = e
	}
	for _, d := range docs {
		if f.has[d.ID], err = assignedOf(d); err != nil {
			return f, err
		}
	}
	f.groups, err = s.Groups(ctx)
	return f, err
}

func assignedOf(d store.Document) (a assigned, err error) {
	err = decode(d, &a)
	a.version, a.at = d.Version, d.At
	return a, err
}

// names are all edges: those that reported, those that were given something, and those that groups name.
func (f fleet) names() []string {
	set := make(map[string]bool, len(f.reports))
	for name := range f.reports {
		set[name] = true
	}
	for name := range f.has {
		set[name] = true
	}
	for _, g := range f.groups {
		for _, name := range g.Edges {
			set[name] = true
		}
	}
	out := make([]string, 0, len(set))
	for name := range set {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// layersOf are the layers that an edge may have, the last word last.
func (f fleet) layersOf(edge string) []string {
	out := []string{All}
	for _, g := range f.groups {
		if g.has(edge, f.reports[edge]) {
			out = append(out, "group:"+g.Name)
		}
	}
	return append(out, "edge:"+edge)
}

// with is what an edge has after a version of a layer was brought to it. changed is false if that makes no difference to this layer.
func (f fleet) with(edge string, u Used) (layers []Used, changed bool) {
	has, may := f.has[edge].Layers, f.layersOf(edge)
	if !slices.Contains(may, u.Layer) || u.Text == "" {
		u.Version = 0 // it has no part in the edge's text
	}
	was := Used{}
	for _, name := range may {
		if name == u.Layer && u.Version > 0 {
			layers = append(layers, u)
			continue
		}
		for _, h := range has {
			if h.Layer == name && name != u.Layer {
				layers = append(layers, h)
			}
		}
	}
	for _, h := range has {
		if h.Layer == u.Layer {
			was = h
		}
	}
	return layers, was.Version != u.Version
}

// composed is the text that versions of layers make.
func (s *Service) composed(ctx context.Context, layers []Used) (Composed, error) {
	key := fmt.Sprint(layers)
	if c, ok := s.texts.get(key); ok {
		return c, nil
	}
	texts := make([]layerText, len(layers))
	for i, u := range layers {
		text, err := s.text(ctx, u.Text)
		if err != nil {
			return Composed{}, fmt.Errorf("read version %d of the layer %s: %w", u.Version, u.Layer, err)
		}
		texts[i] = layerText{u.Layer, u.Version, text}
	}
	c := compose(texts)
	s.texts.put(key, c)
	return c, nil
}

// Ask is what a rollout is asked for with.
type Ask struct {
	Layer    string
	Version  int64 // 0: the newest
	Why      string
	Waves    []string // as [rollout.ParseWaves] has it
	TrialSec int64    // 0: the edge's default
	Allow    int      // edges that may fail before it stops
}

// Start begins a rollout if no other is open, some edge would change, and central finds nothing wrong with what each of them would get.
func (s *Service) Start(ctx context.Context, actor string, ask Ask) (Rollout, error) {
	why, err := reason(ask.Why)
	if err == nil {
		err = CheckLayer(ask.Layer)
	}
	if err == nil && (ask.TrialSec < 0 || ask.TrialSec > maxTrialLimit || ask.Allow < 0 || ask.Allow > MaxListed) {
		err = refuse(Invalid, "a trial takes up to %d seconds, and at most %d edges may fail", maxTrialLimit, MaxListed)
	}
	if err != nil {
		return Rollout{}, err
	}
	v, err := s.Version(ctx, ask.Layer, ask.Version)
	if err != nil {
		return Rollout{}, err
	}
	names, err := s.targets(ctx, Used{v.Layer, v.Version, v.digest})
	if err != nil {
		return Rollout{}, err
	}
	engine, err := rollout.New(len(names), ask.Waves, ask.Allow)
	if err != nil {
		return Rollout{}, refuse(Invalid, "%v", err)
	}
	now := s.o.Now().UTC()
	r := Rollout{
		ID: alert.NewID(), Layer: v.Layer, Version: v.Version, Digest: v.digest, Reason: why, At: now, By: actor, TrialSec: ask.TrialSec, Rollout: engine, Changed: now,
	}
	return r, s.retry(func() error { return s.begin(ctx, actor, r, names) })
}

// begin puts a rollout and its plan, and closes the door behind it. One that waits only for edges that are away ends by that.
func (s *Service) begin(ctx context.Context, actor string, r Rollout, names []string) error {
	id, door, err := s.opened(ctx)
	if err != nil {
		return err
	}
	changes := []next{{KindOpen, openID, door, r.ID}, {KindRollout, r.ID, 0, r}, {KindPlan, r.ID, 0, plan{names}}}
	if id != "" {
		other, err := s.Rollout(ctx, id)
		if err != nil {
			return err
		}
		if c := other.Counts; other.State != rollout.Running || c.Pending+c.Given+c.Silent > 0 {
			return refuse(Conflict, "another rollout is open: wait for it, or abort it first")
		}
		ended := other.Rollout
		ended.State, ended.Changed = rollout.Done, r.At
		changes = append(changes, next{KindRollout, id, ended.version, ended})
	}
	return s.put(ctx, actor, changes...)
}

// opened is the rollout that is open, "" if none is.
func (s *Service) opened(ctx context.Context) (id string, version int64, err error) {
	d, err := s.o.Store.Document(ctx, KindOpen, openID)
	if errors.Is(err, store.ErrNotFound) {
		return "", 0, nil
	}
	if err == nil {
		err = decode(d, &id)
	}
	return id, d.Version, err
}

// targets are the edges that a version of a layer changes: first those in touch, so that the first waves say something, each by name.
// What central finds wrong with what one of them would get is [Refused].
func (s *Service) targets(ctx context.Context, u Used) ([]string, error) {
	f, err := s.fleet(ctx)
	if err != nil {
		return nil, err
	}
	names := f.names()
	if edge, ok := strings.CutPrefix(u.Layer, "edge:"); ok {
		names = []string{edge} // it may be one that was never heard
	}
	judged := map[string]bool{}
	var out []string
	for _, name := range names {
		layers, changed := f.with(name, u)
		if !changed {
			continue
		}
		out = append(out, name)
		if key := fmt.Sprint(layers); !judged[key] {
			judged[key] = true
			if err := s.judgeFor(ctx, name, layers); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case len(out) == 0:
		return nil, refuse(Conflict, "no edge would change: all that are concerned have this version, or nobody is concerned")
	case len(out) > MaxListed:
		return nil, refuse(Invalid, "it concerns more than %d edges: split the group", MaxListed)
	}
	now := s.o.Now()
	slices.SortStableFunc(out, func(a, b string) int {
		return cmp.Compare(later(f.reports[a], now), later(f.reports[b], now))
	})
	return out, nil
}

func later(e store.Edge, now time.Time) int {
	if now.Sub(e.LastSync) > inTouch {
		return 1
	}
	return 0
}

// judgeFor judges the text that an edge would get.
func (s *Service) judgeFor(ctx context.Context, edge string, layers []Used) error {
	c, err := s.composed(ctx, layers)
	if err != nil {
		return err
	}
	if c.tooLong() {
		return refuse(Invalid, "the layers of %s together have more than %d bytes", edge, ingest.MaxConfiguration)
	}
	problems := s.judge.check(c.Text)
	if len(problems) == 0 {
		return nil
	}
	r := &Refused{Text: fmt.Sprintf("what %s would get has mistakes; nothing was sent", edge)}
	for _, p := range problems {
		layer, line := c.locate(p.Line)
		r.Layer = cmp.Or(r.Layer, layer)
		if layer != r.Layer {
			p.What += ", in the layer " + layer
		}
		p.Line = line
		r.Problems = append(r.Problems, p)
	}
	return r
}

// assign makes the documents that give an edge what layers make. wanted is the newest version of what orders have of it.
func (s *Service) assign(ctx context.Context, edge string, a assigned, wanted, trialSec int64) ([]next, error) {
	c, err := s.composed(ctx, a.Layers)
	if err != nil {
		return nil, err
	}
	a.Revision, a.Bytes = c.Revision, int64(len(c.Text))
	changes := []next{{KindAssigned, edge, a.version, a}}
	switch {
	case c.Revision != "":
		w := ingest.WantedConfiguration{Revision: c.Revision, Bytes: a.Bytes, TrialSec: trialSec}
		changes = append(changes, next{orders.KindConfiguration, edge, wanted, w})
	case wanted > 0:
		changes = append(changes, next{orders.KindConfiguration, edge, wanted, nil})
	}
	return changes, nil
}
