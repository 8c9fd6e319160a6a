// Package nuisance tells light and sway from things: what changes a picture although nothing came.
//
// In: the [detect.Scene] of each frame of one camera, as the pixel step sees it. Out: answers to its questions: did the whole
// picture change (a lamp, lightning, the camera's gain or infrared filter, another view), does the camera tremble, is this blob the
// background under other light (a shadow, headlights, the sun), what always sways (leaves, flags, water, screens). What sways is
// learnt over minutes, forgotten again, and kept in memory only, as a level for each 4x4 pixels.
//
// It never says what a thing is, keeps no picture and does no I/O.
package nuisance

import (
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
)

const (
	width  = decode.FrameWidth
	height = decode.FrameHeight
	pixels = width * height
)

// When the whole picture changed.
const (
	jump       = 5    // grey levels by which it may become lighter or darker between two frames
	someShare  = 0.30 // share of the picture from which a change of light is suspected
	wholeShare = 0.70 // share of the picture that nothing in it can change between two frames
	sectors    = 4    // the picture is parted in so many columns and rows
	sectorFull = 0.15 // share of a sector from which it changed
	mostOfThem = 0.80 // of the sectors: nothing in the picture changes them all at once
)

// Light that flickers: after so many changes within that time the picture is judged all the same, blob by blob.
const (
	flickersAfter = 5
	flickering    = 12 * time.Second
)

// Filter answers for one camera. It is for one goroutine, except [Filter.Masked]. Its zero value is not ready: see [New].
type Filter struct {
	sway    sway
	changes [flickersAfter]time.Duration // when the last whole changes were
	seen    int                          // how many of them
	now     time.Duration
}

// New returns a filter that has learnt nothing.
func New() *Filter { return &Filter{sway: newSway()} }

// Masked is the share of the picture, 0 to 1, in which what always sways is ignored now. Any goroutine may ask.
func (f *Filter) Masked() float64 { return float64(f.sway.masked.Load()) / blocks }

// Whole says whether s changed as a whole, rather than something in it.
func (f *Filter) Whole(s *detect.Scene) bool {
	if s.PTS < f.now {
		f.seen = 0
	}
	f.now = s.PTS
	jumped := max(s.Jump, -s.Jump) > jump
	share := float64(count(s.Moving)) / float64(s.Visible)
	if share < someShare && !jumped {
		return false
	}
	b := takeRoom()
	defer rooms.Put(b)
	light := b.texture(s, wholePicture(s), moves).light()
	if !light && share <= wholeShare && !(share >= someShare && everywhere(s)) {
		return false
	}
	flickers := f.flickers()
	f.changes[f.seen%flickersAfter] = s.PTS
	f.seen++
	return !light || !flickers
}

// flickers says whether whole changes follow each other so fast that waiting for them to end would be blindness.
func (f *Filter) flickers() bool {
	return f.seen >= flickersAfter && f.now-f.changes[f.seen%flickersAfter] < flickering
}

func wholePicture(s *detect.Scene) *detect.Blob {
	return &detect.Blob{Area: s.Visible, Right: width - 1, Low: height - 1}
}

// everywhere says whether what moves is spread over the whole picture.
//
//go:norace
func everywhere(s *detect.Scene) bool {
	var n [sectors * sectors]int
	for y := range height {
		for x, v := range s.Moving[y*width:][:width] {
			n[y*sectors/height*sectors+x*sectors/width] += int(v)
		}
	}
	full := 0
	for _, k := range n {
		if float64(k) > sectorFull*pixels/(sectors*sectors) {
			full++
		}
	}
	return float64(full) >= mostOfThem*sectors*sectors*float64(s.Visible)/pixels
}

//go:norace
func count(mask []uint8) int {
	n := 0
	for _, v := range mask {
		n += int(v)
	}
	return n
}
