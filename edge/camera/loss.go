package camera

import (
	"context"
	"time"

	"gridgate/edge/raise"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// lossState is what raise was told about video-loss.
type lossState int

const (
	lossUnknown lossState = iota // nothing yet: it may be open from before a restart
	lossRaised
	lossCleared
)

// watchLoss raises video-loss when a camera has not been streaming for the grace, since the last usable picture. There is one
// kind for every cause; the cause is in the status. While only this edge's decoder is missing no video is lost.
func (c *Camera) watchLoss(ctx context.Context) {
	if c.lost == lossRaised || c.status.isStreaming() || c.opt.Now().Sub(c.lastGood) < c.opt.LossGrace {
		return
	}
	if c.tellLoss(ctx, observation.Active, c.lastGood) {
		c.lost = lossRaised
	}
}

// clearLoss tells that pictures come again. It is called for each decoded frame.
func (c *Camera) clearLoss(ctx context.Context) {
	if c.lost != lossCleared && c.tellLoss(ctx, observation.Inactive, c.lastGood) {
		c.lost = lossCleared
	}
}

// tellLoss returns false if it must be told again.
func (c *Camera) tellLoss(ctx context.Context, phase observation.Phase, at time.Time) bool {
	if _, err := c.opt.Raiser.Raise(ctx, "", []raise.Signal{c.base(alert.VideoLoss, phase, at)}, nil); err != nil {
		c.raiseFailed(ctx, err)
		return false
	}
	return true
}
