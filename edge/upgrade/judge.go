package upgrade

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"gridgate/protocols/release"
)

// Name is the program that this package upgrades.
const Name = "gridgate-edge"

// Refusal says why a build is not taken, in one line that may be told. It is final.
type Refusal struct{ Why string }

func (r *Refusal) Error() string { return r.Why }

func refuse(format string, args ...any) error { return &Refusal{fmt.Sprintf(format, args...)} }

// Running is the edge that a build is judged for.
type Running struct {
	Version  string // of the build that runs
	Previous string // of the one that it took the place of, which may be gone back to; empty: none
	Platform string
	Schema   int // newest of alerts that central knows; 0: it has not said
	Outbox   int // newest version of the outbox's file that this build and the installed one can work with
	Now      time.Time
}

// judge says why the build of a manifest, which a trusted key signed, is not for this edge; nil if it is. wanted is the version that central
// spoke of.
func (r Running) judge(m release.Manifest, wanted string) error {
	switch {
	case m.Name != Name:
		return refuse("it is another program")
	case !release.Same(m.Version, wanted):
		return refuse("the archive holds version %s, not the one that is wanted", m.Version)
	case m.Platform != r.Platform:
		return refuse("it is for %s, this edge is %s", m.Platform, r.Platform)
	case !m.Expires.IsZero() && r.Now.After(m.Expires):
		return refuse("its signature was good until %s", m.Expires.Format(time.DateOnly))
	case r.Schema > 0 && m.Schema > r.Schema:
		return refuse("central does not know its alerts yet: upgrade central first")
	case m.Outbox.Readable > r.Outbox:
		return refuse("the build that runs, or the installed one, could not go on with its outbox after a rollback: install it by package")
	}
	return r.order(m)
}

// order says whether a build may come after the one that runs.
func (r Running) order(m release.Manifest) error {
	own, err := release.ParseVersion(r.Version)
	if err != nil {
		return refuse("this edge runs a build without a release number, so nobody can tell whether it would be an older one: install a package")
	}
	next, err := release.ParseVersion(m.Version)
	if err != nil {
		return errors.New("the manifest's version is not valid") // it was checked
	}
	switch by := next.Compare(own); {
	case by < 0 && release.Same(m.Version, r.Previous):
		return nil
	case by < 0 && slices.ContainsFunc(m.Instead, func(v string) bool { return release.Same(v, r.Version) }):
		return nil
	case by < 0:
		return refuse("it is older than %s, which runs, and nobody signed that it may take its place", r.Version)
	case by == 0:
		return refuse("it has the number of the build that runs")
	}
	if from, err := release.ParseVersion(m.From); err == nil && own.Compare(from) < 0 {
		return refuse("it takes the place of %s or newer: go there first", m.From)
	}
	return nil
}
