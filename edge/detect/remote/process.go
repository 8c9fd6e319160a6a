package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/kit/backoff"
)

// Request is the line that a local detector reads for each picture. It answers with one line: the id, and predictions as over
// HTTP. Its standard error is dropped.
type Request struct {
	ID    uint64 `json:"id"`
	Image []byte `json:"image"` // JPEG, base64
}

// The waits between a detector's death and its next start.
const (
	startMin = time.Second
	startMax = time.Minute
)

// process keeps one local detector alive and asks it one picture after the other.
type process struct {
	opt       Options
	questions chan question
	helpers   sync.WaitGroup // goroutines of the life under way
}

type question struct {
	ctx    context.Context
	jpeg   []byte
	answer chan<- reply // holds one
}

type reply struct {
	text []byte
	err  error
}

func newProcess(o Options) *process { return &process{opt: o, questions: make(chan question)} }

func (p *process) ask(ctx context.Context, jpeg []byte) ([]byte, error) {
	answer := make(chan reply, 1)
	select {
	case p.questions <- question{ctx: ctx, jpeg: jpeg, answer: answer}:
	case <-ctx.Done():
		return nil, errors.New("it is not running, or busy")
	}
	select {
	case r := <-answer:
		return r.text, r.err
	case <-ctx.Done():
		return nil, errors.New("it did not answer in time")
	}
}

// run starts the detector again whenever it dies, or did not answer in time.
func (p *process) run(ctx context.Context) error {
	wait := backoff.New(startMin, startMax)
	for {
		answered, err := p.life(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if answered {
			wait.Reset()
		}
		p.opt.Log.Warn("the detector's process ended", "detector", p.opt.Name, "reason", err)
		if !backoff.Wait(ctx, wait.Next()) {
			return nil
		}
	}
}

// life is one process from its start to its death.
func (p *process) life(ctx context.Context) (answered bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.opt.Command[0], p.opt.Command[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"} // nothing of the agent's secrets
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		return false, fmt.Errorf("connect: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return false, fmt.Errorf("connect: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return false, fmt.Errorf("start: %w", err)
	}
	answered, err = p.talk(ctx, in, out)
	cancel()
	_ = cmd.Wait() // it was killed: its exit says nothing
	p.helpers.Wait()
	return answered, err
}

// talk answers questions until one fails.
func (p *process) talk(ctx context.Context, in io.Writer, out io.Reader) (answered bool, err error) {
	lines := make(chan reply)
	p.helpers.Go(func() { readLines(ctx, out, lines) })
	for id := uint64(1); ; id++ {
		select {
		case <-ctx.Done():
			return answered, ctx.Err()
		case r := <-lines:
			return answered, cause(r, "it spoke without being asked")
		case q := <-p.questions:
			text, err := p.exchange(q, id, in, lines)
			q.answer <- reply{text: text, err: err}
			if err != nil {
				return answered, err
			}
			answered = true
		}
	}
}

// exchange puts one question. After an error the process is of no use: its next line would be the answer to an old question.
func (p *process) exchange(q question, id uint64, in io.Writer, lines <-chan reply) ([]byte, error) {
	line, err := json.Marshal(Request{ID: id, Image: q.jpeg})
	if err != nil {
		return nil, err
	}
	sent := make(chan error, 1)
	p.helpers.Go(func() {
		_, err := in.Write(append(line, '\n')) // ends when the process is killed
		sent <- err
	})
	select {
	case err := <-sent:
		if err != nil {
			return nil, errors.New("it takes no pictures")
		}
	case <-q.ctx.Done():
		return nil, errors.New("it did not take the picture in time")
	}
	select {
	case r := <-lines:
		if r.err != nil {
			return nil, cause(r, "")
		}
		return checkID(r.text, id)
	case <-q.ctx.Done():
		return nil, errors.New("it did not answer in time")
	}
}

func cause(r reply, otherwise string) error {
	if r.err != nil {
		return r.err
	}
	return errors.New(otherwise)
}

func checkID(text []byte, id uint64) ([]byte, error) {
	var head struct {
		ID uint64 `json:"id"`
	}
	if err := json.Unmarshal(text, &head); err != nil || head.ID != id {
		return nil, fmt.Errorf("%w: it is to another question", errAnswer)
	}
	return text, nil
}

// readLines passes lines on until out ends; the last reply is an error.
func readLines(ctx context.Context, out io.Reader, lines chan<- reply) {
	scanner := bufio.NewScanner(out)
	scanner.Buffer(make([]byte, 4096), maxAnswer)
	send := func(r reply) bool {
		select {
		case lines <- r:
			return true
		case <-ctx.Done():
			return false
		}
	}
	for scanner.Scan() {
		if !send(reply{text: append([]byte(nil), scanner.Bytes()...)}) {
			return
		}
	}
	send(reply{err: errors.New("it ended")})
}
