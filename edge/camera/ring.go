package camera

import (
	"sync"
	"time"

	"gridgate/edge/detect"
	"gridgate/edge/source"
)

// ring holds the coded pictures of the last moments, in groups that begin where decoding may begin, up to a cap. It asks the
// chooser about each unit and tells the detection loop when a sample is due.
type ring struct {
	keep     time.Duration // of pictures before the group under way
	maxBytes int
	maxUnits int
	chooser  detect.Chooser
	due      chan struct{} // something to take; capacity 1

	mu        sync.Mutex
	groups    []group // oldest first; the last one is under way
	number    uint64  // of the group under way
	bytes     int
	units     int
	keys      uint64 // keyframes of this connection
	waiting   bool   // drop until decoding may begin again
	pending   detect.Choice
	ripened   uint64 // group in which pending was chosen
	count     uint64 // units that came
	skipped   uint64
	overflows uint64
}

// group is a beginning and what follows it. Its units are only appended to, so that a taken prefix stays as it is.
type group struct {
	from  time.Time
	units []source.AccessUnit
	bytes int
}

func newRing(opt Options) *ring {
	return &ring{
		keep: opt.Keep, maxBytes: opt.MaxBytes, maxUnits: opt.MaxUnits, chooser: opt.Chooser,
		due: make(chan struct{}, 1), waiting: true,
	}
}

// put takes the next unit and never blocks. It returns false if the unit was dropped.
func (r *ring) put(u source.AccessUnit) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if u.Begins() {
		r.begin(u)
	}
	if u.Key {
		r.keys++
	}
	size := u.Bytes()
	switch {
	case r.waiting:
		return false
	case !r.room(size):
		r.waiting = true
		r.overflows++
		return false
	}
	g := &r.groups[len(r.groups)-1]
	g.units = append(g.units, u)
	g.bytes += size
	r.bytes += size
	r.units++
	r.choose(u)
	return true
}

// begin starts a group and lets go of those that are older than what is kept. One that is no keyframe needs the group before it.
func (r *ring) begin(u source.AccessUnit) {
	at, least := u.At, 1
	if !u.Key {
		least = 2
	}
	r.groups = append(r.groups, group{from: at})
	r.number++
	r.waiting = false
	for len(r.groups) > least && (len(r.groups[0].units) == 0 || !r.groups[1].from.After(at.Add(-r.keep))) {
		r.drop()
	}
}

// room makes room for size bytes, at the cost of older groups but not of the one under way.
func (r *ring) room(size int) bool {
	full := func() bool { return r.bytes+size > r.maxBytes || r.units >= r.maxUnits }
	for full() && len(r.groups) > 1 {
		r.drop()
	}
	return !full()
}

// drop lets go of the oldest group.
func (r *ring) drop() {
	r.bytes -= r.groups[0].bytes
	r.units -= len(r.groups[0].units)
	r.groups[0] = group{}
	r.groups = r.groups[1:]
}

// choose asks what to do with u. A choice that waits is replaced: the newest picture counts. Nothing is left out where all that
// is waited for is decoded together.
func (r *ring) choose(u source.AccessUnit) {
	choice := r.chooser.Choose(u)
	if choice == detect.Skip {
		return
	}
	together := choice == detect.CatchUp && r.ripened == r.number
	if r.pending != detect.Skip && !together {
		r.skipped++
	}
	r.ripen(choice)
}

// ripen makes a sample due.
func (r *ring) ripen(choice detect.Choice) {
	r.pending, r.ripened = choice, r.number
	select {
	case r.due <- struct{}{}:
	default:
	}
}

// restart forgets everything: what follows belongs to another connection.
func (r *ring) restart() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.groups, r.bytes, r.units, r.keys, r.waiting, r.pending = nil, 0, 0, 0, true, detect.Skip
	r.chooser.Restart()
}

// sample is what is decoded at once.
type sample struct {
	alone bool                // units is one keyframe
	units []source.AccessUnit // to decode: a keyframe, or what follows the cursor
	group []source.AccessUnit // from the beginning of the group to the last unit of the sample
	rest  bool                // more than [maxBatch] units were there
	keys  uint64              // keyframes of the connection so far
}

// last is the unit whose picture the sample shows.
func (s sample) last() source.AccessUnit { return s.units[len(s.units)-1] }

// maxBatch bounds the units of one sample, so that a decoder that fell behind catches up in steps.
const maxBatch = 250

// cursor is how far a sequence was decoded.
type cursor struct {
	group uint64
	next  int
}

// take returns the sample that is due and moves the cursor over it; ok is false if there is none.
func (r *ring) take(c *cursor) (s sample, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	choice := r.pending
	r.pending = detect.Skip
	if choice == detect.Skip || len(r.groups) == 0 || len(r.groups[len(r.groups)-1].units) == 0 {
		return sample{}, false
	}
	units := r.groups[len(r.groups)-1].units
	if choice == detect.Alone {
		return sample{alone: true, units: units[:1:1], group: units[:1:1], keys: r.keys}, true
	}
	if s, ok := r.before(c); ok {
		return s, true
	}
	from := 0
	if c.group == r.number {
		from = c.next
	}
	to := min(len(units), from+maxBatch)
	if from >= to {
		return sample{}, false
	}
	*c = cursor{group: r.number, next: to}
	return sample{units: units[from:to:to], group: units[:to:to], rest: to < len(units), keys: r.keys}, true
}

// before is what must be decoded ahead of a group that begins without a keyframe: what is left of the group before it. A stream
// that is refreshed by slices has whole pictures only if nothing is left out.
func (r *ring) before(c *cursor) (s sample, ok bool) {
	if len(r.groups) < 2 || c.group == r.number || r.groups[len(r.groups)-1].units[0].Key {
		return sample{}, false
	}
	units := r.groups[len(r.groups)-2].units
	from := 0
	if c.group == r.number-1 {
		from = c.next
	}
	to := min(len(units), from+maxBatch)
	if from >= to {
		return sample{}, false
	}
	*c = cursor{group: r.number - 1, next: to}
	return sample{units: units[from:to:to], group: units[:to:to], rest: true, keys: r.keys}, true
}

// again makes the rest of a sample due at once.
func (r *ring) again() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ripen(detect.CatchUp)
}

// saw passes on what a decoded picture showed.
func (r *ring) saw(pts time.Duration, what detect.Showed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.chooser.Saw(pts, what)
}

// Window returns the units from the last beginning at or before from, or else from the oldest that is kept, up to the newest.
// They are shared and must not be changed.
func (r *ring) Window(from time.Time) []source.AccessUnit {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := 0
	for i, g := range r.groups {
		if !g.from.After(from) {
			first = i
		}
	}
	var out []source.AccessUnit
	for _, g := range r.groups[first:] {
		out = append(out, g.units...)
	}
	return out
}

// ringState is what the status shows of a ring.
type ringState struct {
	sampling                detect.Sampling
	sight                   detect.Sight
	bytes                   int
	put, skipped, overflows uint64
}

func (r *ring) state() ringState {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := ringState{bytes: r.bytes, put: r.count, skipped: r.skipped, overflows: r.overflows}
	s.sampling, s.sight = r.chooser.Sampling()
	return s
}
