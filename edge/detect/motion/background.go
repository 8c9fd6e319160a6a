package motion

import "math"

// How the background learns. The figures are those that worked on real clips sampled every one to two seconds.
const (
	settle       = 20.0 // s, time constant
	heldBack     = 0.3  // of the speed under foreground
	standing     = 8.0  // s that foreground may stand still before it becomes background
	absorb       = 1.0  // s, time constant of that
	minThreshold = 18   // grey levels
	maxThreshold = 60
	noiseFactor  = 4 // threshold over a pixel's own mean deviation
	firstNoise   = 2 // grey levels
	sway         = 2 // pixels by which what belongs to the background may move
)

// background is the slow picture: a mean and a mean deviation for each pixel.
type background struct {
	mean  []float32
	noise []float32
	still []float32 // s for which the pixel has been foreground without changing
}

func newBackground() background {
	return background{
		mean: make([]float32, pixels), noise: make([]float32, pixels), still: make([]float32, pixels),
	}
}

// differs says whether v at pixel i is further than limit from everything that the background shows within sway pixels:
// leaves that sway and a mast that trembles show in one place what was just beside it.
func (b *background) differs(i int, v, limit float32) bool {
	if abs(v-b.mean[i]) <= limit {
		return false
	}
	x, y := i%width, i/width
	low, high := b.mean[i], b.mean[i]
	for row := max(y-sway, 0); row <= min(y+sway, height-1); row++ {
		for _, m := range b.mean[row*width+max(x-sway, 0) : row*width+min(x+sway, width-1)+1] {
			low, high = min(low, m), max(high, m)
		}
	}
	return v < low-limit || v > high+limit
}

// set takes frame for the background. What was learnt about noise stays, if anything was.
func (b *background) set(frame []uint8) {
	for i, v := range frame {
		b.mean[i], b.still[i] = float32(v), 0
		b.noise[i] = max(b.noise[i], firstNoise)
	}
}

// setWhere is set for the pixels at which keep is 0; the others stay as they are.
func (b *background) setWhere(frame, keep []uint8) {
	for i, v := range frame {
		if keep[i] == 0 {
			b.mean[i], b.still[i] = float32(v), 0
		}
	}
}

// threshold is the difference in grey levels from which pixel i is foreground.
func (b *background) threshold(i int) float32 {
	return min(max(noiseFactor*b.noise[i], minThreshold), maxThreshold)
}

// offset is the median of frame minus background over the visible pixels.
func (b *background) offset(frame []uint8, visible []bool) float32 {
	var h histogram
	for i := 0; i < pixels; i += sparse {
		if visible[i] {
			h.add(int(frame[i]) - int(b.mean[i]+0.5))
		}
	}
	return float32(h.median())
}

// learn moves the background towards frame, over dt seconds.
func (b *background) learn(frame, foreground, dirty []uint8, offset float32, dt float64) {
	slow := float32(1 - math.Exp(-dt/settle))
	held := slow * heldBack
	quick := float32(1 - math.Exp(-dt/absorb))
	for i, v := range frame {
		difference := float32(v) - b.mean[i]
		rate := slow
		switch {
		case foreground[i] == 0:
			b.still[i] = 0
		case dirty[i] != 0:
			b.still[i] = 0
			rate = held
		default:
			b.still[i] += float32(dt)
			if rate = held; b.still[i] > standing {
				rate = quick
			}
		}
		b.mean[i] += rate * difference
		b.noise[i] += min(rate, slow) * (abs(difference-offset) - b.noise[i])
	}
}

// sparse is the step in pixels with which medians are taken; it shares no factor with the width.
const sparse = 7

// histogram counts differences of grey levels.
type histogram struct {
	bins  [511]int32
	total int32
}

func (h *histogram) add(difference int) {
	h.bins[difference+255]++
	h.total++
}

func (h *histogram) median() int {
	seen := int32(0)
	for i, n := range h.bins {
		if seen += n; 2*seen > h.total {
			return i - 255
		}
	}
	return 0
}

// medianOffset is the median of a minus b over the visible pixels.
func medianOffset(a, b []uint8, visible []bool) int {
	var h histogram
	for i := 0; i < pixels; i += sparse {
		if visible[i] {
			h.add(int(a[i]) - int(b[i]))
		}
	}
	return h.median()
}

func abs(v float32) float32 {
	if v < 0 {
		return -v
	}
	return v
}
