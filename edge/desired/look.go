package desired

import (
	"errors"
	"fmt"
	"path/filepath"

	"gridgate/edge/trial"
	"gridgate/protocols/ingest"
)

// Shown is what stands in a folder.
type Shown struct {
	Revision string // that is run; empty: the edge's own file alone
	Text     []byte
	Trying   bool
	Wanted   *ingest.WantedConfiguration // what central wants, nil for nothing
	End      *trial.End                  // of what does not stay
	Problems []ingest.Problem            // of what was refused
}

// Look reads a folder, whether or not its edge runs, and changes nothing.
func Look(dir string) (s Shown, err error) {
	k := &Keeper{o: Options{Dir: dir}}
	if k.trials, err = trial.Open(trial.Options{File: filepath.Join(dir, stateFile)}); err != nil && !errors.Is(err, trial.ErrDamaged) {
		return s, err
	}
	w, err := readWish(filepath.Join(dir, wishFile))
	if err != nil {
		return s, err
	}
	state := k.trials.State()
	s = Shown{Revision: state.Running, Wanted: w.Wanted, End: state.End, Problems: w.Problems}
	if state.Trial != nil {
		s.Revision, s.Trying = state.Trial.Wanted, true
	}
	if s.Revision == "" {
		return s, nil
	}
	if s.Text, err = k.text(s.Revision); err != nil {
		return s, fmt.Errorf("look at what is run: %w", err)
	}
	return s, nil
}
