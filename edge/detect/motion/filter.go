package motion

import (
	"bytes"
	"encoding/binary"
)

// blur writes the 5x5 binomial mean of src (about sigma 1) to dst. scratch is overwritten; the border repeats.
//
//go:norace
func blur(dst, src, scratch []uint8) {
	for y := range height {
		row, out := src[y*width:][:width], scratch[y*width:][:width]
		for x := 2; x < width-2; x++ {
			out[x] = binomial(row[x-2], row[x-1], row[x], row[x+1], row[x+2])
		}
		for _, x := range [...]int{0, 1, width - 2, width - 1} {
			out[x] = binomial(row[max(x-2, 0)], row[max(x-1, 0)], row[x], row[min(x+1, width-1)], row[min(x+2, width-1)])
		}
	}
	line := func(y int) []uint8 { return scratch[min(max(y, 0), height-1)*width:][:width] }
	for y := range height {
		a, b, c, d, e := line(y-2), line(y-1), line(y), line(y+1), line(y+2)
		out := dst[y*width:][:width]
		for x := range out {
			out[x] = binomial(a[x], b[x], c[x], d[x], e[x])
		}
	}
}

func binomial(a, b, c, d, e uint8) uint8 {
	return uint8((int(a) + 4*int(b) + 6*int(c) + 4*int(d) + int(e) + 8) >> 4)
}

// open3 removes from a mask of 0 and 1 what a 3x3 square does not fit into.
func open3(mask, scratch []uint8) {
	combine(mask, scratch, 1, and)
	combine(mask, scratch, 1, or)
}

// dilate5 grows a mask by two pixels in each direction.
func dilate5(mask, scratch []uint8) { combine(mask, scratch, 2, or) }

// combine joins each value of a mask with those up to reach away along its row, then along its column.
func combine(mask, scratch []uint8, reach int, join func(a, b []uint8)) {
	copy(scratch, mask)
	for y := range height {
		row, out := mask[y*width:][:width], scratch[y*width:][:width]
		for n := 1; n <= reach; n++ {
			join(out[n:], row)
			join(out, row[n:])
		}
	}
	copy(mask, scratch)
	for n := 1; n <= reach; n++ {
		join(mask[n*width:], scratch)
		join(mask, scratch[n*width:])
	}
}

// or joins b into a, as far as both reach, eight values at a time.
//
//go:norace
func or(a, b []uint8) {
	n, i := min(len(a), len(b)), 0
	for ; i+8 <= n; i += 8 {
		binary.LittleEndian.PutUint64(a[i:], binary.LittleEndian.Uint64(a[i:])|binary.LittleEndian.Uint64(b[i:]))
	}
	for ; i < n; i++ {
		a[i] |= b[i]
	}
}

// and is [or] the other way round.
//
//go:norace
func and(a, b []uint8) {
	n, i := min(len(a), len(b)), 0
	for ; i+8 <= n; i += 8 {
		binary.LittleEndian.PutUint64(a[i:], binary.LittleEndian.Uint64(a[i:])&binary.LittleEndian.Uint64(b[i:]))
	}
	for ; i < n; i++ {
		a[i] &= b[i]
	}
}

//go:norace
func count(mask []uint8) int {
	n := 0
	for _, v := range mask {
		n += int(v)
	}
	return n
}

// any1 says whether mask is not empty.
func any1(mask []uint8) bool { return bytes.IndexByte(mask, 1) >= 0 }

// shift writes to dst what src shows dx and dy pixels further; at the border src repeats.
func shift(dst, src []uint8, dx, dy int) {
	for y := range height {
		row, out := src[min(max(y+dy, 0), height-1)*width:][:width], dst[y*width:][:width]
		for x := range out {
			out[x] = row[min(max(x+dx, 0), width-1)]
		}
	}
}
