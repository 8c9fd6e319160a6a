package grid

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// t0 is when the grids of the tests begin.
var t0 = time.Date(2025, 1, 1, 0, 0, 0, 0, local)

const (
	town    = "330106109000"
	commune = "330106109001"
)

// square is a square with its lower left corner at a place, in thousandths of a degree off 120 E, 30 N.
func square(x, y, side float64) Shape { return rectangle(x, y, side, side) }

func rectangle(x, y, w, h float64) Shape {
	at := func(x, y float64) []float64 { return []float64{120 + x/1000, 30 + y/1000} }
	var ring []float64
	for _, p := range [][2]float64{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}, {x, y}} {
		ring = append(ring, at(p[0], p[1])...)
	}
	s, err := NewShape([][][]float64{{ring}})
	if err != nil {
		panic(err)
	}
	return s
}

// one returns a grid with one period since t0.
func one(code string, s Shape, change ...func(*Grid)) Grid {
	g := Grid{Code: code, Title: Title{Zh: "网格" + code, En: "Grid " + code}, Periods: []Period{{From: t0, Shape: s}}}
	for _, f := range change {
		f(&g)
	}
	return g
}

func code(n int) string { return fmt.Sprintf("%s%03d", commune, n) }

// lattice is communities side by side, each with n by n square grids, below one township without a shape.
func lattice(communities, n int) []Grid {
	grids := []Grid{one(town, Shape{})}
	for c := range communities {
		area := fmt.Sprintf("330106109%03d", c+1)
		x := float64(c * n)
		grids = append(grids, one(area, square(x, 0, float64(n))))
		for i := range n * n {
			grids = append(grids, one(fmt.Sprintf("%s%03d", area, i+1), square(x+float64(i%n), float64(i/n), 1)))
		}
	}
	return grids
}

func mapOf(t testing.TB, grids []Grid, units ...Unit) *Map {
	t.Helper()
	m, err := NewMap(grids, units)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// wrong fails unless the error names all of parts.
func wrong(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Fatalf("%v\nsays nothing of %q", err, p)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
