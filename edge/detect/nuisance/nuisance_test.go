package nuisance

import (
	"testing"
	"time"

	"gridgate/edge/detect"
	"gridgate/edge/detect/detecttest"
)

// sceneOf is a frame before the wall of s, as the pixel step would hand it over.
func sceneOf(s *detecttest.Scene, at time.Duration, paint detecttest.Paint) *detect.Scene {
	out := &detect.Scene{
		PTS: at, Step: time.Second, Frame: s.Frame(at, paint).Luma, Before: s.Wall, Background: make([]uint16, pixels),
		Changed: make([]uint8, pixels), Moving: make([]uint8, pixels), Labels: make([]int32, pixels), Visible: pixels,
	}
	for i, v := range s.Wall {
		out.Background[i] = uint16(v) << 8
	}
	return out
}

// mark makes one blob of the pixels in a rectangle.
func mark(s *detect.Scene, left, top, right, low int) *detect.Blob {
	b := &detect.Blob{Label: 1, Left: left, Top: top, Right: right, Low: low}
	for y := top; y <= low; y++ {
		for x := left; x <= right; x++ {
			i := y*width + x
			s.Changed[i], s.Moving[i], s.Labels[i] = 1, 1, 1
			b.Area, b.Moving = b.Area+1, b.Moving+1
		}
	}
	return b
}

func TestLightIsToldFromThings(t *testing.T) {
	t.Parallel()
	lamp := func(_, _ int, v float64) float64 { return v*1.3 + 20 }
	for name, c := range map[string]struct {
		paint detecttest.Paint
		light bool
	}{
		"a lamp":   {lamp, true},
		"a shadow": {func(_, _ int, v float64) float64 { return v * 0.6 }, true},
		"glare":    {func(int, int, float64) float64 { return 255 }, true},
		"a thing":  {func(x, y int, _ float64) float64 { return 30 + float64(x*7+y*13)/3 - float64((x*7+y*13)/90)*30 }, false},
		"somebody lit, too": {func(x, y int, v float64) float64 {
			return detecttest.Person(90)(x, y, lamp(x, y, v)*0.9) + float64(x*y%5*8)
		}, false},
	} {
		s := sceneOf(detecttest.NewScene(), 0, c.paint)
		if got := New().Light(s, mark(s, 60, 40, 179, 149)); got != c.light {
			t.Errorf("%s: light %v, want %v", name, got, c.light)
		}
	}
}

func TestShiftIsFound(t *testing.T) {
	t.Parallel()
	wall := detecttest.NewScene()
	for i := range wall.Wall {
		if x, y := i%width, i/width; x*x/900+y*y/400 > 60 || (x/43+y/31)%3 == 0 {
			wall.Wall[i] = 210
		}
	}
	for _, want := range [][2]int{{0, 0}, {3, -4}, {-7, 2}} {
		s := sceneOf(wall, 0, func(x, y int, _ float64) float64 {
			return float64(wall.Wall[min(max(y-want[1], 0), height-1)*width+min(max(x-want[0], 0), width-1)])
		})
		if dx, dy := New().Shift(s); dx != want[0] || dy != want[1] {
			t.Errorf("shift %d, %d, want %v", dx, dy, want)
		}
	}
}

func TestWhatWasLearntIsForgotten(t *testing.T) {
	t.Parallel()
	f, wall := New(), detecttest.NewScene()
	quiet, busy := sceneOf(wall, 0, nil), sceneOf(wall, 0, nil)
	var masked [3]float64
	for i := range 2 * int(learning) {
		mark(busy, 100, 60, 139, 99)
		busy.PTS = time.Duration(i) * time.Second
		f.Sway(busy)
	}
	masked[0] = f.Masked()
	for i := range int(forgoing) {
		f.Sway(quiet)
		if i == 60 {
			masked[1] = f.Masked()
		}
	}
	masked[2] = f.Masked()
	if want := 1600.0 / pixels; masked != [3]float64{want, want, 0} {
		t.Errorf("masked %v, want %v, still so a minute later, and nothing in the end", masked, want)
	}
}
