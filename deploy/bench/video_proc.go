package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"gridgate/protocols/kit/backoff"
)

// ticksPerSecond is USER_HZ, in which the kernel tells processor times to programs (proc(5)); 100 on amd64 and arm64.
const ticksPerSecond = 100

// usage is what a process and its children used so far and hold now.
type usage struct {
	cpu time.Duration // user and system, with that of children that ended
	rss int64         // bytes
}

// usageOf sums a process and the children it has now.
func usageOf(pid int) (usage, error) {
	sum, err := procStat(pid)
	if err != nil {
		return usage{}, err
	}
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return usage{}, err
	}
	for _, dir := range all {
		child, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || parentOf(child) != pid {
			continue
		}
		u, err := procStat(child)
		if err != nil {
			continue // it ended: its time is among that of its parent
		}
		sum.cpu += u.cpu
		sum.rss += u.rss
	}
	return sum, nil
}

// fields are those of /proc/PID/stat behind the name, from the state on (proc(5): the third).
func fields(pid int) [][]byte {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
}

func parentOf(pid int) int {
	f := fields(pid)
	if len(f) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(string(f[1]))
	return n
}

func procStat(pid int) (usage, error) {
	f := fields(pid)
	if len(f) < 22 {
		return usage{}, fmt.Errorf("process %d is gone", pid)
	}
	var ticks int64
	for _, v := range f[11:15] { // utime, stime, cutime, cstime
		n, err := strconv.ParseInt(string(v), 10, 64)
		if err != nil {
			return usage{}, fmt.Errorf("read the times of process %d: %w", pid, err)
		}
		ticks += n
	}
	pages, err := strconv.ParseInt(string(f[21]), 10, 64)
	if err != nil {
		return usage{}, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	return usage{cpu: time.Duration(ticks) * time.Second / ticksPerSecond, rss: pages * int64(os.Getpagesize())}, nil
}

// cpuSlices is into how many parts a window is cut: the median of them is the figure.
const cpuSlices = 5

// share is what a process used in the median part of a window, in percent of one core, and the most memory that it held.
func share(ctx context.Context, pid int, window time.Duration) (percent float64, rss int64, err error) {
	before, err := usageOf(pid)
	if err != nil {
		return 0, 0, err
	}
	begin := time.Now()
	var shares []float64
	for range cpuSlices {
		if !backoff.Wait(ctx, window/cpuSlices) {
			return 0, 0, ctx.Err()
		}
		now, err := usageOf(pid)
		if err != nil {
			return 0, 0, err
		}
		shares = append(shares, 100*(now.cpu-before.cpu).Seconds()/time.Since(begin).Seconds())
		before, begin, rss = now, time.Now(), max(rss, now.rss)
	}
	slices.Sort(shares)
	return shares[cpuSlices/2], rss, nil
}
