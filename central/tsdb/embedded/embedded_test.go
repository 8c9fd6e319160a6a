package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gridgate/central/tsdb"
	"gridgate/central/tsdb/tsdbtest"
	"gridgate/deploy/testkit/leak"
)

// crashDir names, in a process that is to die, where its database is.
const crashDir = "GRIDGATE_TEST_TSDB_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		writeAndDie(dir)
	}
	if dir := os.Getenv(rollDir); dir != "" {
		writeAndRoll(dir)
	}
	leak.Main(m)
}

// open opens a database that rolls up when a test does, and by itself only if o says how often.
func open(t *testing.T, o Options) *DB {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.RollUpEvery == 0 {
		o.RollUpEvery = 24 * time.Hour
	}
	db, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

// A start and a stop in good order are told by nobody; a warning is.
func TestQuiet(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	db := open(t, Options{Logger: log})
	if err := db.Close(); err != nil || out.Len() > 0 {
		t.Errorf("%v, logged: %s", err, &out)
	}
	quiet(log).With("a", 1).WithGroup("g").Warn("damaged", "b", 2)
	if got := out.String(); !strings.Contains(got, "msg=damaged a=1 g.b=2") {
		t.Errorf("a warning is logged as %q", got)
	}
}

func TestContract(t *testing.T) {
	tsdbtest.Run(t, tsdbtest.Harness{
		Open: func(t *testing.T, o tsdbtest.Options) tsdb.DB {
			return open(t, Options{MaxSeries: o.MaxSeries, Retention: 60 * 24 * time.Hour})
		},
	})
}

var base = time.Now().UTC().Truncate(time.Hour).Add(-5 * time.Hour)

func sample(after time.Duration, value float64, device string) tsdb.Sample {
	return tsdb.Sample{Metric: "test_value", Labels: map[string]string{"device": device}, Value: value, At: base.Add(after)}
}

func write(t *testing.T, db *DB, samples ...tsdb.Sample) {
	t.Helper()
	if err := db.Write(t.Context(), samples); err != nil {
		t.Fatalf("write: %v", err)
	}
}

// points reads everything in the test's range and returns "device:value" in order.
func points(t *testing.T, db *DB) string {
	t.Helper()
	all, err := db.Query(t.Context(), tsdb.Selector{Metric: "test_value", From: base.Add(-30 * 24 * time.Hour), To: base.Add(24 * time.Hour)})
	if err != nil {
		t.Fatalf("query: %v", err)
	}
	var out []string
	for _, s := range all {
		for _, p := range s.Points {
			out = append(out, fmt.Sprintf("%s:%v", s.Labels["device"], p.Value))
		}
	}
	return strings.Join(out, " ")
}

func TestSecondValueIsRefused(t *testing.T) {
	dir := t.TempDir()
	db := open(t, Options{Dir: dir})
	write(t, db, sample(0, 1, "a"), sample(time.Minute, 2, "a"), sample(2*time.Hour, 3, "a"))
	again := []tsdb.Sample{sample(0, 9, "a"), sample(time.Minute, 2, "a"), sample(2*time.Hour, 9, "a"), sample(3*time.Hour, 4, "a"), sample(3*time.Hour, 5, "a")}
	check := func() {
		t.Helper()
		err := db.Write(t.Context(), again)
		var refused tsdb.Rejection
		if !errors.As(err, &refused) || len(refused) != 3 || refused[0] != tsdb.ReasonOtherValue || refused[2] != tsdb.ReasonOtherValue || refused[4] != tsdb.ReasonOtherValue {
			t.Errorf("write: %v, want the samples 0, 2 and 4 refused for their other value", err)
		}
		if got := points(t, db); got != "a:1 a:2 a:3 a:4" {
			t.Errorf("got %s", got)
		}
	}
	check()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, Options{Dir: dir}) // nothing of the first process is in memory now
	check()
}

func TestOutOfOrderWindowCountsFromTheNewestSample(t *testing.T) {
	db := open(t, Options{OutOfOrderWindow: 10 * time.Hour})
	// One write, newest first: the old sample of the other series is within the window of what was there before.
	write(t, db, sample(2*time.Hour, 2, "a"), sample(-20*time.Hour, 1, "b"))
	err := db.Write(t.Context(), []tsdb.Sample{sample(-19*time.Hour, 1, "b"), sample(-time.Hour, 3, "b"), sample(-20*time.Hour, 1, "b")})
	var refused tsdb.Rejection
	if !errors.As(err, &refused) || len(refused) != 1 || !strings.Contains(refused[0], "10h0m0s behind") {
		t.Errorf("write: %v, want the sample 0 refused as too old", err)
	}
	if got := points(t, db); got != "a:2 b:1 b:3" {
		t.Errorf("got %s", got)
	}
}

func TestAbsurdTimesDoNotShutOutTheRest(t *testing.T) {
	db := open(t, Options{})
	err := db.Write(t.Context(), []tsdb.Sample{sample(365*24*time.Hour, 1, "a"), sample(0, 2, "a"), sample(-365*24*time.Hour, 3, "a")})
	var refused tsdb.Rejection
	if !errors.As(err, &refused) || len(refused) != 2 {
		t.Errorf("write: %v, want two refused", err)
	}
	write(t, db, sample(time.Minute, 4, "a"))
	if got := points(t, db); got != "a:2 a:4" {
		t.Errorf("got %s", got)
	}
}

func TestSeriesAreCountedAtOpen(t *testing.T) {
	dir := t.TempDir()
	db := open(t, Options{Dir: dir, MaxSeries: 2})
	write(t, db, sample(0, 1, "a"), sample(0, 1, "b"))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, Options{Dir: dir, MaxSeries: 2})
	var refused tsdb.Rejection
	if err := db.Write(t.Context(), []tsdb.Sample{sample(time.Minute, 2, "c"), sample(time.Minute, 2, "b")}); !errors.As(err, &refused) || len(refused) != 1 {
		t.Errorf("write: %v, want the third series refused", err)
	}
}

// Series of devices that were taken away leave their room to others, and can be read as before.
func TestSilentSeriesMakeRoom(t *testing.T) {
	dir := t.TempDir()
	db := open(t, Options{Dir: dir, MaxSeries: 2})
	write(t, db, sample(0, 1, "a"), sample(0, 1, "b"))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	later := forgetAfter + 3*time.Hour
	db = open(t, Options{Dir: dir, MaxSeries: 2, Now: func() time.Time { return base.Add(later) }})
	write(t, db, sample(later, 2, "c"), sample(later, 2, "d"))
	var refused tsdb.Rejection
	if err := db.Write(t.Context(), []tsdb.Sample{sample(later, 2, "e")}); !errors.As(err, &refused) {
		t.Errorf("write: %v, want the fifth series refused", err)
	}
	if got := points(t, db); got != "a:1 b:1" { // the others lie behind the range of this question
		t.Errorf("got %s", got)
	}
}

func TestASecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, Options{Dir: dir})
	if db, err := Open(Options{Dir: dir}); err == nil {
		t.Error("the directory was opened twice")
		_ = db.Close()
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]Options{
		"no directory":         {},
		"negative retention":   {Dir: "x", Retention: -1},
		"window too long":      {Dir: "x", Retention: time.Hour, OutOfOrderWindow: 2 * time.Hour},
		"negative series":      {Dir: "x", MaxSeries: -1},
		"directory is a file":  {Dir: file(t)},
		"negative time window": {Dir: "x", OutOfOrderWindow: -1},
		"short roll-up":        {Dir: "x", RollUpRetention: time.Hour},
	} {
		if db, err := Open(o); err == nil {
			t.Errorf("%s: no error", name)
			_ = db.Close()
		}
	}
}

func file(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAKilledProcessLosesNothing starts this test again, lets it write in order and out of order, and kill itself.
func TestAKilledProcessLosesNothing(t *testing.T) {
	dir := t.TempDir()
	self := exec.CommandContext(t.Context(), os.Args[0])
	self.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := self.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the process ended with %v: %s", err, out)
	}
	db := open(t, Options{Dir: dir})
	if got := points(t, db); got != "a:1 a:2 a:3 a:4 b:5" {
		t.Errorf("after the kill: %s", got)
	}
}

func writeAndDie(dir string) {
	base = time.Now().UTC().Truncate(time.Hour).Add(-5 * time.Hour)
	db, err := Open(Options{Dir: dir})
	if err != nil {
		panic(err)
	}
	for _, s := range []tsdb.Sample{sample(4*time.Hour, 4, "a"), sample(0, 1, "a"), sample(2*time.Hour, 3, "a"), sample(time.Hour, 2, "a"), sample(-24*time.Hour, 5, "b")} {
		if err := db.Write(context.Background(), []tsdb.Sample{s}); err != nil {
			panic(err)
		}
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
}
