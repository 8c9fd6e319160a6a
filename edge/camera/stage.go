package camera

import (
	"context"
	"slices"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/edge/source"
	"gridgate/protocols/alert"
)

// Stage is a hook and what it is asked for.
type Stage struct {
	Hook   detect.Hook
	Kinds  []alert.Kind // what it may report; a judged verdict closes those of them that it does not name
	Origin string       // name of the detector in alerts, default that of the first kind
	// Camera: its kinds are about the camera itself. They belong to no zone and cannot be disarmed.
	Camera bool
	// Every is 0 for a stage that sees each sample (pixels). Others look closer at samples in which something moves, from a
	// goroutine of their own, at most once in that time, and go on while what they found holds. They look once at the start,
	// since what was found before it may be over, and never while all zones are disarmed.
	Every time.Duration
}

// closer reports whether the stage looks closer at what the pixel stages found.
func (s Stage) closer() bool { return s.Every > 0 }

// owns says whether the stage may report the kind.
func (s Stage) owns(kind alert.Kind) bool { return slices.Contains(s.Kinds, kind) }

// glance is a sample that closer stages may look at.
type glance struct {
	frame decode.Frame
	found []detect.Detection
	units []source.AccessUnit // from the beginning of the group to the sample
	keys  uint64
	at    moment
}

// closer is what is known of a stage that looks closer.
type closer struct {
	glances chan glance // capacity 1: the newest waits

	// Owned by the detection loop.
	asks   bool // what it found, or an earlier process did, may be over
	failed int  // looks in a row
}

// outcome is what a closer stage made of a glance.
type outcome struct {
	stage   int
	verdict detect.Verdict
	err     error
	at      moment
}

// looker gives a hook the redacted picture of a sample, or where faces are on it.
type looker struct {
	camera *Camera
	units  []source.AccessUnit
}

var _ detect.Looker = looker{}

// Picture implements [detect.Looker].
func (l looker) Picture(ctx context.Context) (decode.Picture, error) {
	pictures, err := l.camera.opt.Decoder.Pictures(l.camera.named(ctx), decode.PictureRequest{Units: l.units, Masks: *l.camera.masks.Load()})
	if err != nil || len(pictures) == 0 {
		return decode.Picture{}, err
	}
	return pictures[0], nil
}

// Faces implements [detect.Looker].
func (l looker) Faces(ctx context.Context) ([]decode.Face, error) {
	return l.camera.opt.Decoder.Faces(l.camera.named(ctx), l.units, *l.camera.masks.Load())
}

// named tells the decoder whose request it is.
func (c *Camera) named(ctx context.Context) context.Context { return decode.WithStream(ctx, c.opt.ID) }

// closerLook runs one closer stage until ctx ends. It sees the newest glance only: what comes while it looks replaces what waits.
// While all zones are disarmed nobody wants to know.
func (c *Camera) closerLook(ctx context.Context, stage int, glances <-chan glance) {
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case g := <-glances:
			if since := g.at.edge.Sub(last); since >= 0 && since < c.opt.Stages[stage].Every { // negative: the clock was set back
				continue
			}
			if !c.zones.awake(c.opt.Now()) {
				continue
			}
			last = g.at.edge
			select {
			case c.outcomes <- c.examine(ctx, stage, g):
			case <-ctx.Done():
				return
			}
		}
	}
}

// closerTimeout bounds one closer look, its decoding included.
const closerTimeout = 30 * time.Second

func (c *Camera) examine(ctx context.Context, stage int, g glance) outcome {
	ctx, cancel := context.WithTimeout(ctx, closerTimeout)
	defer cancel()
	verdict, err := c.opt.Stages[stage].Hook.Detect(ctx, detect.Input{Frame: g.frame, Found: g.found, Look: looker{camera: c, units: g.units}, Keyframes: g.keys})
	return outcome{stage: stage, verdict: verdict, err: err, at: g.at}
}
