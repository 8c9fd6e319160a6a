package orders

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/protocols/ingest"
)

// acts notes what an edge was made to do last.
type acts struct {
	mu     sync.Mutex
	held   Held
	now    time.Time
	n      int
	looks  []ingest.Look
	trials []ingest.Trial
	err    error
}

func (a *acts) edge() Edge {
	return Edge{
		Apply: func(h Held, now time.Time) map[string]error {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.held, a.now, a.n = h, now, a.n+1
			if a.err != nil {
				return map[string]error{"gate": a.err}
			}
			return nil
		},
		Looks:  func(l []ingest.Look) { a.looks = l },
		Trials: func(l []ingest.Trial, _ map[string]string) { a.trials = l },
	}
}

func (a *acts) mode(zone string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	mode, _ := a.held.Mode("gate", zone, a.now)
	return mode
}

func open(t *testing.T, file string, now func() time.Time) (*Keeper, *acts) {
	t.Helper()
	k, err := Open(Options{File: file, Known: known(), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	a := &acts{}
	k.Bind(a.edge())
	return k, a
}

func wishes(revision string, until time.Time) *ingest.Orders {
	return &ingest.Orders{
		Revision: revision,
		Cameras:  []ingest.Arrangement{{Camera: "gate", Version: 3, Zones: []ingest.OrderZone{{Name: "door", Outline: half}}, Masks: []ingest.Outline{points(5)}}},
		Modes:    []ingest.ModeOrder{{Device: "gate", Zone: "door", Mode: Disarmed, Until: until}},
		Looks:    []ingest.Look{{ID: "l1", Camera: "gate", Until: until, EveryMs: 500}},
		Trials:   []ingest.Trial{{ID: "t1", Camera: "gate", Zones: zones(1), LastSec: 60}},
	}
}

// TestWhatIsWantedHoldsAfterARestart without central: zones, masks and modes with their end; looks and trials are over.
func TestWhatIsWantedHoldsAfterARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "orders.json")
	now := noon
	clock := func() time.Time { return now }
	k, a := open(t, file, clock)
	if k.Revision() != Unheard || len(a.held.Arrangements) != 0 {
		t.Fatalf("before the first: %q", k.Revision())
	}
	k.Hear(nil)
	k.Hear(wishes("r1", noon.Add(time.Hour)))
	if k.Revision() != "r1" || a.mode("door") != Disarmed || len(a.looks) != 1 || len(a.trials) != 1 || k.Refused("gate") != "" {
		t.Fatalf("heard: %+v, refused %q", a, k.Refused("gate"))
	}
	k, a = open(t, file, clock)
	if k.Revision() != Unheard || a.mode("door") != Disarmed || a.held.Arrangements["gate"].Version != 3 || len(a.looks) != 0 {
		t.Errorf("after a restart: %+v", a.held)
	}
	now = noon.Add(2 * time.Hour)
	if _, a = open(t, file, clock); a.mode("door") != "" || a.held.Arrangements["gate"].Version != 3 {
		t.Errorf("after the end of the mode: %+v", a.held)
	}
	k, a = open(t, file, clock)
	k.Hear(&ingest.Orders{})
	if k.Revision() != "" || len(a.held.Arrangements) != 0 {
		t.Errorf("after central wants nothing: %+v", a.held)
	}
	if _, a = open(t, file, clock); len(a.held.Arrangements) != 0 {
		t.Errorf("and after a restart: %+v", a.held)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// TestALookIsWorthNoWrite: flash wears by what is written, and looks are not kept.
func TestALookIsWorthNoWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "orders.json")
	k, a := open(t, file, func() time.Time { return noon })
	k.Hear(&ingest.Orders{Revision: "r1", Looks: []ingest.Look{{ID: "l1", Camera: "gate", Until: noon.Add(time.Minute)}}})
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) || len(a.looks) != 1 {
		t.Errorf("%v, %d looks", err, len(a.looks))
	}
	k.Hear(wishes("r2", noon.Add(time.Hour)))
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	again := wishes("r3", noon.Add(time.Hour))
	again.Looks = nil
	k.Hear(again)
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) || len(a.looks) != 0 {
		t.Errorf("what holds was written though it is the same: %v", err)
	}
}

// TestAModeEndsInItsTime, and within the time that was left to it where the clock begins in the past after a restart.
func TestAModeEndsInItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "orders.json")
		k, a := open(t, file, time.Now)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- k.Run(ctx) }()
		k.Hear(wishes("r1", time.Now().Add(time.Minute)))
		time.Sleep(59 * time.Second)
		if a.mode("door") != Disarmed {
			t.Error("it ended early")
		}
		time.Sleep(3 * time.Second)
		if a.mode("door") != "" || len(k.Held().Modes) != 0 {
			t.Error("it did not end")
		}
		k.Hear(wishes("r2", time.Now().Add(time.Hour)))
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}

		wrong := time.Now()
		k, _ = open(t, file, func() time.Time { return time.Unix(0, 0).Add(time.Since(wrong)) })
		time.Sleep(30 * time.Minute)
		if mode, _ := k.Mode("gate", "door"); mode != Disarmed {
			t.Error("it ended early, by a clock that is wrong")
		}
		time.Sleep(31 * time.Minute)
		if _, ok := k.Mode("gate", "door"); ok {
			t.Error("by a clock of 1970 it goes on for years")
		}
	})
}

// TestADamagedFileCostsNothingElse, and one that cannot be written is written later.
func TestADamagedFileCostsNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "data")
		file := filepath.Join(dir, "orders.json")
		k, a := open(t, file, time.Now)
		k.Hear(wishes("r1", time.Now().Add(time.Hour))) // the folder is not there
		if a.mode("door") != Disarmed {
			t.Error("what could not be kept was not done")
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- k.Run(ctx) }()
		time.Sleep(time.Minute)
		cancel()
		<-done
		if _, again := open(t, file, time.Now); again.mode("door") != Disarmed {
			t.Error("it was not kept later")
		}
		for _, bad := range [][]byte{[]byte("{"), make([]byte, maxFile+1), []byte(`{"arrangements":{"gate":{"version":1,"zones":[{"name":""}]}}}`)} {
			if err := os.WriteFile(file, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, again := open(t, file, time.Now); len(again.held.Arrangements) != 0 {
				t.Errorf("of a damaged file: %+v", again.held)
			}
		}
	})
}

// TestWhatCannotBeDoneIsToldAndTriedAgain.
func TestWhatCannotBeDoneIsToldAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, a := open(t, filepath.Join(t.TempDir(), "orders.json"), time.Now)
		a.err = errors.New("the detector refuses")
		k.Hear(wishes("r1", time.Now().Add(time.Hour)))
		if k.Refused("gate") != "the detector refuses" {
			t.Errorf("told: %q", k.Refused("gate"))
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- k.Run(ctx) }()
		a.mu.Lock()
		a.err = nil
		a.mu.Unlock()
		time.Sleep(2 * time.Second)
		if k.Refused("gate") != "" {
			t.Errorf("still told: %q", k.Refused("gate"))
		}
		cancel()
		<-done
	})
}

// TestARefusedArrangementLeavesTheOneInForce, and says why.
func TestARefusedArrangementLeavesTheOneInForce(t *testing.T) {
	k, a := open(t, filepath.Join(t.TempDir(), "orders.json"), func() time.Time { return noon })
	k.Hear(wishes("r1", noon.Add(time.Hour)))
	bad := wishes("r2", noon.Add(time.Hour))
	bad.Cameras[0].Version, bad.Cameras[0].Zones = 4, zones(17)
	k.Hear(bad)
	if a.held.Arrangements["gate"].Version != 3 || k.Refused("gate") == "" || k.Revision() != "r2" {
		t.Errorf("version %d, refused %q", a.held.Arrangements["gate"].Version, k.Refused("gate"))
	}
}
