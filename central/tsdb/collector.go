package tsdb

import (
	"cmp"
	"slices"
	"time"
)

// Collector makes the answer of a query out of the points that an implementation reads: one value per step, no time twice,
// series in order, both bounds held. It is for one goroutine.
type Collector struct {
	step      int64 // milliseconds; 0: raw points
	aggregate Aggregate
	limit     int
	points    int
	series    map[string]*Gatherer
}

// NewCollector returns a Collector for the step and the limit of s. Points must already lie in [Selector.Range].
func NewCollector(s Selector) *Collector {
	return &Collector{step: s.Step.Milliseconds(), aggregate: s.Aggregate, limit: s.EffectiveLimit(), series: map[string]*Gatherer{}}
}

// Series returns the gatherer of one series; asked again for the same labels, the same gatherer.
func (c *Collector) Series(metric string, labels map[string]string) *Gatherer {
	id := SeriesID(metric, labels)
	g, ok := c.series[id]
	if !ok {
		g = &Gatherer{owner: c, id: id, out: Series{Metric: metric, Labels: labels}}
		c.series[id] = g
	}
	return g
}

// Result returns the series that have points, in the order of their labels, at most as many as the limit.
func (c *Collector) Result() ([]Series, error) {
	all := make([]*Gatherer, 0, len(c.series))
	for _, g := range c.series {
		if err := g.flush(); err != nil {
			return nil, err
		}
		if len(g.out.Points) > 0 {
			all = append(all, g)
		}
	}
	slices.SortFunc(all, func(x, y *Gatherer) int { return cmp.Compare(x.id, y.id) })
	out := make([]Series, 0, min(len(all), c.limit))
	for _, g := range all[:min(len(all), c.limit)] {
		out = append(out, g.out)
	}
	return out, nil
}

// Gatherer takes the points of one series, oldest first.
type Gatherer struct {
	owner *Collector
	id    string
	out   Series

	some  bool
	last  int64 // time of the newest point taken, so that one that a server kept twice counts once
	step  int64 // beginning of the step under way
	under Bucket
}

// Add takes one point, ms in milliseconds since the Unix epoch. [ErrTooManyPoints] ends the query.
func (g *Gatherer) Add(ms int64, value float64) error {
	if g.some && ms <= g.last {
		return nil
	}
	g.some, g.last = true, ms
	if g.owner.step == 0 {
		return g.emit(ms, value)
	}
	return g.fold(ms, BucketOf(value))
}

// AddBucket takes what a roll-up kept of the time from ms on, which lies in one step. Buckets come oldest first, before points that are younger.
func (g *Gatherer) AddBucket(ms int64, b Bucket) error {
	if b.Count == 0 || (g.some && ms <= g.last) {
		return nil
	}
	g.some, g.last = true, ms
	return g.fold(ms, b)
}

func (g *Gatherer) fold(ms int64, b Bucket) error {
	if step := floor(ms, g.owner.step); step != g.step {
		if err := g.flush(); err != nil {
			return err
		}
		g.step = step
	}
	g.under.Merge(b)
	return nil
}

// flush ends the step under way.
func (g *Gatherer) flush() error {
	if g.under.Count == 0 {
		return nil
	}
	value := g.under.Value(g.owner.aggregate)
	g.under = Bucket{}
	return g.emit(g.step, value)
}

func (g *Gatherer) emit(ms int64, value float64) error {
	if g.owner.points >= MaxPoints {
		return ErrTooManyPoints
	}
	g.owner.points++
	g.out.Points = append(g.out.Points, Point{At: time.UnixMilli(ms).UTC(), Value: value})
	return nil
}
