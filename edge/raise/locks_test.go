package raise

import (
	"context"
	"fmt"
	"slices"
	"testing"
)

// TestALockIsOfOneAtATime and is forgotten once nobody uses it, also after somebody would not wait.
func TestALockIsOfOneAtATime(t *testing.T) {
	var l keyLocks
	keys := []string{"a", "b"}
	if err := l.lock(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.lock(impatient, []string{"b", "c"}); err == nil {
		t.Error("a lock that is held was given to another one")
	}
	got := make(chan error, 1)
	go func() { got <- l.lock(t.Context(), keys) }()
	l.unlock(keys)
	if err := <-got; err != nil {
		t.Fatalf("who waited: %v", err)
	}
	l.unlock(keys)
	if len(l.held) != 0 {
		t.Errorf("%d locks that nobody uses", len(l.held))
	}
	for i, k := range l.spare {
		if len(k.token) != 0 || k.users != 0 || slices.Contains(l.spare[:i], k) {
			t.Errorf("spare lock %d is used", i)
		}
	}
}

func TestSpareLocksAreBounded(t *testing.T) {
	var l keyLocks
	var keys []string
	for i := range 2 * maxSpare {
		keys = append(keys, fmt.Sprintf("%06d", i))
	}
	for range 2 {
		if err := l.lock(t.Context(), keys); err != nil {
			t.Fatal(err)
		}
		l.unlock(keys)
		if len(l.spare) != maxSpare || len(l.held) != 0 {
			t.Errorf("%d spare locks, %d held", len(l.spare), len(l.held))
		}
	}
}
