package decode

import (
	"image"
	"time"
)

// pixelLayout says how the planes of a pixel format lie in memory.
type pixelLayout struct {
	planes int  // 1 grey, 3 with colour
	bytes  int  // of one sample: 1, or 2 little-endian
	shift  int  // bits above eight
	subX   uint // log2 of the horizontal and vertical chroma subsampling
	subY   uint
	full   bool // samples use 0 to 255, not 16 to 235
}

// pixelLayouts maps the library's numbers to the layouts that are understood; what is not here is refused.
func (l *libav) pixelLayouts() map[int32]pixelLayout {
	m := map[int32]pixelLayout{}
	for name, layout := range map[string]pixelLayout{
		"yuv420p":     {planes: 3, bytes: 1, subX: 1, subY: 1},
		"yuvj420p":    {planes: 3, bytes: 1, subX: 1, subY: 1, full: true},
		"yuv422p":     {planes: 3, bytes: 1, subX: 1},
		"yuvj422p":    {planes: 3, bytes: 1, subX: 1, full: true},
		"yuv444p":     {planes: 3, bytes: 1},
		"yuvj444p":    {planes: 3, bytes: 1, full: true},
		"gray":        {planes: 1, bytes: 1},
		"yuv420p10le": {planes: 3, bytes: 2, shift: 2, subX: 1, subY: 1},
		"yuv422p10le": {planes: 3, bytes: 2, shift: 2, subX: 1},
	} {
		if n := l.pixelFormat(name); n >= 0 {
			m[n] = layout
		}
	}
	return m
}

type plane struct {
	pix           []byte
	stride        int
	width, height int // in samples
}

// raw is a decoded picture in the decoder's memory.
type raw struct {
	layout        pixelLayout
	width, height int
	planes        [3]plane
	pts           time.Duration
}

func (p raw) planeSize(i int) (w, h int) {
	if i == 0 {
		return p.width, p.height
	}
	return (p.width + 1<<p.layout.subX - 1) >> p.layout.subX, (p.height + 1<<p.layout.subY - 1) >> p.layout.subY
}

// scaler shrinks a plane to a fixed size by taking the mean of each box. It keeps its tables between pictures of one size.
type scaler struct {
	width, height int // of the result
	srcW, srcH    int
	left, right   []int // columns of the source that make each column of the result
	sums          []uint32
}

// scale writes the mean of each box of p to dst, which has width x height bytes. A small source is repeated.
func (s *scaler) scale(dst []byte, p plane, layout pixelLayout) {
	s.prepare(p.width, p.height)
	for y := range s.height {
		top, bottom := span(y, s.height, p.height)
		clear(s.sums)
		for row := top; row < bottom; row++ {
			line := p.pix[row*p.stride:]
			if layout.bytes == 1 {
				s.addRow(line)
			} else {
				s.addWideRow(line, layout.shift)
			}
		}
		out := dst[y*s.width:][:s.width]
		for x := range out {
			n := uint32((s.right[x] - s.left[x]) * (bottom - top))
			out[x] = byte((s.sums[x] + n/2) / n)
		}
	}
}

func (s *scaler) prepare(srcW, srcH int) {
	if s.srcW == srcW && s.srcH == srcH {
		return
	}
	s.srcW, s.srcH = srcW, srcH
	s.left, s.right, s.sums = make([]int, s.width), make([]int, s.width), make([]uint32, s.width)
	for x := range s.width {
		s.left[x], s.right[x] = span(x, s.width, srcW)
	}
}

func (s *scaler) addRow(line []byte) {
	for x, left := range s.left {
		sum := uint32(0)
		for _, v := range line[left:s.right[x]] {
			sum += uint32(v)
		}
		s.sums[x] += sum
	}
}

func (s *scaler) addWideRow(line []byte, shift int) {
	for x, left := range s.left {
		for i := left; i < s.right[x]; i++ {
			v := (uint32(line[2*i]) | uint32(line[2*i+1])<<8) >> shift
			s.sums[x] += min(v, 255)
		}
	}
}

// span is the part of src that makes cell i of n; it is never empty.
func span(i, n, src int) (from, to int) {
	from = i * src / n
	return from, max(from+1, (i+1)*src/n)
}

// image returns the picture in colour, at most maxWidth pixels wide. It copies.
func (p raw) image(maxWidth int) *image.YCbCr {
	w, h := p.width, p.height
	if w > maxWidth {
		w, h = maxWidth, max(1, p.height*maxWidth/p.width)
	}
	img := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio444)
	for i, dst := range [][]byte{img.Y, img.Cb, img.Cr} {
		if i >= p.layout.planes {
			fill(dst, 128)
			continue
		}
		s := scaler{width: w, height: h}
		s.scale(dst, p.planes[i], p.layout)
		if !p.layout.full {
			expand(dst, i == 0)
		}
	}
	return img
}

// expand stretches video levels (ITU-R BT.601: luma 16 to 235, chroma 16 to 240) to the full range that JPEG has.
func expand(b []byte, luma bool) {
	zero, width := 128, 224
	offset := 128
	if luma {
		zero, width, offset = 16, 219, 0
	}
	var table [256]byte
	for v := range table {
		table[v] = byte(min(255, max(0, offset+(v-zero)*255/width)))
	}
	for i, v := range b {
		b[i] = table[v]
	}
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}
