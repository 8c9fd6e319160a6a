package grid

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// MaxGrids bounds a map.
const MaxGrids = 20_000

// local is the zone in which a date without a time begins: China has one.
var local = time.FixedZone("", 8*60*60)

// collection is a FeatureCollection (RFC 7946, section 3.3).
type collection struct {
	Type     string          `json:"type"`
	CRS      json.RawMessage `json:"crs,omitempty"`
	Features []feature       `json:"features"`
}

type feature struct {
	Type       string          `json:"type"`
	Geometry   json.RawMessage `json:"geometry"`
	Properties properties      `json:"properties"`
}

// properties are those that are read; what else a file has is left behind.
type properties struct {
	Code         string            `json:"code"`
	Name         string            `json:"name"`
	NameEn       string            `json:"nameEn,omitempty"`
	From         string            `json:"from"`
	To           string            `json:"to,omitempty"`
	Unit         string            `json:"unit,omitempty"`
	Units        map[string]string `json:"units,omitempty"`
	Neighbours   []string          `json:"neighbours,omitempty"`
	Downstream   []string          `json:"downstream,omitempty"`
	Predecessors []string          `json:"predecessors,omitempty"`
	Successors   []string          `json:"successors,omitempty"`
}

// ParseGeoJSON reads a FeatureCollection: each feature is a period of a grid, those of the same code are one grid. Properties are
// code, name, nameEn, from, to (RFC 3339; a date alone begins at midnight, UTC+8), unit, units (event class to unit), neighbours, downstream,
// predecessors and successors. Others are ignored. Shapes are checked, the map as a whole is not: see [NewMap].
// The error is a [Problems], or says that it is no GeoJSON.
func ParseGeoJSON(data []byte) ([]Grid, error) {
	var file struct {
		collection
		Features []json.RawMessage `json:"features"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("no GeoJSON: %w", err)
	}
	switch {
	case file.Type != "FeatureCollection":
		return nil, errors.New("no GeoJSON FeatureCollection")
	case len(file.CRS) > 0 && !plainCRS(file.CRS):
		return nil, errors.New("the coordinates are of another reference system than CGCS2000 or WGS 84: convert them before")
	case len(file.Features) > MaxGrids:
		return nil, fmt.Errorf("%d features, more than %d", len(file.Features), MaxGrids)
	}
	var wrong Problems
	byCode, order := map[string]*Grid{}, []string{}
	for i, raw := range file.Features {
		one, ok := readFeature(i, raw, &wrong)
		if !ok {
			continue
		}
		g := byCode[one.Code]
		if g == nil {
			byCode[one.Code], order = &one, append(order, one.Code)
			continue
		}
		g.join(one)
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	return gather(byCode, order), nil
}

// plainCRS says whether a crs member names what RFC 7946 has anyhow.
func plainCRS(raw json.RawMessage) bool {
	var crs struct {
		Properties struct {
			Name string `json:"name"`
		} `json:"properties"`
	}
	if string(raw) == "null" {
		return true
	}
	if json.Unmarshal(raw, &crs) != nil {
		return false
	}
	for _, known := range []string{"CRS84", "EPSG::4326", "EPSG:4326", "EPSG::4490", "EPSG:4490"} {
		if strings.HasSuffix(crs.Properties.Name, known) {
			return true
		}
	}
	return false
}

func readFeature(i int, raw json.RawMessage, wrong *Problems) (Grid, bool) {
	var f feature
	if err := json.Unmarshal(raw, &f); err != nil {
		wrong.add(i, "", "", "is no feature with the properties of a grid: %v", err)
		return Grid{}, false
	}
	p, before := f.Properties, len(wrong.List)+wrong.More
	if f.Type != "Feature" {
		wrong.add(i, p.Code, "type", "is not Feature")
	}
	if _, err := LevelOf(p.Code); err != nil {
		wrong.add(i, p.Code, "code", "%v", err)
	}
	period := Period{Unit: p.Unit, Units: p.Units, feature: i + 1}
	var err error
	if period.From, err = parseTime(p.From); err != nil {
		wrong.add(i, p.Code, "from", "%v", err)
	}
	if p.To != "" {
		if period.To, err = parseTime(p.To); err != nil {
			wrong.add(i, p.Code, "to", "%v", err)
		}
	}
	if len(f.Geometry) > 0 {
		if err := period.Shape.UnmarshalJSON(f.Geometry); err != nil {
			wrong.add(i, p.Code, "polygon", "%v", err)
		}
	}
	return Grid{
		Code: p.Code, Title: Title{Zh: p.Name, En: p.NameEn}, Periods: []Period{period},
		Neighbours: p.Neighbours, Downstream: p.Downstream, Predecessors: p.Predecessors, Successors: p.Successors,
	}, len(wrong.List)+wrong.More == before
}

func parseTime(text string) (time.Time, error) {
	if t, err := time.ParseInLocation(time.DateOnly, text, local); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errors.New("is neither a date (2026-01-01) nor a time (2026-01-01T00:00:00+08:00)")
	}
	return t, nil
}

// join takes up another period of g. What is said of the grid as a whole may stand in any of its features.
func (g *Grid) join(one Grid) {
	from := one.Periods[0].From
	if !slices.ContainsFunc(g.Periods, func(p Period) bool { return p.From.After(from) }) {
		g.Title = one.Title // the name that holds last
	}
	g.Periods = append(g.Periods, one.Periods...)
	for _, list := range []struct{ to, from *[]string }{
		{&g.Neighbours, &one.Neighbours}, {&g.Downstream, &one.Downstream}, {&g.Predecessors, &one.Predecessors}, {&g.Successors, &one.Successors},
	} {
		*list.to = append(*list.to, *list.from...)
	}
}

// gather returns the grids in their order, each with its periods by time.
func gather(byCode map[string]*Grid, order []string) []Grid {
	out := make([]Grid, 0, len(order))
	for _, code := range order {
		g := byCode[code]
		slices.SortStableFunc(g.Periods, func(a, b Period) int { return a.From.Compare(b.From) })
		for _, list := range []*[]string{&g.Neighbours, &g.Downstream, &g.Predecessors, &g.Successors} {
			slices.Sort(*list)
			*list = slices.Compact(*list)
		}
		out = append(out, *g)
	}
	return out
}

// GeoJSON writes grids as [ParseGeoJSON] reads them: right-handed rings, times in UTC+8.
func GeoJSON(grids []Grid) ([]byte, error) {
	out := collection{Type: "FeatureCollection", Features: []feature{}}
	for _, g := range grids {
		for _, p := range g.Periods {
			shape, err := p.Shape.MarshalJSON()
			if err != nil {
				return nil, fmt.Errorf("write the shape of %s: %w", g.Code, err)
			}
			f := feature{Type: "Feature", Geometry: shape, Properties: properties{
				Code: g.Code, Name: g.Title.Zh, NameEn: g.Title.En, From: p.From.In(local).Format(time.RFC3339), Unit: p.Unit, Units: p.Units,
				Neighbours: g.Neighbours, Downstream: g.Downstream, Predecessors: g.Predecessors, Successors: g.Successors,
			}}
			if !p.To.IsZero() {
				f.Properties.To = p.To.In(local).Format(time.RFC3339)
			}
			out.Features = append(out.Features, f)
		}
	}
	data, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("write GeoJSON: %w", err)
	}
	return data, nil
}
