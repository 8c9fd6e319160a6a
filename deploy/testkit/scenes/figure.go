package scenes

import (
	"context"
	"fmt"
	"path/filepath"
)

// The recording that figures are cut out of: vtest.avi of OpenCV's examples, a busy square.
const (
	squareFile   = "vtest.avi"
	squareW      = 768
	squareH      = 576
	squareFPS    = 10
	cutMargin    = 10 // samples around a window
	cutThreshold = 22 // grey levels from the empty square
	cutChroma    = 10 // the same for the colours
	shadow       = 34 // the ground in a shadow is darker by less than that, and not coloured
)

// window is where somebody stands alone in one frame of the recording, read off by eye.
type window struct{ frame, x, y, w, h int }

// cuts are the stretches of the recording in which nobody else is near. Between two windows the place moves evenly.
var cuts = map[string][]window{
	"leftward":   {{210, 653, 295, 51, 115}, {220, 584, 295, 40, 115}, {230, 501, 272, 44, 114}, {240, 451, 250, 31, 103}, {250, 372, 231, 49, 97}},
	"crossing":   {{240, 657, 272, 51, 109}, {250, 595, 254, 47, 101}, {260, 528, 243, 43, 98}, {270, 459, 236, 38, 98}, {280, 404, 230, 26, 91}},
	"rightward":  {{360, 529, 195, 41, 92}, {370, 591, 203, 40, 95}, {380, 656, 212, 37, 98}},
	"nearer":     {{370, 500, 255, 38, 98}, {380, 562, 269, 52, 103}, {390, 622, 285, 60, 109}, {400, 686, 301, 58, 111}},
	"lawn":       {{600, 282, 432, 49, 144}, {610, 346, 427, 54, 149}, {620, 374, 422, 56, 154}, {630, 352, 396, 56, 148}, {640, 335, 385, 53, 141}, {650, 333, 371, 49, 145}},
	"lawn-back":  {{660, 296, 357, 63, 134}, {670, 224, 345, 66, 125}, {680, 150, 330, 50, 121}, {690, 118, 307, 45, 119}, {700, 102, 287, 41, 109}},
	"pair":       {{524, 420, 400, 66, 166}, {530, 346, 388, 66, 166}},
	"standing":   {{555, 642, 305, 29, 109}, {600, 642, 305, 28, 108}, {614, 642, 305, 27, 108}},
	"approaches": {{590, 344, 316, 40, 122}, {600, 454, 302, 53, 118}, {610, 526, 294, 60, 109}},
}

// at is the window in frame n, if n is within the stretch.
func at(ws []window, n int) (window, bool) {
	for i := 1; i < len(ws); i++ {
		a, b := ws[i-1], ws[i]
		if n < a.frame || n > b.frame {
			continue
		}
		part := func(from, to int) int { return from + (to-from)*(n-a.frame)/(b.frame-a.frame) }
		return window{n, part(a.x, b.x), part(a.y, b.y), part(a.w, b.w), part(a.h, b.h)}, true
	}
	return window{}, false
}

// cutOut cuts the figures out of the recording in dir, one sprite a frame.
func cutOut(ctx context.Context, dir string, empty *Picture) (map[string][]*sprite, error) {
	figures := map[string][]*sprite{}
	n := 0
	err := decode(ctx, filepath.Join(dir, squareFile), squareW, squareH, 0, func(p *Picture) {
		for name, ws := range cuts {
			if w, ok := at(ws, n); ok {
				if s := cut(p, empty, w); s != nil {
					figures[name] = append(figures[name], s)
				}
			}
		}
		n++
	})
	for name := range cuts {
		if err == nil && len(figures[name]) < 5 {
			err = fmt.Errorf("cut %q out of %s: %d frames hold a figure", name, squareFile, len(figures[name]))
		}
	}
	return figures, err
}

// cut takes the figure in a window, or nothing if there is none. The sprite ends where the figure ends.
func cut(p, empty *Picture, w window) *sprite {
	x, y := w.x-cutMargin, w.y-cutMargin
	width, height := w.w+2*cutMargin, w.h+2*cutMargin
	mask := differs(p, empty, x, y, width, height)
	mask = grown(mask, width, height, 2, 1)
	mask = grown(mask, width, height, 2, 0)
	box, area := keepLargest(mask, width, height)
	if area < w.w*w.h/4 {
		return nil
	}
	return lift(p, mask, x, y, width, box)
}

// differs marks the samples of p in a window that are not the empty place (1), shadows left out.
func differs(p, empty *Picture, x, y, w, h int) []uint8 {
	mask := make([]uint8, w*h)
	for i := range mask {
		px, py := x+i%w, y+i/w
		if px < 0 || py < 0 || px >= p.W || py >= p.H {
			continue
		}
		k, c := py*p.W+px, py/2*(p.W/2)+px/2
		darker := int(empty.Y[k]) - int(p.Y[k])
		colour := max(distance(p.U[c], empty.U[c]), distance(p.V[c], empty.V[c]))
		shaded := darker > 0 && darker < shadow && colour < cutChroma
		if !shaded && (darker > cutThreshold || -darker > cutThreshold || colour > cutChroma) {
			mask[i] = 1
		}
	}
	return mask
}

func distance(a, b uint8) int { return max(int(a), int(b)) - min(int(a), int(b)) }

// grown lets the samples of one value (1: dilation, 0: erosion) spread by r in each direction.
func grown(mask []uint8, w, h, r int, value uint8) []uint8 {
	out := append([]uint8(nil), mask...)
	for i, v := range mask {
		if v != value {
			continue
		}
		for y := max(0, i/w-r); y <= min(h-1, i/w+r); y++ {
			for x := max(0, i%w-r); x <= min(w-1, i%w+r); x++ {
				out[y*w+x] = value
			}
		}
	}
	return out
}

// rect is a box of samples; x1 and y1 are inside.
type rect struct{ x0, y0, x1, y1 int }

// keepLargest clears all but the largest connected part of mask.
func keepLargest(mask []uint8, w, h int) (box rect, area int) {
	labels := make([]int, len(mask))
	best := 0
	for i, v := range mask {
		if v == 0 || labels[i] != 0 {
			continue
		}
		if b, n := flood(mask, labels, w, h, i); n > area {
			box, area, best = b, n, i+1
		}
	}
	for i := range mask {
		if labels[i] != best {
			mask[i] = 0
		}
	}
	return box, area
}

// flood labels the part that holds sample i with i+1.
func flood(mask []uint8, labels []int, w, h, i int) (box rect, area int) {
	box = rect{w, h, 0, 0}
	labels[i] = i + 1
	for open := []int{i}; len(open) > 0; {
		k := open[len(open)-1]
		open = open[:len(open)-1]
		area++
		x, y := k%w, k/w
		box = rect{min(box.x0, x), min(box.y0, y), max(box.x1, x), max(box.y1, y)}
		for ny := max(0, y-1); ny <= min(h-1, y+1); ny++ {
			for nx := max(0, x-1); nx <= min(w-1, x+1); nx++ {
				if n := ny*w + nx; mask[n] != 0 && labels[n] == 0 {
					labels[n] = i + 1
					open = append(open, n)
				}
			}
		}
	}
	return box, area
}

// lift copies what mask marks inside box, with a soft edge. x and y are where the window begins in p.
func lift(p *Picture, mask []uint8, x, y, stride int, box rect) *sprite {
	w, h := (box.x1-box.x0+2)&^1, (box.y1-box.y0+2)&^1
	s := &sprite{Picture: *NewPicture(w, h), alpha: make([]uint8, w*h)}
	for i := range s.alpha {
		mx, my := box.x0+i%w, box.y0+i/w
		px, py := min(max(x+mx, 0), p.W-1), min(max(y+my, 0), p.H-1)
		s.Y[i] = p.Y[py*p.W+px]
		c := i/w/2*(w/2) + i%w/2
		s.U[c], s.V[c] = p.U[py/2*(p.W/2)+px/2], p.V[py/2*(p.W/2)+px/2]
		s.alpha[i] = soft(mask, stride, mx, my)
	}
	return s
}

// soft is the mean of mask around a sample, as an opacity.
func soft(mask []uint8, stride, x, y int) uint8 {
	sum := 0
	for ny := y - 1; ny <= y+1; ny++ {
		for nx := x - 1; nx <= x+1; nx++ {
			if nx >= 0 && nx < stride && ny >= 0 && ny*stride+nx < len(mask) {
				sum += int(mask[ny*stride+nx])
			}
		}
	}
	return uint8(sum * 255 / 9)
}
