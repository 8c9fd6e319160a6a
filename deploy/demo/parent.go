package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gridgate/protocols/kit/backoff"
)

// withParent returns a context that ends, too, when the process that started the demonstration is gone or was interrupted
// alone: GNU make answers a SIGINT of its own by waiting for its child, which it does not tell.
func withParent(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	parent := os.Getppid()
	go func() {
		defer cancel()
		for backoff.Wait(ctx, 500*time.Millisecond) {
			if os.Getppid() != parent || interruptedMake(parent) {
				return
			}
		}
	}()
	return ctx, cancel
}

// interruptedMake says whether pid is a make that is handling a SIGINT: it blocks the signal while it waits.
func interruptedMake(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil || !strings.HasPrefix(string(status), "Name:\tmake\n") {
		return false
	}
	_, rest, _ := strings.Cut(string(status), "\nSigBlk:\t")
	field, _, _ := strings.Cut(rest, "\n")
	blocked, err := strconv.ParseUint(field, 16, 64)
	return err == nil && blocked&(1<<(uint(syscall.SIGINT)-1)) != 0
}
