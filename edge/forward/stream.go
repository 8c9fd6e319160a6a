package forward

import (
	"context"
	"sync"
	"time"
)

// window is how many batches of a stream are on their way at once: while central answers for one, the next is read, and the one
// before is settled.
const window = 2

// stream empties lanes, in turns while more than one has something. One goroutine chooses, and owns the lanes; each batch is sent by
// one of its own.
type stream struct {
	waiter
	lanes []*lane
	// may says whether anything may be sent now; nil: always.
	may func(ctx context.Context) (bool, error)
	// looked is told what a look at a lane found, ended what became of a batch; nil: nobody is.
	looked, ended func(*job)

	turn    int
	flying  int
	failing bool // since the last answer; then one batch is sent after each wait
	tries   int  // how many may be sent while failing
	results chan *job
	wg      sync.WaitGroup
}

func (f *Forwarder) newStream(name string, lanes ...*lane) *stream {
	return &stream{waiter: f.newWaiter(name), lanes: lanes, results: make(chan *job, window)}
}

// run sends until ctx ends, and then waits for what is on its way.
func (s *stream) run(ctx context.Context) {
	defer s.wg.Wait()
	for ctx.Err() == nil {
		err := s.fill(ctx)
		if err == nil {
			err = s.await(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.f.failed(s.name, err)
			s.failing = true
			s.pause(ctx, err)
			s.gather()
			s.tries = 1
		}
	}
}

// fill sends as many batches as may be on their way.
func (s *stream) fill(ctx context.Context) error {
	for s.room() > 0 {
		j, err := s.next(ctx)
		if err != nil {
			return storage(err)
		}
		if j == nil {
			return nil
		}
		s.flying++
		s.tries--
		s.wg.Go(func() {
			s.f.deliver(ctx, j)
			s.results <- j
		})
	}
	return nil
}

func (s *stream) room() int {
	if s.failing {
		return min(window-s.flying, s.tries)
	}
	return window - s.flying
}

// next takes a batch of the lane whose turn it is, or of the next one that has something; nil if none has, or none may be sent.
func (s *stream) next(ctx context.Context) (*job, error) {
	if s.may != nil {
		if ok, err := s.may(ctx); !ok || err != nil {
			return nil, err
		}
	}
	for range s.lanes {
		l := s.lanes[s.turn%len(s.lanes)]
		s.turn++
		j, err := l.take(ctx, s.f.o.Queue, s.f.Schema())
		if err != nil {
			return nil, err
		}
		if s.looked != nil {
			s.looked(j)
		}
		if len(j.entries) > 0 {
			return j, nil
		}
	}
	return nil, nil
}

// await waits until a batch is answered for, something is announced, or it is time to look again.
func (s *stream) await(ctx context.Context) error {
	t := time.NewTimer(s.patience())
	defer t.Stop()
	select {
	case <-ctx.Done():
	case j := <-s.results:
		return s.landed(j)
	case <-s.wake:
	case <-s.urgent:
		s.tries = 1 // beside one that may hang
	case <-t.C:
		if s.flying == 0 {
			s.rewind()
		}
	}
	return nil
}

// patience is how long to wait although nothing is announced.
func (s *stream) patience() time.Duration {
	d := s.f.o.Idle
	for _, l := range s.lanes {
		d = l.aside.wait(d)
	}
	return d
}

func (s *stream) rewind() {
	for _, l := range s.lanes {
		l.rewind()
	}
}

// gather takes what came in during a wait. Its failures have been waited for.
func (s *stream) gather() {
	for {
		select {
		case j := <-s.results:
			_ = s.landed(j)
		default:
			return
		}
	}
}

func (s *stream) landed(j *job) error {
	s.flying--
	err := j.lane.landed(j)
	if s.ended != nil {
		s.ended(j)
	}
	if err == nil {
		s.failing = false
		s.backoff.Reset()
	}
	return err
}
