package orders

import (
	"context"
	"sync"
	"time"

	"gridgate/protocols/ingest"
)

// hold is a sync that waits: one of an edge, since an edge that comes again has given up the one before.
type hold struct {
	wake      chan struct{}
	displaced bool
}

func newDrain() (chan struct{}, func()) {
	c := make(chan struct{})
	return c, sync.OnceFunc(func() { close(c) })
}

// Newer returns the orders of an edge as soon as they are others than those of a revision, or nil once it waited long enough, central
// stops, the edge came again or too many wait. A wait of 0 looks once.
func (s *Service) Newer(ctx context.Context, edge, revision string, wait time.Duration) *ingest.Orders {
	var over <-chan time.Time
	for {
		orders, held := s.look(edge, revision, wait > 0)
		if orders != nil || held == nil {
			return orders
		}
		if over == nil {
			timer := time.NewTimer(min(wait, ingest.MaxWait))
			defer timer.Stop()
			over = timer.C
		}
		select {
		case <-held.wake:
		case <-over:
			s.release(edge, held)
			orders, _ = s.look(edge, revision, false) // a mode may be over by now
			return orders
		case <-ctx.Done():
			s.release(edge, held)
			return nil
		case <-s.drained:
			s.release(edge, held)
			return nil
		}
		if held.displaced {
			return nil
		}
	}
}

// look returns orders of another revision, or a hold if one is wanted and there is room.
func (s *Service) look(edge, revision string, wait bool) (*ingest.Orders, *hold) {
	b := s.book
	b.mu.Lock()
	defer b.mu.Unlock()
	if o := b.orders(edge, s.o.Now()); o.Revision != revision {
		return &o, nil
	}
	if !wait {
		return nil, nil
	}
	if old := b.held[edge]; old != nil {
		old.displaced = true
		b.wake(edge)
	}
	if b.holds >= MaxHeld {
		return nil, nil
	}
	h := &hold{wake: make(chan struct{})}
	b.held[edge] = h
	b.holds++
	return nil, h
}

// wake lets go of what waits for an edge. b.mu is held.
func (b *book) wake(edge string) {
	if h := b.held[edge]; h != nil {
		close(h.wake)
		delete(b.held, edge)
		b.holds--
	}
}

// release forgets a hold that ended by itself.
func (s *Service) release(edge string, h *hold) {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	if s.book.held[edge] == h {
		delete(s.book.held, edge)
		s.book.holds--
	}
}

// Held is how many syncs wait.
func (s *Service) Held() int {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	return s.book.holds
}
