package picture

import (
	_ "embed"
	"errors"
	"fmt"
	"image"
	"math"

	pigo "github.com/esimov/pigo/core"
	"golang.org/x/image/draw"
)

//go:embed cascade/facefinder
var cascade []byte

// How faces are looked for. Recall comes first: what is pixelated for nothing costs little, a face that is missed is the
// one thing that must not happen.
const (
	minFace     = 16         // pixels of the output; smaller ones cannot be told apart
	fineFace    = 48         // faces up to here are looked for in the output itself, larger ones in a smaller copy
	coarseArea  = 300 * 1000 // pixels of that copy
	shiftFactor = 0.05       // step of the window, as a share of its size
	scaleFactor = 1.1        // from one size of the window to the next
	turnedShift = 0.1        // the same for cameras that hang on their side or upside down, which are rare
	turnedScale = 1.1
	overlap     = 0.2  // intersection over union from which two windows are one face
	minQuality  = 0.0  // of the finder's score; it finds 97 % of frontal faces
	margin      = 0.35 // of the face's size, added on each side: hair, ears and chin
)

// finder finds faces with a pixel-comparison cascade (Markus et al., "Object detection with pixel intensity comparisons
// organized in decision trees", 2013).
type finder struct{ cascade *pigo.Pigo }

func newFinder() (f finder, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = errors.New("the face cascade is damaged")
		}
	}()
	c, err := pigo.NewPigo().Unpack(cascade)
	if err != nil {
		return finder{}, fmt.Errorf("read the face cascade: %w", err)
	}
	return finder{cascade: c}, nil
}

// faces returns the boxes to pixelate, enlarged by the margin and cut at the picture's edge.
func (f finder) faces(img *image.Gray) []Box {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	found := f.scan(img, minFace, fineFace, shiftFactor, scaleFactor)

	cw, ch := fitArea(w, h, coarseArea)
	coarse := image.NewGray(image.Rect(0, 0, cw, ch))
	draw.ApproxBiLinear.Scale(coarse, coarse.Rect, img, img.Rect, draw.Src, nil)
	ratio := float64(w) / float64(cw)
	from := max(minFace, int(fineFace/ratio))
	step, growth := shiftFactor, scaleFactor
	for turn := range 4 {
		for _, d := range f.scan(coarse, from, min(cw, ch), step, growth) {
			found = append(found, unturn(d, turn, cw, ch, ratio))
		}
		coarse = quarterTurn(coarse)
		step, growth = turnedShift, turnedScale
	}
	boxes := make([]Box, 0, len(found))
	for _, d := range f.cascade.ClusterDetections(found, overlap) {
		if b := enlarge(d, w, h); b.W > 0 && b.H > 0 {
			boxes = append(boxes, b)
		}
	}
	return boxes
}

// scan looks for upright faces of a size between from and to, in windows that step and grow by the given factors.
func (f finder) scan(img *image.Gray, from, to int, step, growth float64) []pigo.Detection {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	if to = min(to, w-2, h-2); from > to {
		return nil
	}
	found := f.cascade.RunCascade(pigo.CascadeParams{
		MinSize: from, MaxSize: to, ShiftFactor: step, ScaleFactor: growth,
		ImageParams: pigo.ImageParams{Pixels: img.Pix, Rows: h, Cols: w, Dim: img.Stride},
	}, 0)
	kept := found[:0]
	for _, d := range found {
		if d.Q >= minQuality {
			kept = append(kept, d)
		}
	}
	return kept
}

// quarterTurn returns img turned by 90 degrees clockwise.
func quarterTurn(img *image.Gray) *image.Gray {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	out := image.NewGray(image.Rect(0, 0, h, w))
	for y := range h {
		for x, v := range img.Pix[y*img.Stride:][:w] {
			out.Pix[x*out.Stride+h-1-y] = v
		}
	}
	return out
}

// unturn maps a face found after turn quarter turns of a w x h picture back, and enlarges it by ratio.
func unturn(d pigo.Detection, turn, w, h int, ratio float64) pigo.Detection {
	x, y := d.Col, d.Row
	switch turn {
	case 1:
		x, y = d.Row, h-1-d.Col
	case 2:
		x, y = w-1-d.Col, h-1-d.Row
	case 3:
		x, y = w-1-d.Row, d.Col
	}
	scaled := func(v int) int { return int(math.Round(float64(v) * ratio)) }
	return pigo.Detection{Row: scaled(y), Col: scaled(x), Scale: scaled(d.Scale), Q: d.Q}
}

func enlarge(d pigo.Detection, w, h int) Box {
	half := int(math.Ceil(float64(d.Scale) * (0.5 + margin)))
	r := image.Rect(d.Col-half, d.Row-half, d.Col+half, d.Row+half).Intersect(image.Rect(0, 0, w, h))
	return Box{X: r.Min.X, Y: r.Min.Y, W: r.Dx(), H: r.Dy()}
}

// fitArea returns the largest size of the shape w:h with at most area pixels.
func fitArea(w, h, area int) (int, int) {
	if w*h <= area {
		return w, h
	}
	f := math.Sqrt(float64(area) / float64(w*h))
	return max(1, int(float64(w)*f)), max(1, int(float64(h)*f))
}
