package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// probe tells how fast the disk and the processor are at this moment.
func probe(ctx context.Context, group, dir string) ([]Result, error) {
	syncs, err := fdatasyncs(ctx, dir, 100)
	if err != nil {
		return nil, fmt.Errorf("probe the disk: %w", err)
	}
	return []Result{
		Note(group+".probe_fdatasync_p50", millis(percentile(syncs, 50)), "ms"),
		Note(group+".probe_sha256", hashing(), "MB/s"),
	}, nil
}

// fdatasyncs appends a page and syncs it, n times, and returns how long each took.
func fdatasyncs(ctx context.Context, dir string, n int) ([]time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "probe"))
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, 4096)
	took := make([]time.Duration, 0, n)
	for range n {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		begin := time.Now()
		if _, err := f.Write(page); err != nil {
			return nil, err
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return nil, err
		}
		took = append(took, time.Since(begin))
	}
	return took, nil
}

// hashing is the rate of one goroutine over 64 MB.
func hashing() float64 {
	const size, rounds = 1 << 20, 64
	block := make([]byte, size)
	begin := time.Now()
	for range rounds {
		sum := sha256.Sum256(block)
		block[0] = sum[0]
	}
	return size * rounds / 1e6 / time.Since(begin).Seconds()
}

// percentile returns the p-th percentile of took, which it sorts.
func percentile(took []time.Duration, p int) time.Duration {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[min(len(took)-1, len(took)*p/100)]
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// perSecond is the rate of n in d.
func perSecond(n int, d time.Duration) float64 { return float64(n) / d.Seconds() }

// cpuTime is the processor time that this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
