package detect

import (
	"time"

	"gridgate/edge/source"
)

// Choice says what to do with the coded pictures so far.
type Choice int

// The choices.
const (
	Skip    Choice = iota // nothing yet
	Alone                 // decode this unit, a keyframe, alone
	CatchUp               // decode everything since the last sample of this group of pictures, up to this unit
)

// Showed is what a decoded picture showed.
type Showed int

// What pictures show. Unsure is a picture that could not be judged, or in which something may go on that does not move: a reason to
// look again soon, and no lesson for the gate. Settled is movement where all that may be raised is raised: the next pictures can
// tell nothing but that it is over.
const (
	Still Showed = iota
	Movement
	Unsure
	Settled
)

// Sampling is how a [Chooser] works at the moment.
type Sampling string

// The ways to sample.
const (
	Gated     Sampling = "gated"     // the gate sees: decoded when it doubts, and now and then
	Keyframes Sampling = "keyframes" // each keyframe, at most one a sampling interval
	Sequence  Sampling = "sequence"  // every unit, in batches of one sampling interval
)

// Sight is what a [Gate] is good for on this stream.
type Sight string

// The sights of a gate.
const (
	NoGate   Sight = "off"
	Learning Sight = "learning"
	Sees     Sight = "sees"
	Blind    Sight = "blind"
)

// Chooser decides which coded pictures are worth decoding. It does no I/O and keeps no picture. Its methods are not called at
// the same time.
type Chooser interface {
	// Choose takes each access unit once, in decoding order.
	Choose(u source.AccessUnit) Choice
	// Saw tells what the picture decoded at media time pts showed, so that the chooser stays awake and its gate learns whether
	// it sees.
	Saw(pts time.Duration, what Showed)
	// Restart forgets the stream: what follows comes from another connection.
	Restart()
	Sampling() (Sampling, Sight)
}

// Gate guesses from what a picture costs, without decoding, whether something happens. It is for one goroutine.
type Gate interface {
	// Observe takes each access unit once, in decoding order.
	Observe(u source.AccessUnit) Opinion
	// Confirm tells what pixels showed at media time pts.
	Confirm(pts time.Duration, moving bool)
	// Restart forgets everything learnt.
	Restart()
}

// Opinion is what a [Gate] thinks of the last moment.
type Opinion struct {
	Sight Sight
	// Doubt: the next keyframe is worth a look. It is cheap to be wrong.
	Doubt bool
	// Wake: something happens for sure enough to decode from the last keyframe on. It costs a group of pictures to be wrong.
	Wake bool
}
