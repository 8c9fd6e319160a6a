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

// The waits between a worker's death and the next one, and how long a stream that killed one is refused.
const (
	restartMin = 100 * time.Millisecond
	restartMax = 30 * time.Second
	penalty    = 10 * time.Second
	maxBlocked = 1024
)

// slot keeps one worker process alive and feeds it. Its run method is one goroutine.
type slot struct {
	pool  *Pool
	queue *fairQueue
	log   *slog.Logger

	pending *job // was given to a worker that had died before; of the run goroutine

	mu      sync.Mutex
	broken  error                // why no worker can be started, while that is so
	ended   bool                 // run is over
	blocked map[string]time.Time // streams that killed a worker, until when they are refused
}

func newSlot(p *Pool) *slot {
	return &slot{pool: p, queue: newFairQueue(), log: p.options.Log, blocked: map[string]time.Time{}}
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
	case time.Now().Before(s.blocked[j.request.stream]):
		return fmt.Errorf("%w: it stopped a decoder worker a moment ago", ErrBadStream)
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
		if j.ctx.Err() != nil {
			continue // nobody waits for it any more
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
	return s.queue.pop(ctx)
}

// serve has w do j. An error means that w must be replaced; j then has its answer and is not tried again, unless
// w was dead before it could read j.
func (s *slot) serve(w *process, j *job) error {
	r, err := w.call(j.request)
	if errors.Is(err, errNotSent) {
		s.pending = j
		return err
	}
	if err != nil {
		s.block(j.request.stream)
		s.pool.count(func(st *Stats) { st.Requests++; st.Failures++ })
		j.finish(response{}, fmt.Errorf("%w: it stopped the decoder worker", ErrBadStream))
		return err
	}
	r, err = answerOf(r)
	s.pool.count(func(st *Stats) {
		st.Requests++
		st.CPU += r.cpu
		if err != nil {
			st.Failures++
		}
	})
	j.finish(r, err)
	return nil
}

func (s *slot) setBroken(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = err
}

// block refuses a named stream for a while. Requests without a name are not blocked: they are many cameras.
func (s *slot) block(stream string) {
	if stream == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for name, until := range s.blocked {
		if now.After(until) {
			delete(s.blocked, name)
		}
	}
	if len(s.blocked) < maxBlocked {
		s.blocked[stream] = now.Add(penalty)
	}
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
