package gate

import "time"

// proof is what pixels told of the gate.
type proof struct {
	moved0, still0 time.Duration // when pixels showed motion, and none, last
	any, anyStill  bool          // these count
	begun          time.Duration // of the episode of motion that is not judged yet
	unseen         time.Duration // when pixels were last looked at before it
	open           bool          // there is one
	heard          int           // episodes in a row that the gate doubted in, at most enough
	missed         bool          // it slept through one since
	missedAt       time.Duration // when
}

const (
	moment  = 3 * time.Second         // for which a picture that showed motion tells of the next ones
	episode = 5 * time.Second         // without motion, before motion is a new episode
	before  = 2500 * time.Millisecond // a doubt counts so long before the first picture that showed motion, or since the last look
	after   = 1500 * time.Millisecond // and so long behind it
	enough  = 4                       // episodes in a row that prove the gate
	amends  = 8                       // after one that it slept through
	forgive = 30 * time.Minute        // after which that is forgotten: pixels err, too
)

// resume goes on after a step of the clock.
func (p *proof) resume() {
	p.any, p.anyStill, p.open = false, false, false
}

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
	if doubted < p.unseen {
		p.heard, p.missed, p.missedAt = 0, true, now
		return
	}
	if p.heard++; p.heard >= enough {
		p.heard, p.missed = enough, false
	}
}

func (p *proof) moved(now time.Duration) bool { return p.any && now-p.moved0 < moment }

// refuted says whether pixels showed since then that nothing moves.
func (p *proof) refuted(since time.Duration) bool { return p.anyStill && p.still0 >= since }

// blind is the observed test. One miss is enough: while the gate is trusted, pixels are looked at when it doubts, and otherwise
// so rarely that most of what it misses is never known.
func (p *proof) blind(now time.Duration) bool { return p.missed && now-p.missedAt < forgive }
