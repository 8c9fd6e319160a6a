package app

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"gridgate/deploy/testkit/footage"
	"gridgate/deploy/testkit/rtspcam"
)

func TestProbeTellsWhatACameraIs(t *testing.T) {
	t.Parallel()
	clip := footage.Clip{Width: 640, Height: 480, FPS: 25, Seconds: 4, GOP: 10}
	cam, err := rtspcam.Start(t.Context(), rtspcam.Options{File: footage.H264(t, clip), FPS: 25, User: "operator", Password: "s3cret"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cam.Close)
	password := t.TempDir() + "/password"
	if err := os.WriteFile(password, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := Probe(t.Context(), ProbeOptions{
		URL: cam.URL(), Sub: strings.Replace(cam.URL(), "/stream", "/nothing", 1), Username: "operator", PasswordFile: password, For: 10 * time.Second,
		Pool: ownWorkers(),
	}, &stdout, &stderr)
	if code != ExitOK {
		t.Fatalf("exit %d: %s%s", code, &stdout, &stderr)
	}
	var main, sub probeLine
	var advice adviceLine
	dec := json.NewDecoder(&stdout)
	for _, line := range []any{&main, &sub, &advice} {
		if err := dec.Decode(line); err != nil {
			t.Fatal(err)
		}
	}
	if main.Codec != "h264" || main.Width != 640 || main.Height != 480 || main.KeyframeMS <= 0 || main.CostSequence <= main.CostGated {
		t.Errorf("%+v", main)
	}
	// A camera on a busy machine leaves out beats, what was held up comes together, and a media clock that falls behind is drawn after the
	// time here by a fiftieth.
	if main.FPS < 2 || main.FPS > 60 || math.Abs(main.GOP-0.4) > 0.02 {
		t.Errorf("%+v", main)
	}
	if sub.Error == "" || advice.Detect != "main" {
		t.Errorf("%+v, %+v", sub, advice)
	}
}

func TestProbeFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options ProbeOptions
		code    int
		reason  string
	}{
		"nobody there": {ProbeOptions{URL: "rtsp://127.0.0.1:1/x", For: time.Minute}, ExitFailed, "does not answer"},
		"not RTSP":     {ProbeOptions{URL: "http://127.0.0.1/", For: time.Minute}, ExitUsage, "address"},
		"too short":    {ProbeOptions{URL: "rtsp://127.0.0.1:1/x", For: time.Second}, ExitUsage, "--for"},
		"no password":  {ProbeOptions{URL: "rtsp://127.0.0.1:1/x", For: time.Minute, PasswordFile: "/nowhere"}, ExitUsage, "--password-file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			c.options.Pool = ownWorkers()
			if code := Probe(t.Context(), c.options, &stdout, &stderr); code != c.code || !strings.Contains(stderr.String(), c.reason) {
				t.Errorf("exit %d, %q", code, stderr.String())
			}
		})
	}
}
