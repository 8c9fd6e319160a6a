// Package upgrade takes signed builds of the edge from central, tries them, and goes back from those that the edge is not well with.
//
// In: which version central wants, archives as gridgate/protocols/release has them, the public keys that the edge's own file names, verdicts of
// health. Out: a build in its folder, signed and compared, that the installed program is to run instead of itself; what becomes of it for the
// next sync. Central is not believed: it cannot make a build, change one, or have an older one run than runs but for the one before, and what
// no trusted key signed is never decompressed, made executable or run. It never touches the installed program, which stays the last resort.
//
// [Launch] is the first thing that the program does, [Upgrader] what goes on beside it. The state is that of gridgate/edge/trial; "" is the
// installed program.
package upgrade

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"gridgate/edge/trial"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/backoff"
	"gridgate/protocols/release"
)

// DefaultTrial is for how long a build is watched if central does not say.
const DefaultTrial = 5 * time.Minute

// ErrOther says that another build is to be run: the caller ends what it does and runs the installed program again, which launches it.
var ErrOther = errors.New("another build is to be run")

// Options are what an [Upgrader] needs. All but Turns and Log are demanded.
type Options struct {
	Dir       string       // of builds and state
	Keys      release.Keys // none: no build is taken
	Version   string       // of the program that runs
	Installed string       // version of the installed program
	Platform  string       // as in linux-amd64
	Outbox    int          // newest version of the outbox's file that this build and the installed one can work with
	Rate      int64        // bytes a second

	// Schema is the newest of alerts that central knows, 0 if it has not said.
	Schema func() int
	// Fetch opens the archive of a version from a byte on, and says how long all of it is.
	Fetch func(ctx context.Context, version string, from int64) (body io.ReadCloser, total int64, err error)
	// Try runs a program that was verified to see whether it is that version and takes the edge's configuration. It returns why not.
	Try func(ctx context.Context, program, version string) error
	// Baseline is how many cameras stream now; Health says how the edge is beside a baseline.
	Baseline func() int
	Health   func(baseline int) trial.Verdict
	Turns    *trial.Turns // so that nothing else is tried meanwhile; nil: it is alone
	Changed  func()       // what State says is another; it must not block
	Log      *slog.Logger
}

// Upgrader follows what central wants to be run. Its methods are safe for concurrent use.
type Upgrader struct {
	o      Options
	builds builds
	trials *trial.Keeper
	wake   chan struct{} // capacity 1

	mu     sync.Mutex
	heard  bool
	wanted *ingest.WantedRelease
	state  *ingest.ReleaseState
}

// New reads the state that [Launch] left.
func New(o Options) (*Upgrader, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	k, err := trial.Open(trial.Options{File: filepath.Join(o.Dir, stateFile)})
	if err != nil && !errors.Is(err, trial.ErrDamaged) {
		return nil, err
	}
	o.Turns.Join("build", k)
	return &Upgrader{o: o, builds: builds{o.Dir}, trials: k, wake: make(chan struct{}, 1)}, nil
}

// Want says which build central wants, nil for none. It does not block.
func (u *Upgrader) Want(w *ingest.WantedRelease) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.heard && (w == nil && u.wanted == nil || w != nil && u.wanted != nil && *w == *u.wanted) {
		return
	}
	u.wanted, u.heard = w, true
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// State is what becomes of what is wanted, nil if nothing is.
func (u *Upgrader) State() *ingest.ReleaseState {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.state == nil {
		return nil
	}
	s := *u.state
	return &s
}

// Rollbacks is how many builds were given up after they had been run, ever.
func (u *Upgrader) Rollbacks() int64 { return u.trials.State().Restores }

func (u *Upgrader) tell(version string, s ingest.WantedState, why string) {
	u.mu.Lock()
	before := u.state
	u.state = &ingest.ReleaseState{Wanted: version, State: s, Why: why, Since: time.Now().UTC(), Trusted: len(u.o.Keys) > 0}
	same := before != nil && before.Wanted == version && before.State == s
	if same {
		u.state.Since = before.Since
	}
	changed := !same || before.Why != why
	u.mu.Unlock()
	if changed {
		u.o.Log.Info("what becomes of a build that central wants", "version", version, "state", s, "why", why)
		u.o.Changed()
	}
}

// name is how the state calls a version.
func (u *Upgrader) name(version string) string {
	if version == u.o.Installed || release.Same(version, u.o.Installed) {
		return ""
	}
	return release.Name(version)
}

// version is the reverse.
func (u *Upgrader) version(name string) string {
	if name == "" {
		return u.o.Installed
	}
	return name
}

// Run works until ctx ends, which is nil, or another build is to be run, which is [ErrOther].
func (u *Upgrader) Run(ctx context.Context) error {
	if err := u.tidy(); err != nil {
		u.o.Log.Warn("old releases were not removed", "error", err)
	}
	retry := backoff.New(minRetry, maxRetry)
	for {
		again, err := u.round(ctx, retry)
		if err != nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-u.wake:
			retry.Reset()
		case <-again:
		}
	}
}

// Pauses after a failure.
const (
	minRetry = 5 * time.Second
	maxRetry = 10 * time.Minute
)

// round does what can be done now; again fires when what failed is to be tried again.
func (u *Upgrader) round(ctx context.Context, retry *backoff.Backoff) (again <-chan time.Time, err error) {
	u.mu.Lock()
	w, heard := u.wanted, u.heard
	u.mu.Unlock()
	if w == nil {
		if heard {
			u.mu.Lock()
			u.state = nil
			u.mu.Unlock()
			err = u.trials.Forget() // what is wanted anew is tried anew
		}
		if err != nil {
			u.o.Log.Warn("the state of releases was not kept", "error", err)
		}
		return nil, nil
	}
	had := u.builds.size(w.Version)
	err = u.follow(ctx, *w)
	switch {
	case ctx.Err() != nil:
		return nil, nil
	case err == nil, errors.Is(err, ErrOther):
		return nil, err
	}
	if errors.Is(err, trial.ErrTurn) {
		u.tell(w.Version, ingest.WantedFetching, ingest.WhyConfigurationOnTrial)
		return time.After(trial.TurnPause), nil
	}
	u.o.Log.Warn("a build that central wants is not here yet", "version", w.Version, "error", err)
	u.tell(w.Version, ingest.WantedFetching, reason(err))
	if u.builds.size(w.Version) > had {
		retry.Reset() // the link is bad, but it goes on
	}
	return time.After(retry.Next()), nil
}

// reason is an error for an operator, without addresses.
func reason(err error) string {
	switch {
	case errors.Is(err, errDisk):
		return errDisk.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "it took too long"
	}
	return "it could not be fetched; it is tried again"
}

// follow does what can be done about what is wanted. An error is one that may pass.
func (u *Upgrader) follow(ctx context.Context, w ingest.WantedRelease) error {
	s, name := u.trials.State(), u.name(w.Version)
	switch end := u.trials.Ended(name); {
	case len(u.o.Keys) == 0:
		u.tell(w.Version, ingest.WantedRefused, "this edge's own file names no key of releases")
	case s.Trial != nil && s.Trial.Wanted == name:
		u.tell(w.Version, ingest.WantedTrying, "")
	case s.Trial == nil && s.Running == name && release.Same(w.Version, u.o.Version):
		u.tell(w.Version, ingest.WantedInForce, "")
	case end != nil:
		u.tell(w.Version, end.State, end.Why)
	default:
		return u.take(ctx, w, name)
	}
	return nil
}

// take fetches a build if it is not here, and begins its trial.
func (u *Upgrader) take(ctx context.Context, w ingest.WantedRelease, name string) error {
	if !u.o.Turns.Free(u.trials) {
		return trial.ErrTurn
	}
	if err := u.builds.open(); err != nil {
		return err
	}
	err := u.get(ctx, w, name)
	var no *Refusal
	if errors.As(err, &no) {
		if err := u.trials.Refuse(name, no.Why); err != nil {
			return err
		}
		u.tell(w.Version, ingest.WantedRefused, no.Why)
		return nil
	}
	if err != nil {
		return err
	}
	if err := u.keepBaseline(u.o.Baseline()); err != nil {
		return err
	}
	long := time.Duration(w.TrialSec) * time.Second
	if long <= 0 {
		long = DefaultTrial
	}
	if err := u.o.Turns.Begin(u.trials, name, long); err != nil {
		return err
	}
	u.tell(w.Version, ingest.WantedTrying, "")
	return ErrOther
}

// get makes sure that a build lies here, is good for this edge, and starts.
func (u *Upgrader) get(ctx context.Context, w ingest.WantedRelease, name string) error {
	running := u.running()
	if name == "" { // the installed one, which needs nobody's signature
		if !release.Same(w.Version, running.Previous) {
			return refuse("it is older than %s, which runs", u.o.Version)
		}
		return nil
	}
	if _, err := release.ParseVersion(w.Version); err != nil {
		return refuse("%v", err)
	}
	judge := func(m release.Manifest) error { return running.judge(m, w.Version) }
	m, err := u.builds.verify(w.Version, u.o.Keys)
	if err == nil {
		if err := judge(m); err != nil {
			return err
		}
		return u.o.Try(ctx, u.builds.program(w.Version), w.Version)
	}
	u.tell(w.Version, ingest.WantedFetching, "")
	if err := u.fetch(ctx, w.Version, judge); err != nil {
		return err
	}
	if err := u.builds.unpack(u.builds.part(w.Version), u.o.Keys); err != nil {
		var no *Refusal
		if errors.As(err, &no) { // what was fetched is worth nothing
			return errors.Join(err, u.tidy(), removeAll(u.builds.part(w.Version)))
		}
		return err
	}
	if err := removeAll(u.builds.part(w.Version)); err != nil {
		return err
	}
	return u.o.Try(ctx, u.builds.program(w.Version), w.Version)
}

// running is this edge as a build is judged for it.
func (u *Upgrader) running() Running {
	s := u.trials.State()
	r := Running{Version: u.o.Version, Platform: u.o.Platform, Schema: u.o.Schema(), Outbox: u.o.Outbox, Now: time.Now()}
	switch {
	case s.Trial != nil:
		r.Previous = u.version(s.Running)
	case s.Previous != s.Running:
		r.Previous = u.version(s.Previous)
	}
	if m, err := u.builds.verify(u.version(s.Running), u.o.Keys); s.Running != "" && err == nil && m.Final {
		r.Previous = ""
	}
	return r
}

// room says whether the disk has room for so many bytes more.
func (u *Upgrader) room(need int64) error {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(u.o.Dir, &disk); err != nil {
		return fmt.Errorf("ask for the room of the disk: %w", err)
	}
	if int64(disk.Bavail)*disk.Bsize < need+margin {
		return errDisk
	}
	return nil
}

// tidy removes what is neither run, tried, gone back to nor being fetched.
func (u *Upgrader) tidy() error {
	s := u.trials.State()
	keep := []string{s.Running, s.Previous, u.o.Version}
	if s.Trial != nil {
		keep = append(keep, s.Trial.Wanted)
	}
	u.mu.Lock()
	if u.wanted != nil {
		keep = append(keep, u.wanted.Version)
	}
	u.mu.Unlock()
	return u.builds.prune(keep...)
}
