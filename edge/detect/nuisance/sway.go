package nuisance

import (
	"math"
	"sync/atomic"

	"gridgate/edge/detect"
)

// What always sways: a block that moves in most frames of a while, and in while after while, is masked for the grey levels that
// it has shown. Somebody who passes covers a block for a second or two and is gone; what sways comes back.
const (
	block     = 4 // pixels, side of a block
	cols      = width / block
	rows      = height / block
	blocks    = cols * rows
	someOf    = 3    // pixels of a block that must change and move
	lately    = 20.0 // s, time constant of how often it does
	often     = 0.3  // share of the frames from which a block sways
	seldom    = 0.12 // and under which it rests
	learning  = 120. // s of swaying until it is masked
	forgoing  = 600. // s of rest until nothing is left of that
	unmask    = 0.5  // share of what was learnt under which the mask is lifted
	margin    = 12   // grey levels beyond those seen that still belong to what sways
	narrowing = 30.0 // s in which the range of those levels narrows by one
	aroundIt  = 2    // masked blocks beside one that moves now and then, from which it is masked, too
	longest   = 2.0  // s that one frame may tell of
)

// sway is what was learnt, for each block.
type sway struct {
	recent    []uint16 // share of the last frames in which it moved, 1/65536
	learnt    []uint16 // how sure it is that it sways, 1/65536
	low, high []uint8  // grey levels that it has shown while it moved, relative to the background's light
	on        []bool
	narrow    float64 // s since the ranges narrowed
	masked    atomic.Int32
}

func newSway() sway {
	return sway{
		recent: make([]uint16, blocks), learnt: make([]uint16, blocks),
		low: make([]uint8, blocks), high: make([]uint8, blocks), on: make([]bool, blocks),
	}
}

// Sway takes what always sways out of s.Changed, and learns from it.
func (f *Filter) Sway(s *detect.Scene) { f.sway.take(s) }

//go:norace
func (w *sway) take(s *detect.Scene) {
	dt := min(s.Step.Seconds(), longest)
	t := pacesOf(dt)
	w.narrow += dt
	narrow := w.narrow >= narrowing
	if narrow {
		w.narrow = 0
	}
	var levels [blocks]int16
	masked := int32(0)
	for i := range blocks {
		moved, level := look(s, i/cols*block*width+i%cols*block)
		w.learn(i, moved, level, t)
		if narrow && w.low[i] < w.high[i] {
			w.low[i], w.high[i] = w.low[i]+1, w.high[i]-1
		}
		levels[i] = int16(level)
		if w.on[i] {
			masked++
		}
	}
	w.masked.Store(masked)
	for i := range blocks {
		if masked > 0 && w.covers(i) && w.knows(i, int(levels[i])) {
			wipe(s.Changed, i/cols*block*width+i%cols*block)
		}
	}
}

// covers says whether block i is masked, or most of those around it are and it has moved like them.
//
//go:norace
func (w *sway) covers(i int) bool {
	if w.on[i] || w.learnt[i] == 0 {
		return w.on[i]
	}
	n, y, x := 0, i/cols, i%cols
	for _, at := range [...][2]int{{y - 1, x}, {y + 1, x}, {y, x - 1}, {y, x + 1}} {
		if at[0] >= 0 && at[0] < rows && at[1] >= 0 && at[1] < cols && w.on[at[0]*cols+at[1]] {
			n++
		}
	}
	return n >= aroundIt
}

// look says whether the block at pixel at changes and moves, and its mean grey level in the background's light.
//
//go:norace
func look(s *detect.Scene, at int) (moved bool, level int) {
	n, changed := 0, 0
	for y := range block {
		row := at + y*width
		for x := row; x < row+block; x++ {
			n += int(s.Changed[x] & s.Moving[x])
			changed += int(s.Frame[x])
		}
	}
	return n >= someOf, changed/(block*block) - s.Lighter
}

func wipe(mask []uint8, at int) {
	for y := range block {
		clear(mask[at+y*width:][:block])
	}
}

// paces are how much one frame changes.
type paces struct {
	recent       float64
	learn, forgo float64
}

func pacesOf(dt float64) paces {
	return paces{recent: 1 - math.Exp(-dt/lately), learn: dt / learning * 65535, forgo: dt / forgoing * 65535}
}

func (w *sway) learn(i int, moved bool, level int, t paces) {
	if !moved && w.recent[i] == 0 && w.learnt[i] == 0 {
		return
	}
	target := 0.0
	if moved {
		target = 65535
	}
	if moved || float64(w.recent[i]) > seldom*65535 {
		w.widen(i, level)
	}
	recent := float64(w.recent[i])
	recent += (target - recent) * t.recent
	if recent < 64 {
		recent = 0
	}
	w.recent[i] = uint16(recent)
	learnt := float64(w.learnt[i])
	switch {
	case recent > often*65535:
		learnt += t.learn
	case recent < seldom*65535:
		learnt -= t.forgo
	}
	w.learnt[i] = uint16(min(max(math.Round(learnt), 0), 65535))
	switch {
	case w.learnt[i] == 65535:
		w.on[i] = true
	case float64(w.learnt[i]) < unmask*65535:
		w.on[i] = false
	}
}

// widen takes level into the range of block i; a block that is new to this begins with it. Once it is masked only what is
// near the range belongs to it: anything else may be a thing in front.
func (w *sway) widen(i, level int) {
	v := uint8(min(max(level, 0), 255))
	if w.recent[i] == 0 && w.learnt[i] == 0 {
		w.low[i], w.high[i] = v, v
	}
	if !w.on[i] || w.knows(i, level) {
		w.low[i], w.high[i] = min(w.low[i], v), max(w.high[i], v)
	}
}

// knows says whether block i has shown level, or nearly.
func (w *sway) knows(i, level int) bool {
	return level+margin >= int(w.low[i]) && level <= int(w.high[i])+margin
}
