package decode

import "encoding/binary"

// scaler shrinks a plane to a fixed size by taking the mean of each box. It keeps its tables between pictures of one size.
type scaler struct {
	width, height int // of the result
	srcW, srcH    int
	edges         []int    // the first column of the source of each cell of the result, and the one after its last
	columns       []uint16 // the sum of each column over the rows of a box
}

// maxRows bounds the rows that are summed for one of the result, so that sums of bytes fit 16 bits; of higher boxes rows are
// left out evenly.
const maxRows = 256

// denseRows is how high a box may be with every row looked at; above, every second one says as much at this size.
const denseRows = 8

// scale writes the mean of each box of p to dst, which has width x height bytes. A small source is repeated.
func (s *scaler) scale(dst []byte, p plane, layout pixelLayout) {
	s.prepare(p.width, p.height)
	for y := range s.height {
		top, bottom := span(y, s.height, p.height)
		step := 1 + (bottom-top-1)/maxRows
		if bottom-top > denseRows {
			step = max(step, 2)
		}
		rows := (bottom - top + step - 1) / step
		lines := p.pix[top*p.stride:]
		if layout.bytes == 1 {
			s.sum(lines, rows, step*p.stride)
		} else {
			s.sumWide(lines, rows, step*p.stride, layout.shift)
		}
		s.means(dst[y*s.width:][:s.width], rows)
	}
}

func (s *scaler) prepare(srcW, srcH int) {
	if s.srcW == srcW && s.srcH == srcH {
		return
	}
	s.srcW, s.srcH = srcW, srcH
	s.columns, s.edges = make([]uint16, srcW), make([]int, 2*s.width)
	for x := range s.width {
		s.edges[2*x], s.edges[2*x+1] = span(x, s.width, srcW)
	}
}

// evenBytes are bytes 0, 2, 4 and 6 of eight.
const evenBytes = 0x00FF00FF00FF00FF

// sum adds up each column over rows lines that lie stride bytes apart, eight columns at a time: the even bytes of a word of eight
// in one word of four sums, the odd ones in another.
func (s *scaler) sum(lines []byte, rows, stride int) {
	x := 0
	for ; x+8 <= len(s.columns); x += 8 {
		var even, odd uint64
		for r, at := 0, x; r < rows; r, at = r+1, at+stride {
			v := binary.LittleEndian.Uint64(lines[at:])
			even += v & evenBytes
			odd += v >> 8 & evenBytes
		}
		out := s.columns[x:][:8]
		out[0], out[1] = uint16(even), uint16(odd)
		out[2], out[3] = uint16(even>>16), uint16(odd>>16)
		out[4], out[5] = uint16(even>>32), uint16(odd>>32)
		out[6], out[7] = uint16(even>>48), uint16(odd>>48)
	}
	for ; x < len(s.columns); x++ {
		s.columns[x] = 0
		for r := range rows {
			s.columns[x] += uint16(lines[x+r*stride])
		}
	}
}

func (s *scaler) sumWide(lines []byte, rows, stride, shift int) {
	for x := range s.columns {
		s.columns[x] = 0
		for r := range rows {
			v := (uint16(lines[2*x+r*stride]) | uint16(lines[2*x+1+r*stride])<<8) >> shift
			s.columns[x] += min(v, 255)
		}
	}
}

// exactCells is how many samples a cell may have for its mean to be taken with a reciprocal of 32 bits.
const exactCells = 4096

// means divides the sums of each cell by the number of its samples, rounding.
func (s *scaler) means(out []byte, rows int) {
	var n, reciprocal uint64
	for x := range out {
		left, right := s.edges[2*x], s.edges[2*x+1]
		if cells := uint64((right - left) * rows); cells != n {
			n, reciprocal = cells, (1<<32+cells-1)/cells
		}
		sum := n / 2
		for _, v := range s.columns[left:right] {
			sum += uint64(v)
		}
		if n > exactCells {
			out[x] = byte(sum / n)
		} else {
			out[x] = byte(sum * reciprocal >> 32)
		}
	}
}

// span is the part of src that makes cell i of n; it is never empty.
func span(i, n, src int) (from, to int) {
	from = i * src / n
	return from, max(from+1, (i+1)*src/n)
}
