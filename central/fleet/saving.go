package fleet

import (
	"context"
	"sync"
	"time"

	"gridgate/central/store"
)

// saveWithin bounds one transaction.
const saveWithin = 15 * time.Second

// saving stores reports that are under way at the same time in one transaction: ten thousand edges are some 170 reports a second, and a
// commit for each would leave the disk to nobody else. Whoever finds nobody saving leads: it saves all that wait, then the first of those
// that came meanwhile leads.
type saving struct {
	mu      sync.Mutex
	busy    bool
	waiting []*turn
}

// turn waits for its turn: to be told what became of it, or to lead.
type turn struct {
	edge store.Edge
	lead chan struct{}
	done chan error
}

// save returns once e is on stable storage. It waits for the transaction before its own, too: both are bounded.
func (s *saving) save(ctx context.Context, to Saver, e store.Edge) error {
	r := &turn{edge: e, lead: make(chan struct{}), done: make(chan error, 1)}
	s.mu.Lock()
	s.waiting = append(s.waiting, r)
	leads := !s.busy
	s.busy = true
	s.mu.Unlock()
	if !leads {
		select {
		case err := <-r.done:
			return err
		case <-r.lead:
		}
	}
	return s.commit(context.WithoutCancel(ctx), to, r)
}

// commit saves all that wait, own among them, and hands the lead on. A group that cannot be saved is tried one by one.
func (s *saving) commit(ctx context.Context, to Saver, own *turn) error {
	s.mu.Lock()
	group := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	edges := make([]store.Edge, len(group))
	for i, r := range group {
		edges[i] = r.edge
	}
	err := within(ctx, to, edges...)
	for _, r := range group {
		if err != nil && len(group) > 1 {
			r.done <- within(ctx, to, r.edge)
		} else {
			r.done <- err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy = len(s.waiting) > 0; s.busy {
		close(s.waiting[0].lead)
	}
	return <-own.done
}

func within(ctx context.Context, to Saver, edges ...store.Edge) error {
	ctx, cancel := context.WithTimeout(ctx, saveWithin)
	defer cancel()
	return to.SaveSync(ctx, edges...)
}
