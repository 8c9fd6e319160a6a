package motion

import "math"

// When a region is the same surface under other light.
const (
	sameTexture = 0.7 // correlation of the fine structure of frame and background
	enough      = 3.0 // grey levels of deviation that the background's fine structure must have to tell
	smooth      = 1.6 // grey levels of deviation under which a region has no edge at all, as a thing would have
	window      = 4   // half the side of the mean that is taken off to leave the fine structure
)

// texture compares the fine structure of two pictures inside a region.
type texture struct {
	frame, background []int32 // integral images, (width+1) x (height+1)
	rounded           []uint8
	fresh             bool // they belong to this frame
}

func newTexture() texture {
	const n = (width + 1) * (height + 1)
	return texture{frame: make([]int32, n), background: make([]int32, n), rounded: make([]uint8, pixels)}
}

// prepare computes the integral images, once for each frame that needs them.
func (t *texture) prepare(frame []uint8, mean []float32) {
	if t.fresh {
		return
	}
	t.fresh = true
	for i, v := range mean {
		t.rounded[i] = uint8(v + 0.5)
	}
	integrate(t.frame, frame)
	integrate(t.background, t.rounded)
}

func integrate(sum []int32, src []uint8) {
	for y := range height {
		row := int32(0)
		above, out := sum[y*(width+1):], sum[(y+1)*(width+1):]
		for x, v := range src[y*width:][:width] {
			row += int32(v)
			out[x+1] = above[x+1] + row
		}
	}
}

// fine is the value at x, y less the mean around it.
func fine(sum []int32, src []uint8, x, y int) float64 {
	l, r := max(x-window, 0), min(x+window+1, width)
	t, b := max(y-window, 0), min(y+window+1, height)
	total := sum[b*(width+1)+r] - sum[b*(width+1)+l] - sum[t*(width+1)+r] + sum[t*(width+1)+l]
	return float64(src[y*width+x]) - float64(total)/float64((r-l)*(b-t))
}

// light says whether r shows what the background shows, lighter or darker: a lamp, the sun, a shadow, headlights.
func (t *texture) light(frame []uint8, mean []float32, labels []int32, r *region) bool {
	t.prepare(frame, mean)
	var n, sf, sb, sff, sbb, sfb float64
	for y := r.top; y <= r.low; y++ {
		for x := r.left; x <= r.right; x++ {
			if labels[y*width+x] != r.label {
				continue
			}
			f, b := fine(t.frame, frame, x, y), fine(t.background, t.rounded, x, y)
			n, sf, sb = n+1, sf+f, sb+b
			sff, sbb, sfb = sff+f*f, sbb+b*b, sfb+f*b
		}
	}
	vf, vb := sff/n-sf/n*sf/n, sbb/n-sb/n*sb/n
	df, db := math.Sqrt(max(vf, 0)), math.Sqrt(max(vb, 0))
	if df < smooth {
		return true
	}
	return db > enough && (sfb/n-sf/n*sb/n)/(df*db) > sameTexture
}
