package decode

import (
	"slices"
	"syscall"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// TestSandboxIsClosed: a worker that a stream took over reaches no file, no network and no other process. What only such a
// stream would try ends the worker at once, by SIGSYS.
func TestSandboxIsClosed(t *testing.T) {
	fatal := []string{"socket", "unix", "exec", "ptrace", "kill"}
	for name := range attempts {
		t.Run(name, func(t *testing.T) {
			o, err := PoolOptions{Env: []string{"GRIDGATE_TEST_WORKER=escape", "GRIDGATE_TEST_ESCAPE=" + name}}.withDefaults()
			if err != nil {
				t.Fatal(err)
			}
			p := &process{timeout: o.Timeout}
			if err := p.start(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			err = p.greet()
			p.in.Close()
			p.out.Close()
			_ = p.cmd.Wait() // its status is looked at below
			if !slices.Contains(fatal, name) {
				if err != nil {
					t.Errorf("it got out, or the worker cannot go on: %v", err)
				}
				return
			}
			if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); err == nil || !ok || status.Signal() != syscall.SIGSYS {
				t.Errorf("status %v, greeting %v; want death by SIGSYS", p.cmd.ProcessState, err)
			}
		})
	}
}

// TestCallsAreKnown: each name is one of amd64's, and what arm64 lacks is not needed there.
func TestCallsAreKnown(t *testing.T) {
	all := slices.Concat(allowedCalls, fatalCalls, absentCalls, []string{"clone", "mmap", "mprotect", "tgkill"})
	if missing := lacks(arch.X86_64, all); len(missing) > 0 {
		t.Errorf("amd64 has no %v", missing)
	}
	if missing, want := lacks(arch.AARCH64, all), []string{"epoll_wait", "fork", "vfork"}; !slices.Equal(missing, want) {
		t.Errorf("arm64 has no %v, want %v", missing, want)
	}
}

func lacks(machine *arch.Info, names []string) (missing []string) {
	have := present(machine, names)
	for _, n := range names {
		if !slices.Contains(have, n) {
			missing = append(missing, n)
		}
	}
	return missing
}
