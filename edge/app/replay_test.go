package app

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/deploy/testkit/footage"
	"gridgate/edge/decode"
	"gridgate/edge/detect"
)

// TestMain lets the test binary be its own decoder worker, and an edge that can be killed.
func TestMain(m *testing.M) {
	if os.Getenv("GRIDGATE_TEST_WORKER") == "decode" || len(os.Args) > 1 && os.Args[1] == decode.WorkerArg {
		os.Exit(decode.WorkerMain())
	}
	if file := os.Getenv(mortalFile); file != "" {
		os.Exit(mortal(file))
	}
	os.Exit(m.Run())
}

// ownWorkers are decoder workers of this test binary, which have the time of a busy machine.
func ownWorkers() decode.PoolOptions {
	return decode.PoolOptions{Env: []string{"GRIDGATE_TEST_WORKER=decode"}, Timeout: time.Minute, Log: slog.New(slog.DiscardHandler)}
}

// replayTest runs replay with this test binary as the worker.
func replayTest(t *testing.T, o ReplayOptions) (code int, lines []replayLine, reasons string) {
	t.Helper()
	o.Pool = ownWorkers()
	var stdout, stderr bytes.Buffer
	code = Replay(t.Context(), o, &stdout, &stderr)
	for dec := json.NewDecoder(&stdout); dec.More(); {
		var l replayLine
		if err := dec.Decode(&l); err != nil {
			t.Fatalf("output is not JSON lines: %v", err)
		}
		lines = append(lines, l)
	}
	return code, lines, stderr.String()
}

func TestReplayFindsAVisitor(t *testing.T) {
	t.Parallel()
	clip := footage.Clip{Source: "color=c=gray", Filter: footage.Visitor(4), Seconds: 14, GOP: 50}
	for name, path := range map[string]string{"H.264": footage.H264(t, clip), "H.265": footage.H265(t, clip)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, lines, reasons := replayTest(t, ReplayOptions{File: path, Rate: 2, Zones: []detect.Zone{{Name: "yard"}}})
			if code != ExitOK || len(lines) != 2 {
				t.Fatalf("exit %d, alerts %+v, reasons %s", code, lines, reasons)
			}
			on, off := lines[0], lines[1]
			if on.Kind != "motion" || on.State != "raised" || on.Zone != "yard" || on.At < 4 || on.At > 6 || on.Score == nil {
				t.Errorf("first alert %+v, want motion raised within 2 s of second 4", on)
			}
			if off.State != "cleared" || off.At < 9 || off.At > 13 {
				t.Errorf("second alert %+v, want it cleared after second 10", off)
			}
		})
	}
}

func TestReplayIsSilentOnAnEmptyPlace(t *testing.T) {
	t.Parallel()
	code, lines, _ := replayTest(t, ReplayOptions{File: footage.H264(t, footage.Clip{Source: "color=c=gray", Filter: "noise=alls=8:allf=t", Seconds: 5}), Rate: 2})
	if code != ExitOK || len(lines) > 0 {
		t.Errorf("exit %d, alerts %+v", code, lines)
	}
}

func TestReplayInventsNothingAtTheEnd(t *testing.T) {
	t.Parallel()
	clip := footage.Clip{Source: "color=c=gray", Filter: footage.Visitor(4), Seconds: 7, GOP: 50}
	code, lines, _ := replayTest(t, ReplayOptions{File: footage.H264(t, clip), Rate: 2})
	if code != ExitOK || len(lines) != 1 || lines[0].State != "raised" {
		t.Errorf("exit %d, alerts %+v; want one that stays raised", code, lines)
	}
}

func TestReplayRefuses(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "notes.mp4")
	if err := os.WriteFile(text, []byte("this is no recording"), 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(t.TempDir(), "damaged.h264")
	if err := os.WriteFile(damaged, append([]byte{0, 0, 0, 1, 0x65, 0x88}, bytes.Repeat([]byte{7}, 500)...), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		options ReplayOptions
		code    int
		reason  string
	}{
		"no file":      {ReplayOptions{}, ExitUsage, "a file is demanded"},
		"wrong rate":   {ReplayOptions{File: text, Rate: -1}, ExitUsage, "rate"},
		"wrong fps":    {ReplayOptions{File: text, FPS: 1000}, ExitUsage, "rate"},
		"wrong zone":   {ReplayOptions{File: text, Zones: []detect.Zone{{Name: "a", Polygon: detect.Polygon{{}}}}}, ExitUsage, "outline"},
		"missing file": {ReplayOptions{File: filepath.Join(t.TempDir(), "none.mp4")}, ExitFailed, "no such file"},
		"not a video":  {ReplayOptions{File: text}, ExitFailed, "not an MP4 file"},
		"damaged":      {ReplayOptions{File: damaged}, ExitFailed, "cannot be decoded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, lines, reasons := replayTest(t, c.options)
			if code != c.code || len(lines) > 0 || !strings.Contains(reasons, c.reason) {
				t.Errorf("exit %d, alerts %v, reasons %q; want %d and %q", code, lines, reasons, c.code, c.reason)
			}
		})
	}
}
