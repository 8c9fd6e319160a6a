package camera

import (
	"context"
	"time"

	"gridgate/edge/source"
	"gridgate/protocols/kit/backoff"
)

// How long to wait before the next connection. Cameras lock out whoever tries a wrong password too often.
const (
	retryMin, retryMax         = time.Second, time.Minute
	authRetryMin, authRetryMax = 30 * time.Second, 10 * time.Minute
	// steady is how long a stream must have lasted for the next failure to count as the first.
	steady = 10 * time.Second
)

// connectLoop runs the source again and again. While it waits and connects anew the state stays that of the last failure, so
// that an operator reads the cause and not a flicker.
func (c *Camera) connectLoop(ctx context.Context) {
	retry, authRetry := backoff.New(retryMin, retryMax), backoff.New(authRetryMin, authRetryMax)
	for {
		begun := c.opt.Now()
		c.ring.restart()
		err := c.opt.Source.Run(ctx, c.emit)
		if ctx.Err() != nil {
			return
		}
		state := source.StateOf(err)
		c.status.set(state, why(err))
		if c.opt.Now().Sub(begun) >= steady {
			retry.Reset()
		}
		wait := authRetry
		if state != source.AuthFailed {
			wait = retry
			authRetry.Reset()
		}
		pause := wait.Next()
		c.opt.Log.Warn("camera is not streaming", "state", state, "why", why(err), "retry", pause.Round(time.Millisecond))
		if !backoff.Wait(ctx, pause) {
			return
		}
	}
}

func why(err error) string {
	if err == nil {
		return "the stream ended"
	}
	return err.Error()
}

// emit implements [source.Emit]. It only buffers.
func (c *Camera) emit(u source.AccessUnit) {
	if c.ring.put(u) {
		c.status.streaming()
	}
}
