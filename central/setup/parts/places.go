package parts

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"gridgate/central/grid"
	"gridgate/central/setup"
)

// Places is the map of the grids as a part, and the way to change it.
type Places struct {
	*setup.Part[*grid.Map]
	cache *setup.Cache
	b     *mapBuilder
}

// AddMap adds the map to a cache. While no grid is set up it is empty.
func AddMap(c *setup.Cache) *Places {
	b := &mapBuilder{last: grid.Empty(), known: map[content]grid.Grid{}}
	return &Places{Part: setup.Add(c, "map of the grids", []string{Grid, Unit}, grid.Empty(), b.build), cache: c, b: b}
}

// content names what is in a document.
type content [sha256.Size]byte

// mapBuilder remembers what it read and compared, so that a change costs what changed.
type mapBuilder struct {
	mu    sync.Mutex
	last  *grid.Map
	known map[content]grid.Grid
}

func gridCode(g grid.Grid) string { return g.Code }
func unitID(u grid.Unit) string   { return u.ID }

func (b *mapBuilder) build(docs setup.Documents) (*grid.Map, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := make(map[content]grid.Grid, len(docs[Grid]))
	grids := make([]grid.Grid, 0, len(docs[Grid]))
	var wrong []error
	for _, d := range docs[Grid] {
		sum := sha256.Sum256(d.Body)
		g, ok := b.known[sum]
		if !ok || g.Code != d.ID {
			var err error
			if g, err = read(d, gridCode); err != nil {
				wrong = append(wrong, err)
				continue
			}
		}
		known[sum] = g
		grids = append(grids, g)
	}
	units, err := readAll(docs[Unit], unitID)
	if err := errors.Join(append(wrong, err)...); err != nil {
		return nil, err
	}
	m, err := b.last.Next(grids, units)
	if err != nil {
		return nil, err
	}
	b.last, b.known = m, known
	return m, nil
}

// learn lets the builder know what was read and compared already.
func (b *mapBuilder) learn(m *grid.Map, read map[string]json.RawMessage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = m
	for code, body := range read {
		if g, ok := m.Grid(code); ok {
			b.known[sha256.Sum256(body)] = g
		}
	}
}

// Import puts the grids of a GeoJSON file (see [grid.ParseGeoJSON]) in the place of those with the same codes. The errors are those of the
// file, feature by feature, and those of [setup.Cache.Put].
func (p *Places) Import(ctx context.Context, data []byte, how Change) (Result, error) {
	fresh, err := grid.ParseGeoJSON(data)
	if err != nil {
		return Result{}, &setup.Refused{Part: "GeoJSON", Err: err}
	}
	return p.put(ctx, fresh, how)
}

// Put puts one grid in the place of the one with the same code.
func (p *Places) Put(ctx context.Context, g grid.Grid, how Change) error {
	_, err := p.put(ctx, []grid.Grid{g}, how)
	return err
}

// put checks with the features that the grids came from, and puts them without.
func (p *Places) put(ctx context.Context, fresh []grid.Grid, how Change) (Result, error) {
	now := p.Get()
	wanted, err := bodies(fresh, gridCode)
	if err != nil {
		return Result{}, &setup.Refused{Part: "map of the grids", Err: err}
	}
	all := fresh
	for _, g := range now.Grids() {
		if _, replaced := wanted[g.Code]; !how.Replace && !replaced {
			all = append(all[:len(all):len(all)], g)
		}
	}
	m, err := now.Next(all, now.Units())
	if err != nil {
		return Result{}, &setup.Refused{Part: "map of the grids", Err: err}
	}
	there, err := bodies(now.Grids(), gridCode)
	if err != nil {
		return Result{}, err
	}
	p.b.learn(m.Plain(), wanted)
	return apply(ctx, p.cache, Grid, there, wanted, how)
}

// Remove lets a grid be gone, with its past. A grid that ends has a period that ends; this is for what was set up by mistake.
func (p *Places) Remove(ctx context.Context, code string, how Change) error {
	_, there := p.Get().Grid(code)
	return remove(ctx, p.cache, Grid, code, there, how)
}

// Split is [grid.Map.Split], stored.
func (p *Places) Split(ctx context.Context, code string, at time.Time, into []grid.Part, how Change) (Result, error) {
	changed, err := p.Get().Split(code, at, into)
	if err != nil {
		return Result{}, &setup.Refused{Part: "map of the grids", Err: err}
	}
	return p.put(ctx, changed, how)
}

// Merge is [grid.Map.Merge], stored.
func (p *Places) Merge(ctx context.Context, codes []string, at time.Time, into grid.Part, how Change) (Result, error) {
	changed, err := p.Get().Merge(codes, at, into)
	if err != nil {
		return Result{}, &setup.Refused{Part: "map of the grids", Err: err}
	}
	return p.put(ctx, changed, how)
}

// ImportUnits puts the units of a JSON file, an array of [grid.Unit], in the place of those with the same ids.
func (p *Places) ImportUnits(ctx context.Context, data []byte, how Change) (Result, error) {
	list, err := parse[[]grid.Unit](data)
	if err != nil {
		return Result{}, &setup.Refused{Part: "units", Err: err}
	}
	return p.PutUnits(ctx, list, how)
}

// ParseGrid reads one grid as it stands in a document.
func ParseGrid(data []byte) (grid.Grid, error) {
	g, err := parse[grid.Grid](data)
	if err != nil {
		return g, &setup.Refused{Part: "grid", Err: err}
	}
	return g, nil
}

// PutUnits puts units in the place of those with the same ids.
func (p *Places) PutUnits(ctx context.Context, units []grid.Unit, how Change) (Result, error) {
	wanted, err := bodies(units, unitID)
	if err != nil {
		return Result{}, &setup.Refused{Part: "units", Err: err}
	}
	there, err := bodies(p.Get().Units(), unitID)
	if err != nil {
		return Result{}, err
	}
	return apply(ctx, p.cache, Unit, there, wanted, how)
}

// RemoveUnit lets a unit be gone; it is refused while a grid or another unit names it.
func (p *Places) RemoveUnit(ctx context.Context, id string, how Change) error {
	_, there := p.Get().Unit(id)
	return remove(ctx, p.cache, Unit, id, there, how)
}
