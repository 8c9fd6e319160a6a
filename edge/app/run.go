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
	"gridgate/edge/desired"
	"gridgate/edge/forward"
	"gridgate/edge/outbox"
	"gridgate/edge/raise"
	"gridgate/edge/trial"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/backoff"
	"gridgate/protocols/kit/conf"
	"gridgate/protocols/kit/logs"
)

// RunOptions are the flags of `run`.
type RunOptions struct {
	Config string `help:"Configuration file." required:"" placeholder:"FILE"`
	Debug  bool   `help:"Log more."`

	LogFormat string `default:"auto" enum:"auto,text,json" help:"How to log: text, json, or auto: text at a terminal, else json."`

	trialTime func(time.Duration) time.Duration // of configurations, for tests
	turns     *trial.Turns                      // of configurations and builds
}

// Run is the agent: it works until ctx ends. Logs go to stderr.
func Run(ctx context.Context, o RunOptions, version string, stderr io.Writer) int {
	log := logs.New(stderr, o.LogFormat, o.Debug)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	told, err := tellStop(ctx, log)
	if err != nil {
		fmt.Fprintln(stderr, "run:", err)
		return ExitUsage
	}
	defer told()
	o.turns = &trial.Turns{}
	up := newUpgrades(o, version, log)
	served, other := up.run(ctx)
	for {
		code, err := once(served, o, version, stderr, up, log)
		if errors.Is(err, errAgain) && served.Err() == nil {
			continue
		}
		if other() != nil {
			return ExitFailed
		}
		return code
	}
}

// errAgain ends serve so that it begins anew, with what then is to be run.
var errAgain = desired.ErrAgain

// once reads the configuration and serves until ctx ends, something fails or something else is to be run.
func once(ctx context.Context, o RunOptions, version string, stderr io.Writer, up *upgrades, log *slog.Logger) (code int, err error) {
	cfg, err := config.Load(o.Config)
	var problems conf.Problems
	switch {
	case errors.As(err, &problems):
		fmt.Fprintln(stderr, problems)
		return ExitFailed, err
	case err != nil:
		fmt.Fprintln(stderr, "run:", err)
		return ExitUsage, err
	}
	run, err := choose(o, cfg, log.With("step", "config"))
	if err != nil {
		log.Error("the edge stopped", "error", err)
		return ExitFailed, err
	}
	err = serve(ctx, run, version, up, log)
	switch {
	case errors.Is(err, errAgain):
		return ExitOK, err
	case err != nil && ctx.Err() == nil && run.wanted.Failed():
		log.Error("the edge could not run with what central wants", "error", err)
		return ExitFailed, errAgain
	case err != nil:
		log.Error("the edge stopped", "error", err)
		return ExitFailed, err
	}
	run.wanted.Up() // it was ended by somebody who meant it
	return ExitOK, nil
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
func serve(ctx context.Context, run chosen, version string, up *upgrades, log *slog.Logger) error {
	started, cfg := time.Now(), run.cfg
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
	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	command, err := newCommand(cfg, clock, log)
	if err != nil {
		return err
	}
	eyes, err := newEyes(cfg, command.keeper.Held().Arrangements, raiser, box, notify, log)
	if err != nil {
		return err
	}
	half := halfway{eyes.close}
	defer func() { half.close() }()
	cameras := eyes.cameras
	sensors, err := newSensors(cfg, raiser, notify, log)
	if err != nil {
		return err
	}
	half = append(half, sensors.close)
	if err := retire(ctx, raiser, inner.Open(), cameras, sensors); err != nil {
		return err
	}
	base := ingest.SyncRequest{Software: version, StartedAt: started.UTC()}
	link, err := newLink(cfg, base, clock, box, cameras, sensors, command, changed, log)
	if err != nil {
		return err
	}
	sensors.open = inner.Open
	link.release, command.release = up.report, up.hear
	link.wanted, command.wanted = run.wanted, run.wanted
	if err := command.bind(cameras, sensors, link, notify); err != nil {
		return err
	}
	voice, err := newVoice(ctx, cfg, version, box, inner.Open(), cameras, sensors, log)
	if err != nil {
		return fmt.Errorf("prepare the local voice: %w", err)
	}
	raiser.hear = voice.Hear
	metrics := newRegistry(&collector{
		box: box, pool: eyes.pool, cameras: cameras, detectors: eyes.detectors, sensors: sensors, alerts: &raiser.count, voice: voice, link: link, version: version, clock: clock.Offset, dir: cfg.Path(cfg.Data),
	})
	link.metrics = metrics
	show := shown{
		cfg: cfg, version: version, started: started, box: box, gb: eyes.gb, cameras: cameras, sensors: sensors, link: link, voice: voice,
	}
	page, err := newPage(show)
	if err != nil {
		return err
	}
	door, err := openDoor(cfg, metrics, page, log.With("part", "page"))
	if err != nil {
		return err
	}

	half = nil
	up.bind(&watchedSteps{cfg: cfg, link: link, cameras: cameras, box: box, notify: notify})
	defer up.unbind()
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return box.Wait(ctx) })
	serveOutbox(ctx, parts, cfg.Path(cfg.Data), ownOutbox{Outbox: box, accepts: link.forward.Schema, live: show.status}, log)
	healthy := alive(&raiser.pulse, box)
	parts.Go(func() error { return raiser.run(ctx) })
	eyes.start(ctx, parts)
	sensors.start(ctx, parts)
	command.start(ctx, parts)
	link.start(ctx, parts)
	parts.Go(func() error { defer close(sensors.spoken); return voice.Run(ctx) })
	parts.Go(func() error { return door.run(ctx) })
	run.start(ctx, parts, wellness{link: link, cameras: cameras, sensors: sensors, box: box, pool: eyes.pool, notify: notify})
	reload := &reloader{load: run.load, running: withOwnZones(cfg), cameras: cameras, applied: link.setVersion, log: log.With("step", "config")}
	parts.Go(func() error { return reload.run(ctx) })
	parts.Go(func() error { return watch(ctx, healthy, log.With("part", "watchdog")) })
	log.Info("the edge runs", "version", version, "config", cfg.Version, "cameras", len(cfg.Cameras), "sensors", len(cfg.Sensors), "page", door.addr())
	return parts.Wait()
}

// announcer passes signals to raise and tells the log of every alert that is on stable storage.
type announcer struct {
	inner *raise.Raiser
	log   *slog.Logger
	count alertCounter
	pulse pulse
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
		a.pulse.beat(time.Now())
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
