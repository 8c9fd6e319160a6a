package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"gridgate/edge/outbox"
	"gridgate/edge/raise"
	"gridgate/protocols/alert"
)

// outboxCommits measures what a sensor's acknowledgement waits for: one alert, one commit, on stable storage.
func outboxCommits(ctx context.Context, dir string) ([]Result, error) {
	syncs, err := fdatasyncs(ctx, dir, 500)
	if err != nil {
		return nil, err
	}
	bare := 1000 / meanMillis(syncs)
	box, err := outbox.Open(ctx, outbox.Options{Dir: filepath.Join(dir, "outbox")})
	if err != nil {
		return nil, err
	}
	defer box.Close()
	alone, err := appenders(ctx, box, 1, 500)
	if err != nil {
		return nil, err
	}
	crowd, err := appenders(ctx, box, 64, 200)
	if err != nil {
		return nil, err
	}
	return []Result{
		Rate("outbox.commits_1", alone.rate, "commits/s", "fdatasync/s", bare, 0.25),
		Rate("outbox.commits_64", crowd.rate, "commits/s", "fdatasync/s", bare, 1),
		Note("outbox.commit_1_p99", millis(percentile(alone.took, 99)), "ms"),
		Note("outbox.commit_64_p99", millis(percentile(crowd.took, 99)), "ms"),
	}, nil
}

func meanMillis(took []time.Duration) float64 {
	var sum time.Duration
	for _, d := range took {
		sum += d
	}
	return millis(sum) / float64(max(1, len(took)))
}

// timed is how fast something went, and how long each part of it took.
type timed struct {
	rate float64
	took []time.Duration
}

// appenders commits each alerts from n goroutines.
func appenders(ctx context.Context, box *outbox.Outbox, n, each int) (timed, error) {
	var mu sync.Mutex
	var all timed
	var failed error
	var wg sync.WaitGroup
	begin := time.Now()
	for a := range n {
		wg.Go(func() {
			took, err := appendAlerts(ctx, box, a*each, each)
			mu.Lock()
			defer mu.Unlock()
			all.took = append(all.took, took...)
			if err != nil {
				failed = err
			}
		})
	}
	wg.Wait()
	all.rate = perSecond(len(all.took), time.Since(begin))
	return all, failed
}

func appendAlerts(ctx context.Context, box *outbox.Outbox, from, n int) ([]time.Duration, error) {
	took := make([]time.Duration, 0, n)
	for i := from; i < from+n; i++ {
		a := makeAlert(i, time.Now())
		begin := time.Now()
		duplicate, err := box.Commit(ctx, raise.Commit{Message: a.ID, Alerts: []alert.Alert{a}})
		if err != nil {
			return took, fmt.Errorf("commit: %w", err)
		}
		if duplicate {
			return took, fmt.Errorf("a new alert was taken for one seen before")
		}
		took = append(took, time.Since(begin))
	}
	return took, nil
}
