package api

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/central/store"
)

// slowEdges is a store that takes a second to tell its edges.
type slowEdges struct {
	Store
	edges int
	reads int
}

func (s *slowEdges) Edges(context.Context) ([]store.Edge, error) {
	s.reads++
	time.Sleep(time.Second)
	return make([]store.Edge, s.edges), nil
}

func (*slowEdges) Gaps(context.Context) ([]store.Tally, error) { return nil, nil }

// What took long is kept for a while, but of few edges always what is now is told, however slow the machine.
func TestFewEdgesAreAlwaysReadAnew(t *testing.T) {
	for edges, want := range map[int]int{keepMany - 1: 5, keepMany: 1} {
		synctest.Test(t, func(t *testing.T) {
			s, b := &slowEdges{edges: edges}, newShelf()
			look := func() {
				if got, _, err := b.get(t.Context(), s); err != nil || len(got) != edges {
					t.Fatalf("%d edges, %v", len(got), err)
				}
			}
			for range 5 {
				look()
			}
			if s.reads != want {
				t.Errorf("%d edges were read %d times for five, want %d", edges, s.reads, want)
			}
			time.Sleep(keepTimes * time.Second)
			if look(); s.reads != want+1 {
				t.Errorf("%d edges were read %d times once the reading was old, want %d", edges, s.reads, want+1)
			}
		})
	}
}
