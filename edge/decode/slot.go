package decode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gridgate/protocols/kit/backoff"
)

// The waits between a worker's death and the next one.
const (
	restartMin = 100 * time.Millisecond
	restartMax = 30 * time.Second
)

// slot keeps one worker process alive and feeds it. Its run method is one goroutine.
type slot struct {
	pool  *Pool
	queue *fairQueue
	log   *slog.Logger

	pending *job // was given to a worker that had died before; of the run goroutine

	mu      sync.Mutex
	broken  error         // why no worker can be started, while that is so
	ended   bool          // run is over
	running time.Duration // estimated, of the job that the worker has
	shots   bool          // that job is evidence
}

func newSlot(p *Pool) *slot {
	return &slot{pool: p, queue: newFairQueue(time.Now), log: p.options.Log}
}

// submit queues j, or says at once why it cannot be served.
func (s *slot) submit(j *job) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return fmt.Errorf("%w: the pool has ended", ErrNoWorker)
	case s.broken != nil:
		return s.broken
	}
	return s.queue.push(j)
}

// run starts workers until ctx ends, each after the last one died.
func (s *slot) run(ctx context.Context) {
	defer s.end()
	wait := backoff.New(restartMin, restartMax)
	for starts := 0; ctx.Err() == nil; starts++ {
		if starts > 0 {
			s.pool.count(func(st *Stats) { st.Restarts++ })
		}
		served, err := s.life(ctx)
		if ctx.Err() != nil {
			return
		}
		if served > 0 {
			wait.Reset()
		}
		s.log.Warn("decoder worker ended", "reason", err, "served", served)
		if !backoff.Wait(ctx, wait.Next()) {
			return
		}
	}
}

// life is one worker from its start to its death; served counts its answers.
func (s *slot) life(ctx context.Context) (served int, err error) {
	w, err := startProcess(ctx, s.pool.options)
	s.setBroken(err)
	if err != nil {
		s.failWaiting(err)
		return 0, err
	}
	defer w.stop()
	for {
		j := s.next(ctx)
		if j == nil {
			return served, ctx.Err()
		}
		if j.ctx.Err() != nil { // nobody waits for it any more
			s.queue.charge(j, 0)
			continue
		}
		if err := s.serve(w, j); err != nil {
			return served, err
		}
		served++
	}
}

func (s *slot) next(ctx context.Context) *job {
	if j := s.pending; j != nil {
		s.pending = nil
		return j
	}
	return s.queue.pop(ctx, s.pool.budget)
}

// serve has w do j. An error means that w must be replaced; j then has its answer and is not tried again, unless
// w was dead before it could read j.
func (s *slot) serve(w *process, j *job) error {
	s.setRunning(j.estimate, j.request.op.evidence())
	defer s.setRunning(0, false)
	r, err := w.call(j.request)
	if errors.Is(err, errNotSent) {
		s.pending = j
		return err
	}
	if err != nil {
		s.pool.blocked.add(j.request.stream)
		s.pool.count(func(st *Stats) { st.Requests++; st.Failures++ })
		j.finish(response{}, fmt.Errorf("%w: it stopped the decoder worker", ErrBadStream))
		return err
	}
	s.account(j, r)
	j.finish(answerOf(r))
	return nil
}

// account books what j cost.
func (s *slot) account(j *job, r response) {
	now := time.Now()
	s.queue.charge(j, r.cpu)
	s.pool.budget.spend(r.cpu, j.request.op.evidence(), now)
	s.pool.costs.learn(j.request, r, now)
	s.pool.count(func(st *Stats) {
		st.Requests++
		st.CPU += r.cpu
		if r.status == statusBad || r.status == statusFailed {
			st.Failures++
		}
	})
}

func (s *slot) setRunning(d time.Duration, evidence bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running, s.shots = d, evidence
}

// shotsMayTake is added to the load of a worker that makes evidence: what a filmstrip takes is known badly, and a sample behind it
// would come too late.
const shotsMayTake = time.Second

// load is the estimated processor time until s could begin with another job.
func (s *slot) load() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting, shots := s.queue.load()
	if shots || s.shots {
		waiting += shotsMayTake
	}
	return s.running + waiting
}

func (s *slot) setBroken(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = err
}

func (s *slot) failWaiting(err error) {
	if j := s.pending; j != nil {
		s.pending = nil
		j.finish(response{}, err)
	}
	for j := s.queue.take(); j != nil; j = s.queue.take() {
		j.finish(response{}, err)
	}
}

func (s *slot) end() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.failWaiting(errors.Join(ErrNoWorker, context.Canceled))
}
