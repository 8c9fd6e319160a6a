package camera

import (
	"sync"
	"time"

	"gridgate/edge/source"
)

// buffer holds the access units since the last keyframe, up to a cap, and decides when one is due for detection.
type buffer struct {
	every    time.Duration
	maxBytes int
	maxUnits int
	due      chan struct{} // something to take; capacity 1

	mu        sync.Mutex
	group     uint64              // number of the group of pictures under way
	units     []source.AccessUnit // only appended to within a group, so that a taken prefix stays as it is
	bytes     int
	waiting   bool // drop until the next keyframe
	nextDue   time.Time
	pending   bool // due and not yet taken
	how       Sampling
	shortGaps int // keyframe intervals in a row that would do for [Keyframes]
	skipped   uint64
	overflows uint64
}

func newBuffer(opt Options) *buffer {
	return &buffer{
		every: opt.SampleEvery, maxBytes: opt.MaxBytes, maxUnits: opt.MaxUnits, due: make(chan struct{}, 1), waiting: true, how: Keyframes,
	}
}

// steadyGaps is how many short keyframe intervals in a row end [Sequence]: cameras that stretch their groups when nothing
// moves have short ones now and then.
const steadyGaps = 3

// put takes the next unit and never blocks. It returns false if the unit was dropped.
func (b *buffer) put(u source.AccessUnit) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if u.Key {
		b.begin(u)
	}
	switch {
	case b.waiting:
		return false
	case b.bytes+u.Bytes() > b.maxBytes || len(b.units) >= b.maxUnits:
		b.waiting = true
		b.overflows++
		return false
	}
	b.units = append(b.units, u)
	b.bytes += u.Bytes()
	b.judge(u)
	return true
}

// begin starts a new group of pictures.
func (b *buffer) begin(u source.AccessUnit) {
	if len(b.units) > 0 {
		if gap := u.At.Sub(b.units[0].At); gap > b.every*3/2 {
			b.shortGaps = 0
		} else if b.shortGaps++; b.shortGaps >= steadyGaps {
			b.how = Keyframes
		}
	}
	b.group++
	b.units, b.bytes, b.waiting = nil, 0, false
}

// restart forgets the group under way: what follows belongs to another connection.
func (b *buffer) restart() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.units, b.bytes, b.waiting, b.pending = nil, 0, true, false
}

// judge decides whether u makes a sample due. Keyframes may come a little early.
func (b *buffer) judge(u source.AccessUnit) {
	if u.At.Sub(b.units[0].At) > b.every*3/2 {
		b.how, b.shortGaps = Sequence, 0
	}
	if !u.Key && b.how != Sequence {
		return
	}
	early := time.Duration(0)
	if u.Key {
		early = b.every / 4
	}
	if left := b.nextDue.Sub(u.At); left > early && left <= b.every { // more than an interval left: the clock was set back
		return
	}
	b.nextDue = u.At.Add(b.every)
	if b.pending {
		b.skipped++
		return
	}
	b.ripen()
}

// ripen makes a sample due.
func (b *buffer) ripen() {
	b.pending = true
	select {
	case b.due <- struct{}{}:
	default:
	}
}

// sample is what is decoded at once.
type sample struct {
	how   Sampling
	units []source.AccessUnit // to decode: a keyframe, or what follows the cursor
	group []source.AccessUnit // from the keyframe to the last unit of the sample, for the picture of an alert
	rest  bool                // more than [maxBatch] units were there
}

// maxBatch bounds the units of one sample, so that a decoder that fell behind catches up in steps.
const maxBatch = 250

// cursor is how far a sequence was decoded.
type cursor struct {
	group uint64
	next  int
}

// take returns the sample that is due and moves the cursor over it; ok is false if there is none.
func (b *buffer) take(c *cursor) (s sample, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.pending || len(b.units) == 0 {
		return sample{}, false
	}
	b.pending = false
	if b.how == Keyframes {
		return sample{how: Keyframes, units: b.units[:1:1], group: b.units[:1:1]}, true
	}
	from := 0
	if c.group == b.group {
		from = c.next
	}
	to := min(len(b.units), from+maxBatch)
	if from >= to {
		return sample{}, false
	}
	*c = cursor{group: b.group, next: to}
	return sample{how: Sequence, units: b.units[from:to:to], group: b.units[:to:to], rest: to < len(b.units)}, true
}

// again makes the rest of a sample due at once.
func (b *buffer) again() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ripen()
}

func (b *buffer) dropped() (skipped, overflows uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.skipped, b.overflows
}
