package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"gridgate/edge/config"
	"gridgate/edge/outbox"
	"gridgate/edge/source"
	"gridgate/edge/trial"
	"gridgate/edge/upgrade"
	"gridgate/protocols/ingest"
	"gridgate/protocols/release"
)

// platform is what this program runs on, as releases call it.
const platform = runtime.GOOS + "-" + runtime.GOARCH

// What the installed program tells the build that it runs instead of itself.
const (
	envInstalled = "GRIDGATE_INSTALLED"         // its path
	envVersion   = "GRIDGATE_INSTALLED_VERSION" // its version
	envOutbox    = "GRIDGATE_INSTALLED_OUTBOX"  // newest version of the outbox's file that it can work with
)

// endWithin is how long steps may take to end before another build is run all the same: the outbox survives that.
const endWithin = 20 * time.Second

// upgrades makes place for another build of this program, and watches one that is on trial. A nil one does nothing.
type upgrades struct {
	*upgrade.Upgrader
	installed string // path
	log       *slog.Logger

	mu    sync.Mutex
	steps *watchedSteps
}

// watchedSteps are what serve built, nil while it has not.
type watchedSteps struct {
	cfg     *config.Config
	link    *link
	cameras *cameraSet
	box     *outbox.Outbox
	notify  func()
	since   time.Time
}

// newUpgrades is the first thing that run does. If a build that came over the air was chosen, it runs that in this process and does not
// return. Whatever is wrong with releases is told to the log, and this program runs.
func newUpgrades(o RunOptions, version string, log *slog.Logger) *upgrades {
	log = log.With("part", "upgrade")
	c, err := config.Peek(o.Config)
	if err != nil {
		return nil // the file is read again, and then what is wrong is said
	}
	keys, err := c.KeysOf()
	if err != nil {
		log.Error("no build is taken", "error", err)
		keys = nil
	}
	dir := filepath.Join(c.Path(c.Data), "releases")
	installed, launched := os.LookupEnv(envInstalled)
	if !launched {
		if installed, err = os.Executable(); err != nil {
			log.Error("no build is taken", "error", err)
			return nil
		}
		launch(dir, installed, version, keys, log)
	}
	u := &upgrades{installed: installed, log: log}
	u.Upgrader, err = upgrade.New(u.options(o, dir, version, keys, c.ReleaseRate()))
	if err != nil {
		log.Error("no build is taken", "error", err)
		return nil
	}
	return u
}

// launch runs the build that was chosen, if one was.
func launch(dir, self, version string, keys release.Keys, log *slog.Logger) {
	for range 2 { // after a build that cannot be begun, the one before it
		program, err := upgrade.Launch(dir, version, keys)
		if err != nil {
			log.Error("the installed program runs instead of the build that was chosen", "error", err)
		}
		if program == "" {
			return
		}
		env := append(os.Environ(), envInstalled+"="+self, envVersion+"="+version, envOutbox+"="+strconv.Itoa(outbox.FileVersion()))
		err = syscall.Exec(program, os.Args, env)
		log.Error("a build could not be begun", "error", err)
		if err := upgrade.Failed(dir, errors.New("it could not be begun: the folder of data may forbid programs")); err != nil {
			log.Error("that a build could not be begun is not kept", "error", err)
			return
		}
	}
}

func (u *upgrades) options(o RunOptions, dir, version string, keys release.Keys, rate int64) upgrade.Options {
	installed, readable := version, outbox.FileVersion()
	if v, ok := os.LookupEnv(envVersion); ok {
		installed = v
		n, err := strconv.Atoi(os.Getenv(envOutbox))
		if err != nil {
			n = 0
		}
		readable = min(readable, n)
	}
	return upgrade.Options{
		Dir: dir, Keys: keys, Version: version, Installed: installed, Platform: platform, Outbox: readable, Rate: rate, Turns: o.turns, Log: u.log,
		Schema: u.schema, Fetch: u.fetch, Baseline: u.streaming, Health: u.health, Changed: u.changed,
		Try: func(ctx context.Context, program, version string) error {
			return tryBuild(ctx, program, version, o.Config)
		},
	}
}

// run works beside what is served until ctx ends. The context that it returns ends when another build is to be run.
func (u *upgrades) run(ctx context.Context) (served context.Context, wait func() error) {
	if u == nil {
		return ctx, func() error { return nil }
	}
	served, end := context.WithCancelCause(ctx)
	parts := new(errgroup.Group)
	for _, part := range []func(context.Context) error{u.Run, u.Watch} {
		parts.Go(func() error {
			err := part(served)
			if errors.Is(err, upgrade.ErrOther) {
				u.log.Info("another build of this program is run now")
				time.AfterFunc(endWithin, func() { u.relaunch() })
				end(upgrade.ErrOther)
			} else if err != nil {
				u.log.Error("upgrades are not looked after any more", "error", err)
			}
			return nil
		})
	}
	return served, func() error {
		other := errors.Is(context.Cause(served), upgrade.ErrOther)
		end(nil)
		if err := parts.Wait(); err != nil || !other || ctx.Err() != nil {
			return err
		}
		return u.relaunch()
	}
}

// relaunch runs the installed program in this process, which chooses what is to be run. It does not return but on an error.
func (u *upgrades) relaunch() error {
	var env []string
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); name != envInstalled && name != envVersion && name != envOutbox {
			env = append(env, e)
		}
	}
	err := syscall.Exec(strings.TrimSuffix(u.installed, " (deleted)"), os.Args, env)
	u.log.Error("the installed program could not be run", "error", err)
	return fmt.Errorf("run the installed program: %w", err)
}

// bind says what is served now.
func (u *upgrades) bind(s *watchedSteps) {
	if u == nil {
		return
	}
	s.since = time.Now()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.steps = s
}

// unbind says that nothing is.
func (u *upgrades) unbind() {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.steps = nil
}

func (u *upgrades) now() *watchedSteps {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.steps
}

// hear is what orders call.
func (u *upgrades) hear(w *ingest.WantedRelease) {
	if u != nil {
		u.Want(w)
	}
}

// report is what the sync tells.
func (u *upgrades) report() *ingest.ReleaseState {
	if u == nil {
		return nil
	}
	return u.State()
}

func (u *upgrades) changed() {
	if s := u.now(); s != nil {
		s.notify()
	}
}

func (u *upgrades) schema() int {
	if s := u.now(); s != nil {
		return s.link.forward.Schema()
	}
	return 0
}

func (u *upgrades) fetch(ctx context.Context, version string, from int64) (io.ReadCloser, int64, error) {
	s := u.now()
	if s == nil {
		return nil, 0, errors.New("the edge is just beginning")
	}
	return s.link.client.Download(ctx, ingest.ReleasePath(s.cfg.Edge, release.Name(version), platform), from)
}

// streaming is how many cameras stream.
func (u *upgrades) streaming() (n int) {
	s := u.now()
	if s == nil {
		return 0
	}
	for _, d := range s.cameras.devices() {
		if d.State == string(source.Streaming) {
			n++
		}
	}
	return n
}

// settle is how long cameras and central may take to be reached before that is taken for an illness.
const settle = 30 * time.Second

// health says how the edge is beside how it was. Sensors are not asked: one with a battery may speak once a day.
func (u *upgrades) health(baseline int) trial.Verdict {
	s := u.now()
	if s == nil {
		return trial.Unsure
	}
	young := time.Since(s.since) < settle
	_, err := s.box.Stats(context.Background())
	synced := s.link.heard.Load()
	late := synced == nil || time.Since(*synced) > 2*s.cfg.Central.Sync+ingest.MaxWait+settle
	switch {
	case err != nil:
		return trial.Ill
	case !late && u.streaming() >= baseline:
		return trial.Well
	case young:
		return trial.Unsure
	}
	return trial.Ill
}

// Bounds of trying a build before it is run.
const (
	tryWithin  = time.Minute
	maxTryText = 4 << 10
)

// tryBuild asks a build for its version, and whether it takes the configuration.
func tryBuild(ctx context.Context, program, version, file string) error {
	said, err := askBuild(ctx, program, "version")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return &upgrade.Refusal{Why: "it does not begin on this machine"}
	}
	if !release.Same(strings.TrimSpace(said), version) {
		return &upgrade.Refusal{Why: "it says that it is another version"}
	}
	_, err = askBuild(ctx, program, "check", "--config", file)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return &upgrade.Refusal{Why: "it does not take this edge's configuration; its command check tells why"}
	}
	return nil
}

// askBuild runs a build for one answer.
func askBuild(ctx context.Context, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, tryWithin)
	defer cancel()
	var out bytes.Buffer
	c := exec.CommandContext(ctx, program, args...)
	c.Stdout, c.WaitDelay = &limited{w: &out, left: maxTryText}, time.Second
	err := c.Run()
	return out.String(), err
}

// limited takes so many bytes, and passes over the rest.
type limited struct {
	w    io.Writer
	left int
}

// Write takes what there is room for.
func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	_, err := l.w.Write(p[:n])
	return len(p), err
}
