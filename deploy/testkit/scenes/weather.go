package scenes

import "math"

// rain draws falling streaks, Drops of them in each picture.
type rain struct {
	Drops  curve
	Length float64 // share of the picture's height
}

func (r rain) apply(p *Picture, m moment) {
	for range int(r.Drops.at(m.t)) {
		x, y := m.rng.Float64()*float64(p.W), m.rng.Float64()*float64(p.H)
		n := int(r.Length * float64(p.H) * (0.5 + m.rng.Float64()))
		light := 18 + m.rng.IntN(22)
		for k := range n {
			px, py := int(x+0.15*float64(k)), int(y)+k
			if px < p.W && py < p.H {
				i := py*p.W + px
				p.Y[i] = uint8(min(235, int(p.Y[i])+light))
			}
		}
	}
}

// sway pastes the recording of a tree in the wind into a part of the picture.
type sway struct{ X, Y, W, H float64 }

func (s sway) apply(p *Picture, m moment) {
	tree := m.behind(m.t)
	x0, y0 := int(s.X*float64(p.W)), int(s.Y*float64(p.H))
	w, h := int(s.W*float64(p.W)), int(s.H*float64(p.H))
	for y := range h {
		for x := range w {
			px, py := x0+x, y0+y
			if px >= p.W || py >= p.H {
				continue
			}
			tx, ty := float64(x)/float64(w)*float64(tree.W-1), float64(y)/float64(h)*float64(tree.H-1)
			p.Y[py*p.W+px] = clamp(bilinear(tree.Y, tree.W, tree.H, tx, ty))
			if px%2 == 0 && py%2 == 0 {
				c, d := py/2*(p.W/2)+px/2, int(ty)/2*(tree.W/2)+int(tx)/2
				p.U[c], p.V[c] = tree.U[d], tree.V[d]
			}
		}
	}
}

// shake moves the whole picture, as wind at the mast does: Swing is the largest way in samples.
type shake struct{ Swing curve }

func (s shake) apply(p *Picture, m moment) {
	a := s.Swing.at(m.t)
	if a <= 0 {
		return
	}
	dx := a * (0.7*math.Sin(2*math.Pi*1.7*m.t) + 0.3*math.Sin(2*math.Pi*3.1*m.t+1))
	dy := a * 0.5 * math.Sin(2*math.Pi*2.3*m.t+2)
	m.spare.copyFrom(p)
	translate(p.Y, m.spare.Y, p.W, p.H, dx, dy)
	translate(p.U, m.spare.U, p.W/2, p.H/2, dx/2, dy/2)
	translate(p.V, m.spare.V, p.W/2, p.H/2, dx/2, dy/2)
}

// translate moves a plane by parts of a sample.
func translate(dst, src []uint8, w, h int, dx, dy float64) {
	ix, iy := int(math.Floor(dx)), int(math.Floor(dy))
	fx, fy := int(256*(dx-float64(ix))), int(256*(dy-float64(iy)))
	for y := range h {
		y0, y1 := min(max(y+iy, 0), h-1), min(max(y+iy+1, 0), h-1)
		for x := range w {
			x0, x1 := min(max(x+ix, 0), w-1), min(max(x+ix+1, 0), w-1)
			above := int(src[y0*w+x0])*(256-fx) + int(src[y0*w+x1])*fx
			below := int(src[y1*w+x0])*(256-fx) + int(src[y1*w+x1])*fx
			dst[y*w+x] = uint8((above*(256-fy) + below*fy) >> 16)
		}
	}
}

// freeze stops the stream's clock from From to To: the camera sends the same picture again and again.
type freeze struct{ From, To float64 }

// frozen is the time of the picture that is sent at t.
func frozen(fs []freeze, t float64) float64 {
	for _, f := range fs {
		if t >= f.From && t < f.To {
			return f.From
		}
	}
	return t
}
