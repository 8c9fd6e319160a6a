package decode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// startTimeout bounds the greeting of a new worker; a box at its limit may take seconds to load the libraries.
const startTimeout = 30 * time.Second

// unitTimeout is what each access unit adds to the time that a request may take.
const unitTimeout = 40 * time.Millisecond

// What redaction adds for the first picture and each further one: looking for faces takes half a second on an idle core.
const (
	redactTimeout = 15 * time.Second
	moreTimeout   = 5 * time.Second
)

// mmapThreshold has the C library map pictures and their like one by one, and so give them back when a decoder is let go
// (mallopt(3)). By default it learns to keep them: the references of every camera that was ever awake.
const mmapThreshold = "MALLOC_MMAP_THRESHOLD_=131072"

// pipeSize is how many bytes of a request the kernel holds, so that agent and worker need not take turns over each keyframe.
const pipeSize = 1 << 20

// timeLimit is how long a worker may take for a request.
func timeLimit(o op, base time.Duration, units, pictures int) time.Duration {
	limit := base + time.Duration(units-1)*unitTimeout
	if o.evidence() {
		limit += redactTimeout + time.Duration(max(0, pictures-1))*moreTimeout
	}
	return limit
}

// memoryPeriod is how often the memory of a worker is looked at, from outside.
const memoryPeriod = 500 * time.Millisecond

// errNotSent says that the worker had died before it read the request, which is therefore not to blame.
var errNotSent = errors.New("the worker had ended")

// process is a running worker. call and stop are for one goroutine.
type process struct {
	cmd     *exec.Cmd
	in      *os.File // its stdin
	out     *os.File // its stdout
	timeout time.Duration
	next    uint32

	tooBig  atomic.Bool
	stopped chan struct{} // ends the memory watch
	done    sync.WaitGroup
}

// startProcess starts a worker and waits for its greeting. An error wraps [ErrNoWorker].
func startProcess(ctx context.Context, o PoolOptions) (*process, error) {
	p := &process{timeout: o.Timeout, stopped: make(chan struct{})}
	if err := p.start(ctx, o); err != nil {
		return nil, fmt.Errorf("%w: start %s: %w", ErrNoWorker, o.Executable, err)
	}
	p.done.Go(func() { p.watchMemory(o.MaxMemory) })
	if err := p.greet(); err != nil {
		p.stop()
		return nil, fmt.Errorf("%w: %w", ErrNoWorker, err)
	}
	return p, nil
}

func (p *process) start(ctx context.Context, o PoolOptions) error {
	stdin, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer stdin.Close()
	out, stdout, err := os.Pipe()
	if err != nil {
		in.Close()
		return err
	}
	defer stdout.Close()
	p.in, p.out = in, out
	growPipe(in)
	p.cmd = exec.CommandContext(ctx, o.Executable, o.Args...)
	p.cmd.Stdin, p.cmd.Stdout = stdin, stdout // stderr is dropped: a crash dump could hold what was decoded
	p.cmd.Env = append([]string{"GOMEMLIMIT=256MiB", "GOMAXPROCS=2", "GOTRACEBACK=none", mmapThreshold}, o.Env...)
	p.cmd.SysProcAttr = ownGroup()
	if err := p.cmd.Start(); err != nil {
		in.Close()
		out.Close()
		return err
	}
	return nil
}

func (p *process) greet() error {
	if err := p.out.SetReadDeadline(time.Now().Add(startTimeout)); err != nil {
		return err
	}
	body, err := readMessage(p.out, maxResponse)
	if err != nil {
		return fmt.Errorf("the worker did not greet: %w", err)
	}
	r, err := parseResponse(body)
	if err != nil {
		return err
	}
	_, err = answerOf(r)
	return err
}

// call sends r and waits for its answer. An error means that the process is of no use any more.
func (p *process) call(r request) (response, error) {
	p.next++
	r.id = p.next
	begin := time.Now()
	deadline := begin.Add(timeLimit(r.op, p.timeout, len(r.units), len(r.at)))
	if err := errors.Join(p.in.SetWriteDeadline(deadline), p.out.SetReadDeadline(deadline)); err != nil {
		return response{}, err
	}
	if n, err := writeBuffers(p.in, r.buffers()); err != nil {
		if n == 0 && errors.Is(err, syscall.EPIPE) {
			return response{}, errNotSent
		}
		return response{}, p.why(err)
	}
	body, err := readMessage(p.out, maxResponse)
	if err != nil {
		return response{}, p.why(err)
	}
	answer, err := parseResponse(body)
	if err != nil {
		return response{}, err
	}
	if answer.id != r.id {
		return response{}, fmt.Errorf("%w: answer to another request", errWire)
	}
	answer.cpu = believable(answer.cpu, time.Since(begin))
	return answer, nil
}

// believable is the processor time that a worker says a request cost its one decoding thread, which cannot be more than what
// passed: budget and queue reckon with it.
func believable(cpu, passed time.Duration) time.Duration { return max(0, min(cpu, passed)) }

// why names the cause of a broken pipe.
func (p *process) why(err error) error {
	switch {
	case p.tooBig.Load():
		return errors.New("the worker took too much memory")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("the worker did not answer in time")
	}
	return fmt.Errorf("the worker died: %w", err)
}

// stop kills the process and waits for everything that start began.
func (p *process) stop() {
	close(p.stopped)
	_ = p.cmd.Process.Kill()
	p.in.Close()
	p.out.Close()
	_ = p.cmd.Wait() // it was killed: its exit says nothing
	p.done.Wait()
}

// watchMemory kills the process once it has more than limit bytes resident.
func (p *process) watchMemory(limit int64) {
	tick := time.NewTicker(memoryPeriod)
	defer tick.Stop()
	for {
		select {
		case <-p.stopped:
			return
		case <-tick.C:
			if resident(p.cmd.Process.Pid) > limit {
				p.tooBig.Store(true)
				_ = p.cmd.Process.Kill()
				return
			}
		}
	}
}

// resident is the memory of a process in bytes, or 0 if it cannot be told (proc(5), statm).
func resident(pid int) int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
