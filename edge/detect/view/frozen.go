package view

import (
	"encoding/binary"
	"time"
)

// When a picture is frozen. A live picture is new with each keyframe: its noise is coded anew, and of some pixel among all the
// value changes even if the camera smooths. A frozen one repeats what was seen before, exactly; it may be coded a few ways in
// turn, and a clock that the camera writes into it may go on.
const (
	tileWidth       = 32 // pixels
	tileHeight      = 20
	tileCols        = width / tileWidth
	tiles           = tileCols * height / tileHeight
	codings         = 2  // ways in which one tile may have been coded lately; more would call a short recording in a loop frozen
	clockTiles      = 4  // tiles that a clock may change
	contrastTiles   = 12 // tiles that must show something, or repeating says nothing
	contrast        = 8  // grey levels between the darkest and the brightest pixel of such a tile
	frozenKeyframes = 4
	frozenFrames    = 6
	frozenUncounted = 5 * time.Minute // instead of FrozenAfter, where nobody counts keyframes
)

// frozen knows what each tile looked like lately.
type frozen struct {
	seen    [tiles][codings]uint32
	next    [tiles]uint8
	changed [tiles]bool // since the stretch began
	any     bool        // a stretch has begun
	from    time.Duration
	keys    uint64 // when it began
	frames  int
	told    bool
}

// take looks at a frame.
func (f *frozen) take(luma []byte, now time.Duration, keyframes uint64) {
	fresh, varied := 0, 0
	for i := range tiles {
		h, shows := tileOf(luma, i)
		if shows {
			varied++
		}
		if f.repeats(i, h) {
			continue
		}
		f.changed[i] = true
	}
	for _, c := range f.changed {
		if c {
			fresh++
		}
	}
	if fresh > clockTiles || varied < contrastTiles || !f.any {
		f.any, f.from, f.keys, f.frames, f.told = true, now, keyframes, 0, false
		clear(f.changed[:])
		return
	}
	f.frames++
	enough := now-f.from >= FrozenAfter && keyframes >= f.keys+frozenKeyframes
	if keyframes == 0 {
		enough = now-f.from >= frozenUncounted
	}
	f.told = f.told || enough && f.frames >= frozenFrames
}

// repeats says whether tile i looked like that lately, and remembers it.
func (f *frozen) repeats(i int, h uint32) bool {
	for _, s := range f.seen[i] {
		if s == h {
			return true
		}
	}
	f.seen[i][f.next[i]] = h
	f.next[i] = (f.next[i] + 1) % codings
	return false
}

// tileOf returns a digest of tile i that is not 0, and whether it shows something.
func tileOf(luma []byte, i int) (digest uint32, shows bool) {
	at := i/tileCols*tileHeight*width + i%tileCols*tileWidth
	h := uint64(14695981039346656037)
	low, high := luma[at], luma[at]
	for y := range tileHeight {
		row := luma[at+y*width:][:tileWidth]
		for x := 0; x < tileWidth; x += 8 {
			h = (h ^ binary.LittleEndian.Uint64(row[x:])) * 1099511628211
			h ^= h >> 29
		}
		for x := 0; x < tileWidth; x += 3 {
			low, high = min(low, row[x]), max(high, row[x])
		}
	}
	return uint32(h>>32) | 1, high-low >= contrast
}
