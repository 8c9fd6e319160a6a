package backoff

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestWaitsGrowToTheMaximumAndStartAnew(t *testing.T) {
	const least, most = time.Second, 10 * time.Second
	for range 200 {
		b := New(least, most)
		for i, ceiling := range []time.Duration{1, 2, 4, 8, 10, 10, 10} {
			ceiling *= time.Second
			if d := b.Next(); d < ceiling/2 || d > ceiling {
				t.Fatalf("wait %d is %v, want %v to %v", i, d, ceiling/2, ceiling)
			}
		}
		b.Reset()
		if d := b.Next(); d < least/2 || d > least {
			t.Fatalf("after a success the wait is %v", d)
		}
	}
}

func TestWaitsDiffer(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 50 {
		seen[New(time.Hour, time.Hour).Next()] = true
	}
	if len(seen) < 40 {
		t.Errorf("fifty clients wait %d different times", len(seen))
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if !Wait(t.Context(), time.Minute) || time.Since(start) != time.Minute {
			t.Error("the wait was not waited out")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if Wait(ctx, time.Hour) || time.Since(start) != time.Minute+time.Second {
			t.Error("the wait outlived its context")
		}
	})
}
