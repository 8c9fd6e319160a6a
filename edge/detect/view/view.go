// Package view judges the camera itself from the same small frames that motion looks at: covered, defocused, turned, frozen or
// black.
//
// In: luma frames of one camera at any interval, the reconnects among them. Out: detections of those five kinds, without a zone. It
// compares with references: the edges and the sharpness of this view under the light levels that it has seen. What it says holds
// for seconds before it is said, and clears by itself. The first frames only make the first reference, so a camera that is
// covered when the edge starts is taken for a view; black and frozen need no reference.
//
// It never says what is in the picture, keeps no picture (a reference is 80x45 differences) and does no I/O.
package view

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gridgate/edge/detect"
	"gridgate/protocols/alert"
)

// What a kind needs before it is told, and how long another view takes to be accepted, in media time.
const (
	// Evidence is for how long covered, defocused, turned and black must hold, in at least evidenceFrames.
	Evidence = 6 * time.Second
	// FrozenAfter is for how long nothing may be new before the picture is frozen, over at least frozenKeyframes keyframes.
	FrozenAfter = time.Minute
	// AcceptTurned is after what time another scene is the new reference.
	AcceptTurned = 10 * time.Minute
	// AcceptOther is the same for a covered or defocused camera.
	AcceptOther = 12 * time.Hour

	evidenceFrames = 3
	over           = 3 * time.Second // for which a kind must not hold to be over, in at least overFrames
	overFrames     = 2
	settleTime     = 5 * time.Second // of a view that stays as it is, before it becomes the first reference
	settleFrames   = 3
	every          = 900 * time.Millisecond // between two frames that are judged; those between are passed over
	longGap        = time.Minute            // between two frames, after which evidence begins anew
)

// kinds are those that are told by evidence, the first that holds wins.
var kinds = [...]alert.Kind{alert.Black, alert.Covered, alert.Turned, alert.Defocused}

// Detector is a [detect.Hook]. It is for one goroutine and allocates nothing while all is well.
type Detector struct {
	references [maxReferences]reference
	known      int // references that hold something
	previous   features
	started    bool
	now        time.Duration
	settled    evidence // that the view stays as it is, before the first reference
	other      evidence // that the light is another one, before the next
	held       [len(kinds)]evidence
	frozen     frozen
}

var _ detect.Hook = (*Detector)(nil)

// New returns a detector that has seen nothing yet.
func New() *Detector { return &Detector{} }

// evidence is for how long something has held, with a memory of when it last did.
type evidence struct {
	from, last time.Duration
	frames     int // in which it held
	misses     int // since then
	told       bool
}

// take notes whether it holds at now, and says whether that is enough: from so much evidence on, until it is over.
func (e *evidence) take(holds bool, now, enough time.Duration, frames int) bool {
	switch {
	case holds && e.frames == 0:
		e.from, e.last, e.frames, e.misses = now, now, 1, 0
	case holds:
		e.last, e.misses = now, 0
		e.frames++
	case e.frames > 0:
		e.misses++
		if e.misses >= overFrames && now-e.last >= over || !e.told {
			*e = evidence{}
		}
	}
	e.told = e.told || e.frames >= frames && now-e.from >= enough
	return e.told
}

// Detect implements [detect.Hook]. A frame is not judged before there is a reference, and while evidence gathers.
func (d *Detector) Detect(_ context.Context, in detect.Input) (detect.Verdict, error) {
	f := in.Frame
	if len(f.Luma) != width*height {
		return detect.Verdict{}, fmt.Errorf("view: %w: %d bytes", errFrame, len(f.Luma))
	}
	step := f.PTS - d.now
	if d.started && step >= 0 && step < every {
		return d.verdict(), nil
	}
	if d.started && (step < 0 || step > longGap) {
		d.restart(f.PTS)
	}
	d.now, d.started = f.PTS, true
	d.frozen.take(f.Luma, f.PTS, in.Keyframes)
	now := featuresOf(f.Luma)
	d.judge(&now)
	d.previous = now
	return d.verdict(), nil
}

// errFrame says that a frame has not the size that package decode promises.
var errFrame = errors.New("frame is not of the agreed size")

// restart forgets the evidence from before a gap; the references stay, so that a camera that was turned while it was away is
// noticed, and what was told holds on: the patience with it begins anew at now.
func (d *Detector) restart(now time.Duration) {
	d.settled, d.other, d.frozen, d.previous = evidence{}, evidence{}, frozen{}, features{}
	for i := range d.held {
		if !d.held[i].told {
			d.held[i] = evidence{}
		} else {
			d.held[i].from, d.held[i].last = now, now
		}
	}
}

// judge takes the features of a frame into the evidence and the references.
func (d *Detector) judge(now *features) {
	m := match{}
	best := -1
	for i := range d.known {
		if c := d.references[i].compare(now); best < 0 || c.likeness() > m.likeness() {
			best, m = i, c
		}
	}
	stable := correlate(now.structure[:], d.previous.structure[:]) > stays || now.flat()
	holds := [len(kinds)]bool{now.black()}
	if best >= 0 {
		holds = d.references[best].state(now, m, stable)
	}
	told := false
	for i := range holds {
		told = d.held[i].take(holds[i] && !told, d.now, Evidence, evidenceFrames) || told
	}
	d.learn(now, m, best, stable)
	d.accept(now)
}

// accept takes the view for the new reference once it has been another one for long enough.
func (d *Detector) accept(now *features) {
	for i, k := range kinds {
		patience := AcceptOther
		if k == alert.Turned {
			patience = AcceptTurned
		}
		if e := &d.held[i]; k != alert.Black && e.told && d.now-e.from >= patience {
			*e = evidence{}
			d.known = 1
			d.references[0] = referenceOf(now)
		}
	}
}

// learn lets the references follow the scene where it is surely the same one.
func (d *Detector) learn(now *features, m match, best int, stable bool) {
	if d.gathers() || now.black() {
		d.other = evidence{}
		return
	}
	switch {
	case best < 0:
		if d.settled.take(stable, d.now, settleTime, settleFrames) {
			d.references[0], d.known = referenceOf(now), 1
		}
	case d.references[best].poor():
		d.references[best] = referenceOf(now)
	case m.structure > sameScene && d.references[best].litLike(now):
		d.references[best].follow(now)
		d.other = evidence{}
	case d.other.take(stable && m.likeness() > sameScene, d.now, 2*settleTime, 2*settleFrames):
		d.add(referenceOf(now))
		d.other = evidence{}
	}
}

// add keeps r beside the others; the one that is least like it in its light stays, the oldest goes.
func (d *Detector) add(r reference) {
	if d.known < maxReferences {
		d.references[d.known] = r
		d.known++
		return
	}
	copy(d.references[:], d.references[1:])
	d.references[maxReferences-1] = r
}

// gathers says whether something may be wrong with the view.
func (d *Detector) gathers() bool {
	for _, e := range d.held {
		if e.frames > 0 {
			return true
		}
	}
	return false
}

// verdict tells what holds.
func (d *Detector) verdict() detect.Verdict {
	var v detect.Verdict
	gathering := false
	for i := range d.held {
		if d.held[i].told {
			v.Detections = append(v.Detections, detect.Detection{Kind: kinds[i], Score: 1})
			break
		}
		gathering = gathering || d.held[i].frames > 0
	}
	if d.frozen.told {
		v.Detections = append(v.Detections, detect.Detection{Kind: alert.Frozen, Score: 1})
	}
	v.Judged = len(v.Detections) > 0 || !gathering && d.known > 0
	return v
}
