package camera

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/edge/raise"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

const (
	// decodeTimeout bounds one decoding, queueing included.
	decodeTimeout = 15 * time.Second
	// maxMisses is how many samples in a row may fail before the stream counts as undecodable: a damaged one now and then is
	// part of life, and the state of a camera must not flicker for it.
	maxMisses = 5
)

// detectLoop decodes, judges and raises, all from one goroutine, so that a slow decoder makes samples rarer and nothing grow.
func (c *Camera) detectLoop(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	c.clearDisarmed(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.zones.changed:
			c.armOwn(ctx)
			c.clearDisarmed(ctx)
			c.status.tell()
		case <-tick.C:
			c.armOwn(ctx)
			c.clearDisarmed(ctx) // what a schedule disarmed, and again what could not be stored
			c.watchLoss(ctx)
		case o := <-c.outcomes:
			c.conclude(ctx, o)
		case <-c.ring.due:
			if s, ok := c.ring.take(&c.cursor); ok {
				c.look(ctx, s)
			}
		}
	}
}

// look takes one sample through decoder, detectors and raiser.
func (c *Camera) look(ctx context.Context, s sample) {
	frame, ok, err := c.decode(ctx, s)
	switch {
	case ctx.Err() != nil:
		return
	case errors.Is(err, decode.ErrForgotten) && !s.units[0].Begins():
		c.ring.again() // no damage: it begins again where the group does
		return
	case err != nil:
		c.missed(err)
		return
	case s.rest:
		c.ring.again()
	}
	if !ok {
		return
	}
	c.misses = 0
	c.lastGood = c.opt.Now()
	c.status.decoded()
	c.clearLoss(ctx)
	c.judge(ctx, glance{frame: frame, units: s.group, keys: s.keys, at: momentOf(frame, s.last())})
}

// judge shows a frame to the stages that see every sample, and then to those that look closer.
func (c *Camera) judge(ctx context.Context, g glance) {
	showed := detect.Still
	for _, stage := range c.opt.Stages {
		if stage.closer() {
			continue
		}
		verdict, err := stage.Hook.Detect(ctx, detect.Input{Frame: g.frame, Keyframes: g.keys})
		if err != nil {
			c.hookFailed(err)
			return
		}
		if !stage.Camera {
			g.found = append(g.found, verdict.Detections...)
			showed = max(showed, Showed(verdict))
		}
		_ = c.report(ctx, c.zones.judge(stage, verdict, g.at.edge), g.at) // the next frame is judged whatever became of this one
	}
	switch {
	case showed == detect.Still && c.holding():
		showed = detect.Unsure
	case showed == detect.Movement && c.zones.settled(g.at.edge):
		showed = detect.Settled
	}
	c.ring.saw(g.frame.PTS, showed)
	c.status.judged(g.at.edge)
	c.offer(g)
	c.lastSample = g.at.edge
}

// Showed is what a verdict of the pixel step tells a chooser.
func Showed(v detect.Verdict) detect.Showed {
	switch {
	case !v.Judged:
		return detect.Unsure
	case len(v.Detections) > 0:
		return detect.Movement
	}
	return detect.Still
}

// holding says whether a closer stage found something that may go on without movement. For one that fails again and again no
// more pictures than usual are decoded.
func (c *Camera) holding() bool {
	for i, stage := range c.opt.Stages {
		if stage.closer() && c.closer[i].asks && c.closer[i].failed < maxMisses && c.zones.mayBeOpen(stage) {
			return true
		}
	}
	return false
}

// offer gives the sample to closer stages if something moves in it or what they found may be over.
func (c *Camera) offer(g glance) {
	for i, stage := range c.opt.Stages {
		closer := &c.closer[i]
		if !stage.closer() || (len(g.found) == 0 && !closer.asks) {
			continue
		}
		select { // the newest counts
		case <-closer.glances:
		default:
		}
		select {
		case closer.glances <- g:
		default:
		}
	}
}

// conclude reports what a closer stage found. The modes are those of now: a look may end long after its picture came. What is open
// stays open while the stage fails, since nobody else can tell that it is over.
func (c *Camera) conclude(ctx context.Context, o outcome) {
	closer := &c.closer[o.stage]
	if o.err != nil {
		c.status.count.hook.Add(1)
		if closer.failed++; closer.failed >= maxMisses {
			c.status.closerTroubled(o.stage, hookTrouble(o.err))
		}
		return
	}
	closer.failed = 0
	c.status.closerTroubled(o.stage, "")
	findings := c.zones.judge(c.opt.Stages[o.stage], o.verdict, c.opt.Now())
	stored := c.report(ctx, findings, o.at)
	if o.verdict.Judged {
		closer.asks = !stored || slices.ContainsFunc(findings, func(f finding) bool { return f.phase == observation.Active })
	}
}

func (c *Camera) hookFailed(err error) {
	c.status.count.hook.Add(1)
	c.status.troubled(hookTrouble(err))
}

func hookTrouble(err error) string { return "the detector fails: " + err.Error() }

func (c *Camera) decode(ctx context.Context, s sample) (frame decode.Frame, ok bool, err error) {
	ctx, cancel := context.WithTimeout(c.named(ctx), decodeTimeout)
	defer cancel()
	if s.alone {
		frame, err = c.opt.Decoder.Keyframe(ctx, s.units[0])
		return frame, err == nil, err
	}
	if frame, ok, err = c.opt.Decoder.Sequence(ctx, c.opt.ID, s.units); err != nil {
		c.cursor = cursor{} // its decoder lost the thread: start again where the group begins
	}
	return frame, ok, err
}

// missed counts a sample without a frame. A missing worker is the edge's own trouble: the camera goes on streaming, and the
// status says why nothing is seen.
func (c *Camera) missed(err error) {
	if errors.Is(err, decode.ErrBadStream) {
		c.status.count.undecodable.Add(1)
		if c.misses++; c.misses == maxMisses {
			c.opt.Log.Warn("camera cannot be decoded", "error", err)
		}
		if c.misses >= maxMisses {
			c.status.setUndecodable()
		}
		return
	}
	c.status.count.noWorker.Add(1)
	c.lastGood = c.opt.Now()
	if errors.Is(err, context.DeadlineExceeded) {
		err = decode.ErrBusy
	}
	c.status.troubled(err.Error())
}

// report hands findings to raise, and asks for the evidence of what was raised. What could not be stored is found again with
// the next frame; then it returns false.
func (c *Camera) report(ctx context.Context, findings []finding, at moment) bool {
	if len(findings) == 0 {
		return true
	}
	signals := make([]raise.Signal, len(findings))
	for i, f := range findings {
		signals[i] = c.signal(f, at)
	}
	alerts, err := c.opt.Raiser.Raise(ctx, "", signals, nil)
	if err != nil {
		c.raiseFailed(ctx, err)
		return false
	}
	c.zones.settle(findings)
	c.past.note(findings, at.edge)
	c.wantEvidence(alerts, at)
	return true
}

// wantEvidence asks for the pictures of what was raised.
func (c *Camera) wantEvidence(alerts []alert.Alert, at moment) {
	if c.opt.Evidence == nil {
		return
	}
	var raised []alert.Alert
	for _, a := range alerts {
		if a.State != alert.Cleared {
			raised = append(raised, a)
		}
	}
	if len(raised) > 0 {
		c.opt.Evidence.Want(raised, at.edge, c.ring)
	}
}

func (c *Camera) raiseFailed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	c.status.count.raise.Add(1)
	c.opt.Log.Error("alerts could not be stored", "error", fmt.Errorf("raise: %w", err))
}

// clearDisarmed clears what disarmed zones had open.
func (c *Camera) clearDisarmed(ctx context.Context) {
	now := c.opt.Now()
	_ = c.report(ctx, c.zones.disarm(now), moment{edge: now, told: now, clock: alert.EdgeClock}) // the next tick tries again
}

// signal describes a finding. Its onset lies between the previous sample, or closer look, and this one.
func (c *Camera) signal(f finding, at moment) raise.Signal {
	stage := c.opt.Stages[slices.IndexFunc(c.opt.Stages, func(s Stage) bool { return s.owns(f.kind) })] // a finding has one
	s := c.base(f.kind, f.phase, at.told)
	s.Zone, s.Exercise, s.Origin, s.Clock = f.zone, f.exercise, stage.Origin, at.clock
	between := max(c.opt.SampleEvery, stage.Every)
	if gap := at.edge.Sub(c.lastSample); gap > between && gap < time.Minute {
		between = gap
	}
	s.Uncertainty = at.uncertainty + between
	if f.phase == observation.Active {
		score, count := f.detection.Score, len(f.detection.Boxes)
		s.Object, s.Score = f.detection.Object, &score
		if count > 0 {
			s.Count = &count
		}
	}
	return s
}

// base is what all signals of this camera share.
func (c *Camera) base(kind alert.Kind, phase observation.Phase, at time.Time) raise.Signal {
	return raise.Signal{
		Observation: observation.Observation{Device: c.opt.ID, Kind: kind, Phase: phase, At: at.UTC()},
		Source:      alert.CameraSource(c.opt.Edge, c.opt.ID), Edge: c.opt.Edge, Grid: c.opt.Grid,
		Origin: "camera", Clock: alert.EdgeClock,
	}
}
