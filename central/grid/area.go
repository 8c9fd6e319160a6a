package grid

import (
	"math"
	"slices"
	"time"

	"github.com/peterstace/simplefeatures/geom"
)

// discCorners is how many corners stand for a circle.
const discCorners = 48

// Disc is the land within a distance of a point, a polygon around the circle. The radius is in metres.
func Disc(lon, lat, radius float64) (Shape, error) {
	outer := radius / math.Cos(math.Pi/discCorners) // its corners stand outside, its edges touch the circle
	ring := make([]float64, 0, 2*discCorners+2)
	for i := range discCorners + 1 {
		angle := 2 * math.Pi * float64(i%discCorners) / discCorners
		ring = append(ring, lon+outer*math.Cos(angle)/(metresPerDegree*math.Cos(lat*math.Pi/180)), lat+outer*math.Sin(angle)/metresPerDegree)
	}
	return NewShape([][][]float64{{ring}})
}

// Touching returns the codes of the smallest grids that had a point in common with s at a time, in order. An area that has smaller ones on
// the map, none of which s touches, stands for itself.
func (m *Map) Touching(s Shape, t time.Time) []string {
	var codes []string
	box, ok := bounds(s.g)
	if !ok {
		return nil
	}
	_ = m.index.RangeSearch(box, func(i int) error { // the function returns no error
		p := &m.places[i]
		if p.at().Holds(t) && geom.Intersects(p.at().Shape.g.AsGeometry(), s.g.AsGeometry()) {
			codes = append(codes, p.grid.Code)
		}
		return nil
	})
	return smallest(codes)
}

// Under returns the codes of the smallest grids at a time whose code begins with an area's, in order.
func (m *Map) Under(area string, t time.Time) []string {
	var codes []string
	for i := range m.places {
		if p := &m.places[i]; p.at().Holds(t) && Within(p.grid.Code, area) {
			codes = append(codes, p.grid.Code)
		}
	}
	return smallest(codes)
}

// smallest sorts codes and leaves out those that another one is part of. In order, what is part of an area comes right behind it.
func smallest(codes []string) (out []string) {
	slices.Sort(codes)
	codes = slices.Compact(codes)
	for i, code := range codes {
		if i+1 == len(codes) || !Within(codes[i+1], code) {
			out = append(out, code)
		}
	}
	return out
}
