package scenes

import (
	"math"
	"math/rand/v2"
)

// effect changes the picture of a moment as light, weather or the camera does. Effects are plain values, so that a recipe can be
// written out and digested.
type effect interface {
	apply(p *Picture, m moment)
}

// moment is the time of a picture.
type moment struct {
	t      float64 // s
	rng    *rand.Rand
	behind func(t float64) *Picture // the swaying tree
	spare  *Picture                 // of the picture's size, to copy from
}

// knot is a value at a time.
type knot struct{ T, V float64 }

// curve is a value over time: straight between its knots, constant outside.
type curve []knot

func (c curve) at(t float64) float64 {
	for i, k := range c {
		if t < k.T {
			if i == 0 {
				return k.V
			}
			p := c[i-1]
			return p.V + (k.V-p.V)*(t-p.T)/(k.T-p.T)
		}
	}
	return c[len(c)-1].V
}

// gain brightens and darkens: exposure, clouds, night. Wave adds a swing of that share, Hertz times a second, for as long as
// the curve Swing is above 0.
type gain struct {
	Level curve
	Swing curve
	Hertz float64
}

func (g gain) apply(p *Picture, m moment) {
	v := g.Level.at(m.t)
	if len(g.Swing) > 0 {
		v *= 1 + g.Swing.at(m.t)*math.Sin(2*math.Pi*g.Hertz*m.t)
	}
	expose(p, func(y float64) float64 { return 16 + (y-16)*v }, min(1, 0.3+0.7*v))
}

// expose sends luma through a table and scales colour.
func expose(p *Picture, luma func(float64) float64, colour float64) {
	if luma(64) == 64 && luma(200) == 200 && colour == 1 {
		return
	}
	var ys, cs [256]uint8
	for i := range ys {
		ys[i], cs[i] = clamp(luma(float64(i))), clamp(128+(float64(i)-128)*colour)
	}
	for i, v := range p.Y {
		p.Y[i] = ys[v]
	}
	for i := range p.U {
		p.U[i], p.V[i] = cs[p.U[i]], cs[p.V[i]]
	}
}

// lightning flashes at the given times, for one or two frames each, twice.
type lightning struct{ At []float64 }

func (l lightning) apply(p *Picture, m moment) {
	for _, at := range l.At {
		switch since := m.t - at; {
		case since >= 0 && since < 0.15, since >= 0.35 && since < 0.45:
			expose(p, func(y float64) float64 { return 40 + y*2.6 }, 0.7)
		case since >= 0.15 && since < 0.35:
			expose(p, func(y float64) float64 { return 8 + y*1.3 }, 0.9)
		}
	}
}

// infrared is the camera's night mode between From and To: black for a moment, too bright for a second, then grey, with another
// contrast and the lamp's cone in the middle.
type infrared struct{ From, To float64 }

func (n infrared) apply(p *Picture, m moment) {
	for _, change := range []float64{n.From, n.To} {
		if since := m.t - change; since >= -0.2 && since < 0.2 {
			expose(p, func(float64) float64 { return 18 }, 0)
			return
		}
	}
	if m.t >= n.From && m.t < n.To {
		over := 1 + 0.5*math.Exp(-(m.t-n.From)*3)
		expose(p, func(y float64) float64 { return 128 + (y-105)*1.2*over }, 0)
		glow(p, 0.5, 0.55, 0.7, 0.7, 0.35, 0)
		return
	}
	if since := m.t - n.To; since >= 0 {
		expose(p, func(y float64) float64 { return y * (1 + 0.4*math.Exp(-since*3)) }, 1)
	}
}

// glow lights an ellipse with a soft edge: what is lit gets brighter by the factor 1+boost and by lift grey levels.
func glow(p *Picture, cx, cy, rx, ry, boost, lift float64) {
	w, h := float64(p.W), float64(p.H)
	for y := max(0, int((cy-ry)*h)); y < min(p.H, int((cy+ry)*h)); y++ {
		dy := (float64(y)/h - cy) / ry
		for x := max(0, int((cx-rx)*w)); x < min(p.W, int((cx+rx)*w)); x++ {
			dx := (float64(x)/w - cx) / rx
			if f := 1 - dx*dx - dy*dy; f > 0 {
				i := y*p.W + x
				f = f * f * (3 - 2*f)
				p.Y[i] = clamp(float64(p.Y[i])*(1+boost*f) + lift*f)
			}
		}
	}
}

// sweep is the light of a car that is not in the picture: a cone that goes over ground and wall from X0 to X1.
type sweep struct{ From, To, X0, X1, Y float64 }

// headlights are sweeps.
type headlights []sweep

func (h headlights) apply(p *Picture, m moment) {
	for _, s := range h {
		if m.t < s.From || m.t >= s.To {
			continue
		}
		f := (m.t - s.From) / (s.To - s.From)
		rise := min(1, 5*f, 5*(1-f))
		x := s.X0 + (s.X1-s.X0)*f
		glow(p, x, s.Y, 0.22, 0.13, 2.2*rise, 25*rise)
		glow(p, x+0.1, s.Y-0.3, 0.12, 0.2, 1.2*rise, 12*rise)
	}
}

// lamp is a street lamp that flickers between From and To: on and off at random, about Hertz times a second.
type lamp struct{ X, Y, R, From, To, Hertz float64 }

func (l lamp) apply(p *Picture, m moment) {
	on := true
	if m.t >= l.From && m.t < l.To {
		slot := uint64(m.t * l.Hertz * 2)
		on = rand.New(rand.NewPCG(7, slot)).IntN(2) == 0
	}
	if on {
		glow(p, l.X, l.Y, l.R, l.R*1.3, 1.6, 14)
	}
}

// noise is what a sensor adds: Level is its deviation in grey levels.
type noise struct{ Level curve }

// gauss is normal noise in sixteenths of its deviation.
var gauss = func() []int8 {
	rng := rand.New(rand.NewPCG(1, 2))
	out := make([]int8, 1<<16)
	for i := range out {
		out[i] = int8(max(-100, min(100, rng.NormFloat64()*32)))
	}
	return out
}()

func (n noise) apply(p *Picture, m moment) {
	level := int(n.Level.at(m.t) * 16)
	for y := range p.H {
		row := p.Y[y*p.W : (y+1)*p.W]
		table := gauss[m.rng.IntN(len(gauss)-len(row)):]
		for x, v := range row {
			row[x] = uint8(max(0, min(255, int(v)+(int(table[x])*level+256)>>9)))
		}
	}
}
