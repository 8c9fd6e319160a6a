package configure

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

// A rollout of a small centre begins with the edges that there are now, however slow the machine.
func TestFewEdgesAreAlwaysReadAnew(t *testing.T) {
	for edges, want := range map[int]int{keepMany - 1: 5, keepMany: 1} {
		synctest.Test(t, func(t *testing.T) {
			var b shelf
			s := &slowEdges{edges: edges}
			for range 5 {
				if got, err := b.get(t.Context(), s); err != nil || len(got) != edges {
					t.Fatalf("%d edges, %v", len(got), err)
				}
			}
			if s.reads != want {
				t.Errorf("%d edges were read %d times for five, want %d", edges, s.reads, want)
			}
		})
	}
}
