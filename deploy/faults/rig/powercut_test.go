package rig

import (
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gridgate/edge/outbox"
	"gridgate/edge/raise"
	"gridgate/protocols/alert"
)

// TestAPowerCutLeavesEveryCommit copies the files of an open outbox at random moments, tears them as a power cut does, and opens them:
// every alert whose commit had returned is there, nothing is set aside, and the next one can be written.
func TestAPowerCutLeavesEveryCommit(t *testing.T) {
	seed := Seed()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	box, err := outbox.Open(t.Context(), outbox.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	var told []string
	for range 12 {
		for range rng.IntN(40) {
			a := bygone(len(told), time.Now())
			if _, err := box.Commit(t.Context(), raise.Commit{Message: a.ID, Alerts: []alert.Alert{a}}); err != nil {
				t.Fatal(err)
			}
			told = append(told, a.ID)
		}
		copied := copyFiles(t, dir)
		if err := tear(copied, rng); err != nil {
			t.Fatal(err)
		}
		look(t, copied, told)
	}
}

// look opens an outbox and compares its alerts.
func look(t *testing.T, dir string, told []string) {
	t.Helper()
	epoch := ""
	for range 2 {
		box, err := outbox.Open(t.Context(), outbox.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		entries, err := box.Peek(t.Context(), alert.Normal, outbox.Want{Limit: 100_000})
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) < len(told) {
			t.Errorf("%d alerts are there, %d were committed", len(entries), len(told))
		}
		for i, id := range told {
			if i < len(entries) && entries[i].ID != id {
				t.Errorf("number %d is %s, not %s", i, entries[i].ID, id)
			}
		}
		if epoch != "" && box.Epoch() != epoch {
			t.Error("a new epoch began")
		}
		epoch = box.Epoch()
		next := bygone(0, time.Now())
		if _, err := box.Commit(t.Context(), raise.Commit{Alerts: []alert.Alert{next}}); err != nil {
			t.Error(err)
		}
		told = append(told[:len(told):len(told)], next.ID)
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	}
	if aside, err := filepath.Glob(filepath.Join(dir, outboxFile+".damaged-*")); err != nil || len(aside) != 0 {
		t.Errorf("set aside: %v, %v", aside, err)
	}
}

func copyFiles(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	for _, suffix := range []string{"", "-wal"} {
		in, err := os.Open(filepath.Join(dir, outboxFile+suffix))
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		in.Close()
		if err == nil {
			err = os.WriteFile(filepath.Join(to, outboxFile+suffix), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}
