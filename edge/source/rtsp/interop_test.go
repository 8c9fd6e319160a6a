package rtsp_test

import (
	"bufio"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"gridgate/edge/source"
	"gridgate/edge/source/rtsp"
)

// gstreamer starts an independent server and returns its address.
func gstreamer(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", "testdata/gstreamer.py")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("Debian package python3: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("no server came up (Debian packages python3-gi, gir1.2-gst-rtsp-server-1.0, gstreamer1.0-plugins-base, -good, -bad, -ugly): %v", err)
	}
	return "rtsp://127.0.0.1:" + strings.TrimSpace(port)
}

// TestAnotherServer plays what GStreamer's server sends: other packets, other session descriptions, reports of its own.
func TestAnotherServer(t *testing.T) {
	address := gstreamer(t)
	for _, c := range []struct {
		path      string
		codec     source.Codec
		transport rtsp.Transport
		refresh   bool // keyframes do not come again
	}{
		{path: "/h264", codec: source.H264, transport: rtsp.TCP},
		{path: "/h264", codec: source.H264, transport: rtsp.UDP},
		{path: "/sliced", codec: source.H264},
		{path: "/refresh", codec: source.H264, refresh: true},
		{path: "/interlaced", codec: source.H264},
		{path: "/h265", codec: source.H265},
		{path: "/mjpeg", codec: source.MJPEG, transport: rtsp.TCP},
		{path: "/mjpeg", codec: source.MJPEG, transport: rtsp.UDP},
	} {
		t.Run(c.path[1:]+string(c.transport), func(t *testing.T) {
			t.Parallel()
			src, err := rtsp.New(patient(rtsp.Options{URL: address + c.path, Transport: c.transport}))
			if err != nil {
				t.Fatal(err)
			}
			units := collect(t, src, 25)
			begins, keys := 0, 0
			for _, u := range units {
				if u.Codec != c.codec {
					t.Fatalf("codec %s", u.Codec)
				}
				if u.Begins() {
					begins++
				}
				if u.Key {
					keys++
				}
			}
			if s := src.Stats(); begins < 2 || c.refresh == (keys == begins) || s.Width != 160 || s.Height != 96 {
				t.Errorf("%d units, %d beginnings, %d keyframes, %+v", len(units), begins, keys, s)
			}
		})
	}
}

// collect runs a source until n units came.
func collect(t *testing.T, src *rtsp.Source, n int) (units []source.AccessUnit) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := src.Run(ctx, func(u source.AccessUnit) {
		if units = append(units, u); len(units) >= n {
			cancel()
		}
	})
	if err != nil || len(units) < n {
		t.Fatalf("%d units, %v", len(units), err)
	}
	return units
}
