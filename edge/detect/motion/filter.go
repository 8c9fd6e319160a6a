package motion

// blur writes the 5x5 binomial mean of src (about sigma 1) to dst. scratch is overwritten; the border repeats.
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
	least(mask, scratch, 1)
	greatest(mask, scratch, 1)
}

// dilate5 grows a mask by two pixels in each direction.
func dilate5(mask, scratch []uint8) { greatest(mask, scratch, 2) }

// greatest replaces each value by the greatest of the square that reaches so many pixels in each direction.
func greatest(img, scratch []uint8, reach int) {
	copy(scratch, img)
	for y := range height {
		row, out := img[y*width:][:width], scratch[y*width:][:width]
		for n := 1; n <= reach; n++ {
			atMost(out[n:], row)
			atMost(out, row[n:])
		}
	}
	copy(img, scratch)
	for n := 1; n <= reach; n++ {
		atMost(img[n*width:], scratch)
		atMost(img, scratch[n*width:])
	}
}

// least is [greatest] the other way round.
func least(img, scratch []uint8, reach int) {
	copy(scratch, img)
	for y := range height {
		row, out := img[y*width:][:width], scratch[y*width:][:width]
		for n := 1; n <= reach; n++ {
			atLeast(out[n:], row)
			atLeast(out, row[n:])
		}
	}
	copy(img, scratch)
	for n := 1; n <= reach; n++ {
		atLeast(img[n*width:], scratch)
		atLeast(img, scratch[n*width:])
	}
}

// atMost raises the values of a to those of b, as far as both reach.
func atMost(a, b []uint8) {
	n := min(len(a), len(b))
	a, b = a[:n], b[:n]
	for i, v := range b {
		a[i] = max(a[i], v)
	}
}

// atLeast lowers the values of a to those of b.
func atLeast(a, b []uint8) {
	n := min(len(a), len(b))
	a, b = a[:n], b[:n]
	for i, v := range b {
		a[i] = min(a[i], v)
	}
}

func count(mask []uint8) int {
	n := 0
	for _, v := range mask {
		n += int(v)
	}
	return n
}
