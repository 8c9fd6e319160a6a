package grid

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Part is one of the grids that come of a split, or the one that comes of a merger. Shape stays empty for a merger.
type Part struct {
	Code  string            `json:"code"`
	Title Title             `json:"title"`
	Unit  string            `json:"unit,omitempty"`
	Units map[string]string `json:"units,omitempty"`
	Shape Shape             `json:"shape,omitzero"`
}

// Split ends a grid at a time, on its way until then, and lets parts go on with its land; a part may keep its code. It returns the
// grids that change or are new. Codes that were given out stay: what is known of the past keeps meaning what it meant.
func (m *Map) Split(code string, at time.Time, parts []Part) ([]Grid, error) {
	if len(parts) < 2 {
		return nil, errors.New("a grid is split into two parts or more")
	}
	old, land, err := m.ending([]string{code}, at)
	if err != nil {
		return nil, err
	}
	shapes := make([]Shape, len(parts))
	for i, p := range parts {
		if p.Shape.IsZero() {
			return nil, fmt.Errorf("part %s has no polygon", p.Code)
		}
		shapes[i] = p.Shape
	}
	if err := sameLand(land, shapes); err != nil {
		return nil, fmt.Errorf("the parts of %s: %w", code, err)
	}
	return m.succeed(old, at, parts)
}

// Merge ends some grids at a time and lets one go on with their land; it may have the code of one of them.
func (m *Map) Merge(codes []string, at time.Time, into Part) ([]Grid, error) {
	if len(codes) < 2 {
		return nil, errors.New("two grids or more are merged")
	}
	old, land, err := m.ending(codes, at)
	if err != nil {
		return nil, err
	}
	if into.Shape, err = union(land); err != nil {
		return nil, fmt.Errorf("merge %v: %w", codes, err)
	}
	return m.succeed(old, at, []Part{into})
}

// ending looks up grids that are to end at a time, and their land.
func (m *Map) ending(codes []string, at time.Time) (old []Grid, land []Shape, err error) {
	for i, code := range codes {
		g, ok := m.Grid(code)
		if !ok || slices.Contains(codes[:i], code) {
			return nil, nil, fmt.Errorf("there is no grid %s, or it is named twice", code)
		}
		last := g.Periods[len(g.Periods)-1]
		if !last.To.IsZero() || !last.From.Before(at) {
			return nil, nil, fmt.Errorf("%s cannot change at %s: its last period begins later or has an end", code, at.In(local).Format(time.RFC3339))
		}
		if last.Shape.IsZero() {
			return nil, nil, fmt.Errorf("%s has no polygon", code)
		}
		for _, child := range m.children[code] {
			if last := m.grids[child].Periods[len(m.grids[child].Periods)-1]; last.To.IsZero() || last.To.After(at) {
				return nil, nil, fmt.Errorf("%s still has %s below it: end that first", code, child)
			}
		}
		old, land = append(old, g), append(land, last.Shape)
	}
	return old, land, nil
}

// sameLand holds if the parts together are the land before, give or take [slack].
func sameLand(land, parts []Shape) error {
	before, err := union(land)
	if err != nil {
		return err
	}
	after, err := union(parts)
	if err != nil {
		return err
	}
	more, err := after.beyond(before)
	if err != nil {
		return err
	}
	less, err := before.beyond(after)
	if err != nil {
		return err
	}
	if more > slack(before, after) || less > slack(before, after) {
		return fmt.Errorf("%.0f m² of its land are in no part and %.0f m² of the parts are outside it", less, more)
	}
	return nil
}

// succeed ends the last period of each of old and begins one for each part.
func (m *Map) succeed(old []Grid, at time.Time, parts []Part) ([]Grid, error) {
	changed := make(map[string]*Grid)
	for _, g := range old {
		g = g.clone()
		g.Periods[len(g.Periods)-1].To = at
		changed[g.Code] = &g
	}
	for i, p := range parts {
		g := changed[p.Code]
		if g == nil {
			if _, there := m.Grid(p.Code); there {
				return nil, fmt.Errorf("%s is another grid; its code cannot be given out again", p.Code)
			}
			g = &Grid{Code: p.Code}
			changed[p.Code] = g
		} else if slices.ContainsFunc(parts[:i], func(q Part) bool { return q.Code == p.Code }) {
			return nil, fmt.Errorf("two parts have the code %s", p.Code)
		}
		if p.Title.Zh != "" {
			g.Title = p.Title
		}
		g.Periods = append(g.Periods, Period{From: at, Unit: p.Unit, Units: p.Units, Shape: p.Shape})
		for _, o := range old {
			link(changed[o.Code], g)
		}
	}
	codes := make([]string, 0, len(changed))
	for code := range changed {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	out := make([]Grid, len(codes))
	for i, code := range codes {
		out[i] = *changed[code]
	}
	return out, nil
}

// link makes s a successor of p.
func link(p, s *Grid) {
	if p != s && !slices.Contains(p.Successors, s.Code) {
		p.Successors = append(p.Successors, s.Code)
		s.Predecessors = append(s.Predecessors, p.Code)
	}
}

// clone copies what may be changed of g.
func (g Grid) clone() Grid {
	g.Periods, g.Predecessors, g.Successors = slices.Clone(g.Periods), slices.Clone(g.Predecessors), slices.Clone(g.Successors)
	return g
}
