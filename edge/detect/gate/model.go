package gate

import (
	"math"
	"time"
)

// picture is what a coded picture cost.
type picture struct {
	size  float64 // log2 of bits
	qp    float64
	class int
}

func newPicture(bits int, h header) picture {
	return picture{size: math.Log2(float64(max(8, bits))), qp: float64(min(max(h.qp, -48), 51)), class: h.class()}
}

// usual is what a kind of picture costs as a rule.
type usual struct {
	size, qp float64
	n        int // pictures learnt from, at most full
}

// full is from how many pictures on usual follows at the pace of the model.
const full = 64

// learn moves u towards a difference.
func (u *usual) learn(size, qp, rate float64) {
	if u.n < full {
		u.n++
	}
	rate = max(rate, 1/float64(u.n))
	if u.n == full {
		rate = min(rate, 0.5)
	}
	u.size += rate * size
	u.qp += rate * qp
}

// model learns what inter pictures of one camera cost while nothing happens, and tells by how much the last ones differ.
type model struct {
	classes [layers]usual
	places  [places]usual // by position after a keyframe or refresh, beyond what the class explains
	key     usual         // keyframes

	place  int
	groups int     // keyframes and refreshes seen
	frames int     // pictures learnt from
	time   float64 // s of them

	covariance, variance float64 // of size and qp, while quiet
	noise                float64 // variance of a residual
	score                float64 // residuals of the last moment, smoothed
	spread               float64 // variance of score while quiet
}

// Constants of the model.
const (
	window     = 0.7     // s over which residuals are smoothed
	lambda0    = 0.5     // log2 of bits for each step of QP, before the data tell; rate controls show 0.4 to 0.8
	quantiser  = 1.0 / 6 // the same between kinds of pictures: the quantiser doubles every six steps
	prior      = 0.1     // how many steps of QP squared the data must show before they outweigh lambda0
	lambdaMin  = 0.45
	lambdaMax  = 0.8
	clip       = 4.0  // deviations beyond which one picture counts no more
	leastNoise = 0.02 // deviation of a residual, log2 of bits
	warmTime   = 6.0  // s
	warmGroups = 2
	spreadTime = 20.0 // s
)

func newModel() model {
	return model{noise: 0.25, spread: 0.1}
}

// begin starts a group of pictures; key tells a whole keyframe from a refresh.
func (m *model) begin(p picture, key bool) {
	m.place = 0
	m.groups++
	if key {
		m.key.learn(p.size-m.key.size, p.qp-m.key.qp, 0.2)
	}
}

func (m *model) lambda() float64 {
	l := (prior*lambda0 - m.covariance) / (prior + m.variance)
	return min(max(l, lambdaMin), lambdaMax)
}

// observe takes an inter picture that came step after the one before, and learns at a pace (0: not at all). It returns by how
// many deviations the last moment costs more than usual.
func (m *model) observe(p picture, step, pace time.Duration) float64 {
	class, at := &m.classes[p.class], &m.places[bin(m.place)]
	m.place++
	size, qp := p.size-class.size, p.qp-class.qp
	if class.n == 0 {
		size, qp = 0, 0
		class.size, class.qp, class.n = p.size, p.qp, 1
	}
	size, qp = size-at.size, qp-at.qp
	e := size + m.lambda()*qp
	limit := clip * math.Sqrt(m.noise)
	e = min(max(e, -limit), limit)
	dt := step.Seconds()
	m.score += rate(dt, window) * (e - m.score)
	if pace > 0 {
		r := rate(dt, pace.Seconds())
		class.learn(size, qp, r)
		at.learn(size, qp, r)
		m.learn(size, qp, e, dt)
	}
	return m.score / max(math.Sqrt(m.spread), leastNoise)
}

// learn follows how sizes and quantisers scatter.
func (m *model) learn(size, qp, e, dt float64) {
	m.frames++
	m.time += dt
	r := rate(dt, min(spreadTime, max(m.time, 1)))
	m.covariance += r * (size*qp - m.covariance)
	m.variance += r * (qp*qp - m.variance)
	m.noise += r * (e*e - m.noise)
	m.noise = max(m.noise, leastNoise*leastNoise)
	m.spread += r * (m.score*m.score - m.spread)
}

// rate is the weight of a new value after dt seconds, for a time constant.
func rate(dt, constant float64) float64 { return 1 - math.Exp(-dt/constant) }

func (m *model) warm() bool { return m.time >= warmTime && m.groups >= warmGroups }

// smallest is the share of the picture that must cost as much as in a keyframe for the score to reach z.
func (m *model) smallest(z float64) float64 {
	rise := math.Exp2(z*max(math.Sqrt(m.spread), leastNoise)) - 1
	return rise * math.Exp2(m.inter()-m.key.size-quantiser*m.key.qp)
}

// inter is what an inter picture costs, in the mean over the layers in log2 of bits at QP 0.
func (m *model) inter() float64 {
	sum, n := 0.0, 0.0
	for _, c := range m.classes {
		sum += float64(c.n) * (c.size + quantiser*c.qp)
		n += float64(c.n)
	}
	if n == 0 {
		return 0
	}
	return sum / n
}

// places is how many positions in a group are told apart: each of the first 32, then wider and wider ones.
const places = 64

func bin(place int) int {
	if place < 32 {
		return place
	}
	return min(places-1, 32+int(8*math.Log2(float64(place)/32)))
}
