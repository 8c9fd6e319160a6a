package picture

import (
	"image"
	"math"
	"sync"
)

// How faces in profile are looked for.
const (
	profileFinest = 1.15 // times the work picture: the largest size at which it is searched
	profileStep   = 1.4  // from size to size
	profileStride = 2    // pixels from window to window
	flattest      = 3    // grey levels: the least deviation of a window that can show anything
	stageSlack    = 1e-5 // by which the sum of a stage may fall short, as where the cascade was trained
)

// profileFinder looks for faces that look to one side. It is safe for concurrent use.
type profileFinder struct {
	cascade *haar
	spare   sync.Pool // of *profileSearch
}

// profileSearch is one search; the next can use its memory again.
type profileSearch struct {
	cascade *haar
	scaled  []byte
	sum     []uint32 // of all pixels above and to the left
	square  []uint32 // of their squares; differences are right although both overflow
	left    []placed // the stumps of faces that look to the left, and of those that look to the right
	right   []placed
}

// placed is a stump for one width of the picture: the corners of its parts, counted from the window's first pixel.
type placed struct {
	a, b, c   corners
	third     bool // c counts
	threshold float32
	leaf      [2]float32 // above the threshold, and below
	rest      float32    // what the stumps behind it in the stage can add at most
}

type corners struct {
	at     [4]int32
	weight float32
}

func (c *corners) sum(sums []uint32) float32 {
	return c.weight * float32(int32(sums[c.at[0]]-sums[c.at[1]]-sums[c.at[2]]+sums[c.at[3]]))
}

// search calls seen with each window of [profileSearch.search].
func (f *profileFinder) search(img *image.Gray, seen func(x, y, size float64)) {
	s, _ := f.spare.Get().(*profileSearch)
	if s == nil {
		s = &profileSearch{cascade: f.cascade}
	}
	defer f.spare.Put(s)
	s.search(img, seen)
}

// search calls seen with the middle and size, in pixels of img, of every window that may be a face in profile.
func (f *profileSearch) search(img *image.Gray, seen func(x, y, size float64)) {
	source := plane{pix: img.Pix, stride: img.Stride, w: img.Rect.Dx(), h: img.Rect.Dy()}
	halves := scratch{}
	shrunk := 1.0 // of img to source
	for scale := profileFinest; ; scale /= profileStep {
		if scale*shrunk <= 0.5 && min(source.w, source.h) >= 2 {
			source, shrunk = halves.halve(source), shrunk*2
		}
		w, h := int(float64(img.Rect.Dx())*scale), int(float64(img.Rect.Dy())*scale)
		if w < f.cascade.w || h < f.cascade.h {
			return
		}
		f.prepare(source, w, h)
		across, down := float64(img.Rect.Dx())/float64(w), float64(img.Rect.Dy())/float64(h)
		f.scan(w, h, func(x, y int) {
			seen((float64(x)+float64(f.cascade.w)/2)*across, (float64(y)+float64(f.cascade.h)/2)*down, float64(max(f.cascade.w, f.cascade.h))*max(across, down))
		})
	}
}

// scan calls hit with the first pixel of each window of a prepared picture that passes in either direction. Behind one that no
// stage is content with it makes a larger step.
func (f *profileSearch) scan(w, h int, hit func(x, y int)) {
	for y := 0; y+f.cascade.h <= h; y += profileStride {
		for x := 0; x+f.cascade.w <= w; x += profileStride {
			at := y*(w+1) + x
			norm := f.norm(at, w+1)
			if norm == 0 {
				continue
			}
			left := f.passes(f.left, at, norm)
			right := f.passes(f.right, at, norm)
			switch max(left, right) {
			case len(f.cascade.stages):
				hit(x, y)
			case 0:
				x += profileStride
			}
		}
	}
}

// norm is what a window's features are multiplied with: one over its deviation and area, or 0 where it is too flat.
func (f *profileSearch) norm(at, stride int) float32 {
	w, h := f.cascade.w-2, f.cascade.h-2
	a := at + stride + 1
	b, c, d := a+w, a+h*stride, a+h*stride+w
	sum := float64(f.sum[a] - f.sum[b] - f.sum[c] + f.sum[d])
	square := float64(f.square[a] - f.square[b] - f.square[c] + f.square[d])
	area := float64(w * h)
	spread := area*square - sum*sum
	if spread < flattest*flattest*area*area {
		return 0
	}
	return float32(1 / math.Sqrt(spread))
}

// passes says how many stages the window that begins at passes.
func (f *profileSearch) passes(stumps []placed, at int, norm float32) int {
	sums, first := f.sum[at:], 0
	for n, stage := range f.cascade.stages {
		var sum float32
		part := stumps[first:stage.end]
		for i := range part {
			s := &part[i]
			value := s.a.sum(sums) + s.b.sum(sums)
			if s.third {
				value += s.c.sum(sums)
			}
			sum += s.leaf[math.Float32bits(value*norm-s.threshold)>>31] // by the sign, without a branch that nobody can predict
			if sum+s.rest < stage.threshold-stageSlack {
				return n
			}
		}
		first = stage.end
	}
	return len(f.cascade.stages)
}

// prepare scales source to w x h, sums it up, and places the stumps in it.
func (f *profileSearch) prepare(source plane, w, h int) {
	f.scaled = resized(f.scaled, source, w, h)
	stride := w + 1
	if n := stride * (h + 1); cap(f.sum) < n {
		f.sum, f.square = make([]uint32, n), make([]uint32, n)
	}
	f.sum, f.square = f.sum[:stride*(h+1)], f.square[:stride*(h+1)]
	clear(f.sum[:stride])
	clear(f.square[:stride])
	for y := range h {
		above, below := f.sum[y*stride:][:stride], f.sum[(y+1)*stride:][:stride]
		above2, below2 := f.square[y*stride:][:stride], f.square[(y+1)*stride:][:stride]
		var sum, square uint32
		below[0], below2[0] = 0, 0
		for x, v := range f.scaled[y*w:][:w] {
			sum, square = sum+uint32(v), square+uint32(v)*uint32(v)
			below[x+1], below2[x+1] = above[x+1]+sum, above2[x+1]+square
		}
	}
	f.left = f.cascade.place(f.left, stride, false)
	f.right = f.cascade.place(f.right, stride, true)
}

// place writes the stumps for pictures of one stride to out, mirrored or not.
func (c *haar) place(out []placed, stride int, mirrored bool) []placed {
	if len(out) != len(c.stumps) {
		out = make([]placed, len(c.stumps))
	}
	for i, s := range c.stumps {
		p := placed{third: len(s.parts) == 3, threshold: s.threshold, leaf: [2]float32{s.above, s.below}, rest: s.rest}
		for j, to := range []*corners{&p.a, &p.b, &p.c}[:len(s.parts)] {
			r := s.parts[j]
			x := r.x
			if mirrored {
				x = c.w - r.x - r.w
			}
			at := int32(r.y*stride + x)
			to.weight = r.weight
			to.at = [4]int32{at, at + int32(r.w), at + int32(r.h*stride), at + int32(r.h*stride+r.w)}
		}
		out[i] = p
	}
	return out
}

// resized returns p at w x h, between its pixels by the nearest four.
func resized(out []byte, p plane, w, h int) []byte {
	const one = 256
	out = sized(out, w*h)
	at, share := make([]int, w), make([]int, w)
	for x := range w {
		at[x], share[x] = between(x, w, p.w)
	}
	for y := range h {
		row, low := between(y, h, p.h)
		a := p.pix[row*p.stride:][:p.w]
		b := p.pix[min(row+1, p.h-1)*p.stride:][:p.w]
		for x, dst := 0, out[y*w:][:w]; x < w; x++ {
			l, r, k := at[x], min(at[x]+1, p.w-1), share[x]
			upper := int(a[l])*(one-k) + int(a[r])*k
			lower := int(b[l])*(one-k) + int(b[r])*k
			dst[x] = byte((upper*(one-low) + lower*low + one*one/2) / (one * one))
		}
	}
	return out
}

// between is where pixel i of n lies among m: behind which pixel, and by how many 256ths.
func between(i, n, m int) (at, share int) {
	v := min(max(0, ((2*i+1)*m*256/n-256)/2), (m-1)*256)
	return v / 256, v % 256
}
