package decode

import (
	"context"
	"errors"
	"sync"
	"time"
)

// The bounds of the queue of one worker.
const (
	maxWaiting          = 256 // requests in all
	maxWaitingPerStream = 4
	maxDebtors          = 1024
)

// quantum is the processor time that each stream gets in a round.
const quantum = 5 * time.Millisecond

// maxDebt bounds what a stream has to sit out.
const maxDebt = 10 * time.Second

// patience is how long evidence may wait while samples of the detector go first; then both get half of the time.
const patience = 2 * time.Second

// ErrBusy says that too many requests wait; the caller drops this one.
var ErrBusy = errors.New("the decoder is busy")

// fairQueue hands out jobs by a deficit round robin over streams (Shreedhar and Varghese, "Efficient fair queuing using deficit
// round robin", 1996), weighed by processor time: a stream that was served is charged what its job cost, and is passed over until
// the rounds of the others have paid for it. Evidence has turns of its own, after the samples of the detector; what has
// waited for long goes before them, but takes no more than half of the time. While nobody waits no debt is kept.
type fairQueue struct {
	now   func() time.Time
	mu    sync.Mutex
	flows map[flowKey]*flow
	turns [3][]*flow // those with a job: samples, evidence, and what is idle
	total int
	owed  time.Duration // processor time that is due to samples before evidence goes before them again
	cost  time.Duration // estimated, of the jobs that wait
	ready chan struct{} // holds one
}

type flowKey struct {
	stream string
	class  class
}

// class says what goes before what.
type class int

const (
	samples  class = iota
	evidence       // after samples, but not for ever
	idle           // when nobody else waits
)

type flow struct {
	jobs   []*job
	credit time.Duration
}

func newFairQueue(now func() time.Time) *fairQueue {
	return &fairQueue{now: now, flows: map[flowKey]*flow{}, ready: make(chan struct{}, 1)}
}

func (j *job) flow() flowKey {
	return flowKey{stream: j.request.stream, class: j.request.class()}
}

// push adds j, or returns [ErrBusy] at once.
func (q *fairQueue) push(j *job) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	key := j.flow()
	f := q.flows[key]
	if q.total >= maxWaiting || (f != nil && len(f.jobs) >= maxWaitingPerStream) {
		return ErrBusy
	}
	if f == nil {
		f = &flow{}
		q.flows[key] = f
	}
	if len(f.jobs) == 0 {
		q.turns[key.class] = append(q.turns[key.class], f)
	}
	j.since = q.now()
	f.jobs = append(f.jobs, j)
	q.total++
	q.cost += j.estimate
	q.signal()
	return nil
}

func (r request) class() class {
	switch {
	case r.idle:
		return idle
	case r.op.evidence():
		return evidence
	}
	return samples
}

// pop waits for a job and until b allows one; nil means that ctx ended.
func (q *fairQueue) pop(ctx context.Context, b *bucket) *job {
	for {
		wait := b.wait(q.now())
		if wait <= 0 {
			if j := q.take(); j != nil {
				return j
			}
		}
		if !q.sleep(ctx, wait) {
			return nil
		}
	}
}

// sleep waits for a job, or for wait if that is set; false means that ctx ended.
func (q *fairQueue) sleep(ctx context.Context, wait time.Duration) bool {
	var timer <-chan time.Time
	ready := q.ready
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		timer, ready = t.C, nil // jobs may come: there is nothing to pay them with
	}
	select {
	case <-ctx.Done():
		return false
	case <-ready:
	case <-timer:
	}
	return true
}

// take returns the job whose turn it is, or nil.
func (q *fairQueue) take() *job {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.total == 0 {
		return nil
	}
	class := q.class()
	turns := q.turns[class]
	f := q.turn(turns)
	j := f.jobs[0]
	f.jobs[0], f.jobs = nil, f.jobs[1:] // the place that it leaves would hold its units
	f.credit = max(f.credit-j.estimate, -maxDebt)
	q.turns[class] = remove(turns, f)
	if len(f.jobs) > 0 {
		q.turns[class] = append(q.turns[class], f)
	}
	q.total--
	q.cost -= j.estimate
	if q.total > 0 {
		q.signal()
	}
	q.forgive()
	return j
}

// class says whether a sample, evidence or something idle is next.
func (q *fairQueue) class() class {
	switch {
	case len(q.turns[samples])+len(q.turns[evidence]) == 0:
		return idle
	case len(q.turns[samples]) == 0:
		return evidence
	case q.owed > 0:
		return samples
	}
	for _, f := range q.turns[evidence] {
		if q.now().Sub(f.jobs[0].since) > patience {
			return evidence
		}
	}
	return samples
}

// turn returns the first flow in turns with credit, after as many rounds as that takes.
func (q *fairQueue) turn(turns []*flow) *flow {
	rounds := time.Duration(1 << 62)
	for _, f := range turns {
		if f.credit >= 0 {
			return f
		}
		rounds = min(rounds, (-f.credit+quantum-1)/quantum)
	}
	for _, f := range q.flows {
		f.credit = min(quantum, f.credit+rounds*quantum)
	}
	return q.turn(turns)
}

// charge corrects what was charged for j by what it cost.
func (q *fairQueue) charge(j *job, cost time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settle(j, cost)
	if f := q.flows[j.flow()]; f != nil {
		f.credit = min(quantum, max(f.credit+j.estimate-cost, -maxDebt))
	}
	q.forgive()
}

// settle books the cost of j between samples and evidence. What is idle took nobody's turn.
func (q *fairQueue) settle(j *job, cost time.Duration) {
	switch j.request.class() {
	case idle:
		return
	case samples:
		cost = -cost
	}
	q.owed = min(maxDebt, max(0, q.owed+cost))
}

// forgive drops the debts when nobody waits, and the memory of streams that have neither jobs nor debts.
func (q *fairQueue) forgive() {
	if q.total > 0 && len(q.flows) <= maxDebtors {
		return
	}
	if q.total == 0 {
		q.owed = 0
	}
	for key, f := range q.flows {
		if len(f.jobs) == 0 {
			delete(q.flows, key)
		}
	}
}

func remove(turns []*flow, f *flow) []*flow {
	kept := turns[:0]
	for _, t := range turns {
		if t != f {
			kept = append(kept, t)
		}
	}
	return kept
}

func (q *fairQueue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.total
}

// load is the estimated processor time of the jobs that wait, and whether evidence is among them.
func (q *fairQueue) load() (cost time.Duration, shots bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.cost, len(q.turns[evidence]) > 0
}

func (q *fairQueue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}
