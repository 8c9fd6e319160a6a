// Package trial keeps, over crashes and power cuts, what an edge tries out: a configuration or a build that stays only if the edge is well
// with it.
//
// In: what shall be tried and for how long, each start of the process, verdicts of health. Out: what is to be run, and a state in one small
// file, written before anything is done by it. It runs nothing, judges no health itself, and trusts no wall clock: a box may wake up in 1970,
// so the time of a trial is counted anew by each process, and starts are counted instead.
//
// How it is used, by whoever applies something named N (a revision, a version; "" is what the edge has of its own):
//
//	k, err := trial.Open(trial.Options{File: dir + "/state.json"})
//	run, err := k.Start()                  // at each start, before anything of it runs; run it, whatever err says
//	...
//	if k.Ended(n) == nil { k.Begin(n, time) } // when N was fetched and judged; then restart, which calls Start again
//	...
//	if t := k.State().Trial; t != nil {    // in the process that Start told to run t.Wanted
//		w := trial.NewWatch(t.For(), now)
//		switch w.At(now, verdict) {        // whenever there is a verdict, at least each few seconds
//		case trial.Stay: k.Confirm()
//		case trial.Back: k.Back("why")     // then restart
//		}
//	}
//
// What is killed or crashes within its trial is started [Options.Starts] times, and then what was before is.
package trial

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/durable"
)

// Bounds.
const (
	DefaultStarts = 3
	MinTime       = 10 * time.Second
	MaxTime       = ingest.MaxTrialTime
	maxState      = 64 << 10 // bytes of the file
	maxWhy        = 200      // bytes
)

// ErrDamaged is of [Open]: the file cannot be understood. The keeper that comes with it holds nothing, so that what the edge has of its own is
// run, and the next change writes the file anew.
var ErrDamaged = errors.New("the state of trials cannot be understood")

// ErrNone is of [Keeper.Confirm] and [Keeper.Back] without a trial.
var ErrNone = errors.New("nothing is on trial")

// State is what the file holds.
type State struct {
	Running  string `json:"running"`            // what stays; "": what the edge has of its own
	Previous string `json:"previous"`           // what stayed before it
	Trial    *Trial `json:"trial,omitempty"`    // what is tried in place of Running
	End      *End   `json:"ended,omitempty"`    // the last one that does not stay
	Changed  int64  `json:"changed,omitzero"`   // Unix seconds of the edge's clock, to be shown only
	Restores int64  `json:"rollbacks,omitzero"` // how many trials ended by going back, ever
}

// Trial is something that is tried.
type Trial struct {
	Wanted string `json:"wanted"`
	Ms     int64  `json:"ms"`     // how long it is watched
	Starts int    `json:"starts"` // how many processes began with it
}

// For is how long it is watched.
func (t Trial) For() time.Duration { return time.Duration(t.Ms) * time.Millisecond }

// End says why something is not run.
type End struct {
	Wanted string             `json:"wanted"`
	State  ingest.WantedState `json:"state"` // refused or rolled-back
	Why    string             `json:"why"`   // one line
	At     int64              `json:"at"`    // Unix seconds
}

// Options are what [Open] needs. File is demanded.
type Options struct {
	File   string           // its folder is there
	Starts int              // starts of a trial until it is given up; 0: DefaultStarts
	Now    func() time.Time // nil: time.Now; shown, never decided by
}

// Keeper holds a state. It may be used by several goroutines, and by one process at a time.
type Keeper struct {
	o Options

	mu    sync.Mutex
	state State
}

// Open reads the state, an empty one if there is no file. On an error that is [ErrDamaged] the keeper is good, and empty.
func Open(o Options) (*Keeper, error) {
	if o.File == "" {
		return nil, errors.New("trial: File is demanded")
	}
	if o.Starts <= 0 {
		o.Starts = DefaultStarts
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	k := &Keeper{o: o}
	state, err := read(o.File)
	if err != nil && !errors.Is(err, ErrDamaged) {
		return nil, err
	}
	k.state = state
	return k, err
}

func read(file string) (s State, err error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return State{}, nil
	case err != nil:
		return State{}, fmt.Errorf("read the state of trials: %w", err)
	case !info.Mode().IsRegular() || info.Size() > maxState:
		return State{}, ErrDamaged
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return State{}, fmt.Errorf("read the state of trials: %w", err)
	}
	if err := json.Unmarshal(data, &s); err != nil || s.Trial != nil && (s.Trial.Starts < 0 || s.Trial.Wanted == s.Running) {
		return State{}, ErrDamaged
	}
	return s, nil
}

// State returns a copy.
func (k *Keeper) State() State {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.state
	if s.Trial != nil {
		t := *s.Trial
		s.Trial = &t
	}
	if s.End != nil {
		e := *s.End
		s.End = &e
	}
	return s
}

// Ended returns how something that is wanted ended, nil if it may be tried. What another was wanted after is forgotten.
func (k *Keeper) Ended(wanted string) *End {
	if e := k.State().End; e != nil && e.Wanted == wanted {
		return e
	}
	return nil
}

// Begin notes that something shall be tried from the next [Keeper.Start] on, instead of what is on trial now, if anything is. A time of 0 or
// out of bounds is brought within them. If it is what stays already, a trial of something else ends and nothing begins.
func (k *Keeper) Begin(wanted string, long time.Duration) error {
	return k.change(func(s *State) error {
		s.End, s.Trial = nil, nil
		if wanted != s.Running {
			s.Trial = &Trial{Wanted: wanted, Ms: min(max(long, MinTime), MaxTime).Milliseconds()}
		}
		return nil
	})
}

// Start counts a start and returns what to run: what is on trial, if it has starts left, or else what stays. On an error the count could not
// be kept: then it is what stays, for a trial that is not counted could go on for ever.
func (k *Keeper) Start() (run string, err error) {
	if k.State().Trial == nil {
		return k.State().Running, nil
	}
	err = k.change(func(s *State) error {
		if s.Trial.Starts >= k.o.Starts {
			k.back(s, fmt.Sprintf("it was started %d times and ended each time before its trial was over", s.Trial.Starts))
			return nil
		}
		s.Trial.Starts++
		return nil
	})
	s := k.State()
	if err == nil && s.Trial != nil {
		return s.Trial.Wanted, nil
	}
	return s.Running, err
}

// Confirm makes what is on trial stay.
func (k *Keeper) Confirm() error {
	return k.change(func(s *State) error {
		if s.Trial == nil {
			return ErrNone
		}
		s.Previous, s.Running, s.Trial = s.Running, s.Trial.Wanted, nil
		return nil
	})
}

// Back ends the trial: what stayed before it is run from the next start on.
func (k *Keeper) Back(why string) error {
	return k.change(func(s *State) error {
		if s.Trial == nil {
			return ErrNone
		}
		k.back(s, why)
		return nil
	})
}

func (k *Keeper) back(s *State, why string) {
	s.End = k.end(s.Trial.Wanted, ingest.WantedRolledBack, why)
	s.Trial = nil
	s.Restores++
}

// Refuse notes that something will not be tried.
func (k *Keeper) Refuse(wanted, why string) error {
	return k.change(func(s *State) error {
		s.End = k.end(wanted, ingest.WantedRefused, why)
		return nil
	})
}

// Reset makes what the edge has of its own run, without a trial: a person at the box has the last word.
func (k *Keeper) Reset() error {
	return k.change(func(s *State) error {
		*s = State{Restores: s.Restores}
		return nil
	})
}

// Forget lets something that ended be tried again: it is wanted no more, or anew.
func (k *Keeper) Forget() error {
	if k.State().End == nil {
		return nil
	}
	return k.change(func(s *State) error { s.End = nil; return nil })
}

func (k *Keeper) end(wanted string, state ingest.WantedState, why string) *End {
	for len(why) > maxWhy {
		_, size := utf8.DecodeLastRuneInString(why)
		why = why[:len(why)-size]
	}
	return &End{Wanted: wanted, State: state, Why: why, At: k.o.Now().Unix()}
}

// change brings the state to stable storage before it holds.
func (k *Keeper) change(how func(*State) error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := k.state
	if next.Trial != nil {
		t := *next.Trial
		next.Trial = &t
	}
	if err := how(&next); err != nil {
		return err
	}
	next.Changed = k.o.Now().Unix()
	data, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("keep the state of trials: %w", err)
	}
	if err := durable.Write(k.o.File, data, 0o600); err != nil {
		return fmt.Errorf("keep the state of trials: %w", err)
	}
	k.state = next
	return nil
}
