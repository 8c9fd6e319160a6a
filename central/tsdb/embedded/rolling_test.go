package embedded

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gridgate/central/tsdb"
	"gridgate/central/tsdb/embedded/rollup"
	"gridgate/central/tsdb/tsdbtest"
)

func roll(t *testing.T, db *DB) {
	t.Helper()
	if err := db.rollUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// The contract holds with everything rolled up before each question, too.
func TestContractRolledUp(t *testing.T) {
	var db *DB
	tsdbtest.Run(t, tsdbtest.Harness{
		Open: func(t *testing.T, o tsdbtest.Options) tsdb.DB {
			db = open(t, Options{MaxSeries: o.MaxSeries, Retention: 60 * 24 * time.Hour})
			return db
		},
		Settle: func(t *testing.T) { roll(t, db) },
	})
}

// ask answers every aggregate of several steps over the last three days, as one text. The sums of what the tests write are exact, in whatever
// order they are added up.
func ask(t *testing.T, db *DB) string {
	t.Helper()
	out := ""
	for _, step := range []time.Duration{time.Hour, 3 * time.Hour, 24 * time.Hour} {
		for _, aggregate := range tsdb.Aggregates() {
			all, err := db.Query(t.Context(), tsdb.Selector{
				Metric: "test_value", From: base.Add(-72 * time.Hour), To: base.Add(6 * time.Hour), Step: step, Aggregate: aggregate,
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range all {
				for _, p := range s.Points {
					out += fmt.Sprintln(step, aggregate, s.Labels["device"], p.At.Unix(), p.Value)
				}
			}
		}
	}
	return out
}

// same asks the roll-up and the points, and tells how far the roll-up is.
func same(t *testing.T, db *DB) {
	t.Helper()
	rolled := db.rolled.Load()
	if rolled == 0 {
		t.Fatal("nothing is rolled up")
	}
	kept := ask(t, db)
	db.rolled.Store(0)
	points := ask(t, db)
	db.rolled.Store(rolled)
	if kept != points {
		t.Errorf("the roll-up answers\n%s\nthe points\n%s", kept, points)
	}
}

// openCut opens a database that has a file of chunks before its first compaction. One that finds none sets the number of the next file back,
// also if a write of late samples takes it at that moment (chunks.ChunkDiskMapper.Truncate): the TSDB then loses its way.
func openCut(t *testing.T) *DB {
	t.Helper()
	db := open(t, Options{})
	db.prom.DisableCompactions()
	write(t, db, sample(-70*time.Hour, 1, "first"))
	var late []tsdb.Sample
	for i := range 40 { // more than a chunk of late samples holds
		late = append(late, sample(-71*time.Hour+time.Duration(i)*time.Minute, 1, "first"))
	}
	write(t, db, late...)
	if files, err := os.ReadDir(filepath.Join(db.opts.Dir, "chunks_head")); err != nil || len(files) == 0 {
		t.Fatalf("files of chunks: %v, %v", files, err)
	}
	db.prom.EnableCompactions()
	return db
}

func TestTheRollUpAnswersAsThePointsDo(t *testing.T) {
	db := openCut(t)
	random := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		var batch []tsdb.Sample
		for range 200 {
			after := -time.Duration(random.Int64N(int64(60 * time.Hour))).Truncate(time.Second)
			batch = append(batch, sample(after, float64(random.IntN(500))/8, fmt.Sprint(random.IntN(3))))
		}
		var refused tsdb.Rejection
		if err := db.Write(t.Context(), batch); err != nil && !errors.As(err, &refused) { // two values for one second
			t.Fatal(err)
		}
		roll(t, db)
		same(t, db)
	}
	roll(t, db)
	same(t, db)
}

// A mean of a day is that of its points and not of its hours.
func TestMeansAreWeighedByTheirPoints(t *testing.T) {
	db := open(t, Options{})
	day := base.Truncate(24 * time.Hour).Add(-48 * time.Hour).Sub(base)
	write(t, db, sample(day, 10, "a"), sample(day+time.Hour, 1, "a"), sample(day+time.Hour+time.Minute, 1, "a"), sample(day+time.Hour+2*time.Minute, 0, "a"))
	roll(t, db)
	got, err := db.Query(t.Context(), tsdb.Selector{Metric: "test_value", From: base.Add(day), To: base.Add(day + 24*time.Hour), Step: 24 * time.Hour})
	if err != nil || len(got) != 1 || len(got[0].Points) != 1 || got[0].Points[0].Value != 3 {
		t.Errorf("got %v, %v, want the mean 3", got, err)
	}
}

// Retention takes the points; the hours stay, and a mark of such a day does not take them away.
func TestTheRollUpOutlivesThePoints(t *testing.T) {
	dir := t.TempDir()
	db := open(t, Options{Dir: dir})
	write(t, db, sample(-time.Minute, 1, "a"), sample(-50*time.Hour, 5, "a"))
	roll(t, db)
	want := ask(t, db)
	if err := db.rollup.Keep(t.Context(), nil, 0, []rollup.Day{{Series: sampleID("a"), Ms: rollup.DayOf(base.Add(-50 * time.Hour).UnixMilli())}}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	removePoints(t, dir)
	db = open(t, Options{Dir: dir})
	if got := points(t, db); got != "" {
		t.Fatalf("points are left: %s", got)
	}
	roll(t, db)
	if got := ask(t, db); got != want || got == "" {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	db.opts.Now = func() time.Time { return base.Add(db.opts.RollUpRetention + 30*24*time.Hour) }
	roll(t, db)
	if got := ask(t, db); got != "" {
		t.Errorf("past the retention of the roll-up: %s", got)
	}
}

func removePoints(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "rollup") {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
}

func sampleID(device string) string {
	s := sample(0, 0, device)
	return tsdb.SeriesID(s.Metric, s.Labels)
}

// What is written while hours are being sealed is in the roll-up in the end.
func TestNoSampleSlipsBetweenHoursBeingSealed(t *testing.T) {
	db := openCut(t)
	var clock sync.Mutex
	now := base.Add(-60 * time.Hour)
	db.opts.Now = func() time.Time { clock.Lock(); defer clock.Unlock(); return now }
	var wg sync.WaitGroup
	for device := range 4 {
		wg.Go(func() {
			for i := range 75 {
				after := -60*time.Hour + time.Duration(i)*48*time.Minute - time.Duration(device)*5*time.Hour
				write(t, db, sample(after, float64(i), fmt.Sprint(device)))
			}
		})
	}
	wg.Go(func() {
		for range 64 {
			clock.Lock()
			now = now.Add(time.Hour)
			clock.Unlock()
			roll(t, db)
		}
	})
	wg.Wait()
	roll(t, db)
	same(t, db)
}

// rollDir names, in a process that is to be killed, where its database is.
const rollDir = "GRIDGATE_TEST_TSDB_ROLL_DIR"

// writeAndRoll writes in order and late and rolls up without an end.
func writeAndRoll(dir string) {
	db, err := Open(Options{Dir: dir})
	if err != nil {
		panic(err)
	}
	for i := 0; ; i++ {
		late := sample(-time.Duration(i%60)*time.Hour-time.Duration(i)*time.Second, float64(i), fmt.Sprint(i%5))
		if err := db.Write(context.Background(), []tsdb.Sample{late}); err != nil {
			panic(err)
		}
		if i%7 == 0 {
			if err := db.rollUp(context.Background()); err != nil {
				panic(err)
			}
		}
		if i == 0 {
			fmt.Println("up") // from now on there is something to roll up
		}
	}
}

// Killed at any moment, the roll-up is what the points say as soon as it goes on.
func TestTheRollUpSurvivesAKillAtAnyMoment(t *testing.T) {
	dir := t.TempDir()
	for round := range 4 {
		self := exec.CommandContext(t.Context(), os.Args[0])
		self.Env = append(os.Environ(), rollDir+"="+dir)
		out, err := self.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := self.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 3)); err != nil {
			t.Fatalf("round %d: the process did not come up: %v", round, err)
		}
		timer := time.AfterFunc(time.Duration(10+37*round)*time.Millisecond, func() { _ = self.Process.Kill() })
		err = self.Wait()
		timer.Stop()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("round %d: the process ended with %v", round, err)
		}
		db := open(t, Options{Dir: dir})
		roll(t, db)
		same(t, db)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// The job runs by itself and ends with the database.
func TestHoursAreRolledUpInTheBackground(t *testing.T) {
	db := open(t, Options{RollUpEvery: time.Millisecond})
	write(t, db, sample(0, 1, "a"))
	for db.rolled.Load() == 0 {
		select {
		case <-t.Context().Done():
			t.Fatal("nothing is rolled up")
		case <-time.After(time.Millisecond):
		}
	}
	same(t, db)
}
