// Package app wires the edge: the one package that sees every other. One file per subcommand; run.go reads from top to
// bottom in the order of the pipeline.
//
// In: a configuration file. Out: a running agent, or what a tool prints. It holds no logic of a step.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"gridgate/edge/config"
	"gridgate/edge/decode"
	"gridgate/edge/forward"
	"gridgate/edge/outbox"
	"gridgate/edge/raise"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/backoff"
	"gridgate/protocols/kit/conf"
)

// RunOptions are the flags of `run`.
type RunOptions struct {
	Config string `help:"Configuration file." required:"" placeholder:"FILE"`
	Debug  bool   `help:"Log more."`
}

// Run is the agent: it works until ctx ends. Logs go to stderr as JSON lines.
func Run(ctx context.Context, o RunOptions, version string, stderr io.Writer) int {
	level := slog.LevelInfo
	if o.Debug {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: level}))
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	cfg, err := config.Load(o.Config)
	var problems conf.Problems
	switch {
	case errors.As(err, &problems):
		fmt.Fprintln(stderr, problems)
		return ExitFailed
	case err != nil:
		fmt.Fprintln(stderr, "run:", err)
		return ExitUsage
	}
	if err := serve(ctx, o.Config, cfg, version, log); err != nil {
		log.Error("the edge stopped", "error", err)
		return ExitFailed
	}
	return ExitOK
}

// garbage is how much of it may stand beside what is in use, in percent: coded pictures are nearly all of an edge's memory, and
// half of Go's default costs little processor time.
const garbage = 50

// patience of kinds that flicker. Life-safety kinds have none.
var debounce = map[alert.Kind]raise.Debounce{
	alert.Door:          {ClearHold: 2 * time.Second},
	alert.Vibration:     {ClearHold: 5 * time.Second},
	alert.Presence:      {ClearHold: 5 * time.Second},
	alert.DeviceOffline: {MinActive: 10 * time.Second},
}

// serve builds every step, later ones first, since each needs the one it hands to, and runs them until ctx ends or one fails.
func serve(ctx context.Context, file string, cfg *config.Config, version string, log *slog.Logger) error {
	started := time.Now()
	box, err := outbox.Open(ctx, outbox.Options{Dir: cfg.Path(cfg.Data), Log: log.With("step", "outbox")})
	if err != nil {
		return fmt.Errorf("open the outbox: %w", err)
	}
	defer box.Close()
	clock := forward.NewClock(log.With("step", "forward"))
	inner, err := raise.New(ctx, raise.Options{Log: box, Debounce: debounce, Uncertainty: clock.Uncertainty})
	if err != nil {
		return fmt.Errorf("load open situations: %w", err)
	}
	raiser := &announcer{inner: inner, log: log.With("step", "raise")}
	pool, err := decode.NewPool(decode.PoolOptions{Workers: cfg.Decoder.Workers, Budget: cfg.Decoder.Budget, Log: log.With("step", "decode")})
	if err != nil {
		return fmt.Errorf("prepare the decoder: %w", err)
	}
	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	detectors, err := newDetectors(cfg, log.With("step", "detect"))
	if err != nil {
		return err
	}
	command, err := newCommand(cfg, clock, log)
	if err != nil {
		return err
	}
	cameras, err := newCameras(cfg, command.keeper.Held().Arrangements, detectors, pool, raiser, box, notify, log)
	if err != nil {
		return err
	}
	sensors, err := newSensors(cfg, raiser, notify, log)
	if err != nil {
		return err
	}
	if err := retire(ctx, raiser, inner.Open(), cameras, sensors); err != nil {
		return err
	}
	base := ingest.SyncRequest{Software: version, StartedAt: started.UTC()}
	link, err := newLink(cfg, base, clock, box, cameras, sensors, command, changed, log)
	if err != nil {
		return err
	}
	sensors.open = inner.Open
	if err := command.bind(cameras, sensors, link, notify); err != nil {
		return err
	}
	voice, err := newVoice(ctx, cfg, version, box, inner.Open(), cameras, sensors, log)
	if err != nil {
		return fmt.Errorf("prepare the local voice: %w", err)
	}
	raiser.hear = voice.Hear
	metrics := newRegistry(&collector{
		box: box, pool: pool, cameras: cameras, detectors: detectors, sensors: sensors, alerts: &raiser.count, voice: voice, link: link.counts, clock: clock.Offset, dir: cfg.Path(cfg.Data),
	})
	link.metrics = metrics
	page, err := newPage(shown{
		cfg: cfg, version: version, started: started, box: box, cameras: cameras, sensors: sensors, link: link, voice: voice,
	})
	if err != nil {
		return err
	}
	door, err := openDoor(cfg, metrics, page, log.With("part", "page"))
	if err != nil {
		return err
	}

	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return box.Wait(ctx) })
	serveOutbox(ctx, parts, cfg.Path(cfg.Data), ownOutbox{Outbox: box, accepts: link.forward.Schema}, log)
	parts.Go(func() error { return pool.Run(ctx) })
	parts.Go(func() error { return raiser.run(ctx) })
	detectors.start(ctx, parts)
	cameras.start(ctx, parts)
	sensors.start(ctx, parts)
	command.start(ctx, parts)
	link.start(ctx, parts)
	parts.Go(func() error { defer close(sensors.spoken); return voice.Run(ctx) })
	parts.Go(func() error { return door.run(ctx) })
	reload := &reloader{file: file, running: cfg, cameras: cameras, applied: link.setVersion, log: log.With("step", "config")}
	parts.Go(func() error { return reload.run(ctx) })
	log.Info("the edge runs", "version", version, "config", cfg.Version, "cameras", len(cfg.Cameras), "sensors", len(cfg.Sensors), "page", door.addr())
	return parts.Wait()
}

// announcer passes signals to raise and tells the log of every alert that is on stable storage.
type announcer struct {
	inner *raise.Raiser
	log   *slog.Logger
	count alertCounter
	hear  func([]alert.Alert) // the edge's own voice: it must not block
}

// Raise implements what cameras and sensors need of step 4.
func (a *announcer) Raise(ctx context.Context, message string, signals []raise.Signal, readings []alert.Reading) ([]alert.Alert, error) {
	alerts, err := a.inner.Raise(ctx, message, signals, readings)
	a.tell(alerts)
	return alerts, err
}

// run settles what waits for time to pass.
func (a *announcer) run(ctx context.Context) error {
	for backoff.Wait(ctx, time.Second) {
		alerts, err := a.inner.Advance(ctx, time.Now())
		a.tell(alerts)
		if err != nil && ctx.Err() == nil {
			a.log.Error("situations that wait for time could not be settled; they are tried again", "error", err)
		}
	}
	return nil
}

// tell passes on what is committed, to the voice first: a siren does not wait for a line of the log.
func (a *announcer) tell(alerts []alert.Alert) {
	if a.hear != nil {
		a.hear(alerts)
	}
	for _, al := range alerts {
		a.count.add(al.Kind, al.State)
		a.log.Info("alert committed", "alert", al.ID, "kind", al.Kind, "state", al.State, "source", al.Source, "zone", al.Zone)
	}
}
