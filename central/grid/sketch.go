package grid

import (
	"encoding/json"
	"fmt"

	"github.com/peterstace/simplefeatures/geom"
)

// sketchPlaces is how many decimals of a degree a drawing has: a tenth of a metre.
const sketchPlaces = 6

// Vertices is how many corners s has, those that close a ring included.
func (s Shape) Vertices() int { return s.g.DumpCoordinates().Length() }

// Inner is a point of s for a mark, longitude and latitude in degrees; false for no shape.
func (s Shape) Inner() (lonLat [2]float64, ok bool) {
	xy, ok := s.g.PointOnSurface().XY()
	return [2]float64{xy.X, xy.Y}, ok
}

// Drawing is s for a screen as a GeoJSON geometry, rounded to a tenth of a metre; corners that stand out by less than so many metres are
// left out (Douglas-Peucker). It may cross itself where the exact shape does not: nothing may be computed from it. A shape that
// would vanish is drawn exactly.
func (s Shape) Drawing(metres float64) (json.RawMessage, error) {
	drawn := s.g
	if metres > 0 {
		coarse, err := drawn.Simplify(metres/metresPerDegree, geom.NoValidate{})
		if err != nil {
			return nil, fmt.Errorf("simplify a shape: %w", err)
		}
		if !coarse.IsEmpty() {
			drawn = coarse
		}
	}
	if drawn = drawn.SnapToGrid(sketchPlaces); drawn.NumPolygons() == 1 {
		return drawn.PolygonN(0).MarshalJSON()
	}
	return drawn.MarshalJSON()
}
