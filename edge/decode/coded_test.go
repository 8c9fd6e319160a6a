package decode

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/edge/source"
)

// The clock: a white bar on black that stands at column 16 n of 640 in the n-th picture, so that a picture tells which it is; 3.6 s of it.
const (
	clockFrames = "36"
	clock       = "color=c=black:s=640x360:r=10[a];color=c=white:s=32x360:r=10[b];[a][b]overlay=x='round(160*t)':eval=frame:shortest=1"
)

// coded runs ffmpeg over the clock, once, and reads what it made. The container tells the times where pictures are reordered.
func coded(t *testing.T, ext string, args ...string) []source.AccessUnit {
	t.Helper()
	all := []string{"-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-f", "lavfi", "-i", clock, "-frames:v", clockFrames, "-an"}
	all = append(all, args...)
	sum := sha256.Sum256([]byte(strings.Join(all, "\x00")))
	dir := t.TempDir()
	if base, err := os.UserCacheDir(); err == nil && os.MkdirAll(filepath.Join(base, "gridgate", "testkit"), 0o755) == nil {
		dir = filepath.Join(base, "gridgate", "testkit")
	}
	path := filepath.Join(dir, "clock-"+hex.EncodeToString(sum[:12])+"."+ext)
	if _, err := os.Stat(path); err != nil {
		made := filepath.Join(t.TempDir(), "clock."+ext)
		if out, err := exec.CommandContext(t.Context(), "ffmpeg", append(all, made)...).CombinedOutput(); err != nil {
			t.Fatalf("ffmpeg (Debian package ffmpeg): %v\n%s", err, out)
		}
		b, err := os.ReadFile(made)
		if err != nil {
			t.Fatal(err)
		}
		part, err := os.CreateTemp(dir, "clock-*.part") // another run of these tests may make the same one
		if err != nil {
			t.Fatal(err)
		}
		_, err = part.Write(b)
		if err := errors.Join(err, part.Close(), os.Rename(part.Name(), path)); err != nil {
			t.Fatal(err)
		}
	}
	return units(t, path)
}

func x264(t *testing.T, ext, params string) []source.AccessUnit {
	t.Helper()
	return coded(t, ext, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast",
		"-x264-params", "keyint=12:min-keyint=12:scenecut=0:repeat-headers=1:threads=1:"+params)
}

func x265(t *testing.T, params string) []source.AccessUnit {
	t.Helper()
	return coded(t, "mp4", "-pix_fmt", "yuv420p", "-c:v", "libx265", "-preset", "ultrafast",
		"-x265-params", "keyint=12:min-keyint=12:scenecut=0:repeat-headers=1:pools=1:frame-threads=1:log-level=error:"+params)
}

func mjpeg(t *testing.T, format string) []source.AccessUnit {
	t.Helper()
	return coded(t, "mp4", "-pix_fmt", format, "-c:v", "mjpeg", "-q:v", "4")
}

// shown are the media times of units in the order in which they are shown: the index of a time is the number on the clock.
func shown(units []source.AccessUnit) []time.Duration {
	var times []time.Duration
	for _, u := range units {
		times = append(times, u.PTS)
	}
	slices.Sort(times)
	return times
}

// number reads the clock off a grey picture of the given width: -1 if there is no bar, or if there is more than that.
func number(luma []byte, width int) int {
	left, right := -1, -1
	height := len(luma) / width
	for x := range width {
		sum := 0
		for y := range height {
			sum += int(luma[y*width+x])
		}
		switch mean := sum / height; {
		case mean > 128 && left < 0:
			left, right = x, x
		case mean > 128 && x == right+1:
			right = x
		case mean > 60:
			if x > right+1 || left < 0 {
				return -1
			}
		}
	}
	if bar := right - left + 1; left < 0 || bar < width/32 || bar > width/16 {
		return -1
	}
	return (left*40 + width/2) / width
}
