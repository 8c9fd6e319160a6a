package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"gridgate/edge/outbox"
	"gridgate/protocols/kit/sdnotify"
)

// maxStill is how long situations may go unsettled before the edge counts as stuck. They are settled once a second; a slow disk may take
// a while.
const maxStill = 30 * time.Second

// pulse remembers when something was last done.
type pulse struct{ at atomic.Int64 }

func (p *pulse) beat(now time.Time) { p.at.Store(now.UnixNano()) }

// still says since when nothing was done, if that is too long.
func (p *pulse) still(now time.Time) error {
	if d := now.Sub(time.Unix(0, p.at.Load())); d > maxStill {
		return fmt.Errorf("situations have not been settled for %s", d.Round(time.Second))
	}
	return nil
}

// alive says whether the edge does its work: its loop goes round and its outbox answers. That central or a camera is away is no illness.
func alive(p *pulse, box *outbox.Outbox) func(context.Context) error {
	p.beat(time.Now())
	return func(ctx context.Context) error {
		if err := p.still(time.Now()); err != nil {
			return err
		}
		if _, err := box.Newest(ctx, 1); err != nil {
			return fmt.Errorf("the outbox does not answer: %w", err)
		}
		return nil
	}
}

// tellStop tells systemd when ctx ends: the edge stops because it was told to, and may take its time. What is returned ends the waiting.
func tellStop(ctx context.Context, log *slog.Logger) (done func() bool, err error) {
	manager, err := sdnotify.FromEnvironment()
	if err != nil {
		return nil, err
	}
	return context.AfterFunc(ctx, func() {
		if err := manager.Stopping(); err != nil {
			log.Warn("the end was not announced", "error", err)
		}
	}), nil
}

// watch tells systemd that the edge has started, and that it is alive until ctx ends.
func watch(ctx context.Context, healthy func(context.Context) error, log *slog.Logger) error {
	manager, err := sdnotify.FromEnvironment()
	if err != nil {
		return err
	}
	return manager.Serve(ctx, healthy, log)
}
