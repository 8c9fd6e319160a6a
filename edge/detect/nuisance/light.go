package nuisance

import (
	"math"
	"sync"

	"gridgate/edge/detect"
)

// When a blob is the same surface under other light.
const (
	sameTexture = 0.7 // correlation of the fine structure of frame and background
	enough      = 0.5 // grey levels of deviation that the background's fine structure must have to tell
	smooth      = 1.6 // grey levels of deviation under which a blob has no edge at all, as a thing would have
	window      = 4   // half the side of the mean that is taken off to leave the fine structure
	clipLow     = 4   // grey levels from which the camera may have clipped what it saw
	clipHigh    = 250
)

// What is a thing inside of a lit surface.
const (
	tile       = 8 // pixels, side of the squares in which light and things are told apart
	tileCols   = width / tile
	tileRows   = (height + tile - 1) / tile
	otherThan  = 0.3 // correlation under which a tile shows something else
	structured = 3.0 // grey levels of deviation that it must have
	compact    = 5   // such tiles among 3 x 3, from which they are a thing
)

// room is what a comparison needs while it runs. All filters of the process share a few.
type room struct {
	frame, background []int32  // fine structure, 1/256 grey level
	sum               []uint32 // integral image, (width+1) x (height+1), modulo 2^32
	tiles             [tileCols * tileRows]moments
}

var rooms = sync.Pool{New: func() any {
	return &room{frame: make([]int32, pixels), background: make([]int32, pixels), sum: make([]uint32, (width+1)*(height+1))}
}}

func takeRoom() *room { return rooms.Get().(*room) }

// moments are the sums from which a correlation follows.
type moments struct{ n, f, b, ff, bb, fb float64 }

func (m *moments) add(f, b float64) {
	m.n++
	m.f, m.b = m.f+f, m.b+b
	m.ff, m.bb, m.fb = m.ff+f*f, m.bb+b*b, m.fb+f*b
}

// deviations are those of the frame and of the background, in grey levels.
func (m *moments) deviations() (frame, background float64) {
	if m.n == 0 {
		return 0, 0
	}
	return math.Sqrt(max(0, m.ff/m.n-m.f/m.n*m.f/m.n)), math.Sqrt(max(0, m.bb/m.n-m.b/m.n*m.b/m.n))
}

// correlation is 1 for the same structure, 0 for another.
func (m *moments) correlation() float64 {
	f, b := m.deviations()
	if f*b == 0 {
		return 0
	}
	return (m.fb/m.n - m.f/m.n*m.b/m.n) / (f * b)
}

// featureless says whether there is no edge at all.
func (m *moments) featureless() bool {
	f, _ := m.deviations()
	return f < smooth
}

// light says whether there is no edge at all, or the background shows through.
func (m *moments) light() bool {
	_, b := m.deviations()
	return m.featureless() || b > enough && m.correlation() > sameTexture
}

// Light says whether b shows what the background shows, lighter or darker: a lamp, the sun, a shadow, headlights. What moves in it
// may instead show what was there a moment ago: light on somebody who stands still, or on the place that somebody left.
func (f *Filter) Light(s *detect.Scene, b *detect.Blob) bool {
	r := takeRoom()
	defer rooms.Put(r)
	m := r.texture(s, b, within)
	if m.featureless() || m.light() && !r.thing() {
		return true
	}
	return r.texture(s, b, sinceBefore).light() && !r.thing()
}

// of says what is compared with what.
type of int

const (
	within      of = iota // the pixels of a blob, with the background
	moves                 // all that moves, with the background
	sinceBefore           // what moves in a blob, with the picture a moment ago
)

func (o of) takes(s *detect.Scene, b *detect.Blob, i int) bool {
	switch o {
	case within:
		return s.Labels[i] == b.Label
	case moves:
		return s.Moving[i] != 0
	}
	return s.Labels[i] == b.Label && s.Moving[i] != 0
}

// texture compares the fine structure of the frame, where b is, and tile by tile.
//
//go:norace
func (r *room) texture(s *detect.Scene, b *detect.Blob, o of) *moments {
	r.fine(r.frame, b, func(i int) uint32 { return uint32(s.Frame[i]) << 8 })
	if o == sinceBefore {
		r.fine(r.background, b, func(i int) uint32 { return uint32(s.Before[i]) << 8 })
	} else {
		r.fine(r.background, b, func(i int) uint32 { return uint32(s.Background[i]) })
	}
	clear(r.tiles[:])
	var all moments
	for y := b.Top; y <= b.Low; y++ {
		for x := b.Left; x <= b.Right; x++ {
			i := y*width + x
			if v := s.Frame[i]; v < clipLow || v > clipHigh || !o.takes(s, b, i) {
				continue
			}
			fine, slow := float64(r.frame[i])/256, float64(r.background[i])/256
			all.add(fine, slow)
			r.tiles[y/tile*tileCols+x/tile].add(fine, slow)
		}
	}
	return &all
}

// fine writes to dst, where b is, each value less the mean around it.
//
//go:norace
func (r *room) fine(dst []int32, b *detect.Blob, value func(i int) uint32) {
	left, right := max(b.Left-window, 0), min(b.Right+window, width-1)
	top, low := max(b.Top-window, 0), min(b.Low+window, height-1)
	const stride = width + 1
	clear(r.sum[top*stride+left : top*stride+right+2])
	for y := top; y <= low; y++ {
		row := uint32(0)
		r.sum[(y+1)*stride+left] = 0
		for x := left; x <= right; x++ {
			row += value(y*width + x)
			r.sum[(y+1)*stride+x+1] = r.sum[y*stride+x+1] + row
		}
	}
	for y := b.Top; y <= b.Low; y++ {
		t, u := max(y-window, 0)*stride, min(y+window+1, height)*stride
		for x := b.Left; x <= b.Right; x++ {
			l, m := max(x-window, 0), min(x+window+1, width)
			total := r.sum[u+m] - r.sum[u+l] - r.sum[t+m] + r.sum[t+l]
			dst[y*width+x] = int32(value(y*width+x)) - int32(total/uint32((m-l)*(u-t)/stride))
		}
	}
}

// thing says whether tiles that lie together show something else than the background, in the last comparison.
func (r *room) thing() bool {
	var other [tileCols * tileRows]bool
	for i := range r.tiles {
		m := &r.tiles[i]
		f, b := m.deviations()
		other[i] = m.n >= tile*tile/2 && max(f, b) > structured && m.correlation() < otherThan
	}
	for y := range tileRows - 2 {
		for x := range tileCols - 2 {
			n := 0
			for i := range 9 {
				if other[(y+i/3)*tileCols+x+i%3] {
					n++
				}
			}
			if n >= compact {
				return true
			}
		}
	}
	return false
}
