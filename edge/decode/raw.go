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
	whole         bool // nothing in it is left over or made up
}

func (p raw) planeSize(i int) (w, h int) {
	if i == 0 {
		return p.width, p.height
	}
	return (p.width + 1<<p.layout.subX - 1) >> p.layout.subX, (p.height + 1<<p.layout.subY - 1) >> p.layout.subY
}

// image returns the picture in colour, at most maxSide pixels wide and high. It copies.
func (p raw) image(maxSide int) *image.YCbCr {
	w, h := fit(p.width, p.height, maxSide)
	ratio := image.YCbCrSubsampleRatio444
	cw, ch := w, h
	if p.layout.subX == 1 {
		ratio, cw = image.YCbCrSubsampleRatio422, (w+1)/2
	}
	if p.layout.subY == 1 {
		ratio, ch = image.YCbCrSubsampleRatio420, (h+1)/2
	}
	img := image.NewYCbCr(image.Rect(0, 0, w, h), ratio)
	for i, dst := range [][]byte{img.Y, img.Cb, img.Cr} {
		if i >= p.layout.planes {
			fill(dst, 128)
			continue
		}
		s := scaler{width: cw, height: ch}
		if i == 0 {
			s = scaler{width: w, height: h}
		}
		s.scale(dst, p.planes[i], p.layout)
		if !p.layout.full {
			expand(dst, i == 0)
		}
	}
	return img
}

// fit is the largest size of the shape w:h with no side longer than side, never larger than w x h.
func fit(w, h, side int) (int, int) {
	if w > side {
		w, h = side, max(1, h*side/w)
	}
	if h > side {
		w, h = max(1, w*side/h), side
	}
	return w, h
}

// expand stretches video levels (ITU-R BT.601: luma 16 to 235, chroma 16 to 240) to the full range that JPEG has.
func expand(b []byte, luma bool) {
	table := &chromaLevels
	if luma {
		table = &lumaLevels
	}
	for i, v := range b {
		b[i] = table[v]
	}
}

var (
	lumaLevels   = levels(16, 219, 0)
	chromaLevels = levels(128, 224, 128)
)

func levels(zero, width, offset int) (table [256]byte) {
	for v := range table {
		table[v] = byte(min(255, max(0, offset+(v-zero)*255/width)))
	}
	return table
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}
