package storetest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"gridgate/central/correlate"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

// crashDir names the folder in the environment of a child process that is to be killed.
const crashDir = "STORETEST_CRASH_DIR"

// Main is TestMain of a package that calls [Crash]: in the child process it writes until it is killed.
func Main(m *testing.M, open Opener) int {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := writeForever(open, dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

// writeForever ingests and prints each id once it was acknowledged.
func writeForever(open Opener, dir string) error {
	ctx := context.Background()
	s, err := open(ctx, dir)
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		var group []store.Received
		for i := range 10 {
			group = append(group, raised(fmt.Sprintf("cam%d", (n+i)%50)))
		}
		outcomes, err := s.Ingest(ctx, store.Group{Alerts: group}, correlate.ByKey, t0)
		if err != nil {
			return err
		}
		for i, o := range outcomes {
			if o != ingest.Accepted {
				return fmt.Errorf("alert %s is %s", group[i].ID, o)
			}
			fmt.Println(group[i].ID)
		}
		if err := advanceOnce(ctx, s); err != nil {
			return err
		}
	}
}

// advanceOnce takes one step of a job.
func advanceOnce(ctx context.Context, s store.Store) error {
	at, err := s.Cursor(ctx, "job")
	if err != nil {
		return err
	}
	a := stepOf(at, fmt.Sprint("by hand ", at))
	a.Changes[0].Event.Opening.Exercise = true
	_, err = s.Advance(ctx, a)
	return err
}

// checkSteps wants each step of [advanceOnce] to have had its effect once.
func checkSteps(t *testing.T, s store.Store) {
	t.Helper()
	at, err := s.Cursor(t.Context(), "job")
	if err != nil || at == 0 {
		t.Fatalf("the cursor is at %d, %v", at, err)
	}
	counts, err := s.Counts(t.Context(), store.CountQuery{})
	if err != nil || len(counts) != 1 || counts[0].N != at {
		t.Errorf("counted %+v, %v, the cursor is at %d", counts, err, at)
	}
	if notices, err := s.Notices(t.Context(), t0, 1_000_000); err != nil || int64(len(notices)) != at {
		t.Errorf("%d notices, %v, the cursor is at %d", len(notices), err, at)
	}
	if opened := allCases(t, s, store.Query{Exercise: store.Yes, Limit: 500}); int64(len(opened)) != at {
		t.Errorf("%d cases were opened, the cursor is at %d", len(opened), at)
	}
}

// Crash kills a writing process several times (SIGKILL) and checks that all it acknowledged is there, once.
func Crash(t *testing.T, open Opener) {
	dir := t.TempDir()
	acknowledged := make(map[string]bool)
	for round := range 2 {
		for _, id := range writeAndKill(t, dir, 100+150*round) {
			acknowledged[id] = true
		}
	}
	s, err := open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	put(t, s, t0, raised("after")) // waits for what a server may still be doing for the process that was killed
	seen := make(map[string]bool)
	for _, a := range allAlerts(t, s, store.Query{Limit: 500}) {
		if seen[a.ID] {
			t.Fatalf("alert %s is stored twice", a.ID)
		}
		seen[a.ID] = true
		delete(acknowledged, a.ID)
	}
	if len(acknowledged) > 0 {
		t.Fatalf("%d acknowledged alerts are lost", len(acknowledged))
	}
	checkSteps(t, s)
	checkInvariant(t, s)
}

// writeAndKill runs the child, kills it in the middle of its work after n acknowledgements, and returns all it told.
func writeAndKill(t *testing.T, dir string, n int) (ids []string) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), crashDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if len(lines.Text()) == 36 { // a line cut short by the kill is no acknowledgement
			ids = append(ids, lines.Text())
		}
		if len(ids) == n {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // it was killed
	if len(ids) < n {
		t.Fatalf("the child ended by itself after %d alerts", len(ids))
	}
	return ids
}
