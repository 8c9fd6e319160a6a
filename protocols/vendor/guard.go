package vendor

import (
	"context"
	"errors"
	"time"
)

// Guard ends a connection that is silent for too long. It is for one goroutine at a time.
type Guard struct {
	ctx    context.Context //nolint:containedctx // the guard is the context's owner
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

// NewGuard returns a guard whose context ends with ctx or after patience without a sign of life, [Guard.Wait]. Stop must be called.
func NewGuard(ctx context.Context, patience time.Duration) *Guard {
	guarded, cancel := context.WithCancelCause(ctx)
	return &Guard{ctx: guarded, cancel: cancel, timer: time.AfterFunc(patience, func() { cancel(ErrSilent) })}
}

// Context is that of the connection.
func (g *Guard) Context() context.Context { return g.ctx }

// Pause stops the clock: what comes now is our own time, not the device's.
func (g *Guard) Pause() { g.timer.Stop() }

// Wait starts the clock again.
func (g *Guard) Wait(patience time.Duration) { g.timer.Reset(patience) }

// Stop ends the context.
func (g *Guard) Stop() {
	g.timer.Stop()
	g.cancel(context.Canceled)
}

// Opening is how long a device may take to answer at all.
const Opening = 30 * time.Second

// Refused is what a run returns after err, when there was no connection yet: nil if ctx, that of the run, ended.
func (g *Guard) Refused(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Cause is what a run returns after err: nil if ctx, that of the run, ended; [ErrSilent] if the guard ended the connection.
func (g *Guard) Cause(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.Is(context.Cause(g.ctx), ErrSilent):
		return ErrSilent
	}
	return err
}
