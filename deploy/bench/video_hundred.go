package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"gridgate/protocols/kit/backoff"
)

// The cameras of video.hundred: sub-streams, and somebody always walks before every fifth.
const (
	hundred  = 100
	busyEach = 5
)

// lossCount is what was sent and what became of it.
type lossCount struct {
	played, dropped uint64 // by the server; dropped are packets that the edge was too slow to read
	edge            edgeCounters
}

// videoHundred plays for [hundredFor] and counts what is missing between two moments at which the server holds its breath.
func videoHundred(ctx context.Context, dir string) (_ []Result, err error) {
	cameras, err := hundredCameras(ctx)
	if err != nil {
		return nil, err
	}
	l, err := startLoad(ctx, dir, cameras)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.process.Stop()) }()
	e, err := startEdge(ctx, dir, l, hundred)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.process.Stop()) }()
	if !backoff.Wait(ctx, warmFor) {
		return nil, ctx.Err()
	}
	before, err := countLoss(ctx, l, e)
	if err != nil {
		return nil, err
	}
	percent, _, err := share(ctx, e.process.PID(), hundredFor)
	if err != nil {
		return nil, err
	}
	after, err := countLoss(ctx, l, e)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(e.check(ctx), e.tell(ctx, "video.hundred")); err != nil {
		return nil, err
	}
	return []Result{
		AtMost("video.hundred", float64(lost(before, after)), "frames lost", 0),
		Note("video.hundred_sent", float64(after.played-before.played), "frames"),
		Note("video.hundred_cpu", percent/hundred, "% of a core"),
	}, nil
}

func hundredCameras(ctx context.Context) (cameras []clipSpec, err error) {
	quiet, err := quietSub.clip(ctx, quietSub.size, quietSub.rate)
	if err != nil {
		return nil, err
	}
	busy, err := busySub.clip(ctx, busySub.size, busySub.rate)
	if err != nil {
		return nil, err
	}
	for i := range hundred {
		if i%busyEach == 0 {
			cameras = append(cameras, busy)
		} else {
			cameras = append(cameras, quiet)
		}
	}
	return cameras, nil
}

func countLoss(ctx context.Context, l *load, e *edge) (c lossCount, err error) {
	return c, l.held(ctx, e.arrived, func() error {
		paths, err := l.paths(ctx)
		if err != nil {
			return err
		}
		for _, p := range paths {
			c.played += p.Units
			c.dropped += p.Dropped
		}
		s, err := e.status(ctx)
		c.edge = s.sum()
		return err
	})
}

// lost counts units that were played and did not arrive, and units and samples that arrived and were not looked at.
func lost(before, after lossCount) int {
	a, b := before.edge, after.edge
	n := int(after.dropped-before.dropped) + int(b.Skipped-a.Skipped) + int(b.Overflows-a.Overflows) +
		int(b.Undecodable-a.Undecodable) + int(b.NoWorker-a.NoWorker)
	if b.Units == 0 {
		fmt.Fprintln(os.Stderr, "video.hundred: the edge does not tell how many units came: only drops are counted")
		return n
	}
	return n + int(after.played-before.played) - int(b.Units-a.Units)
}
