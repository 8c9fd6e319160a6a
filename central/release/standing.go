package release

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gridgate/central/configure"
	"gridgate/central/rollout"
	"gridgate/protocols/ingest"
	"gridgate/protocols/release"
)

// Own is the state of an edge of which no build is wanted: it runs what it has. The others are those of configurations.
const Own configure.Progress = "own"

// BuildStanding says how an edge is with the build that is wanted of it.
type BuildStanding struct {
	Edge     string             `json:"edge"`
	Online   bool               `json:"online" doc:"synced within the last three minutes"`
	LastSync time.Time          `json:"lastSync"`
	State    configure.Progress `json:"state" enum:"in-force,own,fetching,trying,waiting,away,refused,rolled-back" doc:"own: nothing is wanted, and it runs what it has"`
	Wanted   string             `json:"wanted,omitempty" doc:"version; empty: nothing is wanted"`
	Running  string             `json:"running" doc:"version that it reported"`
	Platform string             `json:"platform,omitempty"`
	Since    time.Time          `json:"since,omitzero"`
	Why      string             `json:"why,omitempty"`
	Waits    string             `json:"waits,omitempty" enum:"configuration" doc:"what is on trial before it"`
	Groups   []string           `json:"groups" nullable:"false"`
}

// BuildStandings is a page of edges, by name.
type BuildStandings struct {
	Items  []BuildStanding            `json:"items" nullable:"false"`
	Next   string                     `json:"next" doc:"after of the next page, empty on the last"`
	Counts map[configure.Progress]int `json:"counts" doc:"of all edges, by state"`
}

// standing judges an edge. A report counts if it came after the wish.
func standing(m configure.Member, w wish, now time.Time) BuildStanding {
	s := BuildStanding{
		Edge: m.ID, Online: now.Sub(m.LastSync) <= inTouch, LastSync: m.LastSync.UTC(), State: Own, Wanted: w.version, Running: m.Report.Software, Platform: m.Report.Platform, Groups: m.Groups,
	}
	if w.version == "" {
		return s
	}
	s.State = configure.Waiting
	if said := m.Report.Release; said != nil && m.LastSync.After(w.at) && release.Same(said.Wanted, w.version) {
		s.State, s.Why, s.Since = configure.Progress(said.State), said.Why, said.Since.UTC()
		if said.Why == ingest.WhyConfigurationOnTrial {
			s.Waits = "configuration"
		}
	}
	switch ingest.WantedState(s.State) {
	case ingest.WantedInForce, ingest.WantedRefused, ingest.WantedRolledBack:
	default:
		if !s.Online {
			s.State = configure.Away
		}
	}
	return s
}

// standings are those of all edges, by name.
func (c *Catalogue) standings(ctx context.Context) ([]BuildStanding, error) {
	members, err := c.fleet.Members(ctx)
	if err != nil {
		return nil, err
	}
	wanted, err := c.wanted(ctx)
	if err != nil {
		return nil, err
	}
	now := c.now()
	out := make([]BuildStanding, len(members))
	for i, m := range members {
		out[i] = standing(m, wanted[m.ID], now)
	}
	return out, nil
}

// Edges lists edges with how they are with builds.
func (c *Catalogue) Edges(ctx context.Context, q configure.DriftFilter) (BuildStandings, error) {
	all, err := c.standings(ctx)
	if err != nil {
		return BuildStandings{}, err
	}
	page, limit := BuildStandings{Items: []BuildStanding{}, Counts: map[configure.Progress]int{}}, min(max(q.Limit, 1), configure.MaxPage)
	for _, s := range all {
		page.Counts[s.State]++
		switch {
		case q.State != "" && q.State != s.State, q.Group != "" && !slices.Contains(s.Groups, q.Group), s.Edge <= q.After, page.Next != "":
		case len(page.Items) == limit:
			page.Next = page.Items[limit-1].Edge
		default:
			page.Items = append(page.Items, s)
		}
	}
	return page, nil
}

// File is a rollout with its edges.
type File struct {
	Rollout
	Counts rollout.Counts     `json:"counts"`
	Edges  []BuildRolloutEdge `json:"edges" nullable:"false" doc:"in the order in which they get it"`
}

// BuildRolloutEdge is an edge of a rollout.
type BuildRolloutEdge struct {
	Edge    string             `json:"edge"`
	State   configure.Progress `json:"state" enum:"in-force,fetching,trying,waiting,away,refused,rolled-back,planned" doc:"planned: it was not given it, or it was taken back"`
	Running string             `json:"running" doc:"version that it reported"`
	Why     string             `json:"why,omitempty"`
	Waits   string             `json:"waits,omitempty" enum:"configuration" doc:"what is on trial before it"`
}

// Look is a rollout with its edges, as [Catalogue.Progress], from one reading of all edges. [store.ErrNotFound] if there is none.
func (c *Catalogue) Look(ctx context.Context, id string) (File, error) {
	d, err := c.store.Document(ctx, KindRollout, id)
	if err != nil {
		return File{}, err
	}
	r, err := rolloutOf(d)
	if err != nil {
		return File{}, err
	}
	members, err := c.plan(ctx, id)
	if err != nil {
		return File{}, err
	}
	all, err := c.standings(ctx)
	if err != nil {
		return File{}, err
	}
	f, targets := File{Rollout: r, Edges: make([]BuildRolloutEdge, len(members))}, make([]rollout.Target, len(members))
	for i, m := range members {
		s := BuildStanding{Edge: m.Edge, State: configure.Away}
		if at, ok := slices.BinarySearchFunc(all, m.Edge, func(s BuildStanding, name string) int { return cmp.Compare(s.Edge, name) }); ok {
			s = all[at]
		}
		f.Edges[i], targets[i] = fileEdge(s, r.Version)
	}
	f.Counts = rollout.Count(targets)
	return f, nil
}

// fileEdge is an edge beside the version of a rollout.
func fileEdge(s BuildStanding, version string) (BuildRolloutEdge, rollout.Target) {
	e := BuildRolloutEdge{Edge: s.Edge, State: s.State, Running: s.Running, Why: s.Why, Waits: s.Waits}
	t := rollout.Target{Edge: s.Edge, Given: release.Same(s.Wanted, version), InTouch: s.Online}
	switch {
	case !t.Given && t.InTouch:
		e.State, e.Why, e.Waits = configure.Planned, "", ""
	case !t.Given:
		e.State, e.Why, e.Waits = configure.Away, "", ""
	case slices.Contains(ingest.WantedStates, ingest.WantedState(s.State)):
		t.State, t.Why = ingest.WantedState(s.State), s.Why
	}
	return e, t
}
