package detect

import "gridgate/edge/decode"

// Contains says whether p lies inside, by the even-odd rule. An empty polygon, the whole picture, contains every point.
func (poly Polygon) Contains(p Point) bool {
	if len(poly) == 0 {
		return true
	}
	inside := false
	for i, a := range poly {
		b := poly[(i+len(poly)-1)%len(poly)]
		if (a.Y > p.Y) != (b.Y > p.Y) && p.X < (b.X-a.X)*(p.Y-a.Y)/(b.Y-a.Y)+a.X {
			inside = !inside
		}
	}
	return inside
}

// Covers says whether the middle of any pixel of a [decode.Frame] lies inside. An outline whose points lie on a line, that is
// thinner than a pixel or that goes back over itself covers nothing.
func (poly Polygon) Covers() bool {
	for y := range decode.FrameHeight {
		for x := range decode.FrameWidth {
			if poly.Contains(Point{X: (float64(x) + 0.5) / decode.FrameWidth, Y: (float64(y) + 0.5) / decode.FrameHeight}) {
				return true
			}
		}
	}
	return false
}
