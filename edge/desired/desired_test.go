package desired

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/edge/trial"
	"gridgate/protocols/ingest"
)

// place is the edge around a keeper.
type place struct {
	dir   string
	texts map[string]string // at central
	turns *trial.Turns

	mu      sync.Mutex
	health  Health
	fetched int
}

func newPlace(t *testing.T) *place {
	return &place{dir: filepath.Join(t.TempDir(), "desired"), texts: map[string]string{}, health: Health{Outbox: true, Central: true}}
}

// publish puts a text at central and returns how it is wanted.
func (p *place) publish(text string) *ingest.WantedConfiguration {
	w := &ingest.WantedConfiguration{Revision: Revision([]byte(text)), Bytes: int64(len(text)), TrialSec: 30}
	p.texts[w.Revision] = text
	return w
}

func (p *place) well(h Health) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.health = h
}

// open is what a start of the process does first. Texts that begin with "bad" are refused.
func (p *place) open(t *testing.T, file string) *Keeper {
	t.Helper()
	k, err := Open(Options{Dir: p.dir, File: file, Sections: []string{"sensors"}, Turns: p.turns, Judge: func(text []byte) []ingest.Problem {
		if strings.HasPrefix(string(text), "bad") {
			return []ingest.Problem{{Line: 1, Field: "bad", What: "bad"}}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	k.Bind(Bound{
		Told: func() {},
		Health: func(context.Context) Health {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.health
		},
		Fetch: func(_ context.Context, revision string, most int64) ([]byte, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.fetched++
			text, known := p.texts[revision]
			if !known {
				return nil, errors.New("central does not know it")
			}
			return []byte(text), nil
		},
	})
	return k
}

// start opens and starts, and demands what is run.
func (p *place) start(t *testing.T, file, want string) *Keeper {
	t.Helper()
	k := p.open(t, file)
	revision, text, err := k.Start()
	if err != nil || revision != want || want != "" && string(text) != p.texts[want] {
		t.Fatalf("runs %q (%q), %v; want %q", revision, text, err, want)
	}
	return k
}

// until runs a keeper until it wants something else to be run, or five minutes have gone.
func until(k *Keeper) (again bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	return errors.Is(k.Run(ctx), ErrAgain)
}

// tried publishes a text, lets an edge that runs its own file hear of it, and starts it anew with the text on trial.
func (p *place) tried(t *testing.T, text string) (*Keeper, *ingest.WantedConfiguration) {
	t.Helper()
	w := p.publish(text)
	k := p.start(t, "f", "")
	k.Hear(w)
	if !until(k) {
		t.Fatal("it is not tried")
	}
	k = p.start(t, "f", w.Revision)
	k.Up()
	return k, w
}

func state(t *testing.T, k *Keeper, want ingest.WantedState, why string) {
	t.Helper()
	s := k.State()
	if s == nil || s.State != want || !strings.Contains(s.Why, why) {
		t.Fatalf("%+v, want %s %q", s, want, why)
	}
}

func TestWhatIsWantedIsTriedAndStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		w := p.publish("one")
		k := p.start(t, "f", "")
		if k.State() != nil {
			t.Error("something is told though nothing is wanted")
		}
		k.Hear(w)
		state(t, k, ingest.WantedFetching, "")
		if !until(k) {
			t.Fatal("it is not tried")
		}
		k = p.start(t, "f", w.Revision)
		state(t, k, ingest.WantedTrying, "")
		k.Up()
		if until(k) {
			t.Fatal("it does not stay")
		}
		state(t, k, ingest.WantedInForce, "")
		k = p.start(t, "f", w.Revision)
		k.Hear(w)
		if until(k) || p.fetched != 1 {
			t.Errorf("what is in force is taken again, fetched %d times", p.fetched)
		}
		k.Hear(nil)
		if !until(k) {
			t.Fatal("the edge's own file is not tried again")
		}
		k = p.start(t, "f", "")
		state(t, k, ingest.WantedTrying, "")
		k.Up()
		until(k)
		if k.State() != nil {
			t.Errorf("%+v", k.State())
		}
		if texts, _ := filepath.Glob(p.dir + "/*.yaml"); len(texts) > 1 {
			t.Errorf("texts that nobody wants stay: %v", texts)
		}
	})
}

// TestABuildOnTrialIsWaitedFor: of two trials at once none would say what the edge is ill with.
func TestABuildOnTrialIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		build, err := trial.Open(trial.Options{File: filepath.Join(t.TempDir(), "build.json")})
		if err != nil {
			t.Fatal(err)
		}
		p.turns = &trial.Turns{}
		p.turns.Join("build", build)
		if err := p.turns.Begin(build, "2", time.Minute); err != nil {
			t.Fatal(err)
		}
		w := p.publish("one")
		k := p.start(t, "f", "")
		k.Hear(w)
		if until(k) || p.fetched > 0 {
			t.Fatal("it is tried beside a build")
		}
		state(t, k, ingest.WantedFetching, ingest.WhyBuildOnTrial)
		over := time.AfterFunc(time.Minute, func() { _ = build.Confirm() })
		defer over.Stop()
		began := time.Now()
		if !until(k) || time.Since(began) > time.Minute+2*trial.TurnPause {
			t.Errorf("it is not tried after the build, after %v", time.Since(began))
		}
		state(t, k, ingest.WantedFetching, "")
		if s := k.State(); s.Why != "" {
			t.Errorf("it still waits: %+v", s)
		}
		if err := p.turns.Begin(build, "3", time.Minute); !errors.Is(err, trial.ErrTurn) {
			t.Errorf("a build is tried beside it: %v", err)
		}
	})
}

func TestWhatIsRefusedChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		bad := p.publish("bad")
		k := p.start(t, "f", "")
		k.Hear(bad)
		if until(k) {
			t.Fatal("it is tried")
		}
		state(t, k, ingest.WantedRefused, "file")
		if s := k.State(); len(s.Problems) != 1 || s.Running != "" || !slices.Equal(s.Sections, []string{"sensors"}) {
			t.Errorf("%+v", s)
		}
		k = p.start(t, "f", "")
		state(t, k, ingest.WantedRefused, "file") // told after a restart, too
		if until(k) || p.fetched != 1 {
			t.Error("it is judged again")
		}
		k = p.start(t, "another file", "")
		if until(k) {
			t.Fatal("it is tried")
		}
		state(t, k, ingest.WantedRefused, "file")
		other := p.publish("good")
		k.Hear(other)
		if !until(k) {
			t.Error("the next one is not tried")
		}
	})
}

func TestAnEdgeThatIsLessWellGoesBack(t *testing.T) {
	cameras := func(streaming ...bool) map[string]bool {
		return map[string]bool{"a": streaming[0], "b": streaming[1], "gone": streaming[2]}
	}
	before := Health{Outbox: true, Central: true, Cameras: cameras(true, false, true), Brokers: map[string]bool{"m": true}, Sensors: map[string]bool{"s": true}}
	for name, c := range map[string]struct {
		now  Health
		stay bool
		why  string
	}{
		"as before":         {Health{Outbox: true, Central: true, Cameras: map[string]bool{"a": false, "b": true}, Brokers: map[string]bool{"m": true}}, true, ""},
		"no central":        {Health{Outbox: true, Why: "central cannot be reached", Brokers: map[string]bool{"m": true}}, false, "central is not reached any more: central cannot be reached"},
		"no outbox":         {Health{Central: true}, false, "outbox"},
		"a camera less":     {Health{Outbox: true, Central: true, Cameras: map[string]bool{"a": false, "b": false}}, false, "cameras that stream: 0 of 1"},
		"a broker less":     {Health{Outbox: true, Central: true, Brokers: map[string]bool{"m": false}}, false, "brokers"},
		"a sensor less":     {Health{Outbox: true, Central: true, Sensors: map[string]bool{"s": false}}, false, "sensors"},
		"a sensor to come":  {Health{Outbox: true, Central: true, Sensors: map[string]bool{}}, true, ""},
		"crashing decoders": {Health{Outbox: true, Central: true, Restarts: maxRestarts + 1}, false, "decoders"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace(t)
				p.well(before)
				k, w := p.tried(t, "one")
				p.well(c.now)
				if again := until(k); again == c.stay {
					t.Fatalf("goes back: %v", again)
				}
				if c.stay {
					state(t, k, ingest.WantedInForce, "")
					return
				}
				k = p.start(t, "f", "")
				state(t, k, ingest.WantedRolledBack, c.why)
				k.Hear(w)
				if until(k) || k.Rollbacks() != 1 {
					t.Errorf("the same is tried again, or %d rollbacks are counted", k.Rollbacks())
				}
				k.Hear(nil)
				k.Hear(w)
				if !until(k) {
					t.Error("what is wanted anew is not tried")
				}
			})
		})
	}
}

// TestWhatWasFetchedCameFromCentral: an edge that fetched what it tries before its first sync was answered loses central, too.
func TestWhatWasFetchedCameFromCentral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		p.well(Health{Outbox: true, Why: "not connected yet"})
		k, _ := p.tried(t, "one")
		p.well(Health{Outbox: true, Why: "central cannot be reached"})
		if !until(k) {
			t.Fatal("it stays, without a way to central")
		}
		state(t, p.start(t, "f", ""), ingest.WantedRolledBack, "central is not reached any more")
	})
}

// TestAnEdgeWithoutCentralBefore: it does not lose it.
func TestAnEdgeWithoutCentralBefore(t *testing.T) {
	if v, why := Compare(Health{Outbox: true}, Health{Outbox: true}); v != trial.Well || why != "" {
		t.Error(v, why)
	}
}

func TestTheFileTakesItNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		k, w := p.tried(t, "one")
		until(k)
		k = p.start(t, "changed", w.Revision)
		if err := k.Unfit(w.Revision, []ingest.Problem{{Field: "x", What: "y"}}); err != nil {
			t.Fatal(err)
		}
		if revision, _, err := k.Start(); revision != "" || err != nil {
			t.Fatalf("%q, %v", revision, err)
		}
		state(t, k, ingest.WantedRefused, "file")
		if until(k) {
			t.Error("it is tried again")
		}
	})
}

func TestAPersonResets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		k, w := p.tried(t, "one")
		until(k)
		if s, err := Look(p.dir); err != nil || s.Revision != w.Revision || string(s.Text) != "one" {
			t.Errorf("%+v, %v", s, err)
		}
		if err := Reset(p.dir); err != nil {
			t.Fatal(err)
		}
		if !until(k) {
			t.Fatal("it goes on")
		}
		k = p.start(t, "f", "")
		state(t, k, ingest.WantedRefused, "a person")
		k.Hear(w)
		if until(k) {
			t.Error("the person was asked in vain")
		}
		k = p.start(t, "another file", "")
		if until(k) {
			t.Error("the person was asked in vain, after a change of the file")
		}
		k.Hear(p.publish("two"))
		if !until(k) {
			t.Error("nothing is ever taken any more")
		}
	})
}

// TestAnotherWishEndsATrial: what is wanted instead is compared with what stays, and what stays comes back without one.
func TestAnotherWishEndsATrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		k, one := p.tried(t, "one")
		two := p.publish("two")
		p.well(Health{Outbox: true})
		k.Hear(two)
		if !until(k) {
			t.Fatal("the second is not tried")
		}
		k = p.start(t, "f", two.Revision)
		k.Up()
		if !until(k) {
			t.Fatal("an edge that lost central with the first is well with the second")
		}
		k = p.start(t, "f", "")
		k.Hear(one)
		until(k)
		k = p.start(t, "f", one.Revision)
		k.Up()
		k.Hear(nil)
		if !until(k) {
			t.Fatal("the trial goes on though nothing is wanted")
		}
		k = p.start(t, "f", "")
		if k.Trying() || k.State() != nil {
			t.Errorf("%+v", k.State())
		}
	})
}
