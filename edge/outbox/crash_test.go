package outbox

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"gridgate/deploy/testkit/leak"
	"gridgate/edge/raise"
	"gridgate/edge/raise/raisetest"
	"gridgate/protocols/alert"
)

// childEnv names the directory that this binary, started anew, appends to until it is killed; fullEnv makes it a small one, which is full.
const (
	childEnv = "GRIDGATE_OUTBOX_CHILD"
	fullEnv  = "GRIDGATE_OUTBOX_FULL"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(fullEnv); dir != "" {
		child(Options{Dir: dir, MaxBytes: fullBytes}, pressed)
	}
	if dir := os.Getenv(childEnv); dir != "" {
		child(Options{Dir: dir}, func(int) alert.Alert { return raisetest.Alert(alert.Gas, 1) })
	}
	if err := flag.Set("rapid.checks", "25"); err != nil { // each opens files and syncs them; the command line may ask for more
		panic(err)
	}
	leak.Main(m)
}

// child commits alerts from several goroutines, which make them, and prints the id of each once it is acknowledged. It never returns.
func child(o Options, make func(caller int) alert.Alert) {
	fail := func(err error) {
		fmt.Println("error", err)
		os.Exit(1)
	}
	b, err := Open(context.Background(), o)
	if err != nil {
		fail(err)
	}
	var mu sync.Mutex
	for n := range 8 {
		go func() {
			for {
				a := make(n)
				if _, err := b.Commit(context.Background(), raise.Commit{Message: a.ID, Alerts: []alert.Alert{a}}); err != nil {
					fail(err)
				}
				mu.Lock()
				fmt.Println(a.ID, a.Key)
				mu.Unlock()
			}
		}()
	}
	select {}
}

// fullBytes is what the small outbox of a child holds, about 60 alerts.
const fullBytes = 40_000

// pressed is what the callers of a full outbox send: six buttons, each by one caller, and things that may be shed.
func pressed(caller int) alert.Alert {
	if caller >= 6 {
		return raisetest.Alert(alert.Covered, caller)
	}
	a := raisetest.Alert(alert.SOS, caller)
	a.State, a.Situation = alert.Momentary, ""
	return a
}

// TestKilledWhileMakingRoom: whenever a process that sheds and coalesces is killed, the newest word of each button is there, every number
// was given out once, and what is missing is told.
func TestKilledWhileMakingRoom(t *testing.T) {
	dir := t.TempDir()
	newest := map[string]string{}
	for range 4 {
		for _, line := range killedRun(t, fullEnv, dir, 100+rand.IntN(300)) {
			if id, key, ok := strings.Cut(line, " "); ok && strings.HasSuffix(key, "sos") {
				newest[key] = max(newest[key], id) // UUIDv7: later ones are larger
			}
		}
	}
	b := open(t, Options{Dir: dir, MaxBytes: fullBytes})
	there := map[string]string{}
	for _, e := range peek(t, b, alert.LifeSafety) {
		a, err := decodeAlert(e.Event)
		if err != nil {
			t.Fatal(err)
		}
		there[a.Key] = a.ID
	}
	if len(newest) != 6 {
		t.Fatalf("%d of 6 buttons were acknowledged", len(newest))
	}
	for key, id := range newest {
		if there[key] < id {
			t.Errorf("%s: the newest that is stored is %q, %s was acknowledged", key, there[key], id)
		}
	}
	for _, l := range stats(t, b).Lanes {
		if l.Next-1 != l.Pending+l.ShedRanges.Count() {
			t.Errorf("%d numbers, %d alerts wait, %s given up", l.Next-1, l.Pending, l.ShedRanges)
		}
		if l.Lane != alert.Normal && l.Shed+l.Coalesced == 0 {
			t.Errorf("lane %s was not full", l.Lane)
		}
	}
}

// TestKilledProcessLosesNothing kills a process that appends, at random moments, and goes on with its files.
func TestKilledProcessLosesNothing(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for range 5 {
		for _, id := range killedRun(t, childEnv, dir, 20+rand.IntN(300)) {
			id, _, _ = strings.Cut(id, " ")
			acknowledged[id] = true
		}
		if len(acknowledged) == 0 {
			t.Fatal("nothing was acknowledged")
		}
	}
	b := open(t, Options{Dir: dir})
	entries, err := b.Peek(t.Context(), alert.LifeSafety, Want{Limit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	for _, e := range entries {
		times[e.ID]++
	}
	for id := range acknowledged {
		if times[id] != 1 {
			t.Errorf("acknowledged alert %s is there %d times", id, times[id])
		}
		if duplicate, err := b.Commit(t.Context(), raise.Commit{Message: id}); err != nil || !duplicate {
			t.Errorf("the message of %s is not known: %v", id, err)
		}
	}
	if len(times) != len(entries) {
		t.Errorf("%d entries have %d ids", len(entries), len(times))
	}
	t.Logf("%d acknowledged, %d stored", len(acknowledged), len(entries))
}

// killedRun starts a child, kills it after it printed n lines, and returns all that it printed in full.
func killedRun(t *testing.T, mode, dir string, n int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), mode+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for r := bufio.NewReader(out); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			break // what is cut off was not acknowledged to anyone
		}
		if strings.HasPrefix(line, "error") {
			t.Errorf("child: %s", line)
		}
		got = append(got, strings.TrimSpace(line))
		if len(got) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	return got
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	b := open(t, Options{Dir: dir})
	if _, err := Open(t.Context(), Options{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Errorf("second open: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Commit(t.Context(), raise.Commit{Message: "m"}); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	open(t, Options{Dir: dir})
}

// TestDiskFull bounds the file as a full disk would: a commit fails as a whole and later ones go on when there is room.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	b := open(t, Options{Dir: dir})
	put(t, b, raisetest.Alert(alert.Door, 0))
	limit := func(pages int) {
		if err := b.submit(t.Context(), func(*tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if _, err := b.write.conn.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	limit(1) // SQLite rounds up to what is there
	var big []alert.Alert
	var opened []raise.Situation
	for n := range 100 {
		big = append(big, raisetest.Alert(alert.Door, n+1))
		opened = append(opened, raisetest.SituationOf(big[n]))
	}
	before := stats(t, b)
	_, err := b.Commit(t.Context(), raise.Commit{Message: "m", Alerts: big, Opened: opened})
	if !errors.Is(err, ErrFull) {
		t.Fatalf("on a full disk: %v", err)
	}
	after := stats(t, b)
	open, err := b.Situations(t.Context())
	if err != nil || len(open) != 0 || !reflect.DeepEqual(after.Lanes[1], before.Lanes[1]) || after.Failures != 1 {
		t.Errorf("something was half done: %d situations, %+v, %v", len(open), after.Lanes[1], err)
	}
	limit(1 << 30)
	if duplicate, err := b.Commit(t.Context(), raise.Commit{Message: "m", Alerts: big, Opened: opened}); err != nil || duplicate {
		t.Errorf("with room again: %v, %v", duplicate, err)
	}
}

func TestCancelledCallerWritesNothing(t *testing.T) {
	b := open(t, Options{Dir: t.TempDir()})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		_, err := b.Commit(ctx, raise.Commit{Alerts: []alert.Alert{raisetest.Alert(alert.Door, 1)}})
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	s := stats(t, b)
	if s.Lanes[1].Pending != s.Calls {
		t.Errorf("%d pending after %d calls that succeeded", s.Lanes[1].Pending, s.Calls)
	}
}

// copyOf copies the files of an outbox that is open and at rest, as a power cut would leave them.
func copyOf(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range []string{fileName, fileName + "-wal"} {
		in, err := os.Open(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		in.Close()
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(to, evidenceDir), os.DirFS(filepath.Join(dir, evidenceDir))); err != nil {
		t.Fatal(err)
	}
	return to
}
