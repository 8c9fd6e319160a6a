package picture

import (
	"image"
	"math"
)

// How coarse a picture becomes where a face is or may be.
const (
	cell          = 4    // pixels of the stored picture: the grain in which places are told apart
	maxLevel      = 9    // blocks of up to 512 pixels, more than a side of the picture
	foundBlocks   = 3.5  // at most this many across the window of a face that was found
	suspectBlocks = 7.0  // and this many across one that may be a face
	profileBlocks = 3.5  // and this many across a face in profile
	foundMargin   = 0.3  // of the window's size, coarse too on each side of a face: hair, ears and chin
	suspectMargin = 0.05 // the same for what may be one
)

// grid says for each cell of the stored picture how coarse it must be: the power of two that is the side of its blocks in pixels.
type grid struct {
	w, h  int // cells
	level []uint8
}

func newGrid(width, height int) grid {
	g := grid{w: (width + cell - 1) / cell, h: (height + cell - 1) / cell}
	g.level = make([]uint8, g.w*g.h)
	return g
}

// cover asks for at most blocks across the window of size pixels around x, y, and for the same beside it.
func (g grid) cover(x, y, size, blocks, margin float64) {
	level := uint8(min(maxLevel, max(0, math.Ceil(math.Log2(size/blocks)))))
	half := size * (0.5 + margin)
	x0, x1 := max(0, int(x-half)/cell), min(g.w-1, int(x+half)/cell)
	y0, y1 := max(0, int(y-half)/cell), min(g.h-1, int(y+half)/cell)
	for cy := y0; cy <= y1; cy++ {
		row := g.level[cy*g.w:][:g.w]
		for cx := x0; cx <= x1; cx++ {
			row[cx] = max(row[cx], level)
		}
	}
}

// apply replaces each cell of img by the mean of its block. Nothing finer than a block is left of it, but at the edge of what is
// covered: there a block holds sharp cells too, and who takes them off the mean has that of the rest, of one cell at least.
func (g grid) apply(img *image.RGBA) {
	original := &image.RGBA{Pix: append([]uint8(nil), img.Pix...), Stride: img.Stride, Rect: img.Rect}
	for level := uint8(1); level <= maxLevel; level++ {
		side := 1 << level
		for y := 0; y < img.Rect.Dy(); y += side {
			for x := 0; x < img.Rect.Dx(); x += side {
				g.block(img, original, image.Rect(x, y, x+side, y+side).Intersect(img.Rect), level)
			}
		}
	}
}

// block paints the cells of r that ask for this level with the mean of all of r.
func (g grid) block(img, original *image.RGBA, r image.Rectangle, level uint8) {
	var mean [3]byte
	known := false
	for cy := r.Min.Y / cell; cy <= (r.Max.Y-1)/cell; cy++ {
		for cx := r.Min.X / cell; cx <= (r.Max.X-1)/cell; cx++ {
			if g.level[cy*g.w+cx] != level {
				continue
			}
			if !known {
				mean, known = meanOf(original, r), true
			}
			fill(img, image.Rect(cx*cell, cy*cell, (cx+1)*cell, (cy+1)*cell).Intersect(r), mean)
		}
	}
}

func meanOf(img *image.RGBA, r image.Rectangle) [3]byte {
	var sum [3]int
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := img.Pix[img.PixOffset(r.Min.X, y):][:4*r.Dx()]
		for i := 0; i < len(row); i += 4 {
			sum[0] += int(row[i])
			sum[1] += int(row[i+1])
			sum[2] += int(row[i+2])
		}
	}
	n := r.Dx() * r.Dy()
	return [3]byte{byte(sum[0] / n), byte(sum[1] / n), byte(sum[2] / n)}
}

func fill(img *image.RGBA, r image.Rectangle, c [3]byte) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := img.Pix[img.PixOffset(r.Min.X, y):][:4*r.Dx()]
		for i := 0; i < len(row); i += 4 {
			row[i], row[i+1], row[i+2], row[i+3] = c[0], c[1], c[2], 255
		}
	}
}
