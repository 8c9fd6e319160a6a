// Package gate guesses from what pictures cost whether something happens in front of a camera, without decoding.
//
// In: access units of one stream in decoding order, and what the pixels of some of them showed. Out: an opinion after each:
// Doubt (the next keyframe is worth a look), Wake (decode now), and what the gate is good for on this stream.
//
// Two things tell. What a keyframe costs (keys.go) is steady to a thousandth on a stream with little noise, and a person adds two
// to six of them; this decides which keyframes are decoded. What the pictures between them cost (model.go) tells of large movement
// at once, and is drowned by noise sooner.
//
// It reads slice headers only (ITU-T H.264 clause 7.3.3, H.265 clause 7.3.6.1): the size of a picture in bits, its quantiser
// and its place. It keeps no series of sizes, since they would tell when people are at home: a few running figures, all
// forgotten at Restart. It decodes nothing and says nothing of what happens.
package gate

import (
	"hash/maphash"
	"time"

	"gridgate/edge/detect"
	"gridgate/edge/source"
)

// Gate implements [detect.Gate]. It is for one goroutine.
type Gate struct {
	headers headers
	clock   detect.Clock
	keys    keys
	model   model
	alarm   alarm
	proof   proof
	sight   detect.Sight
	unread  int // pictures in a row whose header could not be read
}

// illegible is after how many pictures without a header that can be read the gate is blind.
const illegible = 150

var _ detect.Gate = (*Gate)(nil)

// New returns a gate that has seen nothing.
func New() *Gate {
	g := &Gate{headers: headers{seed: maphash.MakeSeed()}}
	g.Restart()
	return g
}

// Restart implements [detect.Gate].
func (g *Gate) Restart() {
	*g = Gate{headers: headers{seed: g.headers.seed}, keys: newKeys(), model: newModel(), alarm: newAlarm(), sight: detect.Learning}
}

// Observe implements [detect.Gate]. What cannot be read counts as nothing seen.
func (g *Gate) Observe(u source.AccessUnit) detect.Opinion {
	if u.Codec != source.H264 && u.Codec != source.H265 {
		return detect.Opinion{Sight: detect.NoGate}
	}
	if g.clock.Tick(u.PTS) {
		g.alarm.resume(g.clock.Now())
		g.proof.resume()
	}
	bits, first, ok := g.headers.picture(u)
	if !ok {
		if g.unread++; g.unread >= illegible {
			g.sight = detect.Blind
		}
		return g.opinion(0)
	}
	g.unread = 0
	p := newPicture(bits, first)
	if u.Begins() || first.slice == intra {
		g.model.begin(p, u.Key)
	}
	if u.Key {
		return g.keyframe(p)
	}
	if first.slice == intra {
		return g.opinion(0)
	}
	z := g.model.observe(p, g.clock.Step(), g.pace())
	ended := g.alarm.observe(z, g.clock.Now(), g.moved())
	g.proof.judge(g.clock.Now(), g.alarm.doubted)
	if ended && g.keys.warm() {
		g.judge()
	}
	return g.opinion(z)
}

// keyframe takes a picture that stands alone.
func (g *Gate) keyframe(p picture) detect.Opinion {
	unusual := g.keys.observe(p, g.moved())
	if unusual {
		g.alarm.doubted = g.clock.Now()
	}
	g.judge()
	o := g.opinion(0)
	o.Doubt = o.Doubt || unusual && o.Sight == detect.Sees
	return o
}

// Confirm implements [detect.Gate].
func (g *Gate) Confirm(pts time.Duration, moving bool) {
	now := g.clock.At(pts)
	g.keys.confirm(moving)
	if moving {
		g.proof.moving(now)
		return
	}
	g.proof.still(now)
}

// opinion is what the gate thinks when the score is z.
func (g *Gate) opinion(z float64) detect.Opinion {
	o := detect.Opinion{Sight: g.sight}
	if g.sight == detect.Sees && z > g.alarm.wake {
		o.Doubt, o.Wake = true, g.model.warm() && g.model.smallest(g.alarm.doubt) <= visible
	}
	return o
}

// moved says whether pixels showed motion a moment ago.
func (g *Gate) moved() bool { return g.proof.moved(g.clock.Now()) }

// Paces of learning, as time constants in media time.
const (
	frozen  = 0
	settled = 8 * time.Second // while quiet
	refuted = 2 * time.Second // while the gate is alarmed and pixels show, or long ago would have shown, that nothing moves
	patient = 20 * time.Second
)

// pace is how fast the model follows what it sees now.
func (g *Gate) pace() time.Duration {
	switch {
	case g.moved():
		return frozen
	case !g.alarm.loud:
		return settled
	case g.proof.refuted(g.alarm.since), g.clock.Now()-g.alarm.since > patient:
		return refuted
	}
	return frozen
}

// judge decides what the gate is good for.
func (g *Gate) judge() {
	share, slack := g.keys.smallest(), 1.0
	if g.sight == detect.Sees {
		slack = margin
	}
	switch {
	case !g.keys.warm():
		g.sight = detect.Learning
	case g.proof.blind(g.clock.Now()) || share > visible*slack:
		g.sight = detect.Blind
	default:
		g.sight = detect.Sees
	}
}

// visible bounds the predicted test: the share of the picture that must be new for the gate to notice it. A person who fills less
// enters unnoticed until the next heartbeat. margin keeps the answer from flickering.
const (
	visible = 0.02
	margin  = 1.15
)
