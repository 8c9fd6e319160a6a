package overview

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"

	"gridgate/central/grid"
)

// Bounds of outlines.
const (
	// MaxShapes is how many outlines one answer has.
	MaxShapes = 10_000
	// fineShapes is how many a level may have to be shown where none is asked for.
	fineShapes = 3000
	// fineVertices is how many corners are drawn exactly; beyond it the outlines are simplified by their level.
	fineVertices = 100_000
)

// coarse is by how many metres a drawing of a level may be off, where it is simplified.
var coarse = map[grid.Level]float64{grid.City: 100, grid.District: 50, grid.Township: 15, grid.Community: 5, grid.Basic: 2, grid.Micro: 1}

// Outline is an area to draw, a GeoJSON feature (RFC 7946).
type Outline struct {
	Type       string          `json:"type" enum:"Feature"`
	Geometry   json.RawMessage `json:"geometry" doc:"GeoJSON Polygon or MultiPolygon, CGCS2000 or WGS 84, to be drawn and not to be computed with"`
	Properties OutlineOf       `json:"properties"`
}

// OutlineOf says what an outline is of.
type OutlineOf struct {
	Code  string     `json:"code"`
	Title grid.Title `json:"title"`
	Level grid.Level `json:"level" enum:"city,district,township,community,grid,micro-grid"`
	Inner [2]float64 `json:"inner" doc:"a point within for a mark: longitude, latitude, degrees"`
}

// Outlines draws the grids of a map. Safe for concurrent use; made by [NewOutlines].
type Outlines struct {
	get func() *grid.Map
	now func() time.Time

	mu     sync.Mutex
	of     *grid.Map // of which the drawings are
	hour   int64     // in which they were made: grids begin and end
	levels map[grid.Level][]Outline
	marks  map[grid.Level]uint64
}

// NewOutlines returns the outlines of the map that get returns.
func NewOutlines(get func() *grid.Map, now func() time.Time) *Outlines {
	return &Outlines{get: get, now: now}
}

// Levels are those that have a shape under a prefix that somebody may see, the largest first.
func (o *Outlines) Levels(q Query) (levels []grid.Level) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.draw()
	for _, l := range grid.Levels {
		if slices.ContainsFunc(o.levels[l], func(one Outline) bool { return q.wants(one.Properties.Code) }) {
			levels = append(levels, l)
		}
	}
	return levels
}

// Level is the one to show where none is asked for: the finest with at most [fineShapes] shapes, else the largest; empty without any.
func (o *Outlines) Level(q Query) (best grid.Level) {
	for _, l := range o.Levels(q) {
		q.Level = l
		if list, more := o.List(q); best == "" || len(list)+more <= fineShapes {
			best = l
		}
	}
	return best
}

// List returns the outlines of the level of q, by code, at most [MaxShapes], and how many more there are. They are shared: nobody changes them.
func (o *Outlines) List(q Query) (list []Outline, more int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.draw()
	list = []Outline{}
	for _, one := range o.levels[q.Level] {
		switch {
		case !q.wants(one.Properties.Code):
		case len(list) == MaxShapes:
			more++
		default:
			list = append(list, one)
		}
	}
	return list, more
}

// Mark changes whenever the outlines of a level do.
func (o *Outlines) Mark(level grid.Level) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.draw()
	return fmt.Sprintf("%x", o.marks[level])
}

// draw makes the drawings anew if the map is another, or the hour. A shape that cannot be drawn is left out: it was checked when it was
// set up, so there is none.
func (o *Outlines) draw() {
	m, now := o.get(), o.now()
	if hour := now.Unix() / 3600; o.of != m || o.hour != hour {
		o.of, o.hour = m, hour
		o.levels, o.marks = map[grid.Level][]Outline{}, map[grid.Level]uint64{}
		vertices := map[grid.Level]int{}
		each(m, now, func(g grid.Grid, s grid.Shape) { vertices[g.Level()] += s.Vertices() })
		each(m, now, func(g grid.Grid, s grid.Shape) { o.add(g, s, vertices[g.Level()] > fineVertices) })
		for level, list := range o.levels {
			o.marks[level] = markOf(list)
		}
	}
}

// each calls f with the shapes of the grids that are there.
func each(m *grid.Map, now time.Time, f func(grid.Grid, grid.Shape)) {
	for _, g := range m.Grids() {
		if p, there := g.At(now); there && !p.Shape.IsZero() {
			f(g, p.Shape)
		}
	}
}

func (o *Outlines) add(g grid.Grid, s grid.Shape, simplify bool) {
	level, metres := g.Level(), 0.0
	if simplify {
		metres = coarse[level]
	}
	shape, err := s.Drawing(metres)
	inner, ok := s.Inner()
	if err != nil || !ok {
		return
	}
	o.levels[level] = append(o.levels[level], Outline{
		Type: "Feature", Geometry: shape, Properties: OutlineOf{Code: g.Code, Title: g.Title, Level: level, Inner: inner},
	})
}

func markOf(list []Outline) uint64 {
	h := fnv.New64a()
	for _, one := range list {
		_, _ = h.Write(append([]byte(strings.Join([]string{one.Properties.Code, one.Properties.Title.Zh, one.Properties.Title.En, ""}, "\n")), one.Geometry...)) // a hash takes all
	}
	return h.Sum64()
}
