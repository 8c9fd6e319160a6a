package configure

import (
	"context"
	"errors"
	"slices"
	"time"

	"gridgate/central/rollout"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

// Drift says how far an edge is from what is wanted of it.
type Drift struct {
	Edge     string    `json:"edge"`
	Online   bool      `json:"online" doc:"synced within the last three minutes"`
	LastSync time.Time `json:"lastSync,omitzero"`
	State    Progress  `json:"state" enum:"in-force,alone,fetching,trying,waiting,away,refused,rolled-back"`
	Wanted   string    `json:"wanted,omitempty" doc:"revision; empty: nothing is wanted"`
	Running  string    `json:"running,omitempty" doc:"revision; empty: the edge's own file alone"`
	Since    time.Time `json:"since,omitzero"`
	Why      string    `json:"why,omitempty"`
	Waits    string    `json:"waits,omitempty" enum:"build" doc:"what is on trial before it"`
	Problems int       `json:"problems,omitempty" doc:"how many the edge told"`
	Sections []string  `json:"sections,omitempty" doc:"those that the edge's own file lets central say"`
	File     string    `json:"file,omitempty" doc:"version of the edge's own file"`
	Software string    `json:"software,omitempty"`
	Layers   []Carried `json:"layers" nullable:"false" doc:"what its text is made of"`
	Groups   []string  `json:"groups" nullable:"false"`
}

// Carried is a version of a layer that an edge has.
type Carried struct {
	Layer   string `json:"layer"`
	Version int64  `json:"version" doc:"0: none of it was rolled out to the edge"`
	Newest  int64  `json:"newest"`
}

// DriftFile is one edge with its text and what it says of it.
type DriftFile struct {
	Drift
	Composed
	Told []Located `json:"told" nullable:"false" doc:"problems that the edge found"`
}

// DriftFilter chooses edges; the zero value all.
type DriftFilter struct {
	State Progress
	Group string
	After string // name of the last edge of the page before
	Limit int
}

// DriftPage is a page of edges, by name.
type DriftPage struct {
	Items  []Drift          `json:"items" nullable:"false"`
	Next   string           `json:"next" doc:"after of the next page, empty on the last"`
	Counts map[Progress]int `json:"counts" doc:"of all edges, by state"`
}

// MaxPage is how many edges a page has at most.
const MaxPage = 200

// Edges lists edges with their drift.
func (s *Service) Edges(ctx context.Context, q DriftFilter) (DriftPage, error) {
	f, err := s.fleet(ctx)
	if err != nil {
		return DriftPage{}, err
	}
	newest, err := s.o.Store.DocumentVersions(ctx, KindLayer)
	if err != nil {
		return DriftPage{}, err
	}
	page, limit, now := DriftPage{Items: []Drift{}, Counts: map[Progress]int{}}, min(max(q.Limit, 1), MaxPage), s.o.Now()
	for _, name := range f.names() {
		state := progress(f.has[name], f.reports[name], now)
		page.Counts[state]++
		switch {
		case q.State != "" && q.State != state, name <= q.After, page.Next != "":
			continue
		case q.Group != "" && !slices.Contains(f.layersOf(name), "group:"+q.Group):
			continue
		case len(page.Items) == limit:
			page.Next = page.Items[limit-1].Edge
			continue
		}
		page.Items = append(page.Items, f.drift(name, state, newest, now))
	}
	return page, nil
}

func (f fleet) drift(name string, state Progress, newest map[string]int64, now time.Time) Drift {
	e, has := f.reports[name], f.has[name]
	d := Drift{
		Edge: name, Online: now.Sub(e.LastSync) <= inTouch, LastSync: e.LastSync.UTC(), State: state, Wanted: has.Revision,
		File: e.Report.ConfigVersion, Software: e.Report.Software, Layers: []Carried{}, Groups: []string{},
	}
	if c := e.Report.Configuration; c != nil {
		d.Running, d.Since, d.Sections = c.Running, c.Since.UTC(), c.Sections
		if c.Wanted == has.Revision {
			d.Why, d.Problems, d.Waits = c.Why, len(c.Problems), waits(c.Why)
		}
	}
	for _, layer := range f.layersOf(name) {
		if newest[layer] == 0 {
			continue
		}
		c := Carried{Layer: layer, Newest: newest[layer]}
		for _, u := range has.Layers {
			if u.Layer == layer {
				c.Version = u.Version
			}
		}
		d.Layers = append(d.Layers, c)
	}
	for _, g := range f.groups {
		if g.has(name, e) {
			d.Groups = append(d.Groups, g.Name)
		}
	}
	return d
}

// waits is what is on trial before a configuration, by the reason that the edge tells; empty if nothing is.
func waits(why string) string {
	if why == ingest.WhyBuildOnTrial {
		return "build"
	}
	return ""
}

// Edge is one edge with its text. [store.ErrNotFound] if nothing is known of it.
func (s *Service) Edge(ctx context.Context, name string) (DriftFile, error) {
	f, err := s.fleet(ctx)
	if err != nil {
		return DriftFile{}, err
	}
	if !slices.Contains(f.names(), name) {
		return DriftFile{}, store.ErrNotFound
	}
	newest, err := s.o.Store.DocumentVersions(ctx, KindLayer)
	if err != nil {
		return DriftFile{}, err
	}
	now := s.o.Now()
	out := DriftFile{Drift: f.drift(name, progress(f.has[name], f.reports[name], now), newest, now)}
	if out.Composed, err = s.composed(ctx, f.has[name].Layers); err != nil {
		return out, err
	}
	var told []ingest.Problem
	if c := f.reports[name].Report.Configuration; c != nil && c.Wanted == out.Wanted {
		told = c.Problems
	}
	out.Told, err = s.located(ctx, f.has[name].Layers, told)
	return out, err
}

// located finds the lines of problems that an edge told in the layers in which they were written.
func (s *Service) located(ctx context.Context, layers []Used, problems []ingest.Problem) ([]Located, error) {
	out := make([]Located, 0, len(problems))
	if len(problems) == 0 {
		return out, nil
	}
	c, err := s.composed(ctx, layers)
	if err != nil {
		return nil, err
	}
	for _, p := range problems {
		layer, line := c.locate(p.Line)
		if layer == "" {
			line = 0
		}
		out = append(out, Located{Problem: p, Layer: layer, LineIn: line})
	}
	return out, nil
}

// Preview says which edges a text of a layer would change, and what would change at one of them.
type Preview struct {
	Edges []string `json:"edges" nullable:"false" doc:"that would change, at most 200 of them"`
	Count int      `json:"count" doc:"of all that would change"`
	Edge  string   `json:"edge" doc:"the one whose lines these are"`
	Diff  []string `json:"diff" nullable:"false" doc:"lines of its text: - was, + will be"`
}

// Preview keeps nothing. edge is whose texts are wanted; empty: those of the first that would change. What is wrong is [Refused].
func (s *Service) Preview(ctx context.Context, name, text, edge string) (Preview, error) {
	if err := CheckLayer(name); err != nil {
		return Preview{}, err
	}
	text = clean(text)
	if problems := s.judge.check(text); len(problems) > 0 {
		return Preview{}, &Refused{Text: "the text has mistakes", Layer: name, Problems: problems}
	}
	f, err := s.fleet(ctx)
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Edges: []string{}, Edge: edge, Diff: []string{}}
	for _, e := range f.names() {
		before, after, err := s.beforeAfter(ctx, f, e, name, text)
		if err != nil {
			return Preview{}, err
		}
		if before != after {
			if p.Count++; len(p.Edges) < MaxPage {
				p.Edges = append(p.Edges, e)
			}
		}
		if p.Edge == "" && before != after || p.Edge == e {
			p.Edge, p.Diff = e, append([]string{}, Diff(before, after)...)
		}
	}
	return p, nil
}

func (s *Service) beforeAfter(ctx context.Context, f fleet, edge, layer, text string) (before, after string, err error) {
	was, err := s.composed(ctx, f.has[edge].Layers)
	if err != nil || !slices.Contains(f.layersOf(edge), layer) {
		return was.Text, was.Text, err
	}
	used, _ := f.with(edge, Used{Layer: layer, Version: -1, Text: digest(text)})
	texts := make([]layerText, 0, len(used))
	for _, name := range f.layersOf(edge) {
		for _, u := range used {
			if u.Layer == name && name != layer {
				old, err := s.text(ctx, u.Text)
				if err != nil {
					return "", "", err
				}
				texts = append(texts, layerText{u.Layer, u.Version, old})
			}
		}
		if name == layer {
			texts = append(texts, layerText{layer, 0, text})
		}
	}
	return was.Text, compose(texts).Text, nil
}

// RolloutFile is a rollout with its edges.
type RolloutFile struct {
	Rollout
	Counts rollout.Counts `json:"counts"`
	Edges  []RolloutEdge  `json:"edges" nullable:"false" doc:"in the order in which they get it"`
}

// RolloutEdge is an edge of a rollout.
type RolloutEdge struct {
	Edge  string   `json:"edge"`
	State Progress `json:"state" enum:"in-force,alone,fetching,trying,waiting,away,refused,rolled-back,planned" doc:"planned: it was not given it, or it was taken back"`
	Why   string   `json:"why,omitempty"`
	Waits string   `json:"waits,omitempty" enum:"build" doc:"what is on trial before it"`
}

// Planned is the state of an edge to which a rollout brought nothing yet.
const Planned Progress = "planned"

// Rollout is one with its edges. [store.ErrNotFound] if there is none.
func (s *Service) Rollout(ctx context.Context, id string) (RolloutFile, error) {
	r, err := s.rollout(ctx, id)
	if err != nil {
		return RolloutFile{}, err
	}
	p, err := s.planned(ctx, id)
	if err != nil {
		return RolloutFile{}, err
	}
	members, err := s.members(ctx, r, p.Edges)
	if err != nil {
		return RolloutFile{}, err
	}
	out, now := RolloutFile{Rollout: r, Edges: make([]RolloutEdge, len(members))}, s.o.Now()
	targets := make([]rollout.Target, len(members))
	for i, m := range members {
		targets[i] = m.Target
		e := RolloutEdge{Edge: m.Edge, State: progress(m.has, m.e, now)}
		switch {
		case !m.Given && m.InTouch:
			e.State = Planned
		case !m.Given:
			e.State = Away
		case e.State.failed():
			e.Why = m.Why
		case e.State == Progress(ingest.WantedFetching):
			e.Why, e.Waits = m.Why, waits(m.Why)
		}
		out.Edges[i] = e
	}
	out.Counts = rollout.Count(targets)
	return out, nil
}

// Rollouts lists rollouts, the newest first, from before an id on.
func (s *Service) Rollouts(ctx context.Context, before string) ([]Rollout, error) {
	docs, err := s.o.Store.DocumentsBefore(ctx, KindRollout, before, MaxRollouts)
	if err != nil {
		return nil, err
	}
	out := make([]Rollout, len(docs))
	for i, d := range docs {
		if err := decode(d, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Text is what is wanted of an edge, if its revision is the one that is asked for. [store.ErrNotFound] if not.
func (s *Service) Text(ctx context.Context, edge, revision string) (string, error) {
	d, err := s.o.Store.Document(ctx, KindAssigned, edge)
	if err != nil {
		return "", err
	}
	a, err := assignedOf(d)
	if err != nil {
		return "", err
	}
	if a.Revision == "" || a.Revision != revision {
		return "", store.ErrNotFound
	}
	c, err := s.composed(ctx, a.Layers)
	if err == nil && c.Revision != revision {
		err = errors.New("the layers make another text than the one that is wanted")
	}
	return c.Text, err
}
