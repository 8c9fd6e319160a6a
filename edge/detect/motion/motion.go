// Package motion finds what moves in front of a fixed camera and was not there before.
//
// In: small luma frames of one camera, at any interval up to a few seconds. Out: a detection of kind motion for each zone in
// which something moves. It decides on two speeds: a region must differ from the slow background *and* from the picture a
// moment ago, and its texture must not be the background's under other light. Frames in which the whole picture changed are
// not judged.
//
// It never says what moved, beyond a box. A person who stands still goes quiet when the zone's linger has passed, and is part
// of the background about ten seconds later; the next step is motion again.
package motion

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
)

const (
	width  = decode.FrameWidth
	height = decode.FrameHeight
	pixels = width * height
)

// Times of the detector, all in media time.
const (
	warmUp = 900 * time.Millisecond // before the first verdict
	hold   = time.Second            // without a verdict after the whole picture changed
	maxGap = 30 * time.Second       // between two frames; a longer one begins anew
)

// Thresholds of one frame.
const (
	moving      = 0.15 // share of a region that must differ from the picture a moment ago
	dirtyFactor = 0.6  // of the foreground threshold, for that difference
	mostThings  = 0.40 // share of the picture that things in it may take when its light changes
	jump        = 5.0  // grey levels by which the whole picture may become lighter or darker between two frames
	someShare   = 0.30 // share of the picture from which a change of light is suspected
	wholeShare  = 0.70 // share of the picture that nothing in it can change between two frames
)

// Options say where to look.
type Options struct {
	Zones []detect.Zone    // none means one zone without a name: the whole picture
	Masks []detect.Polygon // parts of the picture that never count
}

// Detector is a [detect.Hook]. It is for one goroutine, and allocates nothing while nothing moves.
type Detector struct {
	area       *area
	background background
	history    history
	texture    texture
	regions    labeller

	frame      []uint8 // blurred
	foreground []uint8 // 1: differs from the background
	dirty      []uint8 // 1: differs from the picture a moment ago
	scratch    []uint8

	started bool
	now     time.Duration // PTS of the frame
	quiet   time.Duration // no verdict before this
}

var _ detect.Hook = (*Detector)(nil)

// New returns a detector that has seen nothing yet. It refuses zones and masks that are not polygons in the picture.
func New(o Options) (*Detector, error) {
	a, err := newArea(o)
	if err != nil {
		return nil, err
	}
	buffer := func() []uint8 { return make([]uint8, pixels) }
	return &Detector{
		area: a, background: newBackground(), texture: newTexture(), regions: newLabeller(),
		frame: buffer(), foreground: buffer(), dirty: buffer(), scratch: buffer(),
	}, nil
}

// errFrame says that a frame has not the size that package decode promises.
var errFrame = errors.New("frame is not of the agreed size")

// Detect implements [detect.Hook]. Frames come in the order of their PTS; a step back or a gap of more than half a minute
// begins anew.
func (d *Detector) Detect(_ context.Context, in detect.Input) (detect.Verdict, error) {
	f := in.Frame
	if len(f.Luma) != pixels {
		return detect.Verdict{}, fmt.Errorf("%w: %d bytes", errFrame, len(f.Luma))
	}
	blur(d.frame, f.Luma, d.scratch)
	d.texture.fresh = false
	step := f.PTS - d.now
	d.now = f.PTS
	if !d.started || step <= 0 || step > maxGap {
		d.begin()
		return detect.Verdict{}, nil
	}
	shift := d.compare(d.history.before(d.now))
	whole := d.wholeChange(shift)
	d.segment()
	if whole {
		d.rebase()
		return detect.Verdict{}, nil
	}
	found := d.judge()
	d.background.learn(d.frame, d.foreground, d.dirty, shift.background, step.Seconds())
	d.history.add(d.frame, d.now)
	if d.now < d.quiet {
		return detect.Verdict{}, nil
	}
	return detect.Verdict{Judged: true, Detections: d.area.verdict(found, d.regions.labels, d.now, step)}, nil
}

// begin takes the frame for the background and waits.
func (d *Detector) begin() {
	d.started = true
	d.background.set(d.frame)
	d.history.reset()
	d.history.add(d.frame, d.now)
	d.area.reset()
	d.quiet = d.now + warmUp
}

// rebase takes the frame for the background after the whole picture changed, except where something stood in it: there the
// frame would leave a ghost behind.
func (d *Detector) rebase() {
	things := d.regions.keep(func(r *region) bool {
		return r.area >= d.area.smallest && !d.texture.light(d.frame, d.background.mean, d.regions.labels, r)
	})
	clear(d.foreground)
	if total := totalArea(things); float64(total) < mostThings*float64(d.area.count) {
		d.regions.mark(d.foreground, things)
	}
	d.background.setWhere(d.frame, d.foreground)
	d.history.reset()
	d.history.add(d.frame, d.now)
	d.quiet = max(d.quiet, d.now+hold)
}

// shift is by how many grey levels the whole picture became lighter.
type shift struct {
	background float32 // since the background was learnt
	before     int     // since the earlier picture
}

// compare fills foreground and dirty.
func (d *Detector) compare(before []uint8) shift {
	s := shift{background: d.background.offset(d.frame, d.area.visible), before: medianOffset(d.frame, before, d.area.visible)}
	for i, v := range d.frame {
		d.foreground[i], d.dirty[i] = 0, 0
		if !d.area.visible[i] {
			continue
		}
		limit := d.background.threshold(i)
		if d.background.differs(i, float32(v)-s.background, limit) {
			d.foreground[i] = 1
		}
		if abs(float32(int(v)-int(before[i])-s.before)) > dirtyFactor*limit {
			d.dirty[i] = 1
		}
	}
	return s
}

// wholeChange says whether light, the camera's gain, its infrared filter or its view changed, rather than something in it.
func (d *Detector) wholeChange(s shift) bool {
	share := float64(count(d.dirty)) / float64(d.area.count)
	jumped := math.Abs(float64(s.before)) > jump
	if share < someShare && !jumped {
		return false
	}
	return share > wholeShare || d.texture.light(d.frame, d.background.mean, d.regions.labels, d.regions.whole(d.dirty))
}

// segment turns foreground pixels into regions.
func (d *Detector) segment() {
	open3(d.foreground, d.scratch)
	dilate5(d.foreground, d.scratch)
	d.regions.label(d.foreground, d.dirty)
}

// judge returns the regions in which something moves.
func (d *Detector) judge() []region {
	return d.regions.keep(func(r *region) bool {
		if r.area < d.area.smallest || float64(r.dirty) < moving*float64(r.area) {
			return false
		}
		return !d.texture.light(d.frame, d.background.mean, d.regions.labels, r)
	})
}
