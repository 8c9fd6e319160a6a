package retain_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gridgate/central/retain"
	"gridgate/central/store"
)

// shelf is a store with a number of slices to delete and objects without evidence.
type shelf struct {
	mu sync.Mutex
	marks
}

// marks are what a test looks at.
type marks struct {
	slices   int // left in this round
	horizons []store.Horizon
	limits   []int
	orphans  []string
	deleted  []string
	err      error // of the next call
}

func (s *shelf) Prune(_ context.Context, h store.Horizon, limit int) (store.Pruned, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.err; err != nil {
		s.err = nil
		return store.Pruned{}, err
	}
	s.horizons, s.limits = append(s.horizons, h), append(s.limits, limit)
	if s.slices == 0 {
		return store.Pruned{}, nil
	}
	s.slices--
	return store.Pruned{Cases: 1, Alerts: 2, More: s.slices > 0}, nil
}

func (s *shelf) Orphans(_ context.Context, limit int) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.orphans[:min(limit, len(s.orphans))]), nil
}

func (s *shelf) ForgetOrphans(_ context.Context, digests []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orphans = s.orphans[len(digests):]
	return nil
}

func (s *shelf) Delete(_ context.Context, digest string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.err; err != nil {
		s.err = nil
		return err
	}
	s.deleted = append(s.deleted, digest)
	return nil
}

// look returns a copy.
func (s *shelf) look() marks {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.marks
	m.horizons, m.limits, m.orphans, m.deleted = slices.Clone(m.horizons), slices.Clone(m.limits), slices.Clone(m.orphans), slices.Clone(m.deleted)
	return m
}

// start runs a job until the end of the test.
func start(t *testing.T, o retain.Options) {
	t.Helper()
	j, err := retain.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := j.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		wg.Wait()
	})
}

func TestRoundsAreCutIntoSlices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{marks: marks{slices: 3, orphans: []string{"a", "b", "c"}}}
		began := time.Now()
		start(t, retain.Options{Store: s, Objects: s, Cases: 48 * time.Hour, Slice: 2, Pause: time.Second, Registerer: prometheus.NewRegistry()})
		time.Sleep(time.Minute) // of synctest's clock
		synctest.Wait()
		want := store.Horizon{Cases: began.Add(-48 * time.Hour)} // pictures stay as long as their case
		if len(s.look().horizons) != 3 || !reflect.DeepEqual(s.look().horizons[2], want) || s.look().limits[0] != 2 {
			t.Fatalf("horizons %v, limits %v", s.look().horizons, s.look().limits)
		}
		if !reflect.DeepEqual(s.look().deleted, []string{"a", "b", "c"}) || len(s.look().orphans) > 0 {
			t.Fatalf("deleted %q, left %q", s.look().deleted, s.look().orphans)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(s.look().horizons) != 4 || !s.look().horizons[3].Cases.After(want.Cases) {
			t.Fatalf("the second round: %v", s.look().horizons)
		}
	})
}

// What fails is tried again; an object whose note was not forgotten is deleted again.
func TestTroubleIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{marks: marks{err: errors.New("disk on fire"), orphans: []string{"a"}}}
		start(t, retain.Options{Store: s, Objects: s, Evidence: time.Hour})
		synctest.Wait()
		if len(s.look().horizons) != 0 {
			t.Fatal("it went on after a failure")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(s.look().horizons) != 1 || !slices.Equal(s.look().deleted, []string{"a"}) {
			t.Fatalf("horizons %v, deleted %q", s.look().horizons, s.look().deleted)
		}
	})
}

// follower leads once it is told to.
type follower struct{ turn chan struct{} }

func (f follower) Lead(ctx context.Context, task string, do func(context.Context) error) error {
	select {
	case <-f.turn:
		if task == "" {
			return errors.New("no task")
		}
		return do(ctx)
	case <-ctx.Done():
		return nil
	}
}

func TestOnlyTheLeaderDeletes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, lead := &shelf{marks: marks{slices: 1}}, follower{turn: make(chan struct{})}
		start(t, retain.Options{Store: s, Objects: s, Lead: lead, Cases: time.Hour})
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(s.look().horizons) != 0 {
			t.Fatal("a follower deleted")
		}
		close(lead.turn)
		synctest.Wait()
		if len(s.look().horizons) != 1 {
			t.Fatalf("the leader ran %d slices", len(s.look().horizons))
		}
	})
}

func TestMissingOptions(t *testing.T) {
	if _, err := retain.New(retain.Options{}); err == nil {
		t.Fatal("a job without a store")
	}
}
