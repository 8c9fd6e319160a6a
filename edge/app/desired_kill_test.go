package app

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"gridgate/deploy/testkit/stage"
	"gridgate/protocols/ingest"
)

// Variables that make the test binary an edge of its own process: its file, its page, and whether it panics with what is on trial.
const (
	mortalFile  = "GRIDGATE_TEST_EDGE"
	mortalPage  = "GRIDGATE_TEST_PAGE"
	mortalPanic = "GRIDGATE_TEST_PANIC"
)

// mortal is an edge until SIGTERM.
func mortal(file string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return Run(ctx, RunOptions{Config: file, trialTime: func(time.Duration) time.Duration {
		if os.Getenv(mortalPanic) != "" {
			panic("a configuration that this program does not survive")
		}
		return onceReached(os.Getenv(mortalPage), 6*time.Second)
	}}, "test", os.Stderr)
}

// life is one process of an edge.
type life struct {
	cmd  *exec.Cmd
	done chan error
}

func begin(t *testing.T, e *obedient, env ...string) life {
	t.Helper()
	l := life{cmd: exec.Command(os.Args[0], "-test.run=^$"), done: make(chan error, 1)}
	l.cmd.Env = append(append(os.Environ(), mortalFile+"="+e.file, mortalPage+"="+e.page), env...)
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { l.done <- l.cmd.Wait() }()
	t.Cleanup(func() { _ = l.cmd.Process.Kill() })
	return l
}

// end waits for the process, after a signal if there is one.
func (l life) end(t *testing.T, signal os.Signal) error {
	t.Helper()
	if signal != nil {
		if err := l.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case err := <-l.done:
		return err
	case <-time.After(2 * patient):
		t.Fatal("the process does not end")
		return nil
	}
}

// TestAProcessThatDies of what central wants is not revived with it: one that panics at its start runs what it had the next time, and one
// that is killed in the middle of a trial goes on with it, and answers SIGTERM all the while.
func TestAProcessThatDies(t *testing.T) {
	central := newRuler(t)
	e := &obedient{file: filepath.Join(t.TempDir(), "edge.yaml")}
	for _, address := range []*string{&e.page, &e.broker} {
		var err error
		if *address, err = stage.FreeAddress(""); err != nil {
			t.Fatal(err)
		}
	}
	e.write(t, central.URL, "")
	first := begin(t, e, mortalPanic+"=1")
	central.sync(t, "the edge", func(ingest.SyncRequest) bool { return true })
	deadly := central.rule("o1", moreSensors)
	if err := first.end(t, nil); err == nil {
		t.Fatal("it survived")
	}
	second := begin(t, e, mortalPanic+"=1")
	got := central.told(t, "rolled back", func(c ingest.ConfigurationState) bool {
		return c.Wanted == deadly && c.State == ingest.WantedRolledBack && c.Running == ""
	})
	if got.Configuration.Why != "the edge did not come up with it" || len(got.Devices) != 1 {
		t.Errorf("%+v", got.Configuration)
	}
	if err := second.end(t, syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}

	third := begin(t, e)
	good := central.rule("o2", moreSensors+"timezone: Asia/Shanghai\n")
	central.told(t, "tried", func(c ingest.ConfigurationState) bool { return c.State == ingest.WantedTrying && c.Running == good })
	holds(t, "it came up", func() bool {
		_, err := os.Stat(filepath.Join(filepath.Dir(e.file), "data", desiredFolder, "up"))
		return err == nil
	})
	if err := third.end(t, syscall.SIGKILL); err == nil {
		t.Error("it survived SIGKILL")
	}
	fourth := begin(t, e)
	central.told(t, "in force", func(c ingest.ConfigurationState) bool { return c.State == ingest.WantedInForce && c.Running == good })
	if err := fourth.end(t, syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
}
