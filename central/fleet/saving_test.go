package fleet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/central/store"
)

// slow takes a second for each transaction and refuses one edge.
type slow struct {
	mu     sync.Mutex
	groups []int
	saved  map[string]bool
	bad    string
}

func (s *slow) SaveSync(ctx context.Context, edges ...store.Edge) error {
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups = append(s.groups, len(edges))
	for _, e := range edges {
		if e.ID == s.bad {
			return errors.New("cannot be saved")
		}
	}
	for _, e := range edges {
		s.saved[e.ID] = true
	}
	return nil
}

// many saves reports of n edges at the same time and returns what became of each.
func many(n int, to *slow) map[string]error {
	var group saving
	var mu sync.Mutex
	var wg sync.WaitGroup
	out := map[string]error{}
	for i := range n {
		wg.Go(func() {
			id := fmt.Sprint("edge-", i)
			err := group.save(context.Background(), to, store.Edge{ID: id})
			mu.Lock()
			defer mu.Unlock()
			out[id] = err
		})
	}
	wg.Wait()
	return out
}

func TestReportsShareTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &slow{saved: map[string]bool{}}
		for id, err := range many(50, to) {
			if err != nil || !to.saved[id] {
				t.Errorf("%s: %v", id, err)
			}
		}
		if len(to.groups) > 3 {
			t.Errorf("50 reports took %d transactions: %v", len(to.groups), to.groups)
		}
	})
}

func TestOneReportThatCannotBeSavedSpoilsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &slow{saved: map[string]bool{}, bad: "edge-3"}
		for id, err := range many(5, to) {
			if (err != nil) != (id == to.bad) || to.saved[id] == (id == to.bad) {
				t.Errorf("%s: %v", id, err)
			}
		}
	})
}
