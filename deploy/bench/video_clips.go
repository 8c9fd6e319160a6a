package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// videoFPS is the frame rate of every clip of the group.
const videoFPS = 15

// clipSpec is a loop: how many units at its head are left out, since an encoder's first group of pictures is not like the
// others, and which pictures show an entry first.
type clipSpec struct {
	path    string
	skip    int
	entries []int
}

// size is a picture's, with the filter that brings the 4:3 recording to it.
type size struct {
	width, height int
	scale         string
}

var (
	mainSize = size{1920, 1080, "scale=1920:1440:flags=lanczos,crop=1920:1080"}
	subSize  = size{640, 480, "scale=640:480:flags=lanczos"}
)

// recorded is a file that deploy/setup/footage.sh put into the cache.
func recorded(name string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "gridgate", "footage", name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("no footage, run deploy/setup/footage.sh: %w", err)
	}
	return path, nil
}

// produce runs ffmpeg unless the same arguments made a file before.
func produce(ctx context.Context, ext string, args ...string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "gridgate", "bench")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(strings.Join(args, "\x00")))
	path := filepath.Join(dir, hex.EncodeToString(sum[:12])+"."+ext)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	part := filepath.Join(dir, "making-"+filepath.Base(path))
	defer os.Remove(part)
	cmd := exec.CommandContext(ctx, "ffmpeg", append(append([]string{"-nostdin", "-v", "error", "-y"}, args...), part)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make a clip with ffmpeg: %w\n%s", err, out)
	}
	return path, os.Rename(part, path)
}

// rate is how bits are spent: at a constant quality, or kbps of them a second, in the mean or (steady) at any time.
type rate struct {
	crf    float64
	kbps   int
	steady bool
}

// coded are ffmpeg's arguments for H.264 (CABAC) as a camera sends it: no B pictures, keyframes at even distances.
func (r rate) coded(gop, frames int) []string {
	params := fmt.Sprintf("keyint=%d:min-keyint=%d:scenecut=0:bframes=0:repeat-headers=1:mbtree=0:aq-mode=0:ipratio=1.3:qcomp=0.9", gop, gop)
	args := []string{"-frames:v", fmt.Sprint(frames), "-an", "-c:v", "libx264", "-preset", "superfast", "-x264-params", params}
	k := func(kbps int) string { return fmt.Sprintf("%dk", kbps) }
	switch {
	case r.steady:
		return append(args, "-b:v", k(r.kbps), "-minrate", k(r.kbps), "-maxrate", k(r.kbps), "-bufsize", k(r.kbps))
	case r.kbps > 0:
		return append(args, "-b:v", k(r.kbps), "-maxrate", k(r.kbps*3/2), "-bufsize", k(r.kbps*2))
	}
	return append(args, "-crf", fmt.Sprint(r.crf))
}

// sensorNoise is what a sensor adds in low light: it is what the bits of a quiet picture are spent on.
const sensorNoise = "noise=alls=7:allf=t+u,format=yuv420p"

// quietScene is the median of the recording: the place with nobody in it.
func quietScene(ctx context.Context) (string, error) {
	square, err := recorded("vtest.avi")
	if err != nil {
		return "", err
	}
	return produce(ctx, "png", "-i", square, "-vf", `select=not(mod(n\,9)),tmedian=radius=40`, "-fps_mode", "vfr", "-frames:v", "1")
}

// quietClip is ten seconds of nothing.
func quietClip(ctx context.Context, s size, r rate) (clipSpec, error) {
	still, err := quietScene(ctx)
	if err != nil {
		return clipSpec{}, err
	}
	filter := fmt.Sprintf("%s,loop=-1:1,fps=%d,%s", s.scale, videoFPS, sensorNoise)
	const gop = 2 * videoFPS
	path, err := produce(ctx, "h264", append([]string{"-i", still, "-vf", filter}, r.coded(gop, gop+150)...)...)
	return clipSpec{path: path, skip: gop}, err
}

// busyClip is ten seconds of the recording, forwards and backwards, so that the loop has no seam: somebody always walks.
func busyClip(ctx context.Context, s size, r rate) (clipSpec, error) {
	square, err := recorded("vtest.avi")
	if err != nil {
		return clipSpec{}, err
	}
	graph := fmt.Sprintf("trim=end_frame=150,split[a][b];[b]reverse[r];[a][r]concat,loop=-1:300,setpts=N/%d/TB,%s,%s", videoFPS, s.scale, sensorNoise)
	const gop = 2 * videoFPS
	args := append([]string{"-r", fmt.Sprint(videoFPS), "-i", square, "-filter_complex", graph}, r.coded(gop, gop+300)...)
	path, err := produce(ctx, "h264", args...)
	return clipSpec{path: path, skip: gop}, err
}
