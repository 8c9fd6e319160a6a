package fleet

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/central/tsdb"
)

// stuck is a time-series database that answers when it is let go.
type stuck struct {
	in, free chan struct{}
}

func (s *stuck) SaveSync(context.Context, ...store.Edge) error { return nil }

func (s *stuck) Write(context.Context, []tsdb.Sample) error {
	s.in <- struct{}{}
	<-s.free
	return nil
}

// TestReportsAtATime holds two reports of an edge under way: a third is refused, another edge's is not, and later all are taken.
func TestReportsAtATime(t *testing.T) {
	s := &stuck{in: make(chan struct{}), free: make(chan struct{})}
	h, body := New(Options{Store: s, Series: s, Logger: slog.New(slog.DiscardHandler)}), text(t, report())
	var under sync.WaitGroup
	send := func(edge string) {
		under.Go(func() {
			if w := post(h, edge, body, auth.Principal{Edge: edge}); w.Code != http.StatusOK {
				t.Errorf("%s: %d %s", edge, w.Code, w.Body)
			}
		})
		<-s.in
	}
	send("edge-1")
	send("edge-1")
	if w := post(h, "edge-1", body, auth.Principal{Edge: "edge-1"}); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("a third report: %d %s", w.Code, w.Body)
	}
	send("edge-2")
	close(s.free)
	under.Wait()
	if h.slots.all != 0 || len(h.slots.ofEdge) != 0 {
		t.Errorf("%d slots stay taken, of %v", h.slots.all, h.slots.ofEdge)
	}
}

func TestSlotsAreBounded(t *testing.T) {
	s := slots{most: maxReports, mostOfEdge: maxReportsOfEdge}
	for i := range maxReports {
		if s.take(strconv.Itoa(i)) == nil {
			t.Fatalf("report %d has no slot", i)
		}
	}
	if s.take("one-more") != nil {
		t.Error("one more has a slot")
	}
}
