package motion

// blur writes the 5x5 binomial mean of src (about sigma 1) to dst. scratch is overwritten; the border repeats.
func blur(dst, src, scratch []uint8) {
	for y := range height {
		row, out := src[y*width:][:width], scratch[y*width:][:width]
		for x := range out {
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
	spread(mask, scratch, 1, func(a, b uint8) uint8 { return a & b })
	spread(mask, scratch, 1, func(a, b uint8) uint8 { return a | b })
}

// dilate5 grows a mask by two pixels in each direction.
func dilate5(mask, scratch []uint8) {
	spread(mask, scratch, 2, func(a, b uint8) uint8 { return a | b })
}

// spread joins each value with its neighbours up to reach away, first along rows, then along columns.
func spread(mask, scratch []uint8, reach int, join func(a, b uint8) uint8) {
	for y := range height {
		row, out := mask[y*width:][:width], scratch[y*width:][:width]
		copy(out, row)
		for n := 1; n <= reach; n++ {
			for x := range out {
				out[x] = join(out[x], join(row[max(x-n, 0)], row[min(x+n, width-1)]))
			}
		}
	}
	copy(mask, scratch)
	for y := range height {
		out := mask[y*width:][:width]
		for n := 1; n <= reach; n++ {
			up, down := scratch[max(y-n, 0)*width:][:width], scratch[min(y+n, height-1)*width:][:width]
			for x := range out {
				out[x] = join(out[x], join(up[x], down[x]))
			}
		}
	}
}

func count(mask []uint8) int {
	n := 0
	for _, v := range mask {
		n += int(v)
	}
	return n
}
