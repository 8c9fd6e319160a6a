package scenes

import (
	"context"
	"math"
	"path/filepath"
	"slices"
)

// medianEvery: each so many frames of the square one goes into its median.
const medianEvery = 12

// material is what scenes are made from.
type material struct {
	dir     string
	empty   *Picture // the square without anybody
	figures map[string][]*sprite
}

// load reads the recording twice: once for its empty place, once to cut the figures out.
func load(ctx context.Context, dir string) (*material, error) {
	var some []*Picture
	n := 0
	err := decode(ctx, filepath.Join(dir, squareFile), squareW, squareH, 0, func(p *Picture) {
		if n%medianEvery == 0 {
			some = append(some, p.clone())
		}
		n++
	})
	if err != nil {
		return nil, err
	}
	m := &material{dir: dir, empty: median(some)}
	m.figures, err = cutOut(ctx, dir, m.empty)
	return m, err
}

// median is the empty place behind a recording: the middle value of each sample over time.
func median(frames []*Picture) *Picture {
	out := NewPicture(frames[0].W, frames[0].H)
	of := func(dst []uint8, plane func(*Picture) []uint8) {
		values := make([]uint8, len(frames))
		for i := range dst {
			for k, f := range frames {
				values[k] = plane(f)[i]
			}
			slices.Sort(values)
			dst[i] = values[len(values)/2]
		}
	}
	of(out.Y, func(p *Picture) []uint8 { return p.Y })
	of(out.U, func(p *Picture) []uint8 { return p.U })
	of(out.V, func(p *Picture) []uint8 { return p.V })
	return out
}

// place returns an empty place: the square, or a photo.
func (m *material) place(ctx context.Context, name string, w, h int) (*Picture, error) {
	if name == squareFile && w == squareW && h == squareH {
		return m.empty.clone(), nil
	}
	var out *Picture
	err := decode(ctx, filepath.Join(m.dir, name), w, h, 0, func(p *Picture) { out = p.clone() })
	return out, err
}

// vehicle draws a box on wheels, textured, seen from its side; colour is its U and V.
func vehicle(w, h int, luma, u, v uint8) *sprite {
	s := &sprite{Picture: *NewPicture(w, h), alpha: make([]uint8, w*h)}
	for i := range s.Y {
		x, y := float64(i%w)/float64(w), float64(i/w)/float64(h)
		s.Y[i], s.alpha[i] = bodywork(x, y, float64(w)/float64(h), float64(luma))
	}
	for i := range s.U {
		s.U[i], s.V[i] = u, v
	}
	return s
}

// bodywork is luma and opacity of a vehicle at x, y (0 to 1) whose width is aspect times its height.
func bodywork(x, y, aspect, luma float64) (uint8, uint8) {
	for _, axle := range []float64{0.2, 0.8} {
		if r := math.Hypot((x-axle)*aspect, y-0.85); r < 0.15 {
			return clamp(25 + 60*math.Max(0, 0.07-r)/0.07), 255
		}
	}
	roof := y < 0.42
	switch {
	case y > 0.88, roof && (x < 0.16+0.3*(0.42-y) || x > 0.9-0.2*(0.42-y)):
		return 0, 0
	case roof && y > 0.1 && math.Abs(x-0.52) > 0.03 && x > 0.26 && x < 0.82:
		return clamp(45 + 40*x), 255 // glass
	}
	seam := 1.0
	if math.Abs(math.Mod(x*5, 1)-0.5) < 0.02 {
		seam = 0.6
	}
	return clamp(luma * (1.15 - 0.45*y) * seam * (1 + 0.05*math.Sin(40*x*aspect)*math.Sin(31*y))), 255
}
