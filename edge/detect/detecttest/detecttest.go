// Package detecttest draws the frames on which tests of the detectors look.
//
// In: a media time and what to change. Out: frames of one made-up scene, the same in each run. It reads no file.
package detecttest

import (
	"math"
	"time"

	"gridgate/edge/decode"
)

const (
	width  = decode.FrameWidth
	height = decode.FrameHeight
	pixels = width * height
)

// Paint says which grey level a pixel has instead of v.
type Paint func(x, y int, v float64) float64

// Scene draws frames: a textured wall with sensor noise, and whatever a test puts before it.
type Scene struct {
	// Wall is what the scene shows without change; a test may paint another.
	Wall  []uint8
	noise uint32
}

// NewScene returns one without noise so far.
//
//go:norace
func NewScene() *Scene {
	s := &Scene{Wall: make([]uint8, pixels), noise: 1}
	for y := range height {
		for x := range width {
			s.Wall[y*width+x] = uint8(110 + 25*math.Sin(float64(x)/5)*math.Cos(float64(y)/6) + 15*math.Sin(float64(x+y)/2.5))
		}
	}
	return s
}

// Frame returns the scene at a media time, changed by paint, with noise of a few levels.
//
//go:norace
func (s *Scene) Frame(at time.Duration, paint Paint) decode.Frame {
	f := decode.Frame{Luma: make([]byte, pixels), PTS: at}
	for i, v := range s.Wall {
		level := float64(v)
		if paint != nil {
			level = paint(i%width, i/width, level)
		}
		f.Luma[i] = uint8(min(255, max(0, level+float64(s.grain()))))
	}
	return f
}

// grain is the next of a fixed sequence of values from -2 to 2 (xorshift).
func (s *Scene) grain() int {
	s.noise ^= s.noise << 13
	s.noise ^= s.noise >> 17
	s.noise ^= s.noise << 5
	return int(s.noise%5) - 2
}

// Person is a dark upright box, 30 x 80, whose left edge is at x.
func Person(left float64) Paint {
	return func(x, y int, v float64) float64 {
		if float64(x) >= left && float64(x) < left+30 && y >= 60 && y < 140 {
			return 40 + float64(y%7)
		}
		return v
	}
}
