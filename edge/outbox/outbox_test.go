package outbox

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"gridgate/edge/raise"
	"gridgate/edge/raise/raisetest"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// open opens an outbox that is closed with the test.
func open(t testing.TB, o Options) *Outbox {
	t.Helper()
	b, err := Open(context.Background(), o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return b
}

func TestLogContract(t *testing.T) {
	raisetest.TestLog(t,
		func(t *testing.T) raise.Log { return open(t, Options{Dir: t.TempDir()}) },
		func(t *testing.T, l raise.Log) raise.Log {
			return open(t, Options{Dir: copyOf(t, l.(*Outbox).o.Dir)})
		})
}

func TestGroupCommitGroups(t *testing.T) {
	b := open(t, Options{Dir: t.TempDir(), GroupWait: MaxGroupWait})
	const callers, each = 64, 20
	start := time.Now()
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for range each {
				began := time.Now()
				if _, err := b.Commit(t.Context(), raise.Commit{Alerts: []alert.Alert{raisetest.Alert(alert.Smoke, c)}}); err != nil {
					t.Errorf("Commit: %v", err)
				}
				mu.Lock()
				took = append(took, time.Since(began))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	s, err := b.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(took)
	t.Logf("%d calls in %d transactions, %.0f calls/s, p50 %v, p99 %v", s.Calls, s.Commits, callers*each/time.Since(start).Seconds(),
		took[len(took)/2], took[len(took)*99/100])
	if s.Calls != callers*each || s.Lanes[0].Pending != callers*each {
		t.Errorf("%d calls, %d pending, want %d", s.Calls, s.Lanes[0].Pending, callers*each)
	}
	if s.Commits*8 > s.Calls {
		t.Errorf("%d transactions for %d calls: they were not grouped", s.Commits, s.Calls)
	}
}

// TestWhatChangesNothingWritesNothing: flash wears by what is written, and most of a day nothing happens.
func TestWhatChangesNothingWritesNothing(t *testing.T) {
	dir := t.TempDir()
	b := open(t, Options{Dir: dir})
	a := raisetest.Alert(alert.Gas, 1)
	if _, err := b.Commit(t.Context(), raise.Commit{Message: "m", Alerts: []alert.Alert{a}}); err != nil {
		t.Fatal(err)
	}
	log := func() (size int64, at time.Time) {
		info, err := os.Stat(filepath.Join(dir, fileName+"-wal"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size(), info.ModTime()
	}
	size, at := log()
	for range 10 {
		settle(t, b, ingest.Receipt{ID: alert.NewID(), Outcome: ingest.Accepted}, ingest.Receipt{ID: a.ID, Outcome: "perhaps"})
		put(t, b, a)
		for _, m := range []string{"m", ""} {
			if _, err := b.Commit(t.Context(), raise.Commit{Message: m}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if after, then := log(); after != size || !then.Equal(at) {
		t.Errorf("the log grew from %d to %d bytes", size, after)
	}
}

// TestTheLogIsBounded: the write-ahead log is written over, not grown.
func TestTheLogIsBounded(t *testing.T) {
	dir := t.TempDir()
	b := open(t, Options{Dir: dir})
	for range 20 {
		var alerts []alert.Alert
		for n := range 300 {
			alerts = append(alerts, raisetest.Alert(alert.Door, n))
		}
		put(t, b, alerts...)
		var receipts []ingest.Receipt
		for _, a := range alerts {
			receipts = append(receipts, accepted(a))
		}
		settle(t, b, receipts...)
	}
	info, err := os.Stat(filepath.Join(dir, fileName+"-wal"))
	if err != nil || info.Size() > 6<<20 {
		t.Errorf("%d bytes, %v", info.Size(), err)
	}
}

func TestFilesAreTheirOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	b := open(t, Options{Dir: dir})
	put(t, b, raisetest.Alert(alert.Gas, 1))
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) < 4 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", e.Name(), info.Mode(), err)
		}
	}
}
