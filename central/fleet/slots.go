package fleet

import "sync"

// Bounds of reports that are read and saved at a time; what comes on top is answered with 503. A report may have 1 MiB.
const (
	maxReports       = 128
	maxReportsOfEdge = 2
)

// slots count what is under way.
type slots struct {
	most, mostOfEdge int

	mu     sync.Mutex
	all    int
	ofEdge map[string]int
}

// take returns what gives the slot back, or nil if there is none left.
func (s *slots) take(edge string) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= s.most || s.ofEdge[edge] >= s.mostOfEdge {
		return nil
	}
	if s.ofEdge == nil {
		s.ofEdge = map[string]int{}
	}
	s.all++
	s.ofEdge[edge]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		if s.ofEdge[edge]--; s.ofEdge[edge] == 0 {
			delete(s.ofEdge, edge)
		}
	}
}
