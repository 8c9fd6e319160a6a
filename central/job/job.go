// Package job runs what follows the case-event log: on one central at a time, whenever something was committed, and once a second anyhow.
//
// In: what is to be done to catch up. Out: it is done again and again until the context ends; what fails is logged and tried again with a
// growing pause. It keeps no cursor and reads no log: that is the work's own, see store.Jobs.
package job

import (
	"context"
	"log/slog"
	"time"

	"gridgate/protocols/kit/backoff"
)

// Pauses after a failure.
const (
	minRetry = time.Second
	maxRetry = time.Minute
)

// Lead lets one of several centrals work. It blocks until this one leads in the task that is named, runs do with a context that ends when it
// leads no more, and returns.
type Lead interface {
	Lead(ctx context.Context, task string, do func(ctx context.Context) error) error
}

// Alone always leads: it is for the only central.
type Alone struct{}

// Lead runs do.
func (Alone) Lead(ctx context.Context, _ string, do func(context.Context) error) error {
	return do(ctx)
}

// Loop is one job. Name and CatchUp are demanded.
type Loop struct {
	Name    string
	Begin   func(ctx context.Context) error // whenever this central begins to lead: another one may have worked meanwhile; nil: nothing
	CatchUp func(ctx context.Context) error // does all that there is to do now

	Lead    Lead                   // nil: this is the only central
	Changed func() <-chan struct{} // closed when something is committed next; nil: Every is all there is
	Every   time.Duration          // 0: a second
	Pace    time.Duration          // the least time from the beginning of one catching up to the next
	Logger  *slog.Logger           // nil: discards
}

// Run works until ctx ends and returns nil.
func (l Loop) Run(ctx context.Context) error {
	retry := backoff.New(minRetry, maxRetry)
	lead := l.Lead
	if lead == nil {
		lead = Alone{}
	}
	for ctx.Err() == nil {
		err := lead.Lead(ctx, l.Name, func(ctx context.Context) error { return l.work(ctx, retry) })
		if err != nil && ctx.Err() == nil && l.Logger != nil {
			l.Logger.Warn("a job failed and is tried again", "job", l.Name, "error", err)
		}
		backoff.Wait(ctx, retry.Next())
	}
	return nil
}

// work catches up until ctx ends or something fails.
func (l Loop) work(ctx context.Context, retry *backoff.Backoff) error {
	if l.Begin != nil {
		if err := l.Begin(ctx); err != nil {
			return err
		}
	}
	every := l.Every
	if every <= 0 {
		every = time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ctx.Err() == nil {
		begun := time.Now()
		var changed <-chan struct{}
		if l.Changed != nil {
			changed = l.Changed() // before it looks: what is committed meanwhile is not missed
		}
		if err := l.CatchUp(ctx); err != nil {
			return err
		}
		retry.Reset()
		select {
		case <-ctx.Done():
		case <-changed:
		case <-tick.C:
		}
		backoff.Wait(ctx, l.Pace-time.Since(begun))
	}
	return nil
}
