package gate

import "math"

// keys learns what the keyframes of one camera cost while nothing happens. A keyframe stands alone, so that it costs what it
// shows: its noise averages out over thousands of blocks, and of a thing that was not there before a little is left over, whether
// it moves or not. Rate controls move the quantiser from one keyframe to the next: each QP has a mean of its own, and all share
// how they scatter.
type keys struct {
	means   [qps]usual
	spread  float64 // variance of a residual, log2 of bits squared
	learnt  int     // keyframes, at most keysFull
	doubt   float64 // threshold, in deviations: settles where keyDoubtShare of quiet keyframes are above it
	before  float64 // residual of the keyframe before, 0 if pixels showed nothing in it
	pending float64 // residual of the newest keyframe
	qp      int     // of it
	doubted bool    // it was unusual
	waits   bool    // it is learnt if pixels say that nothing moves
}

// Constants of keys.
const (
	qps           = 100 // QP -48 to 51 (ITU-T H.265 clause 7.4.9.14, ITU-T H.264 clause 7.4.2.2)
	keyPace       = 0.06
	keysFull      = 64
	keysWarm      = 5    // keyframes, before there is an opinion
	keyClip       = 4.0  // deviations beyond which one keyframe counts no more
	keyLeast      = 4e-4 // deviation, log2 of bits: no camera is quieter
	keyDoubt0     = 2.0
	keyDoubtMin   = 1.5
	keyDoubtMax   = 8.0
	keyDoubtStep  = 0.3
	keyDoubtShare = 0.1
	keyContrast   = 0.1 // by how much of its share of the picture a thing changes what a keyframe costs; measured 0.07 to 0.2
)

func newKeys() keys { return keys{spread: 0.01 * 0.01, doubt: keyDoubt0} }

// observe takes a keyframe and says whether it is unusual. What is not is learnt at once; where it is, or where pixels showed motion
// a moment ago, they must speak first.
func (k *keys) observe(p picture, moved bool) bool {
	k.waits = false
	q := min(max(int(math.Round(p.qp))+48, 0), qps-1)
	mean := &k.means[q]
	if mean.n == 0 {
		mean.size = p.size
	}
	residual := p.size - mean.size
	together := (residual + k.before) / math.Sqrt2 // what stays for two keyframes stands out of their noise
	unusual := mean.n < 2 || k.deviations(residual) > k.doubt || k.deviations(together) > k.doubt
	k.before = residual
	if unusual || moved {
		k.pending, k.qp, k.doubted, k.waits = residual, q, unusual, true
		return unusual
	}
	k.learn(residual, q, false)
	return false
}

func (k *keys) deviations(residual float64) float64 { return math.Abs(residual) / k.deviation() }

func (k *keys) deviation() float64 { return max(math.Sqrt(k.spread), keyLeast) }

// confirm tells what pixels showed in the keyframe that waits for it.
func (k *keys) confirm(moving bool) {
	if !k.waits {
		return
	}
	k.waits = false
	if !moving {
		k.before = 0
		k.learn(k.pending, k.qp, k.doubted)
	}
}

// learn takes the residual of a keyframe in which nothing moved.
func (k *keys) learn(residual float64, q int, doubted bool) {
	mean := &k.means[q]
	first := mean.n == 0
	limit := keyClip * k.deviation()
	if mean.n < 2 || k.learnt < keysWarm {
		limit = math.Inf(1)
	}
	residual = min(max(residual, -limit), limit)
	mean.learn(residual, 0, keyPace)
	if first {
		return // it is its own mean: it tells nothing of how they scatter
	}
	if k.learnt < keysFull {
		k.learnt++
	}
	k.spread += max(keyPace, 1/float64(k.learnt)) * (residual*residual - k.spread)
	if mean.n > 2 {
		peak := 0.0
		if doubted {
			peak = math.Inf(1)
		}
		k.doubt = shifted(k.doubt, peak, keyDoubtShare, keyDoubtStep, keyDoubtMin, keyDoubtMax)
	}
}

func (k *keys) warm() bool { return k.learnt >= keysWarm }

// smallest is the share of the picture that something must fill to be doubted.
func (k *keys) smallest() float64 { return (math.Exp2(k.doubt*k.deviation()) - 1) / keyContrast }
