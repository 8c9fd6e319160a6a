package desired

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"gridgate/edge/trial"
	"gridgate/protocols/ingest"
)

// TestKilledAtEachPoint ends the process wherever it may be: the next start runs what ran before, or what is on trial and came up.
func TestKilledAtEachPoint(t *testing.T) {
	begun := func(t *testing.T) (*place, *ingest.WantedConfiguration, *Keeper) {
		p := newPlace(t)
		w := p.publish("one")
		k := p.start(t, "f", "")
		k.Hear(w)
		return p, w, k
	}
	for name, kill := range map[string]func(t *testing.T){
		"heard": func(t *testing.T) {
			p, w, _ := begun(t)
			k := p.start(t, "f", "")
			state(t, k, ingest.WantedFetching, "")
			if !until(k) {
				t.Error("it is forgotten")
			}
			p.start(t, "f", w.Revision)
		},
		"fetched": func(t *testing.T) {
			p, w, _ := begun(t)
			if err := os.WriteFile(filepath.Join(p.dir, w.Revision+textSuffix), []byte("one"), 0o600); err != nil {
				t.Fatal(err)
			}
			if k := p.start(t, "f", ""); !until(k) || p.fetched != 0 {
				t.Error("it is fetched again, or not tried")
			}
		},
		"half written": func(t *testing.T) {
			p, w, _ := begun(t)
			for _, name := range []string{w.Revision + textSuffix, "." + wishFile + ".123", "." + stateFile + ".123"} {
				if err := os.WriteFile(filepath.Join(p.dir, name), []byte("o"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if k := p.start(t, "f", ""); !until(k) || p.fetched != 1 {
				t.Error("half a text is taken")
			}
			p.start(t, "f", w.Revision)
		},
		"before it came up": func(t *testing.T) {
			p, w, k := begun(t)
			until(k)
			p.start(t, "f", w.Revision)
			k = p.start(t, "f", "")
			state(t, k, ingest.WantedRolledBack, "did not come up")
		},
		"on trial": func(t *testing.T) {
			p, w, k := begun(t)
			until(k)
			for range trial.DefaultStarts {
				p.start(t, "f", w.Revision).Up()
			}
			k = p.start(t, "f", "")
			state(t, k, ingest.WantedRolledBack, "started 3 times")
		},
		"on trial, then well": func(t *testing.T) {
			p, w, k := begun(t)
			until(k)
			p.start(t, "f", w.Revision).Up()
			k = p.start(t, "f", w.Revision)
			k.Up()
			until(k)
			state(t, k, ingest.WantedInForce, "")
		},
		"gone back": func(t *testing.T) {
			p, w, k := begun(t)
			until(k)
			k = p.start(t, "f", w.Revision)
			if !k.Failed() {
				t.Fatal("it does not go back")
			}
			k = p.start(t, "f", "")
			state(t, k, ingest.WantedRolledBack, "could not run")
			if k.Failed() {
				t.Error("there is nothing to go back from")
			}
		},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, kill) })
	}
}

// TestADiskThatFails: what cannot be written down is not run; what ran goes on.
func TestADiskThatFails(t *testing.T) {
	for _, file := range []string{stateFile, wishFile} {
		t.Run(file, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace(t)
				w := p.publish("one")
				k := p.start(t, "f", "")
				if err := errors.Join(os.RemoveAll(filepath.Join(p.dir, file)), os.MkdirAll(filepath.Join(p.dir, file, "full"), 0o700)); err != nil {
					t.Fatal(err)
				}
				k.Hear(w)
				if until(k) {
					t.Error("something else is to be run, and nobody would know of it")
				}
				if err := os.RemoveAll(filepath.Join(p.dir, file)); err != nil {
					t.Fatal(err)
				}
				if !until(k) {
					t.Error("it is not tried when the disk works again")
				}
			})
		})
	}
}

func TestDamagedFilesHoldNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		w := p.publish("one")
		k := p.start(t, "f", "")
		k.Hear(w)
		until(k)
		k = p.start(t, "f", w.Revision)
		k.Up()
		until(k)
		text := filepath.Join(p.dir, w.Revision+textSuffix)
		if err := os.WriteFile(text, []byte("another"), 0o600); err != nil {
			t.Fatal(err)
		}
		k = p.open(t, "f")
		if revision, _, err := k.Start(); revision != "" || err != nil {
			t.Fatalf("a damaged text is run: %q, %v", revision, err)
		}
		if !until(k) {
			t.Fatal("it is not fetched again")
		}
		k = p.start(t, "f", w.Revision)
		k.Up()
		until(k)
		for _, name := range []string{stateFile, wishFile} {
			if err := os.WriteFile(filepath.Join(p.dir, name), []byte("{"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		k = p.start(t, "f", "")
		if until(k) || k.State() != nil {
			t.Error("what nobody said is followed")
		}
	})
}

func TestCentralThatLies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		w := p.publish("one")
		p.texts[w.Revision] = "two"
		long := *w
		long.Bytes = ingest.MaxConfiguration + 1
		up := *w
		up.Revision = "../../state"
		for _, lie := range []*ingest.WantedConfiguration{w, &long, &up} {
			k := p.start(t, "f", "")
			k.Hear(lie)
			if until(k) {
				t.Errorf("%+v is tried", lie)
			}
		}
		if _, err := os.Stat(filepath.Join(p.dir, w.Revision+textSuffix)); !errors.Is(err, fs.ErrNotExist) {
			t.Error("another text is kept")
		}
	})
}
