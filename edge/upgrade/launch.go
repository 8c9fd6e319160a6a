package upgrade

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"gridgate/edge/trial"
	"gridgate/protocols/release"
)

const stateFile = "state.json"

// Launch says at the start of the installed program what is to be run: the path of a build that came over the air, or "" for the program
// itself. The error, if any, is why it is the program itself although something else was chosen; it is for the log. A build whose signature
// or bytes are not good any more is not run, nor one that is older than the installed program: a package that was installed since wins.
func Launch(dir, installed string, keys release.Keys) (program string, err error) {
	if _, err := os.Stat(filepath.Join(dir, stateFile)); errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	k, err := trial.Open(trial.Options{File: filepath.Join(dir, stateFile)})
	if k == nil {
		return "", fmt.Errorf("choose the build to run: %w", err)
	} else if err != nil {
		return "", err
	}
	for {
		chosen, err := k.Start()
		if err != nil || chosen == "" {
			return "", err
		}
		why := spoilt(dir, chosen, installed, keys)
		if why == nil {
			return builds{dir}.program(chosen), nil
		}
		if err := give(k, why); err != nil {
			return "", errors.Join(why, err)
		}
		if k.State().Running == "" {
			return "", why
		}
	}
}

// spoilt says why a build cannot be run.
func spoilt(dir, chosen, installed string, keys release.Keys) error {
	if len(keys) == 0 {
		return errors.New("the edge's own file names no key of releases any more")
	}
	m, err := (builds{dir}).verify(chosen, keys)
	if err != nil {
		return err
	}
	v, err := release.ParseVersion(m.Version)
	if err != nil {
		return err
	}
	if own, err := release.ParseVersion(installed); err == nil && own.Compare(v) > 0 && !isTrialBack(m, installed) {
		return fmt.Errorf("the installed program is %s, which is newer than %s", installed, m.Version)
	}
	return nil
}

// isTrialBack says whether a signed way back leads from the installed program to an older build.
func isTrialBack(m release.Manifest, installed string) bool {
	for _, v := range m.Instead {
		if release.Same(v, installed) {
			return true
		}
	}
	return false
}

// give ends what cannot be run: a trial, or what stayed.
func give(k *trial.Keeper, why error) error {
	if k.State().Trial != nil {
		return k.Back(why.Error())
	}
	return k.Reset()
}

// Failed notes that a build which [Launch] named could not be begun at all. The installed program is run.
func Failed(dir string, why error) error {
	k, err := trial.Open(trial.Options{File: filepath.Join(dir, stateFile)})
	if err != nil {
		return err
	}
	return give(k, why)
}
