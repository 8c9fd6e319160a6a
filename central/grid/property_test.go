package grid

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// star is a random polygon around the middle of a cell, with the corners of which the oracle knows.
func star(random *rand.Rand, x, y float64) (corners [][2]float64) {
	n := 3 + random.IntN(12)
	for i := range n {
		angle := 2 * math.Pi * float64(i) / float64(n)
		reach := 0.2 + 0.28*random.Float64()
		corners = append(corners, [2]float64{x + 0.5 + reach*math.Cos(angle), y + 0.5 + reach*math.Sin(angle)})
	}
	return corners
}

// inside counts the edges that a ray crosses.
func inside(corners [][2]float64, x, y float64) bool {
	in := false
	for i, a := range corners {
		b := corners[(i+1)%len(corners)]
		if (a[1] > y) != (b[1] > y) && x < (b[0]-a[0])*(y-a[1])/(b[1]-a[1])+a[0] {
			in = !in
		}
	}
	return in
}

// TestAtAgreesWithAnOracle asks for random points among random polygons, one in each cell of a lattice.
func TestAtAgreesWithAnOracle(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 5 {
		const n = 6
		grids, corners := []Grid{one(town, Shape{}), one(commune, Shape{})}, [][][2]float64{}
		for i := range n * n {
			c := star(random, float64(i%n), float64(i/n))
			ring := []float64{}
			for _, p := range append(c, c[0]) {
				ring = append(ring, 120+p[0]/1000, 30+p[1]/1000)
			}
			s, err := NewShape([][][]float64{{ring}})
			must(t, err)
			grids, corners = append(grids, one(code(i+1), s)), append(corners, c)
		}
		m := mapOf(t, grids)
		for range 2000 {
			x, y := random.Float64()*n, random.Float64()*n
			want := ""
			for i, c := range corners {
				if inside(c, x, y) {
					want = code(i + 1)
				}
			}
			if g, _ := m.At(120+x/1000, 30+y/1000, t0); g.Code != want {
				t.Fatalf("point %g, %g: %q, want %q", x, y, g.Code, want)
			}
		}
	}
}

// TestHistoriesOfSplitsAndMerges walks random splits and mergers: at every moment every point of the land has exactly the grid that it was given then, also when it is asked later.
func TestHistoriesOfSplitsAndMerges(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for range 4 {
		const width = 8
		m := mapOf(t, []Grid{one(town, Shape{}), one(commune, rectangle(0, 0, width, 1)), one(code(1), rectangle(0, 0, width, 1))})
		owner := make([]string, width) // of each cell of the row
		for i := range owner {
			owner[i] = code(1)
		}
		past, next := map[time.Time][]string{t0: slices.Clone(owner)}, 2
		for step := range 10 {
			at := t0.AddDate(0, 0, step+1)
			changed, codes := change(t, random, m, owner, at, next)
			next += codes
			if changed == nil {
				continue
			}
			m = replace(t, m, changed)
			past[at] = slices.Clone(owner)
			for then, owners := range past {
				for x, want := range owners {
					if g, _ := m.At(120+(float64(x)+0.5)/1000, 30.0005, then.Add(time.Hour)); g.Code != want {
						t.Fatalf("step %d: cell %d at %s has %s, want %s", step, x, then, g.Code, want)
					}
				}
			}
		}
		for _, code := range owner {
			if code != "330106109001001" && !slices.Contains(m.Ancestry(code), "330106109001001") {
				t.Fatalf("%s does not come from the first: %v", code, m.Ancestry(code))
			}
		}
	}
}

// change splits a random grid that is wide enough, or merges one with the one to its right, and updates the owners.
func change(t *testing.T, random *rand.Rand, m *Map, owner []string, at time.Time, next int) ([]Grid, int) {
	t.Helper()
	x := random.IntN(len(owner))
	from, to := slices.Index(owner, owner[x]), x
	for to < len(owner) && owner[to] == owner[x] {
		to++
	}
	if random.IntN(2) == 0 && to-from > 1 {
		left, right := code(next), code(next+1)
		if random.IntN(2) == 0 {
			left = owner[x] // a part keeps the code
		}
		middle := from + 1 + random.IntN(to-from-1)
		changed, err := m.Split(owner[x], at, []Part{
			{Code: left, Title: Title{Zh: "左"}, Shape: rectangle(float64(from), 0, float64(middle-from), 1)},
			{Code: right, Title: Title{Zh: "右"}, Shape: rectangle(float64(middle), 0, float64(to-middle), 1)},
		})
		must(t, err)
		for i := from; i < to; i++ {
			owner[i] = left
			if i >= middle {
				owner[i] = right
			}
		}
		return changed, 2
	}
	if to == len(owner) {
		return nil, 0
	}
	into, old := code(next), []string{owner[x], owner[to]}
	changed, err := m.Merge(old, at, Part{Code: into, Title: Title{Zh: "合"}})
	must(t, err)
	for i := range owner {
		if slices.Contains(old, owner[i]) {
			owner[i] = into
		}
	}
	return changed, 1
}

func replace(t *testing.T, m *Map, changed []Grid) *Map {
	t.Helper()
	all := m.Grids()
	for _, g := range changed {
		if i := slices.IndexFunc(all, func(old Grid) bool { return old.Code == g.Code }); i >= 0 {
			all[i] = g
		} else {
			all = append(all, g)
		}
	}
	next, err := m.Next(all, nil)
	must(t, err)
	return next
}

func TestImpossibleChanges(t *testing.T) {
	m := mapOf(t, pair())
	at := t0.AddDate(0, 1, 0)
	half := func(code string, x, w float64) Part {
		return Part{Code: code, Title: Title{Zh: "半"}, Shape: rectangle(x, 0, w, 1)}
	}
	for name, tt := range map[string]struct {
		parts []Part
		want  string
	}{
		"one part":       {[]Part{half(code(3), 0, 1)}, "two parts or more"},
		"land left out":  {[]Part{half(code(3), 0, 0.5), half(code(4), 0.5, 0.3)}, "m² of its land are in no part"},
		"land of others": {[]Part{half(code(3), 0, 0.5), half(code(4), 0.5, 0.8)}, "m² of the parts are outside it"},
		"no polygon":     {[]Part{{Code: code(3)}, {Code: code(4)}}, "has no polygon"},
		"another's code": {[]Part{half(code(1), 0, 0.5), half(code(2), 0.5, 0.5)}, code(2) + " is another grid"},
		"the code twice": {[]Part{half(code(3), 0, 0.5), half(code(3), 0.5, 0.5)}, "two parts have the code"},
	} {
		if _, err := m.Split(code(1), at, tt.parts); err == nil {
			t.Errorf("%s: no error", name)
		} else {
			wrong(t, err, tt.want)
		}
	}
	_, err := m.Split(code(1), t0, []Part{half(code(3), 0, 0.5), half(code(4), 0.5, 0.5)})
	wrong(t, err, "cannot change at")
	_, err = m.Split(commune, at, []Part{half(code(3), 0, 0.5), half(code(4), 0.5, 0.5)})
	wrong(t, err, "still has "+code(1)+" below it")
	_, err = m.Merge([]string{code(1), code(1)}, at, Part{Code: code(3)})
	wrong(t, err, "named twice")
	_, err = m.Merge([]string{code(1)}, at, Part{Code: code(3)})
	wrong(t, err, "two grids or more")
}
