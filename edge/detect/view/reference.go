package view

import (
	"math"
	"slices"
)

const maxReferences = 3 // for example: day, dusk, infrared

// When a view is another one.
const (
	stays       = 0.6  // correlation of structure from one frame to the next in a view that stays as it is
	sameScene   = 0.5  // from which a view is that of the reference
	otherScene  = 0.35 // likeness under which it is not
	outlived    = 0.4  // share of the reference's structure that another scene has at least
	lostCell    = 0.3  // correlation under which a cell lost what it showed
	coveredPart = 0.7  // share of the cells that a covered camera lost
	turnedPart  = 0.35 // share of all cells that a turned one altered: somebody large before a bare wall is no other scene
	otherLevel  = 15.0 // grey levels, light aside, from which a cell without structure is altered
	blunt       = 0.5  // share of the reference's sharpness under which a picture is out of focus
	keptCoarse  = 0.8  // correlation of the cells' means that it keeps
	lostCoarse  = 0.6  // and under which a covered one has lost them
	tellingCell = 3.0  // grey levels of structure from which a cell tells
	telling     = 12   // such cells that a reference must have
	twilight    = 40.0 // grey levels: under this a picture may be dark rather than covered
	litNear     = 20.0 // grey levels, and
	litShare    = 0.25 // share, by which light of the same level may differ
	followed    = 0.01 // share of a frame that the reference takes over
)

// reference is how the view is at one level of light.
type reference struct {
	features
	detail [cells]float32 // deviation of the structure in a cell
	cells  int            // that tell
	exact  [blocks]float32
}

func referenceOf(f *features) reference {
	r := reference{features: *f}
	for i, v := range f.structure {
		r.exact[i] = float32(v)
	}
	r.finish()
	return r
}

// finish derives what follows from the rest.
func (r *reference) finish() {
	r.cells = 0
	var buffer [perCell * perCell]int8
	for i := firstCell; i < lastCell; i++ {
		r.detail[i] = float32(deviationOf(blocksOf(r.structure[:], i, &buffer)))
		if r.detail[i] >= tellingCell {
			r.cells++
		}
	}
}

// blocksOf copies the blocks of a cell to buffer.
func blocksOf(of []int8, i int, buffer *[perCell * perCell]int8) []int8 {
	at := i/cellCols*perCell*cols + i%cellCols*perCell
	for y := range perCell {
		copy(buffer[y*perCell:][:perCell], of[at+y*cols:])
	}
	return buffer[:]
}

// poor says whether the reference has too little structure to tell anything by it.
func (r *reference) poor() bool { return r.cells < telling }

// litLike says whether f has light of the same level.
func (r *reference) litLike(f *features) bool {
	return math.Abs(float64(f.level-r.level)) <= max(litNear, litShare*float64(r.level))
}

// follow moves the reference a little towards f.
func (r *reference) follow(f *features) {
	for i, v := range f.structure {
		r.exact[i] += followed * (float32(v) - r.exact[i])
		r.structure[i] = int8(math.Round(float64(r.exact[i])))
		if d := int(f.edges[i]) - int(r.edges[i]); d > 4 {
			r.edges[i]++
		} else if d < -4 {
			r.edges[i]--
		}
	}
	for i := range cells {
		r.sharp[i] += followed * (f.sharp[i] - r.sharp[i])
		r.means[i] += followed * (f.means[i] - r.means[i])
	}
	r.level += followed * (f.level - r.level)
	r.deviation += followed * (f.deviation - r.deviation)
	r.finish()
}

// match is how a frame compares with a reference.
type match struct {
	structure float64 // correlation
	edges     float64 // correlation of their strength, whatever is lighter than what
	coarse    float64 // correlation of the cells' means
	lost      float64 // share of the cells that do not show any more what they showed
	sharpness float64 // of the reference's, contrast aside
}

// likeness is high if the scene may be the same, under whatever light.
func (m match) likeness() float64 { return max(m.structure, m.edges) }

func (r *reference) compare(f *features) match {
	m := match{
		structure: correlate(r.structure[:], f.structure[:]), edges: correlate(r.edges[:], f.edges[:]),
	}
	var contrast float64
	m.coarse, contrast = coarse(r.means[firstCell:lastCell], f.means[firstCell:lastCell])
	m.lost, m.sharpness = r.cellwise(f, min(max(contrast, 0.1), 1))
	return m
}

// cellwise compares the cells that tell; contrast is the share of the reference's that the frame has.
func (r *reference) cellwise(f *features, contrast float64) (lost, sharpness float64) {
	var mine, theirs [perCell * perCell]int8
	var sharp [cells]float64
	n, gone := 0, 0
	for i := firstCell; i < lastCell; i++ {
		if r.detail[i] < tellingCell {
			continue
		}
		a, b := blocksOf(r.structure[:], i, &mine), blocksOf(f.structure[:], i, &theirs)
		if correlation(a, b) < lostCell {
			gone++
		}
		sharp[n] = float64(f.sharp[i]) / max(float64(r.sharp[i])*contrast, 0.5)
		n++
	}
	if n == 0 {
		return 0, 1
	}
	slices.Sort(sharp[:n])
	return float64(gone) / float64(n), sharp[n/2]
}

// altered is the share of the cells that show something else, those without structure included.
func (r *reference) altered(f *features) float64 {
	var mine, theirs [perCell * perCell]int8
	n := 0
	for i := firstCell; i < lastCell; i++ {
		a, b := blocksOf(r.structure[:], i, &mine), blocksOf(f.structure[:], i, &theirs)
		if r.detail[i] >= tellingCell {
			if correlation(a, b) < lostCell {
				n++
			}
			continue
		}
		if other := f.means[i] - r.means[i] - (f.level - r.level); deviationOf(b) >= tellingCell || max(other, -other) > otherLevel {
			n++
		}
	}
	return float64(n) / (lastCell - firstCell)
}

// coarse compares the means of cells: their correlation, and the deviation of b as a share of that of a.
func coarse(a, b []float32) (correlation, contrast float64) {
	var sa, sb, saa, sbb, sab float64
	for i, x := range a {
		x, y := float64(x), float64(b[i])
		sa, sb = sa+x, sb+y
		saa, sbb, sab = saa+x*x, sbb+y*y, sab+x*y
	}
	n := float64(len(a))
	va, vb := saa/n-sa/n*sa/n, sbb/n-sb/n*sb/n
	if va < 1 || vb < 1 {
		return 0, 1
	}
	return (sab/n - sa/n*sb/n) / math.Sqrt(va*vb), math.Sqrt(vb / va)
}

// state says which of [kinds] hold for f.
func (r *reference) state(f *features, m match, stable bool) (holds [len(kinds)]bool) {
	if holds[0] = f.black(); holds[0] || r.poor() {
		return holds
	}
	dark := f.level < twilight && r.level > 1.5*f.level
	structured := f.deviation > outlived*r.deviation
	holds[1] = !dark && m.lost > coveredPart && !structured && m.coarse < lostCoarse
	holds[2] = !dark && stable && structured && m.likeness() < otherScene && r.altered(f) > turnedPart
	holds[3] = m.coarse > keptCoarse && m.sharpness < blunt && r.litLike(f)
	return holds
}
