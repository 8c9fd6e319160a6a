package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"golang.org/x/sync/errgroup"

	"gridgate/edge/config"
	"gridgate/edge/desired"
	"gridgate/edge/forward"
	"gridgate/edge/orders"
	"gridgate/protocols/ingest"
)

// command is how what central wants is heard, kept and done.
type command struct {
	keeper *orders.Keeper
	looks  *orders.Looks
	trials *orders.Trials
	finds  *orders.Discoveries
	finder *finder
	now    func() time.Time // central's clock, as far as it is known
	log    *slog.Logger

	release func(*ingest.WantedRelease) // hears which build central wants
	wanted  *desired.Keeper             // hears which configuration central wants
}

// newCommand reads what was wanted before this start.
func newCommand(cfg *config.Config, clock *forward.Clock, log *slog.Logger) (*command, error) {
	c := &command{now: func() time.Time { return time.Now().Add(clock.Offset()) }, log: log.With("step", "orders")}
	var err error
	if c.finder, err = newFinder(cfg, c.log); err != nil {
		return nil, fmt.Errorf("prepare searches for cameras: %w", err)
	}
	c.keeper, err = orders.Open(orders.Options{File: cfg.Path(cfg.Data) + "/orders.json", Known: knownOf(cfg), Now: c.now, Log: c.log})
	return c, err
}

// bind says who does it, and does what is kept.
func (c *command) bind(cs *cameraSet, ss *sensorSet, l *link, notify func()) (err error) {
	c.looks, err = orders.NewLooks(orders.LookOptions{
		Shoot: cs.shoot, Now: c.now, Log: c.log, Changed: notify,
		Send: func(ctx context.Context, look string, jpeg []byte) error {
			return told(l.forward.PutLook(ctx, l.client, look, jpeg))
		},
	})
	if err != nil {
		return fmt.Errorf("prepare looks: %w", err)
	}
	c.trials, err = orders.NewTrials(orders.TrialOptions{
		Try: cs.try, Log: c.log,
		Answer: func(ctx context.Context, id string, r ingest.TrialResult) error {
			return told(l.client.PutTrial(ctx, id, r))
		},
	})
	if err != nil {
		return fmt.Errorf("prepare trials: %w", err)
	}
	c.finds, err = orders.NewDiscoveries(orders.DiscoveryOptions{
		Find: c.finder.find, Log: c.log,
		Answer: func(ctx context.Context, id string, r ingest.DiscoveryResult) error {
			return told(l.client.PutDiscovery(ctx, id, r))
		},
	})
	if err != nil {
		return fmt.Errorf("prepare searches for cameras: %w", err)
	}
	c.keeper.Bind(orders.Edge{
		Apply: func(held orders.Held, now time.Time) map[string]error {
			failed := cs.obey(held, now)
			maps.Copy(failed, ss.obey(held, now))
			return failed
		},
		Looks: c.looks.Set, Trials: c.trials.Set, Discoveries: c.finds.Set, Configuration: c.wanted.Hear, Release: c.release,
	})
	return nil
}

// told turns an error of the way to central into one for an operator, without addresses.
func told(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, forward.ErrOver):
		return orders.ErrOver
	}
	return errors.New(forward.Reason(err))
}

func (c *command) start(ctx context.Context, parts *errgroup.Group) {
	parts.Go(func() error { return c.keeper.Run(ctx) })
	parts.Go(func() error { return c.looks.Run(ctx) })
	parts.Go(func() error { return c.trials.Run(ctx) })
	parts.Go(func() error { return c.finds.Run(ctx) })
}

// refused says why something that central wants of a device is not done; empty if all is.
func (c *command) refused(device string) string {
	if why := c.keeper.Refused(device); why != "" {
		return why
	}
	return c.looks.Trouble(device)
}
