package source

import "time"

// Outcome is what became of a picture or of what should have been part of one.
type Outcome int

// The outcomes.
const (
	Invalid Outcome = iota // a packet that is not of the codec
	Dropped                // a picture that cannot be used
	Passed                 // a picture
)

// Patience is how long a stream that has shown no picture at which decoding may begin is waited for: longer than the usual
// groups of pictures. A decoder then begins anywhere, and its picture becomes whole as things move.
const Patience = 12 * time.Second

// Assembler makes access units of one stream from the NAL units of its pictures, and holds back what no decoder could use. It is
// for one goroutine.
type Assembler struct {
	codec    Codec
	out      func(AccessUnit, Outcome) // the unit is set if it passed
	captured func(stamp uint32, jumps int) time.Time
	sorter   *Sorter
	fields   Fields
	clock    mediaClock
	start    begin
}

// AssemblerOptions say what a stream is.
type AssemblerOptions struct {
	Codec Codec
	Sets  [][]byte // parameter sets that were told outside of the stream
	// Out takes what became of each picture, with the unit if it passed.
	Out func(AccessUnit, Outcome)
	// Captured is the camera's time of a timestamp, zero if it tells none; jumps counts how often timestamps made no sense so far.
	// Nil: never told.
	Captured func(stamp uint32, jumps int) time.Time
}

// NewAssembler makes one that waits for a picture at which decoding may begin.
func NewAssembler(o AssemblerOptions) *Assembler {
	if o.Captured == nil {
		o.Captured = func(uint32, int) (none time.Time) { return none }
	}
	return &Assembler{
		codec: o.Codec, out: o.Out, captured: o.Captured, sorter: NewSorter(o.Codec, o.Sets...), start: begin{waiting: true},
	}
}

// begin tells when decoding may begin.
type begin struct {
	waiting bool          // what comes refers to pictures that are missing
	since   time.Time     // it waits
	last    time.Time     // decoding could begin
	longest time.Duration // between two such units
	forced  bool          // it began where no unit said that it may
}

// Wait says that something is missing: what comes is dropped until decoding may begin again. What a field waits for cannot come
// any more.
func (a *Assembler) Wait(now time.Time) {
	for _, u := range a.fields.Flush() {
		a.out(u, Passed)
	}
	if !a.start.waiting {
		a.start.waiting, a.start.since = true, now
	}
}

// Add takes the NAL units of the next picture, which it may keep, in the order of decoding. Whole: none of its bytes is missing. The
// stamp counts ticks of [ClockRate].
func (a *Assembler) Add(nalus [][]byte, whole bool, stamp uint32, now time.Time) {
	p := a.sorter.Sort(nalus)
	if len(p.Slices) == 0 {
		return // parameter sets alone, or nothing of use
	}
	pts := a.clock.at(stamp, now)
	if !a.usable(&p, p.Whole && whole, now) {
		a.Wait(now)
		a.out(AccessUnit{}, Dropped)
		return
	}
	unit := AccessUnit{
		Codec: a.codec, NALUs: a.sorter.Units(p), Key: p.Key, Refresh: p.Refresh, PTS: pts, At: now,
		Captured: a.captured(stamp, a.clock.jumps),
	}
	for _, u := range a.fields.Add(unit, p) {
		a.out(u, Passed)
	}
}

// usable says whether a decoder can do anything with a picture, and makes it a beginning where none comes.
func (a *Assembler) usable(p *Picture, whole bool, now time.Time) bool {
	begins := p.Key || p.Refresh
	if !whole || (begins && !p.Sets) {
		return false
	}
	s := &a.start
	if s.since.IsZero() {
		s.since = now
	}
	if !begins && p.Sets && s.overdue(now) {
		p.Refresh, s.forced = true, true
	} else if begins {
		s.forced = false
	}
	if p.Key || p.Refresh {
		s.noted(now)
	}
	return !s.waiting
}

// overdue says whether decoding has to begin where no unit says that it may: the stream never does, or not for longer than it
// ever took. Such a stream begins again now and then, so that nobody has to keep it whole.
func (s *begin) overdue(now time.Time) bool {
	if s.waiting {
		return now.Sub(s.since) > max(Patience, s.longest+s.longest/4)
	}
	return s.forced && now.Sub(s.last) > Patience
}

func (s *begin) noted(now time.Time) {
	if !s.last.IsZero() && !s.waiting {
		s.longest = max(s.longest, now.Sub(s.last))
	}
	s.last, s.waiting = now, false
}
