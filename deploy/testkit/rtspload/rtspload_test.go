package rtspload_test

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/deploy/testkit/client"
	"gridgate/deploy/testkit/footage"
	"gridgate/deploy/testkit/leak"
	"gridgate/deploy/testkit/rtspload"
	"gridgate/deploy/testkit/stage"
	"gridgate/edge/source"
	"gridgate/edge/source/rtsp"
	"gridgate/protocols/kit/backoff"
)

func TestMain(m *testing.M) { leak.Main(m) }

// serve plays paths until the test ends.
func serve(t *testing.T, paths ...rtspload.Path) (plan rtspload.Plan, reports client.Client) {
	t.Helper()
	for _, address := range []*string{&plan.RTSP, &plan.HTTP} {
		free, err := stage.FreeAddress("")
		if err != nil {
			t.Fatal(err)
		}
		*address = free
	}
	plan.Paths = paths
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- rtspload.Serve(ctx, plan) }()
	web := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		web.CloseIdleConnections()
	})
	reports = client.Client{Base: "http://" + plan.HTTP, HTTP: web}
	waitFor(t, "the server", func() bool {
		var out []rtspload.Report
		return reports.JSON(t.Context(), http.MethodGet, "/paths", nil, &out) == nil && len(out) == len(paths)
	})
	return plan, reports
}

func report(t *testing.T, c client.Client) (out []rtspload.Report) {
	t.Helper()
	if err := c.JSON(t.Context(), http.MethodGet, "/paths", nil, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !ok() {
		if !backoff.Wait(ctx, 10*time.Millisecond) {
			t.Fatalf("waited for %s in vain", what)
		}
	}
}

// watch pulls a path with the edge's own source until n units came.
func watch(t *testing.T, plan rtspload.Plan, name string, n int) []source.AccessUnit {
	t.Helper()
	src, err := rtsp.New(rtsp.Options{URL: "rtsp://" + plan.RTSP + "/" + name})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var units []source.AccessUnit
	err = src.Run(ctx, func(u source.AccessUnit) {
		if units = append(units, u); len(units) == n {
			stop()
		}
	})
	if err != nil || len(units) < n {
		t.Fatalf("%d units: %v", len(units), err)
	}
	return units[:n]
}

func TestEachPathPlaysTheLoopWithAClockOfItsOwn(t *testing.T) {
	for codec, file := range map[string]string{
		"h264": footage.H264(t, footage.Clip{Width: 160, Height: 96, FPS: 5, Seconds: 2, GOP: 5}),
		"h265": footage.H265(t, footage.Clip{Width: 160, Height: 96, FPS: 5, Seconds: 2, GOP: 5}),
	} {
		t.Run(codec, func(t *testing.T) {
			plan, reports := serve(t,
				rtspload.Path{Name: "a", Clip: file, FPS: 50, Marks: []int{3}},
				rtspload.Path{Name: "b", Clip: file, FPS: 50, Skip: 5, Offset: 2})
			for _, name := range []string{"a", "b"} {
				units := watch(t, plan, name, 30)
				for i := 1; i < len(units); i++ {
					if step := units[i].PTS - units[i-1].PTS; step < 19*time.Millisecond || step > 21*time.Millisecond {
						t.Errorf("path %s: unit %d comes %v after the one before", name, i, step)
					}
					if units[i].Key != (i%5 == 0) {
						t.Errorf("path %s: unit %d of a stream that begins with a keyframe: key is %v", name, i, units[i].Key)
					}
				}
			}
			a := report(t, reports)[0]
			if a.Units < 30 || a.Dropped != 0 || len(a.Departures) < 3 {
				t.Fatalf("%+v", a)
			}
			for i := 1; i < len(a.Departures); i++ {
				if d := a.Departures[i]; d.Unit != 3 || !d.At.After(a.Departures[i-1].At) {
					t.Errorf("departure %d: %+v", i, d)
				}
			}
		})
	}
}

func TestNothingLeavesWhileHeld(t *testing.T) {
	file := footage.H264(t, footage.Clip{Width: 160, Height: 96, FPS: 5, Seconds: 2, GOP: 5})
	_, reports := serve(t, rtspload.Path{Name: "a", Clip: file, FPS: 100})
	post := func(path string) {
		t.Helper()
		if err := reports.JSON(t.Context(), http.MethodPost, path, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, "the first units", func() bool { return report(t, reports)[0].Units > 3 })
	post("/hold")
	held := report(t, reports)[0].Units
	backoff.Wait(t.Context(), 100*time.Millisecond)
	if now := report(t, reports)[0].Units; now != held {
		t.Errorf("%d units left while held", now-held)
	}
	post("/release")
	waitFor(t, "more units", func() bool { return report(t, reports)[0].Units > held })
}

func TestServeRefuses(t *testing.T) {
	file := footage.H264(t, footage.Clip{Width: 160, Height: 96, FPS: 5, Seconds: 2, GOP: 5})
	for want, paths := range map[string][]rtspload.Path{
		"keyframe": {{Name: "a", Clip: file, FPS: 5, Skip: 1}}, "no frame rate": {{Name: "a", Clip: file}},
		"twice": {{Name: "a", Clip: file, FPS: 5}, {Name: "a", Clip: file, FPS: 5}},
		"read":  {{Name: "a", Clip: filepath.Join(t.TempDir(), "none.h264"), FPS: 5}},
	} {
		err := rtspload.Serve(t.Context(), rtspload.Plan{RTSP: "127.0.0.1:0", HTTP: "127.0.0.1:0", Paths: paths})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
