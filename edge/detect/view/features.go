package view

import (
	"math"

	"gridgate/edge/decode"
)

const (
	width  = decode.FrameWidth
	height = decode.FrameHeight

	block  = 4 // pixels, side of the blocks of which structure is made
	cols   = width / block
	rows   = height / block
	blocks = cols * rows

	cell      = 20 // pixels, side of the cells in which sharpness is measured
	cellCols  = width / cell
	cellRows  = height / cell
	cells     = cellCols * cellRows
	perCell   = cell / block // blocks along the side of a cell
	firstCell = cellCols     // the first and the last row of cells are left out: cameras write the time there
	lastCell  = cells - cellCols
)

// When there is nothing to see.
const (
	blackMean   = 34.0 // grey levels, mean of a black picture (16 is black in video range)
	brightPixel = 70   // grey levels from which a pixel is a light in the dark
	lights      = 12   // such pixels make a night scene of a black picture
	flatDetail  = 1.5  // grey levels of deviation under which blocks have no structure
)

// features are what is kept of one frame.
type features struct {
	structure [blocks]int8   // mean of a block less the mean of the 5 x 5 around it, grey levels
	edges     [blocks]uint8  // steps from a block to its right and lower neighbours, grey levels
	sharp     [cells]float32 // steps between neighbouring pixels, mean over a cell, grey levels
	means     [cells]float32 // grey levels
	level     float32        // mean of the picture
	deviation float32        // of the structure
	bright    int            // pixels that are lights
}

//go:norace
func featuresOf(luma []byte) features {
	var f features
	var mean [blocks]int32
	for i := range mean {
		at := i/cols*block*width + i%cols*block
		for y := range block {
			for _, v := range luma[at+y*width:][:block] {
				mean[i] += int32(v)
			}
		}
		mean[i] /= block * block
	}
	f.outline(&mean)
	for i := range cells {
		f.measure(luma, i)
	}
	for i := firstCell; i < lastCell; i++ {
		f.level += f.means[i] / (lastCell - firstCell)
	}
	f.deviation = float32(deviationOf(f.structure[inner:outer]))
	return f
}

// inner and outer bound the blocks that lie in the cells from firstCell to lastCell.
const (
	inner = firstCell / cellCols * perCell * cols
	outer = lastCell / cellCols * perCell * cols
)

// outline fills structure and edges.
//
//go:norace
func (f *features) outline(mean *[blocks]int32) {
	var sum [(rows + 1) * (cols + 1)]int32
	for y := range rows {
		row := int32(0)
		for x := range cols {
			row += mean[y*cols+x]
			sum[(y+1)*(cols+1)+x+1] = sum[y*(cols+1)+x+1] + row
		}
	}
	for y := range rows {
		t, b := max(y-2, 0), min(y+3, rows)
		for x := range cols {
			l, r := max(x-2, 0), min(x+3, cols)
			total := sum[b*(cols+1)+r] - sum[b*(cols+1)+l] - sum[t*(cols+1)+r] + sum[t*(cols+1)+l]
			v := mean[y*cols+x]
			f.structure[y*cols+x] = int8(min(max(v-total/int32((r-l)*(b-t)), -127), 127))
			right, low := mean[y*cols+min(x+1, cols-1)]-v, mean[min(y+1, rows-1)*cols+x]-v
			f.edges[y*cols+x] = uint8(min(max(right, -right)+max(low, -low), 255))
		}
	}
}

// measure fills what is known of cell i.
//
//go:norace
func (f *features) measure(luma []byte, i int) {
	at := i/cellCols*cell*width + i%cellCols*cell
	sum, steps := 0, 0
	for y := range cell - 1 {
		row, below := luma[at+y*width:][:cell], luma[at+(y+1)*width:][:cell]
		for x := range cell - 1 {
			v := int(row[x])
			right, low := int(row[x+1])-v, int(below[x])-v
			steps += max(right, -right) + max(low, -low)
			sum += v
			if v > brightPixel && i >= firstCell && i < lastCell {
				f.bright++
			}
		}
	}
	const n = (cell - 1) * (cell - 1)
	f.means[i], f.sharp[i] = float32(sum)/n, float32(steps)/n
}

// black says whether there is neither light nor texture.
func (f *features) black() bool {
	return f.level < blackMean && f.bright < lights && f.flat()
}

// flat says whether there is no texture.
func (f *features) flat() bool { return f.deviation < flatDetail }

func deviationOf(v []int8) float64 {
	var sum, squares int
	for _, x := range v {
		sum += int(x)
		squares += int(x) * int(x)
	}
	n := float64(len(v))
	return math.Sqrt(max(0, float64(squares)/n-float64(sum)/n*float64(sum)/n))
}

// correlate is the correlation of two pictures of one size, where they are not written upon; 0 where one has no structure.
func correlate[T int8 | uint8](a, b []T) float64 {
	a, b = a[inner:outer], b[inner:outer]
	return correlation(a, b)
}

//go:norace
func correlation[T int8 | uint8](a, b []T) float64 {
	var sa, sb, saa, sbb, sab int64
	for i, x := range a {
		x, y := int64(x), int64(b[i])
		sa, sb = sa+x, sb+y
		saa, sbb, sab = saa+x*x, sbb+y*y, sab+x*y
	}
	n := int64(len(a))
	va, vb := float64(n*saa-sa*sa), float64(n*sbb-sb*sb)
	if va <= 0 || vb <= 0 {
		return 0
	}
	return float64(n*sab-sa*sb) / math.Sqrt(va*vb)
}
