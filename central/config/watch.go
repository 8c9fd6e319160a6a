package config

import (
	"slices"
	"time"

	"gridgate/protocols/alert"
)

// Watch says when an edge counts as silent: so long after its last sync. Edges sync once a minute.
type Watch struct {
	Silent time.Duration            `yaml:"silent"`
	Edges  map[string]time.Duration `yaml:"edges"` // those that are awaited less often, for example on a bad line
}

// Bounds of [Watch].
const (
	MinSilent = 3 * time.Minute
	MaxSilent = 30 * 24 * time.Hour
)

// After is when an edge is silent.
func (w Watch) After(edge string) time.Duration {
	if d, ok := w.Edges[edge]; ok {
		return d
	}
	return w.Silent
}

func (c *Config) validateWatch(j *judge) {
	const remedy = "write 3m to 720h: edges sync once a minute"
	if c.Watch.Silent < MinSilent || c.Watch.Silent > MaxSilent {
		j.bad("watch.silent", "is out of range", remedy)
	}
	var names []string
	for edge := range c.Watch.Edges {
		names = append(names, edge)
	}
	slices.Sort(names)
	for _, edge := range names {
		switch d := c.Watch.Edges[edge]; {
		case !alert.ValidEdgeName(edge):
			j.bad("watch.edges", "has a name that no edge can have", "write the name as the edge's own file has it")
		case d < MinSilent || d > MaxSilent:
			j.bad("watch.edges."+edge, "is out of range", remedy)
		}
	}
}
