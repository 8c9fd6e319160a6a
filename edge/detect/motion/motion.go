// Package motion is the pixel step: it finds what moves in front of a fixed camera and was not there before.
//
// In: small luma frames of one camera, at any interval up to [MaxStep], regular or not. Out: a detection of kind motion for each
// zone in which something moves. It decides on two speeds: a region must differ from the slow background *and* from the picture a
// moment ago, so that what stops goes quiet and what leaves again leaves no ghost. What is light or sway rather than a thing is
// for the [Nuisance] to say; without one every change of pixels counts.
//
// It never says what moved, beyond a box, keeps nothing but its background and two small pictures, and does no I/O. A person or
// car that stands still goes quiet after 1.5 s, and is part of the background within half a minute; the next step is motion
// again.
package motion

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
)

const (
	width  = decode.FrameWidth
	height = decode.FrameHeight
	pixels = width * height
)

// MaxStep is the longest media time between two frames after which the second is still judged: the first frame that shows an
// entry is enough to find it. After a longer gap, or a step back, the detector begins anew.
const MaxStep = 30 * time.Second

// Times of the detector, all in media time.
const (
	warmUp = 900 * time.Millisecond // before the first verdict
	hold   = time.Second            // without a verdict after the whole picture changed
)

// Thresholds of one frame.
const (
	moving     = 0.15 // share of a region that must differ from the picture a moment ago
	mostThings = 0.40 // share of the picture that things in it may take when its light changes
	shaken     = 0.03 // share of the picture that must differ before a trembling camera is suspected
	steadied   = 0.6  // share of that which may be left when it was one
)

// Nuisance tells light and sway from things. It belongs to one detector; what it is given holds until the call returns.
type Nuisance interface {
	// Shift is by how many pixels the picture lies beside its background because the camera trembles: at most [MaxShift].
	Shift(s *detect.Scene) (dx, dy int)
	// Whole says whether light, the camera's gain, its infrared filter or its view changed, rather than something in it.
	Whole(s *detect.Scene) bool
	// Sway takes what always sways out of s.Changed, and learns from it. It is called once for a frame that is no whole change.
	Sway(s *detect.Scene)
	// Light says whether b shows what the background shows, under other light.
	Light(s *detect.Scene, b *detect.Blob) bool
}

// MaxShift bounds what [Nuisance.Shift] may return, either way.
const MaxShift = 12

// Options say where to look.
type Options struct {
	Zones    []detect.Zone    // none means one zone without a name: the whole picture
	Masks    []detect.Polygon // parts of the picture that never count
	Nuisance Nuisance         // nil: pixels alone
	Memory   *Memory          // is told what was seen; nil: nobody is
}

// Detector is a [detect.Hook]. It is for one goroutine, and allocates nothing while nothing moves.
type Detector struct {
	area       *area
	background background
	history    history
	nuisance   Nuisance
	memory     *Memory
	next       atomic.Pointer[area] // see [Detector.Arrange]

	scene   detect.Scene
	started bool
	quiet   time.Duration // no verdict before this
}

var _ detect.Arranger = (*Detector)(nil)

// New returns a detector that has seen nothing yet. It refuses zones and masks that are not polygons in the picture.
func New(o Options) (*Detector, error) {
	a, err := newArea(o)
	if err != nil {
		return nil, err
	}
	o.Memory.restart(a)
	return &Detector{
		area: a, background: newBackground(), nuisance: o.Nuisance, memory: o.Memory,
		scene: detect.Scene{Visible: a.count},
	}, nil
}

// errFrame says that a frame has not the size that package decode promises.
var errFrame = errors.New("frame is not of the agreed size")

// Detect implements [detect.Hook]. Frames come in the order of their PTS. A frame is not judged while the detector warms up,
// just after a whole-frame change, and while something was seen that has not yet been there for long enough.
func (d *Detector) Detect(_ context.Context, in detect.Input) (detect.Verdict, error) {
	f := in.Frame
	if len(f.Luma) != pixels {
		return detect.Verdict{}, fmt.Errorf("motion: %w: %d bytes", errFrame, len(f.Luma))
	}
	d.rearrange()
	w := takeBench()
	defer w.back()
	blur(w.frame, f.Luma, w.spare)
	s := &d.scene
	s.Step, s.PTS = f.PTS-s.PTS, f.PTS
	if !d.started || s.Step <= 0 || s.Step > MaxStep {
		d.begin(w.frame)
		d.memory.add(begun, f, nil)
		return detect.Verdict{}, nil
	}
	s.Frame, s.Background, s.Changed, s.Moving, s.Labels = w.frame, d.background.mean, w.changed, w.moving, w.labeller.labels
	verdict := d.look(w, f)
	s.Frame, s.Before, s.Changed, s.Moving, s.Labels = nil, nil, nil, nil, nil
	return verdict, nil
}

// look judges the frame of the scene.
func (d *Detector) look(w *bench, f decode.Frame) detect.Verdict {
	s := &d.scene
	d.compare(w)
	d.steady(w)
	if d.nuisance != nil && d.nuisance.Whole(s) {
		d.rebase(w)
		d.memory.add(unjudged, f, nil)
		return detect.Verdict{}
	}
	found := d.regions(w)
	d.background.learn(w.frame, w.changed, w.moving, s.Lighter, s.Step.Seconds())
	d.history.add(w.frame, s.PTS)
	if s.PTS < d.quiet {
		d.memory.add(unjudged, f, nil)
		return detect.Verdict{}
	}
	d.memory.add(judged, f, w.shape(found))
	return d.area.verdict(found, w.labeller.labels, s.PTS, s.Step)
}

// begin takes the frame for the background and waits.
func (d *Detector) begin(frame []uint8) {
	d.started = true
	d.background.set(frame)
	d.history.reset()
	d.history.add(frame, d.scene.PTS)
	d.area.reset()
	d.quiet = d.scene.PTS + warmUp
}

// compare fills what changed and what moves.
func (d *Detector) compare(w *bench) {
	s, before := &d.scene, d.history.before(d.scene.PTS)
	s.Before = before
	s.Lighter = d.background.offset(w.frame, d.area.visible)
	s.Jump = medianOffset(w.frame, before, d.area.visible)
	clear(w.changed)
	clear(w.moving)
	for _, run := range d.area.visible {
		d.background.compare(w, before, s.Lighter, s.Jump, run)
	}
}

// steady shifts the frame back where the camera trembled, if that explains most of what changed.
func (d *Detector) steady(w *bench) {
	before := count(w.changed)
	if d.nuisance == nil || float64(before) < shaken*float64(d.area.count) {
		return
	}
	dx, dy := d.nuisance.Shift(&d.scene)
	if dx == 0 && dy == 0 || max(dx, -dx, dy, -dy) > MaxShift {
		return
	}
	copy(w.spare, w.frame)
	shift(w.frame, w.spare, dx, dy)
	d.compare(w)
	if float64(count(w.changed)) > steadied*float64(before) {
		copy(w.frame, w.spare)
		d.compare(w)
	}
}

// regions returns what moves and is a thing.
func (d *Detector) regions(w *bench) []detect.Blob {
	open3(w.changed, w.spare)
	if d.nuisance != nil {
		d.nuisance.Sway(&d.scene)
	}
	if !any1(w.changed) {
		return nil
	}
	dilate5(w.changed, w.spare)
	w.labeller.label(w.changed, w.moving)
	return w.labeller.keep(func(b *detect.Blob) bool {
		return b.Area >= d.area.smallest && float64(b.Moving) >= moving*float64(b.Area) && !d.light(b)
	})
}

func (d *Detector) light(b *detect.Blob) bool {
	return d.nuisance != nil && d.nuisance.Light(&d.scene, b)
}

// rebase takes the frame for the background after the whole picture changed, except where something stood in it: there the
// frame would leave a ghost behind.
func (d *Detector) rebase(w *bench) {
	open3(w.changed, w.spare)
	dilate5(w.changed, w.spare)
	w.labeller.label(w.changed, w.moving)
	things := w.labeller.keep(func(b *detect.Blob) bool { return b.Area >= d.area.smallest && !d.light(b) })
	clear(w.changed)
	if total := totalArea(things); float64(total) < mostThings*float64(d.area.count) {
		w.labeller.mark(w.changed, things)
	}
	d.background.setWhere(w.frame, w.changed)
	d.history.reset()
	d.history.add(w.frame, d.scene.PTS)
	d.quiet = max(d.quiet, d.scene.PTS+hold)
}
