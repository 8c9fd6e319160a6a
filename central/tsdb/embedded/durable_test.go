package embedded

import (
	"strings"
	"sync"
	"testing"
	"time"

	"gridgate/central/tsdb"
)

// The number of a write is at the syncer before its writer goes on.
func TestAWriteReturnsOnceItIsOnStableStorage(t *testing.T) {
	db := open(t, Options{})
	for i := range 3 {
		write(t, db, sample(time.Duration(i)*time.Minute, float64(i), "a"))
		if db.syncer.synced != uint64(i+1) {
			t.Errorf("after write %d: %d synced", i+1, db.syncer.synced)
		}
	}
	write(t, db, sample(0, 0, "a")) // there already: nothing to sync
	if db.written.Load() != 3 || db.syncer.synced != 3 {
		t.Errorf("after a repetition: %d written, %d synced", db.written.Load(), db.syncer.synced)
	}
}

// A repetition of what is in memory only must not be told that it is kept.
func TestAFailedSyncIsAnErrorUntilTheNextStart(t *testing.T) {
	dir := t.TempDir()
	db := open(t, Options{Dir: dir})
	write(t, db, sample(0, 1, "a"))
	db.syncer.dir = "\x00" // no such path can be read
	for i := range 2 {
		if err := db.Write(t.Context(), []tsdb.Sample{sample(time.Minute, 2, "a")}); err == nil || !strings.Contains(err.Error(), "sync the log") {
			t.Errorf("write %d: %v", i, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, Options{Dir: dir})
	write(t, db, sample(time.Minute, 2, "a"))
	if got := points(t, db); got != "a:1 a:2" {
		t.Errorf("after the next start: %s", got)
	}
}

// A sample that came late is in the journal; where the TSDB lost it, the next start writes it again.
func TestALateSampleComesBackFromTheJournal(t *testing.T) {
	dir := t.TempDir()
	db := open(t, Options{Dir: dir})
	write(t, db, sample(2*time.Hour, 1, "a"), sample(0, 2, "b"))
	write(t, db, sample(time.Hour, 3, "a"), sample(-30*time.Hour, 4, "b"))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	removePoints(t, dir)
	db = open(t, Options{Dir: dir})
	if got := points(t, db); got != "a:3 b:4" {
		t.Errorf("after the next start: %s", got)
	}
	roll(t, db)
	same(t, db)
}

// Writers that wait for the disk at a time share its sync.
func TestWritersShareASync(t *testing.T) {
	dir := t.TempDir()
	s := syncer{dir: dir}
	asked := 0
	newest := func() uint64 { asked++; return 8 }
	s.mu.Lock()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if err := s.wait(uint64(i+1), newest); err != nil {
				t.Error(err)
			}
		})
	}
	s.mu.Unlock()
	wg.Wait()
	if asked != 1 || s.synced != 8 {
		t.Errorf("synced %d times, up to %d", asked, s.synced)
	}
}
