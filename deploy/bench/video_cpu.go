package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"gridgate/protocols/kit/backoff"
)

// cpuPart compares what a camera costs with what Motion takes for the same stream.
type cpuPart struct {
	name string
	size size
	clip func(ctx context.Context, s size, r rate) (clipSpec, error)
	rate rate
	bar  float64
	warm time.Duration // before the window
}

var (
	quietMain = cpuPart{"video.quiet_main", mainSize, quietClip, rate{kbps: 3000}, 25, warmFor}
	quietSub  = cpuPart{"video.quiet_sub", subSize, quietClip, rate{kbps: 512}, 8, warmFor}
	busyMain  = cpuPart{"video.busy_main", mainSize, busyClip, rate{kbps: 3000}, 6, busyWarmFor}
	busySub   = cpuPart{"video.busy_sub", subSize, busyClip, rate{kbps: 512}, 5, busyWarmFor}
)

// load plays the stream for [manyCameras] cameras.
func (p cpuPart) load(ctx context.Context, dir string) (*load, error) {
	clip, err := p.clip(ctx, p.size, p.rate)
	if err != nil {
		return nil, err
	}
	return startLoad(ctx, dir, slices.Repeat([]clipSpec{clip}, manyCameras))
}

func (p cpuPart) run(ctx context.Context, dir string) (_ []Result, err error) {
	l, err := p.load(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.process.Stop()) }()
	ours, _, err := edgeShare(ctx, dir, l, manyCameras, p.name, p.warm)
	if err != nil {
		return nil, err
	}
	theirs, _, err := motionShare(ctx, dir, l.url(0), p.size)
	if err != nil {
		return nil, err
	}
	return []Result{Cost(p.name, ours/float64(manyCameras), "% of a core", "motion", theirs, p.bar)}, nil
}

// held is the memory of an edge and how much of it are coded pictures that it keeps on purpose.
type held struct{ rss, ring int64 }

// edgeShare runs the edge on n cameras and returns what all of them took, in percent of one core.
func edgeShare(ctx context.Context, dir string, l *load, n int, part string, warm time.Duration) (percent float64, mem held, err error) {
	e, err := startEdge(ctx, dir, l, n)
	if err != nil {
		return 0, held{}, err
	}
	defer func() { err = errors.Join(err, e.process.Stop()) }()
	if !backoff.Wait(ctx, warm) {
		return 0, held{}, ctx.Err()
	}
	if percent, mem.rss, err = share(ctx, e.process.PID(), windowFor); err != nil {
		return 0, held{}, err
	}
	s, err := e.status(ctx)
	if err != nil {
		return 0, held{}, err
	}
	mem.ring = s.ring()
	return percent, mem, errors.Join(e.check(ctx), e.tell(ctx, part))
}
