package camera

import (
	"context"
	"errors"
	"fmt"
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
			c.clearDisarmed(ctx)
			c.opt.OnChange(c.Status())
		case <-tick.C:
			c.clearDisarmed(ctx) // again, where it could not be stored
			c.watchLoss(ctx)
		case <-c.buffer.due:
			if s, ok := c.buffer.take(&c.cursor); ok {
				c.look(ctx, s)
			}
		}
	}
}

// look takes one sample through decoder, detector and raiser.
func (c *Camera) look(ctx context.Context, s sample) {
	frame, ok, err := c.decode(ctx, s)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		c.missed(err)
		return
	case s.rest:
		c.buffer.again()
	}
	if !ok {
		return
	}
	c.misses = 0
	c.lastGood = c.opt.Now()
	c.status.decoded()
	c.clearLoss(ctx)
	verdict, err := c.opt.Hook.Detect(ctx, detect.Input{Frame: frame})
	if err != nil {
		c.status.count.hook.Add(1)
		c.status.troubled("the detector fails: " + err.Error())
		return
	}
	c.status.judged(frame.At, s.how)
	c.report(ctx, c.zones.judge(verdict), frame.At, s)
	c.lastSample = frame.At
}

func (c *Camera) decode(ctx context.Context, s sample) (frame decode.Frame, ok bool, err error) {
	ctx, cancel := context.WithTimeout(decode.WithStream(ctx, c.opt.ID), decodeTimeout)
	defer cancel()
	if s.how == Keyframes {
		frame, err = c.opt.Decoder.Keyframe(ctx, s.units[0])
		return frame, err == nil, err
	}
	if frame, ok, err = c.opt.Decoder.Sequence(ctx, c.opt.ID, s.units); err != nil {
		c.cursor = cursor{} // its decoder lost the thread: start again at the keyframe
	}
	return frame, ok, err
}

// missed counts a sample without a frame. A missing worker is the edge's own trouble: the camera goes on streaming, and the
// status says why nothing is seen.
func (c *Camera) missed(err error) {
	if errors.Is(err, decode.ErrBadStream) {
		c.status.count.undecodable.Add(1)
		if c.misses++; c.misses == maxMisses {
			c.opt.Log.Warn("camera cannot be decoded", "err", err)
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

// report hands findings to raise, and asks for the picture of what was raised. What could not be stored is found again with the
// next frame.
func (c *Camera) report(ctx context.Context, findings []finding, at time.Time, s sample) {
	if len(findings) == 0 {
		return
	}
	signals := make([]raise.Signal, len(findings))
	for i, f := range findings {
		signals[i] = c.signal(f, at)
	}
	alerts, err := c.opt.Raiser.Raise(ctx, "", signals, nil)
	if err != nil {
		c.raiseFailed(ctx, err)
		return
	}
	c.zones.settle(findings)
	c.wantPicture(alerts, s)
}

func (c *Camera) raiseFailed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	c.status.count.raise.Add(1)
	c.opt.Log.Error("alerts could not be stored", "err", fmt.Errorf("raise: %w", err))
}

// clearDisarmed clears what disarmed zones had open.
func (c *Camera) clearDisarmed(ctx context.Context) {
	c.report(ctx, c.zones.disarm(), c.opt.Now(), sample{})
}

// signal describes a finding. Its onset lies between the previous sample and this one.
func (c *Camera) signal(f finding, at time.Time) raise.Signal {
	s := c.base(f.kind, f.phase, at)
	s.Zone, s.Exercise, s.Origin = f.zone, f.exercise, c.opt.Origin
	s.Uncertainty = c.opt.SampleEvery
	if gap := at.Sub(c.lastSample); gap > s.Uncertainty && gap < time.Minute {
		s.Uncertainty = gap
	}
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
