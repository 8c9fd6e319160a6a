package overview

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"gridgate/central/grid"
)

// round is a circle of n corners around a point.
func round(t *testing.T, lon, lat, radius float64, n int) grid.Shape {
	t.Helper()
	var ring []float64
	for i := range n + 1 {
		a := 2 * math.Pi * float64(i%n) / float64(n)
		ring = append(ring, lon+radius*math.Cos(a), lat+radius*math.Sin(a))
	}
	s, err := grid.NewShape([][][]float64{{ring}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func area1(code string, from, to time.Time, s grid.Shape) grid.Grid {
	return grid.Grid{Code: code, Title: grid.Title{Zh: "网格"}, Periods: []grid.Period{{From: from, To: to, Shape: s}}}
}

func mapOf(t *testing.T, grids ...grid.Grid) *grid.Map {
	t.Helper()
	m, err := grid.NewMap(grids, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestOutlines(t *testing.T) {
	now := noon
	begin, end := noon.AddDate(-1, 0, 0), noon.Add(time.Hour)
	m := mapOf(t, area1("330106109001", begin, time.Time{}, round(t, 120, 30, 0.01, 20)), area1("330106109001001", begin, end, round(t, 120, 30, 0.001, 20)),
		area1("330106109001002", begin, time.Time{}, round(t, 120.005, 30, 0.001, 20)))
	o := NewOutlines(func() *grid.Map { return m }, func() time.Time { return now })
	all := Query{Sees: everywhere}
	if got := fmt.Sprint(o.Levels(all), o.Level(all)); got != "[community grid]grid" {
		t.Error(got)
	}
	q := Query{Level: grid.Basic, Sees: everywhere}
	list, more := o.List(q)
	before := o.Mark(grid.Basic)
	if len(list) != 2 || more != 0 || list[0].Properties.Code != "330106109001001" || !json.Valid(list[0].Geometry) || o.Mark(grid.Community) == before {
		t.Errorf("%+v, %d", list, more)
	}
	only := Query{Sees: func(code string) bool { return code == "330106109001" }}
	if got := fmt.Sprint(o.Levels(only), o.Level(only)); got != "[community]community" {
		t.Error(got)
	}
	if none := (Query{Prefix: "99", Sees: everywhere}); o.Level(none) != "" || len(o.Levels(none)) != 0 {
		t.Error("there is nothing below 99")
	}
	now = end
	if list, _ := o.List(q); len(list) != 1 || o.Mark(grid.Basic) == before {
		t.Errorf("%d grids after one ended", len(list))
	}
}

// Large maps are drawn with fewer corners; small ones exactly.
func TestOutlinesAreSimplified(t *testing.T) {
	corners := func(grids, corners int) (n int) {
		var list []grid.Grid
		for i := range grids {
			list = append(list, area1(fmt.Sprintf("330106109001%03d", i+1), noon.AddDate(-1, 0, 0), time.Time{}, round(t, 120+float64(i)/100, 30, 0.004, corners)))
		}
		m := mapOf(t, append(list, area1("330106109001", noon.AddDate(-1, 0, 0), time.Time{}, grid.Shape{}))...)
		o := NewOutlines(func() *grid.Map { return m }, func() time.Time { return noon })
		drawn, _ := o.List(Query{Level: grid.Basic, Sees: everywhere})
		for _, one := range drawn {
			var s grid.Shape
			if err := json.Unmarshal(one.Geometry, &s); err != nil {
				t.Fatal(err)
			}
			n += s.Vertices()
		}
		return n
	}
	if n := corners(3, 1000); n != 3*1001 {
		t.Errorf("%d corners of a small map, want all", n)
	}
	if n := corners(10, 12_000); n > 3000 || n < 100 {
		t.Errorf("%d corners of a large map", n)
	}
}
