package stage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gridgate/protocols/kit/backoff"
)

func TestPauseResumeAndChildren(t *testing.T) {
	p, err := Start(Spec{Program: "/bin/sh", Args: []string{"-c", "sleep 600 & wait"}, Log: filepath.Join(t.TempDir(), "log")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	var child *os.Process
	until(t, "a child", func() bool {
		children, err := p.Children()
		if err != nil {
			t.Fatal(err)
		}
		if len(children) == 1 {
			child = children[0]
			t.Cleanup(func() { child.Kill() }) // it may have ended
		}
		return child != nil
	})
	if err := p.Pause(); err != nil {
		t.Fatal(err)
	}
	until(t, "a stop", func() bool { return state(t, p.PID()) == 'T' })
	if err := p.Resume(); err != nil {
		t.Fatal(err)
	}
	until(t, "no stop", func() bool { return state(t, p.PID()) != 'T' })
	if err := child.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := p.Err(); err != nil { // sh waits for it, then ends
		t.Error(err)
	}
	if children, err := p.Children(); err != nil || len(children) != 0 {
		t.Errorf("of a process that ended: %v, %v", children, err)
	}
}

func TestParseStat(t *testing.T) {
	if pid, parent, alive := parseStat([]byte("12 (a) b (c) S 7 12")); pid != 12 || parent != 7 || !alive {
		t.Error(pid, parent, alive)
	}
	if _, _, alive := parseStat([]byte("12 (a) Z 7 12")); alive {
		t.Error("a zombie is alive")
	}
	for _, bad := range []string{"", "12", "12 (a)", "12 (a) S", "x (a) S 7", "12 (a) S y"} {
		if _, _, alive := parseStat([]byte(bad)); alive {
			t.Errorf("%q is alive", bad)
		}
	}
}

func until(t *testing.T, what string, seen func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !seen() {
		if !backoff.Wait(ctx, 20*time.Millisecond) {
			t.Fatalf("%s was not seen", what)
		}
	}
}

// state is that of proc_pid_stat(5).
func state(t *testing.T, pid int) byte {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	for i := len(stat) - 1; i >= 0; i-- {
		if stat[i] == ')' {
			return stat[i+2]
		}
	}
	return 0
}
