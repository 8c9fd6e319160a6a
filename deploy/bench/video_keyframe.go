package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"sync"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/source"
	"gridgate/edge/source/recording"
)

// videoKeyframe decodes keyframes of the real footage to small luma frames, in the worker and by one ffmpeg process for each.
func videoKeyframe(ctx context.Context, _ string) ([]Result, error) {
	keyframes, err := footageKeyframes(ctx)
	if err != nil {
		return nil, err
	}
	ours, cpu, err := decodeInWorker(ctx, keyframes)
	if err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	theirs, err := decodeByProcess(ctx, keyframes[:min(len(keyframes), 20)])
	if err != nil {
		return nil, fmt.Errorf("ffmpeg: %w", err)
	}
	size := 0
	for _, u := range keyframes {
		size += u.Bytes()
	}
	return []Result{
		Cost("video.keyframe_p50", millis(percentile(ours, 50)), "ms", "ffmpeg process", millis(percentile(theirs, 50)), 4),
		Note("video.keyframe_cpu", millis(cpu)/float64(len(ours)), "ms"),
		Note("video.keyframe_size", float64(size)/1000/float64(len(keyframes)), "kB"),
	}, nil
}

// footageKeyframes reads the busy square that deploy/setup/footage.sh put into the cache.
func footageKeyframes(ctx context.Context) ([]source.AccessUnit, error) {
	clip, err := recorded("square.h264")
	if err != nil {
		return nil, err
	}
	var keyframes []source.AccessUnit
	err = recording.Source{Path: clip}.Run(ctx, func(u source.AccessUnit) {
		if u.Key {
			keyframes = append(keyframes, u)
		}
	})
	if err == nil && len(keyframes) == 0 {
		err = fmt.Errorf("%s has no keyframe", clip)
	}
	return keyframes, err
}

// decodeInWorker decodes all keyframes twice, one at a time, and returns how long each took and the worker's CPU time in all.
func decodeInWorker(ctx context.Context, keyframes []source.AccessUnit) ([]time.Duration, time.Duration, error) {
	pool, err := decode.NewPool(decode.PoolOptions{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, 0, err
	}
	running, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = pool.Run(running) })
	defer wg.Wait()
	defer stop()
	if _, err := pool.Keyframe(ctx, keyframes[0]); err != nil { // the worker starts
		return nil, 0, err
	}
	before := pool.Stats().CPU
	var took []time.Duration
	for range 2 {
		for _, u := range keyframes {
			begin := time.Now()
			if _, err := pool.Keyframe(ctx, u); err != nil {
				return nil, 0, err
			}
			took = append(took, time.Since(begin))
		}
	}
	return took, pool.Stats().CPU - before, nil
}

// decodeByProcess hands each keyframe to an ffmpeg of its own, to the same small luma frame.
func decodeByProcess(ctx context.Context, keyframes []source.AccessUnit) (took []time.Duration, err error) {
	for _, u := range keyframes {
		cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-f", "h264", "-i", "pipe:0", "-frames:v", "1",
			"-vf", fmt.Sprintf("scale=%d:%d", decode.FrameWidth, decode.FrameHeight), "-pix_fmt", "gray", "-f", "rawvideo", "pipe:1")
		cmd.Stdin = bytes.NewReader(annexB(u))
		begin := time.Now()
		luma, err := cmd.Output()
		if err != nil {
			return nil, err
		}
		if len(luma) != decode.FrameWidth*decode.FrameHeight {
			return nil, fmt.Errorf("a frame of %d bytes", len(luma))
		}
		took = append(took, time.Since(begin))
	}
	return took, nil
}

// annexB writes the units with start codes (ITU-T H.264, annex B).
func annexB(u source.AccessUnit) []byte {
	var out []byte
	for _, nalu := range u.NALUs {
		out = append(append(out, 0, 0, 0, 1), nalu...)
	}
	return out
}
