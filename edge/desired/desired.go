// Package desired follows the configuration that central wants of an edge: fetches it, has it judged, puts it on trial, and goes back to what
// ran before if the edge is less well with it.
//
// In: what central wants, its text, a judge, how well the edge is. Out: which text is to be run, [ErrAgain] when that changes, and what is
// told of it. Everything stands in one folder and is written before it holds, so that a crash at any point leaves a configuration that ran
// before or one that still has its trial to pass. It never reads a configuration itself, and never runs what was not judged.
package desired

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"gridgate/edge/trial"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/durable"
)

// DefaultTime is how long a configuration is watched if central does not say.
const DefaultTime = 2 * time.Minute

// ErrAgain is of [Keeper.Run]: something else is to be run.
var ErrAgain = errors.New("another configuration is to be run")

// Options are what [Open] needs. Dir and Judge are demanded.
type Options struct {
	Dir      string                             // is made if it is not there
	File     string                             // version of the edge's own file: with another one, what was refused is judged anew
	Sections []string                           // those that the file lets central say
	Judge    func(text []byte) []ingest.Problem // none: it can be run
	Scale    func(time.Duration) time.Duration  // of the time of a trial; nil: as it is. For tests
	Turns    *trial.Turns                       // so that nothing else is tried meanwhile; nil: it is alone
	Log      *slog.Logger
}

// Bound is what a keeper acts through while the edge runs.
type Bound struct {
	// Fetch reads the text of a revision at central, of at most so many bytes. Its error is shown: it holds no address.
	Fetch  func(ctx context.Context, revision string, most int64) ([]byte, error)
	Health func(context.Context) Health
	Told   func() // something is worth telling central
}

// Keeper is the edge's half of what central wants it to run. It is made anew for each start of the pipeline.
type Keeper struct {
	o       Options
	trials  *trial.Keeper
	b       Bound
	wake    chan struct{} // another wish; capacity 1
	running string        // what this start runs
	up      bool          // it was noted that it did; of watch
	reached bool          // something was fetched in this start; of follow

	mu    sync.Mutex
	wish  wish
	waits bool // for the trial of a build
}

// Files of the folder, beside the texts.
const (
	stateFile = "state.json"
	wishFile  = "wish.json"
	upFile    = "up"    // the start of what is on trial got as far as running, or was ended by somebody
	resetFile = "reset" // a person wants the edge's own file alone
)

// Open reads what stands in the folder. What cannot be understood is told to the log, and holds nothing: the edge's own file is run.
func Open(o Options) (*Keeper, error) {
	if o.Dir == "" || o.Judge == nil {
		return nil, errors.New("desired: Dir and Judge are demanded")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Scale == nil {
		o.Scale = func(d time.Duration) time.Duration { return d }
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of wanted configurations: %w", err)
	}
	k := &Keeper{o: o, wake: make(chan struct{}, 1)}
	var err error
	k.trials, err = trial.Open(trial.Options{File: k.path(stateFile)})
	if err != nil && !errors.Is(err, trial.ErrDamaged) {
		return nil, err
	} else if err != nil {
		o.Log.Error("which wanted configuration ran is not known; the edge's own file is run", "error", err)
	}
	o.Turns.Join("configuration", k.trials)
	if k.wish, err = readWish(k.path(wishFile)); err != nil {
		o.Log.Error("what central wanted is not known until it tells it again", "error", err)
	}
	return k, nil
}

func (k *Keeper) path(name string) string { return filepath.Join(k.o.Dir, name) }

// Start says which revision is to be run, and its text; "" is the edge's own file alone. It is called once, before anything of it runs. On an
// error what it says is to be run all the same.
func (k *Keeper) Start() (revision string, text []byte, err error) {
	if err = k.reset(); err == nil {
		err = k.fell()
	}
	if k.wish.Refused != "" && k.wish.Refused != k.o.File {
		err = errors.Join(err, k.anew())
	}
	for range 3 {
		var failed error
		revision, failed = k.trials.Start()
		err = errors.Join(err, failed)
		if revision == "" {
			break
		}
		if text, failed = k.text(revision); failed == nil {
			break
		}
		k.o.Log.Error("the text of a wanted configuration is not there as it was", "error", failed)
		err = errors.Join(err, k.give(revision, ingest.WantedRolledBack, "its text was damaged on this edge"))
		revision = ""
	}
	k.running = revision
	return revision, text, err
}

// fell goes back from what is on trial and did not get as far as running the last time.
func (k *Keeper) fell() error {
	t := k.trials.State().Trial
	if t == nil {
		return nil
	}
	if t.Starts > 0 && !there(k.path(upFile)) {
		k.o.Log.Error("the edge did not come up with what central wants, and goes back", "revision", t.Wanted)
		return k.trials.Back("the edge did not come up with it")
	}
	return durable.Remove(k.path(upFile))
}

// reset does what a person asked for.
func (k *Keeper) reset() error {
	if !there(k.path(resetFile)) {
		return nil
	}
	err := k.trials.Reset()
	if w := k.wish.Wanted; err == nil && w != nil {
		err = k.trials.Refuse(w.Revision, "a person at the edge went back to its own file")
	}
	if err != nil {
		return fmt.Errorf("go back to the edge's own file: %w", err)
	}
	k.o.Log.Warn("a person went back to the edge's own file")
	return durable.Remove(k.path(resetFile))
}

// anew lets what an older file of the edge refused be judged by the one there is.
func (k *Keeper) anew() error {
	if err := k.trials.Forget(); err != nil {
		return err
	}
	return k.keep(func(w *wish) { w.Refused, w.Problems = "", nil })
}

// Unfit says that the edge's own file, which may have changed, does not take what [Keeper.Start] told to run: it will not be run. Start is then
// called again.
func (k *Keeper) Unfit(revision string, problems []ingest.Problem) error {
	if err := k.give(revision, ingest.WantedRefused, refusedWhy); err != nil {
		return err
	}
	return k.keep(func(w *wish) { w.Refused, w.Problems = k.o.File, few(problems) })
}

const refusedWhy = "the edge's own file does not take it"

// give ends what is on trial or runs.
func (k *Keeper) give(revision string, as ingest.WantedState, why string) error {
	if t := k.trials.State().Trial; t != nil && t.Wanted == revision {
		if err := k.trials.Back(why); err != nil || as == ingest.WantedRolledBack {
			return err
		}
	} else if err := k.trials.Reset(); err != nil {
		return err
	}
	if as == ingest.WantedRolledBack {
		return nil // it is fetched again
	}
	return k.trials.Refuse(revision, why)
}

// Failed is told that the edge could not run what [Keeper.Start] told it to; true means that there is something else to be run now.
func (k *Keeper) Failed() bool {
	t := k.trials.State().Trial
	if t == nil || t.Wanted != k.running {
		return false
	}
	if err := k.trials.Back("the edge could not run with it; its log says why"); err != nil {
		k.o.Log.Error("the edge could not note that it goes back", "error", err)
		return false
	}
	return true
}

// Up notes that the edge runs, as Run does by itself once the edge was seen to, or that it was ended by somebody who meant it.
func (k *Keeper) Up() {
	if k.trials.State().Trial == nil {
		return
	}
	if err := durable.Write(k.path(upFile), nil, 0o600); err != nil {
		k.o.Log.Error("it could not be noted that the edge came up", "error", err)
	}
}

// Bind says what the keeper acts through. It comes before Hear and Run.
func (k *Keeper) Bind(b Bound) { k.b = b }

// Hear takes what central wants, nil for nothing. What was heard is on stable storage when it returns; if it cannot be, it is followed all the
// same, and told to the log.
func (k *Keeper) Hear(w *ingest.WantedConfiguration) {
	k.mu.Lock()
	same := k.wish.Heard && sameWish(k.wish.Wanted, w)
	k.mu.Unlock()
	if same {
		return
	}
	anew := func(s *wish) { *s = wish{Heard: true, Wanted: w, Since: time.Now().UTC(), Before: s.Before} }
	if err := errors.Join(k.trials.Forget(), k.keep(anew)); err != nil {
		k.o.Log.Error("what central wants was heard, and would be forgotten by a restart", "error", err)
		k.mu.Lock()
		anew(&k.wish)
		k.mu.Unlock()
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func sameWish(a, b *ingest.WantedConfiguration) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Revision == b.Revision
}

// Run follows what central wants until ctx ends (nil) or something else is to be run ([ErrAgain]).
func (k *Keeper) Run(ctx context.Context) error {
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return k.follow(ctx) })
	parts.Go(func() error { return k.watch(ctx) })
	return parts.Wait()
}

// State is what is told to central, nil if nothing is wanted and nothing of it runs.
func (k *Keeper) State() *ingest.ConfigurationState {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	w, waits := k.wish, k.waits
	k.mu.Unlock()
	s := k.trials.State()
	target, name := "", s.Running
	if w.Wanted != nil {
		target, name = w.Wanted.Revision, w.Wanted.Revision
	}
	if name == "" {
		return nil
	}
	out := &ingest.ConfigurationState{Wanted: name, Running: k.running, State: ingest.WantedFetching, Sections: k.o.Sections, Since: w.Since}
	if at := time.Unix(s.Changed, 0).UTC(); at.After(out.Since) {
		out.Since = at
	}
	switch {
	case s.End != nil && s.End.Wanted == target:
		out.State, out.Why, out.Problems = s.End.State, s.End.Why, w.Problems
	case s.Trial != nil && s.Trial.Wanted == target && k.running == target:
		out.State = ingest.WantedTrying
	case s.Trial == nil && s.Running == target && k.running == target:
		out.State = ingest.WantedInForce
	case waits:
		out.Why = ingest.WhyBuildOnTrial
	}
	return out
}

// Rollbacks counts how often the edge went back, ever.
func (k *Keeper) Rollbacks() int64 {
	if k == nil {
		return 0
	}
	return k.trials.State().Restores
}

func there(file string) bool {
	_, err := os.Lstat(file)
	return !errors.Is(err, fs.ErrNotExist)
}

// Trying says whether what is run is on trial.
func (k *Keeper) Trying() bool {
	t := k.trials.State().Trial
	return t != nil && t.Wanted == k.running
}
