package grid

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestTouching(t *testing.T) {
	m := mapOf(t, lattice(2, 2))
	for name, tt := range map[string]struct {
		shape Shape
		want  []string
	}{
		"one grid":        {square(0.2, 0.2, 0.5), []string{code(1)}},
		"two communities": {rectangle(1.2, 0.2, 1.5, 0.5), []string{code(2), "330106109002001"}},
		"nothing":         {square(50, 50, 1), nil},
	} {
		if got := m.Touching(tt.shape, t0); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	if got := m.Touching(square(0, 0, 1), t0.AddDate(-1, 0, 0)); got != nil {
		t.Errorf("before there was a map: %q", got)
	}
}

func TestUnder(t *testing.T) {
	m := mapOf(t, lattice(2, 2))
	for area, want := range map[string]int{town: 8, commune: 4, code(1): 1, "330107000000": 0} {
		got := m.Under(area, t0)
		if len(got) != want || slices.Contains(got, area) && len(area) == areaDigits {
			t.Errorf("%s: %q, want %d grids", area, got, want)
		}
	}
}

// A disc touches each grid that has a point within its radius, and none that is a percent farther away.
func TestDisc(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lon, lat := rapid.Float64Range(-179, 179).Draw(t, "lon"), rapid.Float64Range(-60, 60).Draw(t, "lat")
		radius := rapid.Float64Range(10, 5000).Draw(t, "radius")
		d, err := Disc(lon, lat, radius)
		if err != nil {
			t.Fatal(err)
		}
		north := func(metres float64) bool { return d.Covers(lon, lat+metres/metresPerDegree) }
		if !north(radius*0.999) || north(radius*1.01) {
			t.Fatalf("a disc of %v m at %v, %v has its border elsewhere", radius, lon, lat)
		}
	})
}
