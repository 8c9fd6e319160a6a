package scenes

import "math"

// visible is the share of the picture from which on something in it counts as there.
const visible = 0.0025

// settles is how long, in seconds, a vehicle that stopped still belongs to its event.
const settles = 15.0

// stop is where something is at a time: its foot at x, y and its height, all relative to the picture. Between two stops it moves
// evenly; before the first and after the last it is not there.
type stop struct{ T, X, Y, H float64 }

// actor is a figure or a vehicle on its way.
type actor struct {
	Figure string // one of cuts, or "" for a vehicle
	Luma   uint8  // of a vehicle
	U, V   uint8
	Aspect float64 // width over height of a vehicle
	Path   []stop
}

// where is the place at time t.
func (a actor) where(t float64) (stop, bool) {
	for i := 1; i < len(a.Path); i++ {
		p, q := a.Path[i-1], a.Path[i]
		if t >= p.T && t < q.T {
			f := (t - p.T) / (q.T - p.T)
			return stop{t, p.X + f*(q.X-p.X), p.Y + f*(q.Y-p.Y), p.H + f*(q.H-p.H)}, true
		}
	}
	return stop{}, false
}

// counts says whether a thing that is there is an event: people always, a vehicle while it moves and until it settled.
func (a actor) counts(t float64) bool {
	if a.Figure != "" {
		return true
	}
	now, _ := a.where(t)
	for back := 0.25; back <= settles; back += 0.25 {
		if then, ok := a.where(t - back); ok && math.Hypot(then.X-now.X, then.Y-now.Y) > 0.005 {
			return true
		}
	}
	return false
}

// draw puts the actor into the picture of time t and returns how many samples of an event it covers.
func (a actor) draw(p *Picture, t float64, figures map[string][]*sprite, vehicles map[string]*sprite) int {
	s, ok := a.where(t)
	if !ok {
		return 0
	}
	height := s.H * float64(p.H)
	pick := vehicles[a.key()]
	if a.Figure != "" {
		frames := figures[a.Figure]
		pick = frames[bounce(int((t-a.Path[0].T)*squareFPS), len(frames))]
	}
	covered := p.draw(pick, s.X*float64(p.W), s.Y*float64(p.H), height/float64(pick.H), 1)
	if !a.counts(t) {
		return 0
	}
	return covered
}

// bounce plays n frames forwards and backwards.
func bounce(i, n int) int {
	i %= 2*n - 2
	return min(i, 2*n-2-i)
}
