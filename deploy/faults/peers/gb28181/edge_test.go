package gb28181

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gridgate/deploy/testkit/footage"
	"gridgate/deploy/testkit/gbmedia"
	"gridgate/deploy/testkit/stage"
	"gridgate/edge/app"
	"gridgate/edge/decode"
)

// TestMain lets the test binary be the edge's decoder worker.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == decode.WorkerArg {
		os.Exit(decode.WorkerMain())
	}
	os.Exit(m.Run())
}

const edgeFile = `edge: east-gate
data: data
listen: 127.0.0.1:0
central: {url: "http://127.0.0.1:9", token: {env: GB_SECRET}}
place: {grid: "110101001001001", kind: gate}
gb28181:
  listen: %[1]s
  id: "` + serverID + `"
  timezone: Asia/Shanghai
  media: {ports: [46000, 46998], transport: %[2]s}
  devices: [{id: "` + deviceID + `", password: {env: GB_SECRET}}]
cameras:
  - {id: gate, url: "gb28181://` + deviceID + `/` + cameraID + `", owner: o, purpose: p, legal_basis: l, sample: 500ms, events: {protocol: gb28181}}
`

// journal is what an edge logs, read while it is written.
type journal struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all.Write(p)
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all.String()
}

// alerts are those that were committed, as kind and state.
func (j *journal) alerts() (found []string) {
	for line := range strings.Lines(j.text()) {
		var l struct{ Msg, Kind, State string }
		if json.Unmarshal([]byte(line), &l) == nil && l.Msg == "alert committed" {
			found = append(found, l.Kind+" "+l.State)
		}
	}
	return found
}

// TestAnEdgeWithACameraOfGB28181 runs all of it: the device registers, is asked for its video, shows a visitor and tells an alarm.
func TestAnEdgeWithACameraOfGB28181(t *testing.T) {
	dir, at := t.TempDir(), freeAddress(t)
	t.Setenv("GB_SECRET", secret)
	file := filepath.Join(dir, "edge.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, edgeFile, at, "udp"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log journal
	device, ctx := visited(t, at)
	stop := runEdge(t, ctx, file, &log)
	w := &world{t: t, device: device, ctx: ctx}
	w.until("an invitation", func() bool { return device.Seen.Invited.Load() > 0 })
	w.until("motion", func() bool { return slices.Contains(log.alerts(), "motion raised") })
	if err := device.Alarm(ctx, cameraID, "5", "6", time.Now().In(time.FixedZone("", 8*3600))); err != nil {
		t.Fatal(err)
	}
	w.until("the device's own alarm", func() bool { return slices.Contains(log.alerts(), "intrusion raised") })
	stop()
	w.until("BYE", func() bool { return device.Seen.Ended.Load() > 0 })
	nowhere(t, dir, log.text(), secret, "门口有人", "AlarmDescription", cameraID+"<")
}

func freeAddress(t *testing.T) string {
	t.Helper()
	at, err := stage.FreeAddress("")
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// visited runs a device that shows a visitor, until the test ends.
func visited(t *testing.T, server string) (*Device, context.Context) {
	t.Helper()
	clip, err := gbmedia.Load(footage.H264(t, footage.Clip{Source: "color=c=gray", Filter: footage.Visitor(3), Seconds: 14, GOP: 20}))
	if err != nil {
		t.Fatal(err)
	}
	d := &Device{ID: deviceID, Secret: secret, ServerID: serverID, Server: server, Channels: cameras(1), Alive: 500 * time.Millisecond}
	d.Show(Film{Clip: clip, FPS: 20})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	t.Cleanup(func() { cancel(); wg.Wait() })
	wg.Go(func() {
		if err := d.Run(ctx); err != nil {
			t.Errorf("the device: %v", err)
		}
	})
	return d, ctx
}

// runEdge runs an edge until stop is called or the test ends.
func runEdge(t *testing.T, ctx context.Context, file string, log *journal) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		if code := app.Run(ctx, app.RunOptions{Config: file}, "test", log); code != app.ExitOK {
			t.Errorf("the edge ended with %d: %s", code, log.text())
		}
	})
	stop = func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return stop
}

// nowhere looks for words in a log and in all files under a folder.
func nowhere(t *testing.T, dir, log string, words ...string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		for _, word := range words {
			if bytes.Contains(data, []byte(word)) {
				t.Errorf("%s holds %q", filepath.Base(path), word)
			}
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, word := range words {
		if strings.Contains(log, word) {
			t.Errorf("the log holds %q", word)
		}
	}
}
