package decode

import (
	"context"
	"errors"
	"sync"
)

// The bounds of the queue of one worker.
const (
	maxWaiting          = 256 // requests in all
	maxWaitingPerStream = 4
)

// ErrBusy says that too many requests wait; the caller drops this one.
var ErrBusy = errors.New("the decoder is busy")

// fairQueue hands out jobs stream by stream in turn, and the jobs of one stream in their order.
type fairQueue struct {
	mu      sync.Mutex
	waiting map[string][]*job
	turns   []string // streams that have a job waiting
	total   int
	ready   chan struct{} // holds one
}

func newFairQueue() *fairQueue {
	return &fairQueue{waiting: map[string][]*job{}, ready: make(chan struct{}, 1)}
}

// push adds j, or returns [ErrBusy] at once.
func (q *fairQueue) push(j *job) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	stream := j.request.stream
	jobs := q.waiting[stream]
	if q.total >= maxWaiting || len(jobs) >= maxWaitingPerStream {
		return ErrBusy
	}
	if len(jobs) == 0 {
		q.turns = append(q.turns, stream)
	}
	q.waiting[stream] = append(jobs, j)
	q.total++
	q.signal()
	return nil
}

// pop waits for a job; nil means that ctx ended.
func (q *fairQueue) pop(ctx context.Context) *job {
	for {
		if j := q.take(); j != nil {
			return j
		}
		select {
		case <-ctx.Done():
			return nil
		case <-q.ready:
		}
	}
}

func (q *fairQueue) take() *job {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.total == 0 {
		return nil
	}
	stream := q.turns[0]
	jobs := q.waiting[stream]
	j := jobs[0]
	q.turns = q.turns[1:]
	if len(jobs) > 1 {
		q.waiting[stream] = jobs[1:]
		q.turns = append(q.turns, stream)
	} else {
		delete(q.waiting, stream)
	}
	q.total--
	if q.total > 0 {
		q.signal()
	}
	return j
}

func (q *fairQueue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.total
}

func (q *fairQueue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}
