// Package stage runs the real programs of Gridgate as processes of their own, for the demonstration, for end-to-end tests
// and for the fault and soak rigs.
//
// In: where the programs are and what they shall do. Out: running processes that can be stopped, killed and started again.
// It knows no pipeline; it never touches a process that it did not start.
package stage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"gridgate/protocols/kit/backoff"
)

// StopWithin is how long a process may take to end after SIGTERM before it is killed: a busy machine takes its time.
const StopWithin = 40 * time.Second

// Spec says what to run.
type Spec struct {
	Program string // path
	Args    []string
	Env     []string // added to the environment
	Log     string   // file that output is appended to
}

// Process is one running program. Its methods may be called from any goroutine.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // after done
}

// Start starts the program in a process group of its own, so that a Ctrl-C reaches it only from here. The kernel ends it
// should the caller itself be killed.
func Start(spec Spec) (*Process, error) {
	log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", spec.Program, err)
	}
	defer log.Close()
	cmd := exec.Command(spec.Program, spec.Args...)
	cmd.Env = append(os.Environ(), spec.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		defer close(p.done)
		// Pdeathsig follows the thread that starts the child: keep it as long as the child lives.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Program, err)
	}
	return p, nil
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how the process ended: nil for exit code 0. It waits.
func (p *Process) Err() error {
	<-p.done
	return p.err
}

// Kill ends the process with SIGKILL and waits.
func (p *Process) Kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// Stop asks the process to end, waits, and kills it if it does not; an error says that it had to, or that it ended badly.
func (p *Process) Stop() error {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return p.err
	case <-time.After(StopWithin):
		p.Kill()
		return fmt.Errorf("process %d did not stop within %v and was killed", p.PID(), StopWithin)
	}
}

// WaitReady polls url until it answers 200, p ended, or ctx did.
func (p *Process) WaitReady(ctx context.Context, url string) error {
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	for {
		if resp, err := client.Get(url); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended before it was ready: %w", p.cmd.Path, errors.Join(p.err, errEnded))
		default:
		}
		if !backoff.Wait(ctx, 50*time.Millisecond) {
			return fmt.Errorf("%s was not ready: %w", p.cmd.Path, ctx.Err())
		}
	}
}

var errEnded = errors.New("see its log")
