package grid

import (
	"math"
	"strings"
	"testing"
)

func TestDrawing(t *testing.T) {
	wavy := []float64{120, 30, 120.01, 30}
	for i := range 100 { // a border that swings by a metre
		wavy = append(wavy, 120.01+float64(i%2)*1e-5, 30.01*float64(i+1)/100+30*float64(99-i)/100)
	}
	wavy = append(wavy, 120, 30.01, 120, 30)
	s, err := NewShape([][][]float64{{wavy}})
	must(t, err)
	for metres, most := range map[float64]int{0: s.Vertices(), 3: 8, 1e9: s.Vertices()} {
		data, err := s.Drawing(metres)
		must(t, err)
		var back Shape
		must(t, back.UnmarshalJSON(data))
		if n := back.Vertices(); n > most || metres == 0 && n != most {
			t.Errorf("%g m: %d vertices, want at most %d", metres, n, most)
		}
		if off := math.Abs(back.SquareMetres()-s.SquareMetres()) / s.SquareMetres(); off > 0.01 {
			t.Errorf("%g m: the area is off by %g", metres, off)
		}
	}
	if data, err := square(0, 0, 1.0000001).Drawing(0); err != nil || !strings.Contains(string(data), `"Polygon"`) || strings.Contains(string(data), "1200010000") {
		t.Errorf("%s, %v", data, err)
	}
}

func TestInner(t *testing.T) {
	horseshoe, err := NewShape([][][]float64{{{120, 30, 120.01, 30, 120.01, 30.01, 120.009, 30.01, 120.009, 30.001, 120.001, 30.001, 120.001, 30.01, 120, 30.01, 120, 30}}})
	must(t, err)
	if p, ok := horseshoe.Inner(); !ok || !horseshoe.Covers(p[0], p[1]) {
		t.Errorf("%v, %v", p, ok)
	}
	if _, ok := (Shape{}).Inner(); ok {
		t.Error("no shape has a point within")
	}
}
