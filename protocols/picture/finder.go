package picture

import (
	"cmp"
	"image"
	"math"
	"slices"
	"sync"
)

// How faces are looked for, in pixels of the work picture.
const (
	minWindow = 20   // the smallest window; a face a little smaller fills it
	perOctave = 4    // sizes of the window until it has doubled: then the picture is halved instead
	edge      = 0.4  // of the window, by which it may leave the picture: half a face at the edge is one
	sameFace  = 0.25 // intersection over union from which two windows are one face
	maxKept   = 4096 // windows of which boxes are made; every window counts for what is covered
)

// How far through the cascade of 468 trees a window must come, by how it is turned. A face that looks into the camera
// passes all; the others come further than most of what is no face.
const (
	foundTrees   = 360
	suspectTrees = 180
	rareTrees    = 400 // instead of both, for pictures that are turned by a quarter or more
)

// turn is how windows are turned, and from which halving of the picture on: smaller faces are searched upright only.
type turn struct {
	degrees float64
	from    int
	step    float64 // from window to window, as a share of its size
	suspect int
	found   int
}

var turns = []turn{
	{0, 0, 0.11, suspectTrees, foundTrees},
	{25, 1, 0.12, suspectTrees, foundTrees},
	{-25, 1, 0.12, suspectTrees, foundTrees},
	{90, 1, 0.16, rareTrees, rareTrees},
	{-90, 1, 0.16, rareTrees, rareTrees},
	{180, 1, 0.16, rareTrees, rareTrees},
}

// window is a place that may be a face: its middle and size in pixels of the work picture.
type window struct {
	x, y, size float64
	trees      int
	quality    float32
}

// finder looks for faces. It is safe for concurrent use.
type finder struct {
	cascade *cascade
	spare   sync.Pool // of *scratch
}

// scratch is what one search needs and the next can use again.
type scratch struct {
	stride int
	tables [][perOctave]table // of turns, for stride
	pix    []byte
	half   []byte
}

func newFinder() (*finder, error) {
	c, err := readCascade(cascadeFile)
	if err != nil {
		return nil, err
	}
	return &finder{cascade: c}, nil
}

// windowSize is the i-th size of an octave.
func windowSize(i int) int { return int(minWindow * math.Pow(2, float64(i)/perOctave)) }

// search calls seen with every window of img that may be a face.
func (f *finder) search(img *image.Gray, seen func(w window, t turn)) {
	border := int(math.Ceil(edge * 2 * minWindow))
	s := f.scratch(img.Rect.Dx() + 2*border)
	defer f.spare.Put(s)
	level := plane{pix: img.Pix, stride: img.Stride, w: img.Rect.Dx(), h: img.Rect.Dy()}
	for halved := 0; min(level.w, level.h) >= minWindow/2; halved++ {
		s.pad(level, border)
		for i, t := range turns {
			if halved >= t.from {
				s.scan(f.cascade, i, level, border, halved, seen)
			}
		}
		level = s.halve(level)
	}
}

// scratch returns one whose tables fit the stride.
func (f *finder) scratch(stride int) *scratch {
	s, _ := f.spare.Get().(*scratch)
	if s != nil && s.stride == stride {
		return s
	}
	s = &scratch{stride: stride, tables: make([][perOctave]table, len(turns))}
	for i, t := range turns {
		for size := range perOctave {
			s.tables[i][size] = f.cascade.table(windowSize(size), t.degrees, stride)
		}
	}
	return s
}

// scan tries all windows of one turn. Positions are those of the work picture, which is 2^halved times as large as the level.
func (s *scratch) scan(c *cascade, i int, level plane, border, halved int, seen func(window, turn)) {
	t, scale := turns[i], float64(int(1)<<halved)
	for n := range perOctave {
		size := windowSize(n)
		reach := reachOf(size, t.degrees)
		delta := t.step * float64(size)
		leave := int(edge * float64(size))
		from := border - leave + reach
		for fy := float64(from); int(fy) < border+level.h+leave-reach; fy += delta {
			row := int(fy) * s.stride
			for fx := float64(from); int(fx) < border+level.w+leave-reach; fx += delta {
				trees, quality := c.reach(s.tables[i][n], s.pix, row+int(fx))
				if trees >= t.suspect {
					seen(window{
						x: (fx - float64(border)) * scale, y: (fy - float64(border)) * scale,
						size: float64(size) * scale, trees: trees, quality: quality,
					}, t)
				}
			}
		}
	}
}

// reachOf is how far from its middle a window's pixels can be.
func reachOf(size int, degrees float64) int {
	if math.Mod(degrees, 90) == 0 {
		return size/2 + 1
	}
	return int(math.Ceil(float64(size)*math.Sqrt2/2)) + 1
}

// plane is a grey picture.
type plane struct {
	pix          []byte
	stride, w, h int
}

// pad copies p into s.pix with its edge repeated outwards, so that windows may leave the picture.
func (s *scratch) pad(p plane, border int) {
	s.pix = sized(s.pix, s.stride*(p.h+2*border))
	for y := range p.h + 2*border {
		src := p.pix[min(max(y-border, 0), p.h-1)*p.stride:][:p.w]
		dst := s.pix[y*s.stride:][:s.stride]
		for x := range border {
			dst[x] = src[0]
		}
		copy(dst[border:], src)
		for x := border + p.w; x < len(dst); x++ {
			dst[x] = src[p.w-1]
		}
	}
}

// halve returns p at half the size, each pixel the mean of four. The result is valid until the next call.
func (s *scratch) halve(p plane) plane {
	q := plane{w: p.w / 2, h: p.h / 2, stride: p.w / 2}
	if cap(s.half) < q.w*q.h {
		s.half = make([]byte, q.w*q.h)
	}
	q.pix = s.half[:q.w*q.h] // p may be the same memory: what is written was read before
	for y := range q.h {
		upper, lower := p.pix[2*y*p.stride:], p.pix[(2*y+1)*p.stride:]
		for x := range q.w {
			q.pix[y*q.stride+x] = byte((int(upper[2*x]) + int(upper[2*x+1]) + int(lower[2*x]) + int(lower[2*x+1]) + 2) / 4)
		}
	}
	return q
}

func sized(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// together makes one window of those that show the same face, the surest first. The quality of a face is the sum of theirs.
func together(all []window) (faces []window) {
	slices.SortStableFunc(all, func(a, b window) int {
		return cmp.Or(cmp.Compare(b.trees, a.trees), cmp.Compare(b.quality, a.quality))
	})
	type group struct {
		first, sum window
		n          float64
	}
	var groups []group
next:
	for _, w := range all {
		for i := range groups {
			if g := &groups[i]; overlap(g.first, w) > sameFace {
				g.sum.x, g.sum.y, g.sum.size, g.n = g.sum.x+w.x, g.sum.y+w.y, g.sum.size+w.size, g.n+1
				g.sum.quality += w.quality
				continue next
			}
		}
		groups = append(groups, group{w, w, 1})
	}
	for _, g := range groups {
		faces = append(faces, window{g.sum.x / g.n, g.sum.y / g.n, g.sum.size / g.n, g.first.trees, g.sum.quality})
	}
	return faces
}

// overlap is the intersection of two windows over their union.
func overlap(a, b window) float64 {
	along := func(p, q float64) float64 {
		return max(0, min(p+a.size/2, q+b.size/2)-max(p-a.size/2, q-b.size/2))
	}
	both := along(a.x, b.x) * along(a.y, b.y)
	return both / (a.size*a.size + b.size*b.size - both)
}
