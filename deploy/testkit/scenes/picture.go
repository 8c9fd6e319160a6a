package scenes

import "math"

// Picture is planar 4:2:0: Y of W x H samples, U and V of half that in each direction. W and H are even.
type Picture struct {
	W, H    int
	Y, U, V []uint8
}

// NewPicture returns a mid-grey picture.
func NewPicture(w, h int) *Picture {
	p := split(w, h, make([]uint8, w*h*3/2))
	for _, plane := range [][]uint8{p.Y, p.U, p.V} {
		for i := range plane {
			plane[i] = 128
		}
	}
	return p
}

// split lays a picture over raw bytes, as ffmpeg writes yuv420p.
func split(w, h int, raw []uint8) *Picture {
	n := w * h
	return &Picture{W: w, H: h, Y: raw[:n:n], U: raw[n : n+n/4 : n+n/4], V: raw[n+n/4:]}
}

// copyFrom takes the samples of a picture of the same size.
func (p *Picture) copyFrom(q *Picture) {
	copy(p.Y, q.Y)
	copy(p.U, q.U)
	copy(p.V, q.V)
}

// clone is a copy with its own samples.
func (p *Picture) clone() *Picture {
	q := NewPicture(p.W, p.H)
	q.copyFrom(p)
	return q
}

// sprite is a cut-out figure: a picture with an opacity for each luma sample.
type sprite struct {
	Picture
	alpha []uint8 // 255: opaque
}

// draw puts s on p with its foot (the middle of its lower edge) at x, y, enlarged by scale and as bright as gain says. What
// is outside the picture is cut off. It returns how many luma samples were covered.
func (p *Picture) draw(s *sprite, x, y, scale, gain float64) (covered int) {
	w, h := float64(s.W)*scale, float64(s.H)*scale
	left, top := int(math.Round(x-w/2)), int(math.Round(y-h))
	for dy := range int(h) {
		for dx := range int(w) {
			px, py := left+dx, top+dy
			if px < 0 || py < 0 || px >= p.W || py >= p.H {
				continue
			}
			covered += p.blend(s, px, py, (float64(dx)+0.5)/scale, (float64(dy)+0.5)/scale, gain)
		}
	}
	return covered
}

// blend mixes the sample of s at sx, sy into p at px, py and tells whether it is more opaque than not.
func (p *Picture) blend(s *sprite, px, py int, sx, sy, gain float64) int {
	ix, iy := min(int(sx), s.W-1), min(int(sy), s.H-1)
	a := int(s.alpha[iy*s.W+ix])
	if a == 0 {
		return 0
	}
	i := py*p.W + px
	p.Y[i] = mix(p.Y[i], clamp(bilinear(s.Y, s.W, s.H, sx-0.5, sy-0.5)*gain), a)
	if px%2 == 0 && py%2 == 0 {
		c, d := py/2*(p.W/2)+px/2, iy/2*(s.W/2)+min(ix/2, s.W/2-1)
		p.U[c], p.V[c] = mix(p.U[c], s.U[d], a), mix(p.V[c], s.V[d], a)
	}
	if a > 127 {
		return 1
	}
	return 0
}

func mix(below, above uint8, alpha int) uint8 {
	return uint8((int(below)*(255-alpha) + int(above)*alpha + 127) / 255)
}

// bilinear reads a plane between its samples; outside it the border goes on.
func bilinear(plane []uint8, w, h int, x, y float64) float64 {
	x, y = max(0, min(x, float64(w-1))), max(0, min(y, float64(h-1)))
	x0, y0 := int(x), int(y)
	x1, y1 := min(x0+1, w-1), min(y0+1, h-1)
	fx, fy := x-float64(x0), y-float64(y0)
	above := float64(plane[y0*w+x0])*(1-fx) + float64(plane[y0*w+x1])*fx
	below := float64(plane[y1*w+x0])*(1-fx) + float64(plane[y1*w+x1])*fx
	return above*(1-fy) + below*fy
}

func clamp(v float64) uint8 { return uint8(max(0, min(255, v+0.5))) }
