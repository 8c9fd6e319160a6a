package motion

import "math"

// How the background learns. The figures are those that worked on real clips sampled every one to two seconds.
const (
	settle   = 20.0 // s, time constant
	heldBack = 0.3  // of the speed under foreground
	standing = 20.0 // s that foreground may stand still before it becomes background
	absorb   = 1.0  // s, time constant of that

	unit         = 256 // of a grey level
	minThreshold = 14 * unit
	maxThreshold = 60 * unit
	noiseFactor  = 4        // threshold over a pixel's own mean deviation
	firstNoise   = 2 * unit // grey levels
	dirtyNum     = 3        // dirtyNum / dirtyDen of the threshold, for the difference to the picture a moment ago
	dirtyDen     = 5
	sway         = 2 // pixels by which what belongs to the background may move

	tick = 8 // of a second, in which standing still is counted
)

// background is the slow picture: a mean and a mean deviation for each pixel, in 1/256 of a grey level.
type background struct {
	mean  []uint16
	noise []uint16
	still []uint8 // ticks for which the pixel has been foreground without changing; stays at its highest value
}

func newBackground() background {
	return background{mean: make([]uint16, pixels), noise: make([]uint16, pixels), still: make([]uint8, pixels)}
}

// set takes frame for the background. What was learnt about noise stays, if anything was.
func (b *background) set(frame []uint8) {
	for i, v := range frame {
		b.mean[i], b.still[i] = uint16(v)*unit, 0
		b.noise[i] = max(b.noise[i], firstNoise)
	}
}

// setWhere is set for the pixels at which keep is 0; the others stay as they are.
func (b *background) setWhere(frame, keep []uint8) {
	for i, v := range frame {
		if keep[i] == 0 {
			b.mean[i], b.still[i] = uint16(v)*unit, 0
		}
	}
}

// threshold is the difference from which a pixel with this noise is foreground.
func threshold(noise uint16) int32 {
	return min(max(noiseFactor*int32(noise), minThreshold), maxThreshold)
}

// compare marks in w what differs from the background (changed) and from the picture before (moving), within a run of pixels.
//
//go:norace
func (b *background) compare(w *bench, before []uint8, lighter, jump int, r run) {
	frame, mean, noise := w.frame[r.from:r.to], b.mean[r.from:r.to], b.noise[r.from:r.to]
	before, moving := before[r.from:r.to], w.moving[r.from:r.to]
	const surely = minThreshold * dirtyNum / dirtyDen / unit
	for i, v := range frame {
		slow := (int32(v)-int32(lighter))*unit - int32(mean[i])
		quick := int32(v) - int32(before[i]) - int32(jump)
		if uint32(slow+minThreshold) <= 2*minThreshold && uint32(quick+surely) <= 2*surely {
			continue
		}
		limit := threshold(noise[i])
		if max(slow, -slow) > limit && b.differs(r.from+i, (int32(v)-int32(lighter))*unit, limit) {
			w.changed[r.from+i] = 1
		}
		if max(quick, -quick)*unit > limit*dirtyNum/dirtyDen {
			moving[i] = 1
		}
	}
}

// differs says whether v at pixel i is further than limit from everything that the background shows within sway pixels:
// leaves that sway and a mast that trembles show in one place what was just beside it.
//
//go:norace
func (b *background) differs(i int, v, limit int32) bool {
	x, y := i%width, i/width
	low, high := b.mean[i], b.mean[i]
	for row := max(y-sway, 0); row <= min(y+sway, height-1); row++ {
		for _, m := range b.mean[row*width+max(x-sway, 0) : row*width+min(x+sway, width-1)+1] {
			low, high = min(low, m), max(high, m)
		}
	}
	return v < int32(low)-limit || v > int32(high)+limit
}

// pace is a speed of learning: the share of a difference that is taken over, in 1/4096.
type pace = int32

func paceOf(dt, constant float64) pace { return pace(math.Round((1 - math.Exp(-dt/constant)) * 4096)) }

// learn moves the background towards frame, over dt seconds.
//
//go:norace
func (b *background) learn(frame, foreground, dirty []uint8, lighter int, dt float64) {
	slow, quick := paceOf(dt, settle), paceOf(dt, absorb)
	held := pace(math.Round(float64(slow) * heldBack))
	ticks := uint8(min(max(math.Round(dt*tick), 1), 255))
	offset := int32(lighter) * unit
	mean, noise, foreground, dirty := b.mean[:len(frame)], b.noise[:len(frame)], foreground[:len(frame)], dirty[:len(frame)]
	for i, v := range frame {
		difference := int32(v)*unit - int32(mean[i])
		rate := slow
		if foreground[i] != 0 {
			rate = b.stand(i, dirty[i] != 0, ticks, held, quick)
		} else if b.still[i] != 0 {
			b.still[i] = 0
		}
		mean[i] = uint16(int32(mean[i]) + share(difference, rate))
		deviation := difference - offset
		noise[i] = uint16(int32(noise[i]) + share(max(deviation, -deviation)-int32(noise[i]), min(rate, slow)))
	}
}

// stand counts for how long pixel i has been foreground without changing, and returns the speed at which it is learnt.
//
//go:norace
func (b *background) stand(i int, changing bool, ticks uint8, held, quick pace) pace {
	if changing {
		b.still[i] = 0
		return held
	}
	b.still[i] += min(ticks, 255-b.still[i])
	if b.still[i] > standing*tick {
		return quick
	}
	return held
}

// share is rate/4096 of v, rounded.
func share(v int32, rate pace) int32 { return (v*rate + 1<<11) >> 12 }

// sparse is the step in pixels with which medians are taken; it shares no factor with the width.
const sparse = 7

// histogram counts differences of grey levels.
type histogram struct {
	bins  [512]int32
	total int32
}

func (h *histogram) add(difference int32) {
	h.bins[(difference+255)&511]++
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

// offset is the median of frame minus background over the visible pixels, in grey levels.
//
//go:norace
func (b *background) offset(frame []uint8, visible []run) int {
	var h histogram
	for _, r := range visible {
		for i := r.from; i < r.to; i += sparse {
			h.add(int32(frame[i]) - (int32(b.mean[i])+unit/2)/unit)
		}
	}
	return h.median()
}

// medianOffset is the median of a minus b over the visible pixels, in grey levels.
//
//go:norace
func medianOffset(a, b []uint8, visible []run) int {
	var h histogram
	for _, r := range visible {
		for i := r.from; i < r.to; i += sparse {
			h.add(int32(a[i]) - int32(b[i]))
		}
	}
	return h.median()
}
