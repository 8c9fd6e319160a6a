package decode

import "encoding/binary"

// scaler shrinks a plane to a fixed size by taking the mean of each box. It keeps its tables between pictures of one size.
type scaler struct {
	width, height int // of the result
	srcW, srcH    int
	edges         []int    // the first column of the source of each cell of the result, and the one after its last
	sums          []uint64 // of each column over the rows of a box: four of 16 bits in each, see [scaler.addRow]
	columns       []uint16 // the same one by one
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
		rows := 0
		clear(s.sums)
		clear(s.columns)
		for row := top; row < bottom; row += step {
			line := p.pix[row*p.stride:]
			if layout.bytes == 1 {
				s.addRow(line[:p.width])
			} else {
				s.addWideRow(line[:2*p.width], layout.shift)
			}
			rows++
		}
		if layout.bytes == 1 {
			s.spread()
		}
		s.means(dst[y*s.width:][:s.width], rows)
	}
}

func (s *scaler) prepare(srcW, srcH int) {
	if s.srcW == srcW && s.srcH == srcH {
		return
	}
	s.srcW, s.srcH = srcW, srcH
	s.sums, s.columns = make([]uint64, 2*(srcW/8)), make([]uint16, srcW)
	s.edges = make([]int, 2*s.width)
	for x := range s.width {
		s.edges[2*x], s.edges[2*x+1] = span(x, s.width, srcW)
	}
}

// evenBytes are bytes 0, 2, 4 and 6 of eight.
const evenBytes = 0x00FF00FF00FF00FF

// addRow adds eight columns at a time: the even bytes of eight to one word of four sums, the odd ones to the next. What is left
// at the end of the line goes to columns at once.
func (s *scaler) addRow(line []byte) {
	sums := s.sums
	for len(sums) >= 2 && len(line) >= 8 {
		v := binary.LittleEndian.Uint64(line)
		sums[0] += v & evenBytes
		sums[1] += v >> 8 & evenBytes
		sums, line = sums[2:], line[8:]
	}
	rest := s.columns[len(s.columns)-len(line):]
	for i, v := range line {
		rest[i] += uint16(v)
	}
}

// spread writes the packed sums one by one.
func (s *scaler) spread() {
	sums, out := s.sums, s.columns
	for len(sums) >= 2 && len(out) >= 8 {
		even, odd := sums[0], sums[1]
		out[0], out[1] = uint16(even), uint16(odd)
		out[2], out[3] = uint16(even>>16), uint16(odd>>16)
		out[4], out[5] = uint16(even>>32), uint16(odd>>32)
		out[6], out[7] = uint16(even>>48), uint16(odd>>48)
		sums, out = sums[2:], out[8:]
	}
}

func (s *scaler) addWideRow(line []byte, shift int) {
	for x := range s.columns {
		v := (uint16(line[2*x]) | uint16(line[2*x+1])<<8) >> shift
		s.columns[x] += min(v, 255)
	}
}

// means divides the sums of each cell by the number of its samples.
func (s *scaler) means(out []byte, rows int) {
	for x := range out {
		left, right := s.edges[2*x], s.edges[2*x+1]
		sum := uint32(0)
		for _, v := range s.columns[left:right] {
			sum += uint32(v)
		}
		n := uint32((right - left) * rows)
		out[x] = byte((sum + n/2) / n)
	}
}

// span is the part of src that makes cell i of n; it is never empty.
func span(i, n, src int) (from, to int) {
	from = i * src / n
	return from, max(from+1, (i+1)*src/n)
}
