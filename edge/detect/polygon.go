package detect

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
