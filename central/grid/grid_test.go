package grid

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/alert"
)

func TestLevels(t *testing.T) {
	for code, want := range map[string]struct {
		level  Level
		parent string
		prefix string
	}{
		"330100000000":         {City, "", "3301"},
		"330106000000":         {District, "330100000000", "330106"},
		"330106109000":         {Township, "330106000000", "330106109"},
		"330106109001":         {Community, "330106109000", "330106109001"},
		"330106109001001":      {Basic, "330106109001", "330106109001001"},
		"33010610900100100001": {Micro, "330106109001001", "33010610900100100001"},
		"441900003000":         {Township, "441900000000", "441900003"}, // a city without districts
		"330106110010":         {Community, "330106110000", "330106110010"},
	} {
		level, err := LevelOf(code)
		if err != nil || level != want.level || ParentOf(code) != want.parent || Prefix(code) != want.prefix {
			t.Errorf("%s: %s below %s, prefix %s, %v", code, level, ParentOf(code), Prefix(code), err)
		}
		if !alert.ValidGridCode(code) {
			t.Errorf("%s cannot stand in an alert", code)
		}
	}
	for code, why := range map[string]string{
		"": "12 digits", "330106": "12 digits", "33010610900a": "digits only", "000106109001": "province", "330006109001": "province and a city",
		"330106000001": "belongs to a township", "330106109000001": "belongs to a community", "330106109001000": "begins at 1",
		"33010610900000100001": "belongs to a grid", "33010610900100100000": "begins at 1", "３３０１０６１０９００１": "digits only",
	} {
		if _, err := LevelOf(code); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %s", code, err, why)
		}
	}
}

// pair is a community with two grids side by side.
func pair(change ...func(a, b *Grid)) []Grid {
	a, b := one(code(1), square(0, 0, 1)), one(code(2), square(1, 0, 1))
	for _, f := range change {
		f(&a, &b)
	}
	return []Grid{one(town, Shape{}), one(commune, rectangle(0, 0, 3, 1)), a, b}
}

func TestMapErrors(t *testing.T) {
	day := func(n int) time.Time { return t0.AddDate(0, 0, n) }
	for name, tt := range map[string]struct {
		change func(a, b *Grid)
		want   []string
	}{
		"no name":          {func(a, _ *Grid) { a.Title.Zh = " " }, []string{code(1), "the Chinese name is missing"}},
		"bad code":         {func(a, _ *Grid) { a.Code = "33" }, []string{"33, code", "12 digits"}},
		"code twice":       {func(_, b *Grid) { b.Code = code(1) }, []string{"there are two grids with it"}},
		"outside parent":   {func(_, b *Grid) { b.Code = "330106109002001" }, []string{"what it belongs to, 330106109002, is not there"}},
		"overlap":          {func(_, b *Grid) { b.Periods[0].Shape = square(0.5, 0, 1) }, []string{code(2) + ", polygon: overlaps " + code(1)}},
		"beyond parent":    {func(_, b *Grid) { b.Periods[0].Shape = square(2.5, 0, 1) }, []string{"m² of it are outside " + commune}},
		"no polygon":       {func(_, b *Grid) { b.Periods[0].Shape = Shape{} }, []string{"period from 2025-01-01 00:00: it has no polygon"}},
		"before parent":    {func(_, b *Grid) { b.Periods[0].From = day(-1) }, []string{"validity: " + commune + ", to which it belongs, is not there at 2024-12-31"}},
		"ends first":       {func(_, b *Grid) { b.Periods[0].To = day(-1) }, []string{"it ends before it begins"}},
		"no beginning":     {func(_, b *Grid) { b.Periods[0].From = time.Time{} }, []string{"it has no beginning"}},
		"no periods":       {func(_, b *Grid) { b.Periods = nil }, []string{"periods: it has 0"}},
		"gap":              {func(_, b *Grid) { later(b, day(10), day(11)) }, []string{"there is a gap of 24h0m0s"}},
		"periods overlap":  {func(_, b *Grid) { later(b, day(10), day(9)) }, []string{"begins before the period before it ends"}},
		"no end":           {func(_, b *Grid) { later(b, time.Time{}, day(9)) }, []string{"the period before it has no end"}},
		"unit":             {func(a, _ *Grid) { a.Periods[0].Unit = "nobody" }, []string{"there is no unit nobody"}},
		"unit of a class":  {func(a, _ *Grid) { a.Periods[0].Units = map[string]string{"01": "nobody"} }, []string{"units: there is no unit nobody"}},
		"class":            {func(a, _ *Grid) { a.Periods[0].Units = map[string]string{"1": "fire"} }, []string{`units: "1" is no event class`}},
		"neighbour":        {func(a, _ *Grid) { a.Neighbours = []string{code(9)} }, []string{"neighbours: there is no grid " + code(9)}},
		"itself":           {func(a, _ *Grid) { a.Neighbours = []string{code(1)} }, []string{"neighbours: it names itself"}},
		"circle of water":  {func(a, b *Grid) { a.Downstream, b.Downstream = []string{code(2)}, []string{code(1)} }, []string{"downstream: water runs in a circle"}},
		"successor alone":  {func(a, _ *Grid) { a.Successors = []string{code(2)} }, []string{code(2) + " does not name it as a predecessor"}},
		"succession apart": {func(a, b *Grid) { a.Successors, b.Predecessors = []string{code(2)}, []string{code(1)} }, []string{"no period of it begins when one of " + code(1) + " ends"}},
		"two at once":      {func(a, b *Grid) { a.Title.Zh, b.Periods[0].Unit = "", "nobody" }, []string{"Chinese name", "nobody"}},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := NewMap(pair(tt.change), []Unit{{ID: "fire", Title: Title{Zh: "消防"}}})
			wrong(t, err, tt.want...)
			if m != nil {
				t.Error("there is a map all the same")
			}
		})
	}
}

// later ends a grid's period at a time and begins another one at another.
func later(g *Grid, to, from time.Time) {
	g.Periods[0].To = to
	g.Periods = append(g.Periods, Period{From: from, Shape: g.Periods[0].Shape})
}

func TestHoleInTheChain(t *testing.T) {
	_, err := NewMap([]Grid{one("330106000000", Shape{}), one(commune, Shape{})}, nil)
	wrong(t, err, "330106000000 is there and "+town+" between them is not")
}

func TestUnitErrors(t *testing.T) {
	zh := Title{Zh: "单位"}
	for name, tt := range map[string]struct {
		units []Unit
		want  string
	}{
		"id":         {[]Unit{{ID: "Fire 1", Title: zh}}, "Fire 1, id: is not of the form"},
		"twice":      {[]Unit{{ID: "a", Title: zh}, {ID: "a", Title: zh}}, "there are two units"},
		"name":       {[]Unit{{ID: "a"}}, "the Chinese name is missing"},
		"kind":       {[]Unit{{ID: "a", Title: zh, Kind: "Fire"}}, "a, kind: is not of the form"},
		"parent":     {[]Unit{{ID: "a", Title: zh, Parent: "b"}}, "a, parent: there is no unit b"},
		"circle":     {[]Unit{{ID: "a", Title: zh, Parent: "b"}, {ID: "b", Title: zh, Parent: "a"}}, "the units above it form a circle"},
		"covers":     {[]Unit{{ID: "a", Title: zh, Covers: []string{code(9)}}}, "a, covers: there is no grid " + code(9)},
		"two of one": {[]Unit{{ID: "a", Title: zh, Kind: "fire", Covers: []string{town}}, {ID: "b", Title: zh, Kind: "fire", Covers: []string{town}}}, "covered by a, which is of the same kind"},
	} {
		_, err := NewMap(pair(), tt.units)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

func TestSlackForNeighbours(t *testing.T) {
	grids := pair(func(_, b *Grid) { b.Periods[0].Shape = rectangle(1-0.0005, 0, 1, 1) }) // half a thousandth
	m := mapOf(t, grids)
	if g, ok := m.At(120.00099999, 30.0005, t0); !ok || g.Code != code(1) || !m.Near(code(1), code(2)) {
		t.Errorf("%s", g.Code)
	}
}

func TestResponsible(t *testing.T) {
	zh := Title{Zh: "单位"}
	units := []Unit{{ID: "centre", Title: zh}, {ID: "fire-1", Title: zh, Kind: "fire", Covers: []string{town}}, {ID: "fire-2", Title: zh, Kind: "fire"},
		{ID: "water", Title: zh, Kind: "water", Covers: []string{commune}}, {ID: "estate", Title: zh}}
	grids := pair(func(a, b *Grid) {
		a.Periods[0].Unit, a.Periods[0].Units = "estate", map[string]string{"0101": "fire-2", "02": "centre"}
	})
	grids[0].Periods[0].Unit = "centre"
	m := mapOf(t, grids, units...)
	for _, tt := range []struct{ code, class, kind, want string }{
		{code(1), "0101", "fire", "fire-2"}, {code(1), "0102", "fire", "fire-1"}, {code(1), "0201", "water", "centre"}, {code(1), "0401", "", "estate"},
		{code(1), "0501", "power", "estate"}, {code(2), "0201", "water", "water"}, {code(2), "0401", "", "centre"}, {code(9), "0401", "", "centre"},
		{commune, "0201", "water", "water"}, {"330199001001", "0401", "", ""},
	} {
		if got := m.ResponsibleOf(tt.code, tt.class, tt.kind, t0); got != tt.want {
			t.Errorf("%s, class %s, kind %q: %q, want %q", tt.code, tt.class, tt.kind, got, tt.want)
		}
	}
	if got := m.Responsible(code(1), "0401", t0.AddDate(-1, 0, 0)); got != "" {
		t.Errorf("before it began %q was responsible", got)
	}
}

func TestNeighboursAndWater(t *testing.T) {
	grids := lattice(1, 3)
	grids[2].Downstream, grids[3].Downstream = []string{code(2)}, []string{code(5)}
	grids[2].Neighbours = []string{code(9)}
	m := mapOf(t, grids)
	if got, want := m.Neighbours(code(1), t0), []string{code(2), code(4), code(9)}; !slices.Equal(got, want) {
		t.Errorf("neighbours %v", got)
	}
	if got := m.Neighbours(code(9), t0); !slices.Contains(got, code(1)) {
		t.Errorf("what one lists, both are: %v", got)
	}
	if got, want := m.Downstream(code(1), t0), []string{code(2), code(5)}; !slices.Equal(got, want) {
		t.Errorf("downstream %v", got)
	}
	if m.Near(code(1), code(5)) || !m.Near(code(9), code(1)) || m.Near(code(1), "none") {
		t.Error("who is near whom")
	}
	if got := m.Neighbours(code(1), t0.AddDate(-1, 0, 0)); len(got) != 0 {
		t.Errorf("before it began: %v", got)
	}
}

func TestGeoJSONRoundTrip(t *testing.T) {
	grids := pair(func(a, b *Grid) {
		later(a, t0.AddDate(1, 0, 0), t0.AddDate(1, 0, 0))
		a.Periods[1].Units, b.Downstream = map[string]string{"01": "fire"}, []string{code(1)}
	})
	data, err := GeoJSON(grids)
	must(t, err)
	again, err := ParseGeoJSON(data)
	must(t, err)
	got, err := GeoJSON(again)
	must(t, err)
	if string(got) != string(data) || len(again) != len(grids) || len(again[2].Periods) != 2 {
		t.Errorf("%s\n%s", data, got)
	}
	body, err := json.Marshal(again)
	must(t, err)
	var stored []Grid
	must(t, json.Unmarshal(body, &stored))
	twice, err := json.Marshal(stored)
	must(t, err)
	if !reflect.DeepEqual(body, twice) {
		t.Errorf("%s\n%s", body, twice)
	}
}

func TestGeoJSONErrors(t *testing.T) {
	polygon := func(ring string) string {
		return fmt.Sprintf(`{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[%s]]},"properties":{"code":"330106109001001","name":"一","from":"2025-01-01"}}]}`, ring)
	}
	first := "feature 0, 330106109001001, polygon: "
	for name, tt := range map[string]struct{ file, want string }{
		"not JSON":       {"{", "no GeoJSON"},
		"not features":   {`{"type":"Feature"}`, "no GeoJSON FeatureCollection"},
		"other system":   {`{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"EPSG:2437"}},"features":[]}`, "another reference system"},
		"crosses itself": {polygon("[120,30],[120.1,30.1],[120.1,30],[120,30.1],[120,30]"), first + "is no proper polygon"},
		"not closed":     {polygon("[120,30],[120.1,30],[120.1,30.1],[120,30.1]"), first + "is no proper polygon"},
		"too few":        {polygon("[120,30],[120.1,30],[120,30]"), first},
		"empty":          {polygon(""), first + "is"},
		"swapped":        {polygon("[30,120],[30.1,120],[30.1,120.1],[30,120.1],[30,120]"), first + "has coordinates that are no longitude and latitude"},
		"a point":        {strings.Replace(polygon("1"), `"Polygon","coordinates":[[1]]`, `"Point","coordinates":[120,30]`, 1), first + `is a "Point"`},
		"no date":        {strings.Replace(polygon("[120,30],[120.1,30],[120.1,30.1],[120,30]"), "2025-01-01", "soon", 1), "feature 0, 330106109001001, from: is neither a date"},
		"bad code":       {strings.Replace(polygon("[120,30],[120.1,30],[120.1,30.1],[120,30]"), "330106109001001", "330106109000001", 1), "feature 0, 330106109000001, code: a grid belongs to a community"},
		"no properties":  {`{"type":"FeatureCollection","features":[7]}`, "feature 0: is no feature"},
		"no feature":     {`{"type":"FeatureCollection","features":[{"type":"x","geometry":null,"properties":{"code":"330106109001","from":"2025-01-01"}}]}`, "feature 0, 330106109001, type: is not Feature"},
	} {
		grids, err := ParseGeoJSON([]byte(tt.file))
		if err == nil || !strings.Contains(err.Error(), tt.want) || grids != nil {
			t.Errorf("%s: %d grids, %v\nwant %s", name, len(grids), err, tt.want)
		}
	}
}

func FuzzGeoJSON(f *testing.F) {
	for _, grids := range [][]Grid{nil, pair(), lattice(1, 2)} {
		data, err := GeoJSON(grids)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"MultiPolygon","coordinates":[[[[0,0],[9,0],[9,9],[0,9],[0,0]],[[1,1],[1,2],[2,2],[1,1]]]]},"properties":{"code":"330106109001","from":"2025-01-01T00:00:00Z"}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		grids, err := ParseGeoJSON(data)
		if err != nil {
			return
		}
		out, err := GeoJSON(grids)
		must(t, err)
		again, err := ParseGeoJSON(out)
		if err != nil {
			t.Fatalf("what was written is refused: %v\n%s", err, out)
		}
		if len(again) != len(grids) {
			t.Fatalf("%d grids, then %d", len(grids), len(again))
		}
	})
}
