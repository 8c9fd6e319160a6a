package gate

import (
	"math/bits"
	"time"
)

// proof is what pixels told of the gate.
type proof struct {
	moved0, still0 time.Duration // when pixels showed motion, and none, last
	any, anyStill  bool          // these count
	begun          time.Duration // of the episode of motion that is not judged yet
	unseen         time.Duration // when pixels were last looked at before it
	open           bool          // there is one
	silent         uint8         // of the last episodes, newest in bit 0: 1 where the gate had no doubt
}

const (
	moment   = 3 * time.Second         // for which a picture that showed motion tells of the next ones
	episode  = 5 * time.Second         // without motion, before motion is a new episode
	before   = 2500 * time.Millisecond // a doubt counts so long before the first picture that showed motion, or since the last look
	after    = 1500 * time.Millisecond // and so long behind it
	episodes = 4                       // remembered
	tooMany  = 2                       // silent ones
)

// resume goes on after a step of the clock.
func (p *proof) resume() { p.any, p.anyStill, p.open = false, false, false }

// moving notes that pixels showed motion.
func (p *proof) moving(now time.Duration) {
	if !p.any || now-p.moved0 > episode {
		p.begun, p.open, p.unseen = now, true, now-before
		if p.any || p.anyStill {
			p.unseen = min(p.unseen, max(p.moved0, p.still0))
		}
	}
	p.moved0, p.any = max(p.moved0, now), true
}

func (p *proof) still(now time.Duration) { p.still0, p.anyStill = now, true }

// judge closes an episode; doubted is when the gate doubted last.
func (p *proof) judge(now, doubted time.Duration) {
	if !p.open || now < p.begun+after {
		return
	}
	p.open = false
	p.silent = p.silent << 1 & (1<<episodes - 1)
	if doubted < p.unseen {
		p.silent |= 1
	}
}

func (p *proof) moved(now time.Duration) bool { return p.any && now-p.moved0 < moment }

// refuted says whether pixels showed since then that nothing moves.
func (p *proof) refuted(since time.Duration) bool { return p.anyStill && p.still0 >= since }

// blind is the observed test.
func (p *proof) blind() bool { return bits.OnesCount8(p.silent) >= tooMany }
