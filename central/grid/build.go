package grid

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/peterstace/simplefeatures/rtree"
)

// Bounds of what one grid or map may have.
const (
	MaxPeriods = 200
	MaxUnits   = 5_000
	maxLinks   = 200 // of one kind of a grid
	maxTitle   = 200 // bytes
)

var (
	unitID    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
	unitKind  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	classCode = regexp.MustCompile(`^([0-9]{2}|[0-9]{4})$`)
)

// builder makes a [Map] and gathers what is wrong.
type builder struct {
	*Map
	last *Map
	Problems
}

// NewMap checks grids and units as a whole and returns the map that they are. The error is a [Problems]; there is no map then.
//
// Codes are valid and their chain of parents is there: none is missing between two that are, and a grid has its community, a micro-grid its
// grid. The periods of a grid follow each other without gap or overlap, within those of its parent. Its shape lies in that of its
// parent, and no two shapes of one level overlap at any time, but for a thousandth of the smaller one. Units, neighbours, grids
// downstream, predecessors and successors are there; water runs in no circle; a successor begins when its predecessor changes or ends.
func NewMap(grids []Grid, units []Unit) (*Map, error) { return Empty().Next(grids, units) }

// Next is [NewMap] that does not compare again what m already compared: grids whose shapes are those of m, not copies that were read again.
func (m *Map) Next(grids []Grid, units []Unit) (*Map, error) {
	b := &builder{last: m, Map: &Map{
		grids: make(map[string]*Grid, len(grids)), units: make(map[string]*Unit, len(units)), children: map[string][]string{},
		near: map[string][]border{}, covered: map[string][]*Unit{}, listed: map[string][]string{},
		related: map[[2]*mark]relation{}, outside: map[[2]*mark]float64{},
	}}
	if len(grids) > MaxGrids || len(units) > MaxUnits {
		b.add(-1, "", "", "%d grids and %d units, more than %d and %d", len(grids), len(units), MaxGrids, MaxUnits)
		return nil, b.err()
	}
	b.takeUnits(units)
	b.takeGrids(grids)
	for _, code := range b.codes {
		b.checkGrid(*b.grids[code])
	}
	b.checkWater()
	b.coverage()
	if err := b.err(); err != nil {
		return nil, err
	}
	b.place()
	b.checkParents()
	b.checkSiblings()
	if err := b.err(); err != nil {
		return nil, err
	}
	return b.Map, nil
}

func (b *builder) takeUnits(units []Unit) {
	for _, u := range units {
		b.checkName(u.ID, u.Title)
		switch {
		case !unitID.MatchString(u.ID):
			b.add(-1, u.ID, "id", "is not of the form %s", unitID)
		case b.units[u.ID] != nil:
			b.add(-1, u.ID, "id", "there are two units with it")
		case u.Kind != "" && !unitKind.MatchString(u.Kind):
			b.add(-1, u.ID, "kind", "is not of the form %s", unitKind)
		case len(u.Covers) > MaxGrids:
			b.add(-1, u.ID, "covers", "more than %d areas", MaxGrids)
		}
		b.units[u.ID] = &u
		b.unitIDs = append(b.unitIDs, u.ID)
	}
	slices.Sort(b.unitIDs)
	for _, u := range units {
		seen := map[string]bool{}
		for up := u.ID; up != ""; {
			if seen[up] {
				b.add(-1, u.ID, "parent", "the units above it form a circle")
				break
			}
			seen[up] = true
			at := b.units[up]
			if at == nil {
				b.add(-1, u.ID, "parent", "there is no unit %s", up)
				break
			}
			up = at.Parent
		}
	}
}

func (b *builder) checkName(code string, t Title) {
	for _, s := range []string{t.Zh, t.En} {
		if len(s) > maxTitle || !utf8.ValidString(s) {
			b.add(-1, code, "title", "has more than %d bytes or is no UTF-8", maxTitle)
		}
	}
	if strings.TrimSpace(t.Zh) == "" {
		b.add(-1, code, "title", "the Chinese name is missing")
	}
}

func (b *builder) takeGrids(grids []Grid) {
	for _, g := range grids {
		if _, err := LevelOf(g.Code); err != nil {
			b.of(g, 0, "code", "%v", err)
			continue
		}
		if b.grids[g.Code] != nil {
			b.of(g, 0, "code", "there are two grids with it")
			continue
		}
		b.grids[g.Code] = &g
		b.codes = append(b.codes, g.Code)
	}
	slices.Sort(b.codes)
	for _, code := range b.codes {
		if up := ParentOf(code); b.grids[up] != nil {
			b.children[up] = append(b.children[up], code)
		}
		for _, near := range b.grids[code].Neighbours {
			b.listed[code], b.listed[near] = append(b.listed[code], near), append(b.listed[near], code)
		}
	}
}

// checkGrid checks what can be said of one grid without its shapes.
func (b *builder) checkGrid(g Grid) {
	b.checkName(g.Code, g.Title)
	b.checkChain(g)
	b.checkPeriods(g)
	for what, list := range map[string][]string{"neighbours": g.Neighbours, "downstream": g.Downstream, "predecessors": g.Predecessors, "successors": g.Successors} {
		if len(list) > maxLinks {
			b.of(g, 0, what, "more than %d", maxLinks)
		}
		for _, code := range list {
			switch {
			case code == g.Code:
				b.of(g, 0, what, "it names itself")
			case b.grids[code] == nil:
				b.of(g, 0, what, "there is no grid %s", code)
			}
		}
	}
	for _, code := range g.Successors {
		if s := b.grids[code]; s != nil && !slices.Contains(s.Predecessors, g.Code) {
			b.of(g, 0, "successors", "%s does not name it as a predecessor", code)
		}
	}
	for _, code := range g.Predecessors {
		if p := b.grids[code]; p != nil {
			b.checkSuccession(*p, g)
		}
	}
}

// checkSuccession holds when s took over land of p at a moment.
func (b *builder) checkSuccession(p, s Grid) {
	if !slices.Contains(p.Successors, s.Code) {
		b.of(s, 0, "predecessors", "%s does not name it as a successor", p.Code)
	}
	for _, new := range s.Periods {
		for _, old := range p.Periods {
			if !old.To.IsZero() && old.To.Equal(new.From) {
				return
			}
		}
	}
	b.of(s, 0, "predecessors", "no period of it begins when one of %s ends", p.Code)
}

// checkChain looks for holes above a code.
func (b *builder) checkChain(g Grid) {
	up := ParentOf(g.Code)
	if up == "" || b.grids[up] != nil {
		return
	}
	if l := g.Level(); l == Basic || l == Micro {
		b.of(g, 0, "code", "what it belongs to, %s, is not there (a community needs no shape)", up)
		return
	}
	for above := ParentOf(up); above != ""; above = ParentOf(above) {
		if b.grids[above] != nil {
			b.of(g, 0, "code", "%s is there and %s between them is not", above, up)
			return
		}
	}
}

func (b *builder) checkPeriods(g Grid) {
	if len(g.Periods) == 0 || len(g.Periods) > MaxPeriods {
		b.of(g, 0, "periods", "it has %d, not 1 to %d", len(g.Periods), MaxPeriods)
	}
	for i, p := range g.Periods {
		what := "period from " + p.From.In(local).Format("2006-01-02 15:04")
		switch {
		case p.From.IsZero():
			b.of(g, i, what, "it has no beginning")
		case !p.To.IsZero() && !p.From.Before(p.To):
			b.of(g, i, what, "it ends before it begins")
		case i > 0 && g.Periods[i-1].To.IsZero():
			b.of(g, i, what, "the period before it has no end")
		case i > 0 && g.Periods[i-1].To.After(p.From):
			b.of(g, i, what, "it begins before the period before it ends")
		case i > 0 && g.Periods[i-1].To.Before(p.From):
			b.of(g, i, what, "there is a gap of %s behind the period before it", p.From.Sub(g.Periods[i-1].To))
		case p.Shape.IsZero() && g.Level().depth() > Community.depth():
			b.of(g, i, what, "it has no polygon")
		}
		b.checkRules(g, i, what)
	}
}

func (b *builder) checkRules(g Grid, i int, what string) {
	p := g.Periods[i]
	if p.Unit != "" && b.units[p.Unit] == nil {
		b.of(g, i, what, "there is no unit %s", p.Unit)
	}
	for class, unit := range p.Units {
		if !classCode.MatchString(class) {
			b.of(g, i, what, "units: %q is no event class of two or four digits", class)
		}
		if b.units[unit] == nil {
			b.of(g, i, what, "units: there is no unit %s", unit)
		}
	}
}

// checkWater looks for circles.
func (b *builder) checkWater() {
	const under, done = 1, 2
	state := make(map[string]int, len(b.codes))
	var walk func(code string) bool
	walk = func(code string) bool {
		if state[code] != 0 {
			return state[code] == done
		}
		state[code] = under
		defer func() { state[code] = done }()
		g := b.grids[code]
		if g == nil {
			return true
		}
		for _, next := range g.Downstream {
			if next != code && !walk(next) {
				b.of(*g, 0, "downstream", "water runs in a circle by %s", next)
			}
		}
		return true
	}
	for _, code := range b.codes {
		walk(code)
	}
}

// coverage notes which units cover an area; of one kind there is one.
func (b *builder) coverage() {
	for _, id := range b.unitIDs {
		u := b.units[id]
		for _, code := range u.Covers {
			if b.grids[code] == nil {
				b.add(-1, id, "covers", "there is no grid %s", code)
				continue
			}
			for _, other := range b.covered[code] {
				if other.Kind == u.Kind {
					b.add(-1, id, "covers", "%s is covered by %s, which is of the same kind", code, other.ID)
				}
			}
			b.covered[code] = append(b.covered[code], u)
		}
	}
}

// place makes the index of shapes.
func (b *builder) place() {
	var items []rtree.BulkItem
	for _, code := range b.codes {
		g := b.grids[code]
		for i, p := range g.Periods {
			if box, ok := bounds(p.Shape.g); ok {
				items = append(items, rtree.BulkItem{Box: box, RecordID: len(b.places)})
				b.places = append(b.places, place{grid: g, period: i, depth: g.Level().depth(), box: box})
			}
		}
	}
	b.index = rtree.BulkLoad(items)
}

// checkParents holds each grid against the times and shapes of its parent.
func (b *builder) checkParents() {
	for _, code := range b.codes {
		g, up := b.grids[code], b.grids[ParentOf(code)]
		if up == nil {
			continue
		}
		for i, p := range g.Periods {
			from := p.From
			for _, above := range up.Periods {
				if above.overlaps(p) && !above.From.After(from) {
					from = above.To
					b.within(*g, i, *up, above)
				}
				if from.IsZero() {
					break
				}
			}
			if covered := from.IsZero() || !p.To.IsZero() && !from.Before(p.To); !covered {
				b.of(*g, i, "validity", "%s, to which it belongs, is not there at %s", up.Code, from.In(local).Format("2006-01-02 15:04"))
			}
		}
	}
}

func (b *builder) within(g Grid, i int, up Grid, above Period) {
	p := g.Periods[i]
	if p.Shape.IsZero() || above.Shape.IsZero() {
		return
	}
	pair := [2]*mark{p.Shape.mark, above.Shape.mark}
	off, known := b.last.outside[pair]
	var err error
	if !known {
		off, err = p.Shape.beyond(above.Shape)
	}
	b.outside[pair] = off
	switch {
	case err != nil:
		b.of(g, i, "polygon", "cannot be compared with that of %s: %v", up.Code, err)
	case off > slack(p.Shape, above.Shape):
		b.of(g, i, "polygon", "%.0f m² of it are outside %s, to which it belongs", off, up.Code)
	}
}

// checkSiblings compares each two shapes of one level whose boxes touch at a time; it also finds who is next to whom.
func (b *builder) checkSiblings() {
	for i, p := range b.places {
		var others []int
		_ = b.index.RangeSearch(p.box, func(j int) error { // the function returns no error
			if q := b.places[j]; j > i && q.depth == p.depth && q.grid != p.grid && p.at().overlaps(q.at()) {
				others = append(others, j)
			}
			return nil
		})
		slices.Sort(others)
		for _, j := range others {
			b.compare(p, b.places[j])
		}
	}
}

func (b *builder) compare(p, q place) {
	pair := [2]*mark{p.at().Shape.mark, q.at().Shape.mark}
	r, known := b.last.related[pair]
	var err error
	if !known {
		r, err = relate(p.at().Shape, q.at().Shape)
	}
	b.related[pair] = r
	switch {
	case err != nil:
		b.of(*q.grid, q.period, "polygon", "cannot be compared with that of %s: %v", p.grid.Code, err)
	case r.common > slack(p.at().Shape, q.at().Shape):
		b.of(*q.grid, q.period, "polygon", "overlaps %s%s by %.0f m²", p.grid.Code, p.named(), r.common)
	case r.border:
		b.near[p.grid.Code] = append(b.near[p.grid.Code], border{code: q.grid.Code, own: p.period, other: q.period})
		b.near[q.grid.Code] = append(b.near[q.grid.Code], border{code: p.grid.Code, own: q.period, other: p.period})
	}
}

// named says of which feature a place is.
func (p place) named() string {
	if f := p.at().feature; f > 0 {
		return fmt.Sprintf(" (feature %d)", f-1)
	}
	return ""
}
