package upgrade

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/edge/desired"
	"gridgate/edge/trial"
	"gridgate/protocols/ingest"
)

// slowly waits before something is fetched.
func slowly(ctx context.Context, long time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(long):
	}
}

// configured is the other keeper of the edge, which fetches its text after a time.
func configured(t *testing.T, dir string, turns *trial.Turns, text string, after time.Duration) *desired.Keeper {
	t.Helper()
	k, err := desired.Open(desired.Options{Dir: dir, File: "f", Sections: []string{"timezone"}, Turns: turns, Judge: func([]byte) []ingest.Problem { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	k.Bind(desired.Bound{
		Told:   func() {},
		Health: func(context.Context) desired.Health { return desired.Health{Outbox: true, Central: true} },
		Fetch: func(ctx context.Context, _ string, _ int64) ([]byte, error) {
			slowly(ctx, after)
			return []byte(text), nil
		},
	})
	if _, _, err := k.Start(); err != nil {
		t.Fatal(err)
	}
	return k
}

// A configuration and a build that are wanted at the same time: both are fetched, one is tried, and the other says what it waits for until its
// turn comes.
func TestAConfigurationAndABuildAreWantedAtOnce(t *testing.T) {
	const text = "timezone: UTC\n"
	for name, later := range map[string]struct{ text, build time.Duration }{
		"the build is here first": {text: time.Second}, "the configuration is here first": {build: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMaker(t)
			archive := m.archive(t, "1.1.0", nil)
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				turns, dir := &trial.Turns{}, filepath.Join(t.TempDir(), "desired")
				e := newEdge(t, m, "1.0.0")
				e.archives["1.1.0"] = archive
				e.o.Turns = turns
				e.o.Fetch = func(ctx context.Context, version string, from int64) (io.ReadCloser, int64, error) {
					slowly(ctx, later.build)
					return e.fetch(ctx, version, from)
				}
				k := configured(t, dir, turns, text, later.text)
				u, err := New(e.o)
				must(t, err)
				w := ingest.WantedConfiguration{Revision: desired.Revision([]byte(text)), Bytes: int64(len(text)), TrialSec: 30}
				k.Hear(&w)
				u.Want(&ingest.WantedRelease{Version: "1.1.0", TrialSec: 60})
				texts, builds := make(chan error, 1), make(chan error, 1)
				go func() { texts <- k.Run(ctx) }()
				go func() { builds <- u.Run(ctx) }()
				time.Sleep(2 * time.Second)
				synctest.Wait()
				if later.build > 0 {
					if err := <-texts; !errors.Is(err, desired.ErrAgain) {
						t.Fatalf("the configuration is not tried: %v", err)
					}
					if s := u.State(); s == nil || s.State != ingest.WantedFetching || s.Why != ingest.WhyConfigurationOnTrial {
						t.Fatalf("the build says %+v", s)
					}
					k = configured(t, dir, turns, text, 0)
					k.Up()
					again := make(chan error, 1)
					go func() { again <- k.Run(ctx) }()
					if err := <-builds; !errors.Is(err, ErrOther) || k.State().State != ingest.WantedInForce {
						t.Errorf("the build is not tried after the configuration, of which is said %+v: %v", k.State(), err)
					}
					cancel()
					must(t, <-again)
					return
				}
				if err := <-builds; !errors.Is(err, ErrOther) {
					t.Fatalf("the build is not tried: %v", err)
				}
				if s := k.State(); s == nil || s.State != ingest.WantedFetching || s.Why != ingest.WhyBuildOnTrial {
					t.Fatalf("the configuration says %+v", s)
				}
				must(t, u.trials.Confirm())
				if err := <-texts; !errors.Is(err, desired.ErrAgain) {
					t.Errorf("the configuration is not tried after the build: %v", err)
				}
			})
		})
	}
}
