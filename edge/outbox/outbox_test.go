package outbox

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
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

// TestGroupCommitGroups: all that comes while a transaction is written shares the next one.
func TestGroupCommitGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, Options{Dir: t.TempDir()})
		const callers, rounds = 64, 20
		for range rounds {
			var wg sync.WaitGroup
			written := hold(t, b, &wg)
			for c := range callers {
				wg.Go(func() { call(t, b, c) })
			}
			synctest.Wait()
			close(written)
			wg.Wait()
		}
		s := stats(t, b)
		if s.Calls != rounds*(callers+1) || s.Lanes[0].Pending != rounds*callers {
			t.Errorf("%d calls, %d pending, want %d and as many as held the others up", s.Calls, s.Lanes[0].Pending, rounds*callers)
		}
		if s.Commits != 2*rounds {
			t.Errorf("%d transactions for %d calls: they were not grouped", s.Commits, s.Calls)
		}
	})
}

// call commits an alert of a caller, and tells how long that took.
func call(t *testing.T, b *Outbox, caller int) (took time.Duration) {
	begun := time.Now()
	if _, err := b.Commit(t.Context(), raise.Commit{Alerts: []alert.Alert{raisetest.Alert(alert.Smoke, caller)}}); err != nil {
		t.Errorf("Commit: %v", err)
	}
	return time.Since(begun)
}

// hold begins a transaction that is written once the channel it returns is closed.
func hold(t *testing.T, b *Outbox, wg *sync.WaitGroup) (written chan struct{}) {
	written = make(chan struct{})
	begun := make(chan struct{})
	wg.Go(func() {
		if err := b.submit(t.Context(), func(*tx) error { close(begun); <-written; return nil }); err != nil {
			t.Errorf("submit: %v", err)
		}
	})
	<-begun
	return written
}

// TestOnlyWhereCallsOverlapOneWaitsForOthers, and for no longer than GroupWait.
func TestOnlyWhereCallsOverlapOneWaitsForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, Options{Dir: t.TempDir(), GroupWait: time.Second})
		if took := call(t, b, 0); took != 0 {
			t.Errorf("a lone call took %v", took)
		}
		var wg sync.WaitGroup
		written := hold(t, b, &wg)
		for c := range 2 {
			wg.Go(func() { call(t, b, c) })
		}
		synctest.Wait()
		close(written)
		wg.Wait()
		before := stats(t, b).Commits
		wg.Go(func() {
			if took := call(t, b, 1); took != MaxGroupWait {
				t.Errorf("the first took %v", took)
			}
		})
		time.Sleep(MaxGroupWait - time.Millisecond)
		if took := call(t, b, 2); took != time.Millisecond {
			t.Errorf("who joined it took %v", took)
		}
		wg.Wait()
		if n := stats(t, b).Commits - before; n != 1 {
			t.Errorf("%d transactions for two calls", n)
		}
	})
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
