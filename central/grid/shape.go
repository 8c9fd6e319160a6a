package grid

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/peterstace/simplefeatures/geom"
	"github.com/peterstace/simplefeatures/rtree"
)

// MaxVertices bounds the polygons of one period.
const MaxVertices = 20_000

// Shape is the land of a grid: polygons in degrees of longitude and latitude (CGCS2000; WGS 84 is within a metre of it). The zero Shape is none.
type Shape struct {
	g    geom.MultiPolygon
	mark *mark
}

// mark is by which a shape is known again: two shapes with one mark are the same. It has a size, so that no two have one address.
type mark struct{ _ byte }

// NewShape returns polygons, each a list of rings, each a list of x, y, x, y... in degrees; the first ring is the outer one.
// The error says what is wrong with them.
func NewShape(polygons [][][]float64) (Shape, error) {
	return checked(geom.NewMultiPolygonXY(polygons...))
}

// checked returns a valid shape or says why g is none (OGC 06-103r4, clause 6.1.11).
func checked(g geom.MultiPolygon) (Shape, error) {
	g = g.Force2D()
	if n := g.DumpCoordinates().Length(); n > MaxVertices {
		return Shape{}, fmt.Errorf("has %d vertices, more than %d", n, MaxVertices)
	}
	if g.IsEmpty() {
		return Shape{}, errors.New("is empty")
	}
	if err := g.Validate(); err != nil {
		return Shape{}, fmt.Errorf("is no proper polygon (it crosses or touches itself, is not closed, or its parts overlap): %w", err)
	}
	box, _ := bounds(g)
	if box.MinX < -180 || box.MaxX > 180 || box.MinY < -90 || box.MaxY > 90 {
		return Shape{}, errors.New("has coordinates that are no longitude and latitude in degrees, in this order")
	}
	if g.Area() == 0 {
		return Shape{}, errors.New("has no area")
	}
	return Shape{g: g.ForceCCW(), mark: &mark{}}, nil
}

// IsZero says whether there is no shape.
func (s Shape) IsZero() bool { return s.g.IsEmpty() }

// Covers says whether a point is in s or on its border.
func (s Shape) Covers(lon, lat float64) bool {
	return geom.Intersects(s.g.AsGeometry(), geom.XY{X: lon, Y: lat}.AsPoint().AsGeometry())
}

// Borders are the outer rings of s, each a closed list of longitude and latitude.
func (s Shape) Borders() (rings [][][2]float64) {
	for i := range s.g.NumPolygons() {
		line := s.g.PolygonN(i).ExteriorRing().Coordinates()
		ring := make([][2]float64, line.Length())
		for n := range ring {
			xy := line.GetXY(n)
			ring[n] = [2]float64{xy.X, xy.Y}
		}
		rings = append(rings, ring)
	}
	return rings
}

// SquareMetres is the area of s, by the scale of its middle: good to a percent for anything up to a city.
func (s Shape) SquareMetres() float64 { return squareMetres(s.g.AsGeometry()) }

const metresPerDegree = 111_320

func squareMetres(g geom.Geometry) float64 {
	box, ok := bounds(g)
	if !ok {
		return 0
	}
	middle := (box.MinY + box.MaxY) / 2 * math.Pi / 180
	return g.Area() * metresPerDegree * metresPerDegree * math.Cos(middle)
}

type enveloped interface{ Envelope() geom.Envelope }

func bounds(g enveloped) (rtree.Box, bool) {
	lower, upper, ok := g.Envelope().MinMaxXYs()
	return rtree.Box{MinX: lower.X, MinY: lower.Y, MaxX: upper.X, MaxY: upper.Y}, ok
}

// MarshalJSON writes a GeoJSON geometry, null for no shape.
func (s Shape) MarshalJSON() ([]byte, error) {
	if s.IsZero() {
		return []byte("null"), nil
	}
	if s.g.NumPolygons() == 1 {
		return s.g.PolygonN(0).MarshalJSON()
	}
	return s.g.MarshalJSON()
}

// UnmarshalJSON reads a GeoJSON geometry of type Polygon or MultiPolygon, or null, and checks it.
func (s *Shape) UnmarshalJSON(data []byte) error {
	*s = Shape{}
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		return nil
	}
	g, err := decode(data)
	if err != nil {
		return err
	}
	*s, err = checked(g)
	return err
}

// decode reads polygons without checking them.
func decode(data []byte) (geom.MultiPolygon, error) {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return geom.MultiPolygon{}, errors.New("is no GeoJSON geometry")
	}
	if head.Type != "Polygon" && head.Type != "MultiPolygon" {
		return geom.MultiPolygon{}, fmt.Errorf("is a %.40q, it must be a Polygon or a MultiPolygon", head.Type)
	}
	g, err := geom.UnmarshalGeoJSON(data, geom.NoValidate{})
	if err != nil {
		return geom.MultiPolygon{}, fmt.Errorf("is no GeoJSON geometry: %w", err)
	}
	if p, ok := g.AsPolygon(); ok {
		return geom.NewMultiPolygon([]geom.Polygon{p}), nil
	}
	return g.MustAsMultiPolygon(), nil
}

// relation says how two shapes lie to each other.
type relation struct {
	border bool    // they share a border
	common float64 // square metres that both have
}

// relate compares two shapes whose boxes touch.
func relate(a, b Shape) (relation, error) {
	matrix, err := geom.Relate(a.g.AsGeometry(), b.g.AsGeometry())
	if err != nil || len(matrix) != 9 {
		return relation{}, fmt.Errorf("compare two shapes: %q, %w", matrix, err)
	}
	r := relation{border: matrix[4] == '1'} // boundary and boundary meet along a line (DE-9IM)
	if matrix[0] != '2' {
		return r, nil
	}
	both, err := geom.Intersection(a.g.AsGeometry(), b.g.AsGeometry())
	if err != nil {
		return relation{}, fmt.Errorf("intersect two shapes: %w", err)
	}
	r.border, r.common = true, squareMetres(both)
	return r, nil
}

// beyond is how many square metres of s are not in area.
func (s Shape) beyond(area Shape) (float64, error) {
	if ok, err := geom.Covers(area.g.AsGeometry(), s.g.AsGeometry()); ok || err != nil {
		return 0, err
	}
	rest, err := geom.Difference(s.g.AsGeometry(), area.g.AsGeometry())
	if err != nil {
		return 0, fmt.Errorf("subtract a shape: %w", err)
	}
	return squareMetres(rest), nil
}

// slack is how many square metres two shapes may be off, since neighbours are drawn by different hands: a thousandth of the smaller, at least one.
func slack(a, b Shape) float64 { return max(1, min(a.SquareMetres(), b.SquareMetres())/1000) }

// union is the land of several shapes.
func union(shapes []Shape) (Shape, error) {
	parts := make([]geom.Geometry, len(shapes))
	for i, s := range shapes {
		parts[i] = s.g.AsGeometry()
	}
	all, err := geom.UnionMany(parts)
	if err != nil {
		return Shape{}, fmt.Errorf("unite shapes: %w", err)
	}
	if p, ok := all.AsPolygon(); ok {
		return checked(geom.NewMultiPolygon([]geom.Polygon{p}))
	}
	m, ok := all.AsMultiPolygon()
	if !ok {
		return Shape{}, errors.New("unite shapes: no polygon is left")
	}
	return checked(m)
}
