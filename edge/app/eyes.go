package app

import (
	"context"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"gridgate/edge/camera"
	"gridgate/edge/config"
	"gridgate/edge/decode"
	"gridgate/edge/outbox"
	"gridgate/protocols/ingest"
)

// eyes are steps 1 to 3 for cameras: their pictures, what we find in them, and what they tell themselves.
type eyes struct {
	pool      *decode.Pool
	detectors detectorSet
	gb        *gbServer
	push      *pushDoor
	cameras   *cameraSet
	events    *eventSet
}

// newEyes builds them in the order in which each needs the other. What both sources of a camera say comes to raiser as one.
func newEyes(cfg *config.Config, wanted map[string]ingest.Arrangement, raiser camera.Raiser, box *outbox.Outbox, notify func(), log *slog.Logger) (e eyes, err error) {
	e.pool, err = decode.NewPool(decode.PoolOptions{Workers: cfg.Decoder.Workers, Budget: cfg.Decoder.Budget, Log: log.With("step", "decode")})
	if err != nil {
		return e, fmt.Errorf("prepare the decoder: %w", err)
	}
	if e.detectors, err = newDetectors(cfg, log.With("step", "detect")); err != nil {
		return e, err
	}
	fuser, err := newFuser(cfg, raiser)
	if err != nil {
		return e, err
	}
	if e.gb, err = newGB(cfg, notify, log.With("step", "source")); err != nil {
		return e, fmt.Errorf("prepare for GB/T 28181: %w", err)
	}
	defer func() {
		if err != nil {
			e.close()
		}
	}()
	if e.push, err = newPush(cfg, log.With("step", "source")); err != nil {
		return e, err
	}
	if e.cameras, err = newCameras(cfg, e.gb, wanted, e.detectors, e.pool, fuser, box, notify, log); err != nil {
		return e, err
	}
	e.events, err = newEvents(cfg, callers{e.gb, e.push}, e.cameras, notify, log.With("step", "source"))
	return e, err
}

// close lets go of addresses that were never served: a start that failed half-way must not be in the way of the next one.
func (e eyes) close() {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	parts, ctx := errgroup.WithContext(over)
	e.gb.start(ctx, parts)
	parts.Go(func() error { return e.push.run(ctx) })
	_ = parts.Wait()
}

func (e eyes) start(ctx context.Context, parts *errgroup.Group) {
	parts.Go(func() error { return e.pool.Run(ctx) })
	e.detectors.start(ctx, parts)
	e.gb.start(ctx, parts)
	e.cameras.start(ctx, parts)
	e.events.start(ctx, parts)
	parts.Go(func() error { return e.push.run(ctx) })
}
