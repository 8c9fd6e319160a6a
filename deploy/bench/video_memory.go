package main

import (
	"context"
	"errors"
)

// memoryTarget is the design's bar for a camera, in MB, without the coded pictures that it keeps.
const memoryTarget = 3

// videoMemory compares an edge with many cameras to one with two, so that what the programs hold anyway falls out.
func videoMemory(ctx context.Context, dir string) (_ []Result, err error) {
	l, err := quietMain.load(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.process.Stop()) }()
	const few = 2
	_, small, err := edgeShare(ctx, dir, l, few, "video.memory", warmFor)
	if err != nil {
		return nil, err
	}
	_, large, err := edgeShare(ctx, dir, l, manyCameras, "video.memory", warmFor)
	if err != nil {
		return nil, err
	}
	_, theirs, err := motionShare(ctx, dir, l.url(0), quietMain.size)
	if err != nil {
		return nil, err
	}
	const mb = 1e6
	cameras := float64(manyCameras - few)
	return []Result{
		AtMost("video.memory", float64(large.rss-large.ring-small.rss+small.ring)/mb/cameras, "MB", memoryTarget),
		Note("video.memory_ring", float64(large.ring)/mb/float64(manyCameras), "MB"),
		Note("video.memory_all", float64(large.rss)/mb, "MB"),
		Note("video.memory_motion", float64(theirs)/mb, "MB"),
	}, nil
}
