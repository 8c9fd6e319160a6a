package trial

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gridgate/protocols/ingest"
)

func open(t *testing.T, file string) *Keeper {
	t.Helper()
	k, err := Open(Options{File: file})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func starts(t *testing.T, file, want string) *Keeper {
	t.Helper()
	k := open(t, file)
	if run, err := k.Start(); err != nil || run != want {
		t.Fatalf("a start runs %q, %v, want %q", run, err, want)
	}
	return k
}

func TestWhatIsWellStays(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	must(t, starts(t, file, "").Begin("2", time.Minute))
	must(t, starts(t, file, "2").Confirm())
	k := starts(t, file, "2")
	if s := k.State(); s.Trial != nil || s.Running != "2" || s.Previous != "" || s.End != nil {
		t.Errorf("%+v", s)
	}
	must(t, k.Begin("3", 0))
	if got := k.State().Trial.For(); got != MinTime {
		t.Errorf("a trial of no time takes %v", got)
	}
	must(t, k.Begin("2", 0))
	if k.State().Trial != nil {
		t.Error("what stays is on trial")
	}
}

func TestWhatCrashesIsGivenUp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	must(t, open(t, file).Begin("2", time.Minute))
	for range DefaultStarts {
		starts(t, file, "2") // and crashes
	}
	k := starts(t, file, "")
	end := k.Ended("2")
	if end == nil || end.State != ingest.WantedRolledBack || !strings.Contains(end.Why, "3 times") || k.State().Restores != 1 {
		t.Fatalf("%+v", k.State())
	}
	if k.Ended("3") != nil {
		t.Error("what was never tried has ended")
	}
	must(t, k.Forget())
	if k.Ended("2") != nil {
		t.Error("what is wanted anew has ended")
	}
}

func TestWhatIsIllGoesBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	must(t, open(t, file).Begin("2", time.Minute))
	must(t, starts(t, file, "2").Confirm())
	must(t, open(t, file).Begin("3", time.Minute))
	must(t, starts(t, file, "3").Back(strings.Repeat("界", 100)))
	k := starts(t, file, "2")
	if end := k.Ended("3"); end == nil || len(end.Why) != 198 {
		t.Errorf("%+v", end)
	}
	must(t, k.Refuse("4", "it is for another platform"))
	if end := k.Ended("4"); end == nil || end.State != ingest.WantedRefused {
		t.Errorf("%+v", end)
	}
	if err := errors.Join(k.Confirm(), k.Back("")); !errors.Is(err, ErrNone) {
		t.Errorf("without a trial: %v", err)
	}
	must(t, k.Reset())
	starts(t, file, "")
}

func TestADamagedStateRunsWhatTheEdgeHas(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	for _, bad := range []string{"", "{", `{"running":5}`, `{"running":"1","trial":{"wanted":"1"}}`, `{"trial":{"wanted":"1","starts":-1}}`, strings.Repeat(" ", maxState+1)} {
		must(t, os.WriteFile(file, []byte(bad), 0o600))
		k, err := Open(Options{File: file})
		if !errors.Is(err, ErrDamaged) || k == nil {
			t.Fatalf("%.20q: %v", bad, err)
		}
		if run, err := k.Start(); run != "" || err != nil {
			t.Errorf("it runs %q, %v", run, err)
		}
		must(t, k.Begin("2", 0))
		starts(t, file, "2")
	}
	if _, err := Open(Options{}); err == nil {
		t.Error("a keeper without a file was made")
	}
}

// A trial whose starts cannot be counted is not run.
func TestWhatCannotBeCountedIsNotRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	must(t, os.Mkdir(dir, 0o700))
	file := filepath.Join(dir, "state.json")
	k := open(t, file)
	must(t, k.Begin("2", 0))
	must(t, os.RemoveAll(dir))
	if run, err := k.Start(); run != "" || err == nil {
		t.Errorf("it runs %q, %v", run, err)
	}
}

// Whatever is done, and wherever the process is killed, what runs is on trial or stays, and a trial has no more starts than it may.
func TestAnyOrderOfEvents(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		file := filepath.Join(dir, "state.json")
		_ = os.Remove(file)
		names := rapid.SampledFrom([]string{"", "1", "2", "3"})
		k, row := (*Keeper)(nil), 0
		for _, act := range rapid.SliceOfN(rapid.IntRange(0, 5), 1, 30).Draw(t, "acts") {
			if act == 0 || k == nil {
				k, _ = Open(Options{File: file})
				before := k.State()
				run, err := k.Start()
				if err != nil || before.Trial == nil && run != before.Running {
					t.Fatalf("%q, %v of %+v", run, err, before)
				}
				row++
				if k.State().Trial == nil {
					row = 0
				}
			}
			switch act {
			case 1:
				_ = k.Begin(names.Draw(t, "wanted"), time.Minute)
				row = 0
			case 2:
				_ = k.Confirm()
			case 3:
				_ = k.Back("ill")
			case 4:
				_ = k.Refuse(names.Draw(t, "refused"), "no")
			case 5:
				_ = k.Forget()
			}
			if row > DefaultStarts {
				t.Fatalf("a trial was started %d times", row)
			}
		}
	})
}

func TestWatch(t *testing.T) {
	t0 := time.Unix(1_000_000, 0)
	for name, c := range map[string]struct {
		verdicts string // one each 10 s of a trial of a minute: w, i, u
		want     string
	}{
		"well":                 {"uwwwwwww", "......s."},
		"ill for long":         {"wwiiiiii", "....b..."},
		"ill at times":         {"iwiwiwww", "......s."},
		"ill at the end":       {"wwwwwiii", "......b."},
		"never sure":           {"uuuuuuuu", "......b."},
		"ill from the start":   {"iiiiiiii", "..b....."},
		"unsure breaks no way": {"iuiuiuiu", "......b."},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewWatch(time.Minute, t0)
			var got strings.Builder
			for i, v := range c.verdicts {
				d := w.At(t0.Add(time.Duration(i)*10*time.Second), map[rune]Verdict{'u': Unsure, 'w': Well, 'i': Ill}[v])
				got.WriteByte(".sb"[d])
			}
			if got.String() != c.want {
				t.Errorf("%s decides %s, want %s", c.verdicts, &got, c.want)
			}
		})
	}
}
