package job_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/central/job"
)

func TestItCatchesUpOnEachCommitAndEachSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var times atomic.Int64
		commits := make(chan struct{}, 1)
		l := job.Loop{
			Name: "count", CatchUp: func(context.Context) error { times.Add(1); return nil }, Every: time.Hour,
			Changed: func() <-chan struct{} { return commits },
		}
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		synctest.Wait()
		commits <- struct{}{}
		synctest.Wait()
		if times := times.Load(); times != 2 {
			t.Errorf("after a commit it caught up %d times, want 2", times)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if times := times.Load(); times != 3 {
			t.Errorf("after an hour it caught up %d times, want 3", times)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestAFailureIsTriedAgainFromTheBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		begun, failures := 0, 3
		l := job.Loop{
			Name: "flaky", Begin: func(context.Context) error { begun++; return nil },
			CatchUp: func(context.Context) error {
				if failures--; failures >= 0 {
					return errors.New("no database")
				}
				cancel()
				return nil
			},
		}
		if err := l.Run(ctx); err != nil || begun != 4 {
			t.Errorf("%v, begun %d times, want 4", err, begun)
		}
	})
}

// elsewhere never leads.
type elsewhere struct{}

func (elsewhere) Lead(ctx context.Context, _ string, _ func(context.Context) error) error {
	<-ctx.Done()
	return nil
}

func TestOnlyTheLeaderWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		l := job.Loop{Name: "led", Lead: elsewhere{}, CatchUp: func(context.Context) error { t.Error("it worked"); return nil }}
		if err := l.Run(ctx); err != nil {
			t.Error(err)
		}
	})
}
