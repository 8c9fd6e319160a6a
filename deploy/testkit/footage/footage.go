// Package footage makes small coded test streams with ffmpeg, once, and keeps them in the user's cache.
//
// In: a [Clip]. Out: the path of a raw stream (Annex B) with the parameter sets before each keyframe. The pictures are
// drawn by ffmpeg's own test sources: no recording of a real place or of people is made or needed. It is for tests only.
package footage

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Clip describes a test stream. Zero fields take the default named beside them.
type Clip struct {
	Source  string  // ffmpeg lavfi source without size and rate, default "testsrc2"; "color=c=gray" stands still
	Filter  string  // ffmpeg -vf chain after the source, default none; see [Visitor]
	Width   int     // pixels, default 320
	Height  int     // pixels, default 180
	FPS     int     // frames per second, default 10
	Seconds float64 // length, default 4
	GOP     int     // frames from keyframe to keyframe, default FPS
	BFrames int     // consecutive B frames, default 0
	Kbps    int     // constant bit rate; 0 codes at constant quality
}

// Visitor is a [Clip.Filter] that draws a dark box of 64x90 pixels, which walks in from the left edge at second from,
// crosses the picture in 6 s and leaves: a scene with one onset at a known time.
func Visitor(from float64) string {
	return fmt.Sprintf("null[scene];color=c=0x404040:s=64x90[box];"+
		"[scene][box]overlay=x='(W+w)*(t-%[1]g)/6-w':y='(H-h)/2':enable='gte(t,%[1]g)'", from)
}

// H264 returns the path of clip coded as H.264 (libx264).
func H264(t testing.TB, clip Clip) string {
	t.Helper()
	clip = clip.withDefaults()
	params := fmt.Sprintf("keyint=%d:min-keyint=%d:scenecut=0:repeat-headers=1:bframes=%d:threads=1", clip.GOP, clip.GOP, clip.BFrames)
	return produce(t, clip, "h264", "-c:v", "libx264", "-preset", "veryfast", "-x264-params", params, "-f", "h264")
}

// H265 returns the path of clip coded as H.265 (libx265).
func H265(t testing.TB, clip Clip) string {
	t.Helper()
	clip = clip.withDefaults()
	params := fmt.Sprintf("keyint=%d:min-keyint=%d:scenecut=0:repeat-headers=1:bframes=%d:pools=1:frame-threads=1:log-level=error",
		clip.GOP, clip.GOP, clip.BFrames)
	return produce(t, clip, "h265", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", params, "-f", "hevc")
}

func (c Clip) withDefaults() Clip {
	c.Source = cmp.Or(c.Source, "testsrc2")
	c.Width = cmp.Or(c.Width, 320)
	c.Height = cmp.Or(c.Height, 180)
	c.FPS = cmp.Or(c.FPS, 10)
	c.Seconds = cmp.Or(c.Seconds, 4)
	c.GOP = cmp.Or(c.GOP, c.FPS)
	return c
}

// produce runs ffmpeg unless the same clip is in the cache. It writes beside the cached name and renames, so that tests of
// several packages may ask for the same clip at once.
func produce(t testing.TB, clip Clip, ext string, codec ...string) string {
	t.Helper()
	args := append(clip.input(), codec...)
	path := filepath.Join(cacheDir(t), name(args)+"."+ext)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "making-*."+ext)
	if err != nil {
		t.Fatalf("footage: %v", err)
	}
	defer os.Remove(tmp.Name())
	_ = tmp.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "ffmpeg", append(args, tmp.Name())...).CombinedOutput(); err != nil {
		t.Fatalf("footage: ffmpeg (Debian package ffmpeg): %v\n%s", err, out)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		t.Fatalf("footage: %v", err)
	}
	return path
}

func (c Clip) input() []string {
	sep := "="
	if strings.Contains(c.Source, "=") {
		sep = ":"
	}
	graph := fmt.Sprintf("%s%ssize=%dx%d:rate=%d", c.Source, sep, c.Width, c.Height, c.FPS)
	args := []string{"-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-f", "lavfi", "-i", graph, "-t", fmt.Sprint(c.Seconds)}
	if c.Filter != "" {
		args = append(args, "-vf", c.Filter)
	}
	args = append(args, "-pix_fmt", "yuv420p", "-an")
	if c.Kbps > 0 {
		args = append(args, "-b:v", fmt.Sprintf("%dk", c.Kbps), "-maxrate", fmt.Sprintf("%dk", c.Kbps), "-bufsize", fmt.Sprintf("%dk", c.Kbps))
	}
	return args
}

func name(args []string) string {
	sum := sha256.Sum256([]byte(strings.Join(args, "\x00")))
	return hex.EncodeToString(sum[:12])
}

// cacheDir is shared by all packages, so that each clip is made once a machine; without a home it is the test's own.
func cacheDir(t testing.TB) string {
	t.Helper()
	base, err := os.UserCacheDir()
	if err != nil {
		return t.TempDir()
	}
	dir := filepath.Join(base, "gridgate", "testkit")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return t.TempDir()
	}
	return dir
}
