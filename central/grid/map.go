package grid

import (
	"cmp"
	"slices"
	"time"

	"github.com/peterstace/simplefeatures/rtree"
)

// Map is all grids and units as of one state of what is set up. It never changes; safe for concurrent use. Made by [NewMap].
type Map struct {
	grids    map[string]*Grid
	codes    []string // in order
	units    map[string]*Unit
	unitIDs  []string
	children map[string][]string
	covered  map[string][]*Unit // by area
	near     map[string][]border
	listed   map[string][]string // neighbours that were listed, by either of the two
	places   []place
	index    *rtree.RTree

	related map[[2]*mark]relation // of each two shapes that were compared
	outside map[[2]*mark]float64  // square metres of a shape that are not in its parent's
}

// place is the shape of one period.
type place struct {
	grid   *Grid
	period int
	depth  int
	box    rtree.Box
}

func (p place) at() Period { return p.grid.Periods[p.period] }

// border says that a period of a grid is next to one of another.
type border struct {
	code       string
	own, other int
}

// Empty is a map without anything.
func Empty() *Map { return &Map{index: rtree.BulkLoad(nil)} }

// Grid returns the grid with a code.
func (m *Map) Grid(code string) (Grid, bool) {
	g := m.grids[code]
	if g == nil {
		return Grid{}, false
	}
	return *g, true
}

// Grids returns all grids in the order of their codes.
func (m *Map) Grids() []Grid {
	out := make([]Grid, len(m.codes))
	for i, code := range m.codes {
		out[i] = *m.grids[code]
	}
	return out
}

// Children are the codes right below one, in order.
func (m *Map) Children(code string) []string { return slices.Clone(m.children[code]) }

// Unit returns a unit.
func (m *Map) Unit(id string) (Unit, bool) {
	u := m.units[id]
	if u == nil {
		return Unit{}, false
	}
	return *u, true
}

// Units returns all units in the order of their ids.
func (m *Map) Units() []Unit {
	out := make([]Unit, len(m.unitIDs))
	for i, id := range m.unitIDs {
		out[i] = *m.units[id]
	}
	return out
}

// At returns the smallest grid in which a point was at a time, in degrees of longitude and latitude; of several that share the border on
// which it lies, the one with the lowest code.
func (m *Map) At(lon, lat float64, t time.Time) (Grid, bool) {
	var best *place
	_ = m.index.RangeSearch(rtree.Box{MinX: lon, MinY: lat, MaxX: lon, MaxY: lat}, func(i int) error { // the function returns no error
		p := &m.places[i]
		if best != nil && !p.before(best) || !p.at().Holds(t) || !p.at().Shape.Covers(lon, lat) {
			return nil
		}
		best = p
		return nil
	})
	if best == nil {
		return Grid{}, false
	}
	return *best.grid, true
}

// before says whether p is the better answer for a point that is in both.
func (p *place) before(q *place) bool {
	return cmp.Or(cmp.Compare(q.depth, p.depth), cmp.Compare(p.grid.Code, q.grid.Code)) < 0
}

// Responsible returns the unit that is responsible for an event class (four digits; empty for any) in a grid at a time; empty for none.
// The nearest area upwards that says something wins; there, an entry for the class before one for its main class before the unit for all.
// A code that is not on the map has what is above it.
func (m *Map) Responsible(code, class string, t time.Time) string {
	return m.ResponsibleOf(code, class, "", t)
}

// ResponsibleOf is [Map.Responsible] for a class that demands a unit of some kind: in each area, after the entries for the class,
// a unit of that kind that covers it comes before the unit for all. If nothing upwards has such a unit, the nearest unit
// for all is responsible.
func (m *Map) ResponsibleOf(code, class, kind string, t time.Time) string {
	fallback := ""
	for at := code; at != ""; at = ParentOf(at) {
		var p Period
		if g := m.grids[at]; g != nil {
			p, _ = g.At(t)
		}
		if unit := p.forClass(class); unit != "" {
			return unit
		}
		if unit := m.covering(at, kind); unit != "" {
			return unit
		}
		if p.Unit != "" && (kind == "" || m.units[p.Unit].Kind == kind) {
			return p.Unit
		}
		fallback = cmp.Or(fallback, p.Unit)
	}
	return fallback
}

// forClass returns the entry for a class, or that for its main class.
func (p Period) forClass(class string) string {
	if len(class) < 2 {
		return ""
	}
	return cmp.Or(p.Units[class], p.Units[class[:2]])
}

func (m *Map) covering(code, kind string) string {
	for _, u := range m.covered[code] {
		if u.Kind == kind {
			return u.ID
		}
	}
	return ""
}

// Neighbours are the grids of the same level that share a border with one at a time, and those that count as next to it, by either of
// them; in order.
func (m *Map) Neighbours(code string, t time.Time) []string {
	g := m.grids[code]
	if g == nil {
		return nil
	}
	out := slices.Clone(m.listed[code])
	for _, b := range m.near[code] {
		if g.Periods[b.own].Holds(t) && m.grids[b.code].Periods[b.other].Holds(t) {
			out = append(out, b.code)
		}
	}
	return m.current(out, t)
}

// Near says whether two grids are neighbours as both stand last. A code that is not on the map has none.
func (m *Map) Near(a, b string) bool {
	g, h := m.grids[a], m.grids[b]
	if g == nil || h == nil {
		return false
	}
	return slices.Contains(m.listed[a], b) || slices.Contains(m.near[a], border{code: b, own: len(g.Periods) - 1, other: len(h.Periods) - 1})
}

// Downstream are the grids into which the water of one runs, all the way down; in order.
func (m *Map) Downstream(code string, t time.Time) []string {
	return m.current(m.reach(code, func(g *Grid) []string { return g.Downstream }), t)
}

// Lineage is what a grid became: all successors, and theirs, that are there; in order.
func (m *Map) Lineage(code string) []string {
	return m.reach(code, func(g *Grid) []string { return g.Successors })
}

// Ancestry is the inverse of [Map.Lineage].
func (m *Map) Ancestry(code string) []string {
	return m.reach(code, func(g *Grid) []string { return g.Predecessors })
}

// reach follows links from a grid; the grid itself is not part of it.
func (m *Map) reach(code string, links func(*Grid) []string) (out []string) {
	seen, todo := map[string]bool{code: true}, []string{code}
	for len(todo) > 0 {
		g := m.grids[todo[0]]
		todo = todo[1:]
		if g == nil {
			continue
		}
		for _, next := range links(g) {
			if !seen[next] {
				seen[next] = true
				out, todo = append(out, next), append(todo, next)
			}
		}
	}
	slices.Sort(out)
	return out
}

// current returns those of codes that are there at a time, in order and once.
func (m *Map) current(codes []string, t time.Time) []string {
	slices.Sort(codes)
	return slices.DeleteFunc(slices.Compact(codes), func(code string) bool {
		g := m.grids[code]
		if g == nil {
			return true
		}
		_, there := g.At(t)
		return !there
	})
}

// Plain is m without the features of the file that its grids came from.
func (m *Map) Plain() *Map {
	for _, g := range m.grids {
		g.Periods = slices.Clone(g.Periods)
		for i := range g.Periods {
			g.Periods[i].feature = 0
		}
	}
	return m
}
