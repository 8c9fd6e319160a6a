package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var t0 = time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)

// written is a chain of n entries.
func written(t *testing.T, n int) []Entry {
	t.Helper()
	var plain []Entry
	for i := range n {
		plain = append(plain, Entry{
			At: t0.Add(time.Duration(i) * time.Second), Actor: "夜班", Role: "worker", Action: "get-evidence", Target: fmt.Sprint("a", i), Outcome: Done, Status: 200,
		})
	}
	all, err := Chain(Checkpoint{}, plain)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func judge(entries []Entry, head Checkpoint) error {
	v := NewVerifier(Checkpoint{})
	for _, e := range entries {
		if err := v.Next(e); err != nil {
			return err
		}
	}
	return v.Ends(head)
}

func TestChainIsVerified(t *testing.T) {
	all := written(t, 6)
	head := all[5].checkpoint()
	if err := judge(all, head); err != nil {
		t.Fatal(err)
	}
	forged, err := Chain(all[1].checkpoint(), []Entry{{At: t0, Action: "sign-in"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(list []Entry) []Entry
		at     int64
	}{
		"changed":           {func(l []Entry) []Entry { l[2].Actor = "other"; return l }, 3},
		"changed time":      {func(l []Entry) []Entry { l[2].At = l[2].At.Add(1); return l }, 3},
		"changed position":  {func(l []Entry) []Entry { l[2].Position = 9; return l }, 3},
		"changed hash":      {func(l []Entry) []Entry { l[2].Hash = l[1].Hash; return l }, 3},
		"changed with hash": {func(l []Entry) []Entry { l[2] = forged[0]; return l }, 4},
		"removed":           {func(l []Entry) []Entry { return slices.Delete(l, 2, 3) }, 3},
		"first removed":     {func(l []Entry) []Entry { return l[1:] }, 1},
		"last removed":      {func(l []Entry) []Entry { return l[:5] }, 6},
		"all removed":       {func([]Entry) []Entry { return nil }, 1},
		"inserted":          {func(l []Entry) []Entry { return slices.Insert(l, 2, forged[0]) }, 4},
		"doubled":           {func(l []Entry) []Entry { return slices.Insert(l, 2, l[1]) }, 3},
		"moved":             {func(l []Entry) []Entry { l[2], l[3] = l[3], l[2]; return l }, 3},
	} {
		var broken BrokenError
		if err := judge(tc.change(slices.Clone(all)), head); !errors.As(err, &broken) || broken.Position != tc.at {
			t.Errorf("%s: %v, want what is broken at %d", name, err, tc.at)
		}
	}
}

func TestExport(t *testing.T) {
	all := written(t, 4)
	var file bytes.Buffer
	if err := Write(&file, all[1:]); err != nil {
		t.Fatal(err)
	}
	text := file.String()
	v := NewPartVerifier()
	if err := Read(strings.NewReader(text), v.Next); err != nil || v.Last() != all[3].checkpoint() {
		t.Fatalf("an export ends with %s, %v", v.Last(), err)
	}
	for name, bad := range map[string]string{
		"changed":  strings.Replace(text, "a2", "a3", 1),
		"member":   strings.Replace(text, `{"position"`, `{"x":1,"position"`, 1),
		"twice":    strings.Replace(text, `{"position":2`, `{"position":9,"position":2`, 1),
		"removed":  text[:strings.Index(text, "\n")+1] + text[strings.LastIndex(text[:len(text)-1], "\n")+1:],
		"cut off":  text[:len(text)-9],
		"not JSON": text + "end\n",
	} {
		if err := Read(strings.NewReader(bad), NewPartVerifier().Next); err == nil {
			t.Errorf("%s: the export is believed", name)
		}
	}
}

func TestCheckpoints(t *testing.T) {
	want := written(t, 1)[0].checkpoint()
	if got, err := ParseCheckpoint(want.String()); err != nil || got != want {
		t.Errorf("%s is read as %s, %v", want, got, err)
	}
	for _, bad := range []string{"", "1", "1:", "x:" + want.Hash, want.String() + "0", " " + want.String()} {
		if _, err := ParseCheckpoint(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// What somebody types into an address does not get into the log.
func TestEntriesAreCleaned(t *testing.T) {
	for _, typed := range []string{"<script>", "a b", strings.Repeat("x", maxText+1), "a\nb"} {
		e := Entry{Action: typed, Target: typed, Reason: typed}.Clean()
		if e.Action != "unknown" || e.Target != "" || e.Reason != "" {
			t.Errorf("%.20q stands in the log: %+v", typed, e)
		}
	}
	if e := (Entry{Action: "close-case", Target: "0190a1b2-0000-7000-8000-000000000000", Reason: "false-alarm"}).Clean(); e.Target == "" || e.Reason == "" {
		t.Errorf("left out: %+v", e)
	}
}

// notes is a store that takes a while for each transaction.
type notes struct {
	mu      sync.Mutex
	entries []Entry
	commits int
	err     error
}

func (n *notes) Record(_ context.Context, entries []Entry) error {
	time.Sleep(5 * time.Millisecond) // of the bubble's clock
	n.mu.Lock()
	defer n.mu.Unlock()
	n.commits++
	if n.err == nil {
		n.entries = append(n.entries, entries...)
	}
	return n.err
}

// A filmstrip of pictures costs a few commits, not one each; nobody is told before the commit.
func TestEntriesShareCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &notes{}
		l := NewLog(store, nil)
		ctx, cancel := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { _ = l.Run(ctx) })
		var asked sync.WaitGroup
		for range 40 {
			asked.Go(func() {
				if err := l.Record(ctx, Entry{Action: "get-evidence"}); err != nil {
					t.Error(err)
				}
			})
		}
		asked.Wait()
		if len(store.entries) != 40 || store.commits > 2 {
			t.Errorf("%d entries in %d commits", len(store.entries), store.commits)
		}
		store.err = errors.New("disk")
		if err := l.Record(ctx, Entry{}); !errors.Is(err, store.err) {
			t.Errorf("a store that fails: %v", err)
		}
		cancel()
		done.Wait()
	})
}

// Who comes after the end, or waited for it, is told so, though nobody asks them to leave.
func TestNobodyWaitsForALogThatEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &notes{}
		l := NewLog(store, nil)
		ctx, cancel := context.WithCancel(t.Context())
		var asked, done sync.WaitGroup
		for range 2 * maxBatch {
			asked.Go(func() { _ = l.Record(context.WithoutCancel(ctx), Entry{}) })
		}
		synctest.Wait()
		done.Go(func() { _ = l.Run(ctx) })
		time.Sleep(time.Millisecond) // of the bubble's clock: the first batch is under way
		cancel()
		done.Wait()
		asked.Wait()
		if failed := int(l.Failed()); failed+len(store.entries) != 2*maxBatch {
			t.Errorf("%d entries are written, and %d callers were told that theirs is not, of %d", len(store.entries), failed, 2*maxBatch)
		}
		if err := l.Record(context.WithoutCancel(ctx), Entry{}); !errors.Is(err, errEnded) {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestLogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLog(&notes{}, nil) // nobody runs it
		ctx, cancel := context.WithCancel(t.Context())
		var asked sync.WaitGroup
		for range maxWaiting {
			asked.Go(func() {
				if err := l.Record(ctx, Entry{}); err == nil {
					t.Error("an entry that nobody wrote counts as written")
				}
			})
		}
		synctest.Wait()
		if err := l.Record(ctx, Entry{}); !errors.Is(err, errFull) {
			t.Errorf("one more: %v", err)
		}
		cancel()
		asked.Wait()
	})
}
