package evidence_test

import (
	"bytes"
	"context"
	"image/jpeg"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/evidence"
	"gridgate/edge/source"
	"gridgate/edge/source/recording"
	"gridgate/protocols/alert"
)

// film is a store that tells each picture that it is given.
type film chan kept

func (f film) Put(_ context.Context, e alert.Evidence, object []byte) error {
	f <- kept{Evidence: e, object: string(object)}
	return nil
}

// lines passes on what is logged.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// TestAFilmstripIsDecoded has a real worker decode a stream with B pictures, keyframes every 2 s: four different pictures, each of
// the moment that it tells.
func TestAFilmstripIsDecoded(t *testing.T) {
	pool, err := decode.NewPool(decode.PoolOptions{Executable: os.Args[0], Args: []string{"worker"}, Env: []string{"GRIDGATE_TEST_WORKER=decode"}, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	store, trouble := make(film, 10), make(lines, 10)
	m, err := evidence.New(evidence.Options{CameraID: "gate", Decoder: pool, Store: store, Log: slog.New(slog.NewTextHandler(trouble, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 2)
	go func() { ended <- pool.Run(ctx) }()
	go func() { ended <- m.Run(ctx) }()
	start := time.Now().Add(-10 * time.Second)
	onset := start.Add(2500 * time.Millisecond)
	m.Want([]alert.Alert{{ID: alert.NewID(), Source: alert.CameraSource("east", "gate"), State: alert.Raised}}, onset, recorded(reordered(t, start)))
	seen := map[string]bool{}
	for _, offset := range []time.Duration{0, -time.Second, time.Second, 3 * time.Second} {
		var k kept
		select {
		case k = <-store:
		case line := <-trouble:
			t.Fatal(line)
		}
		seen[k.SHA256] = true
		// Units come in decoding order: the newest that had come by a moment may be shown a few pictures later.
		if off := k.At.Sub(onset.Add(offset)).Abs(); off > 300*time.Millisecond {
			t.Errorf("the picture of %v is %v off", offset, off)
		}
		if img, err := jpeg.Decode(bytes.NewReader([]byte(k.object))); err != nil || img.Bounds().Dx() != 320 {
			t.Errorf("the picture of %v: %v", offset, err)
		}
	}
	if len(seen) != 4 {
		t.Errorf("%d different pictures", len(seen))
	}
	cancel()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// reordered is a recording of 6 s with B pictures, as if it had come in real time from start on.
func reordered(t *testing.T, start time.Time) (units []source.AccessUnit) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "b.mp4")
	out, err := exec.Command("ffmpeg", "-loglevel", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10", "-t", "6",
		"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "20", "-bf", "2", "-threads", "1", path).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg (Debian package ffmpeg): %v\n%s", err, out)
	}
	err = recording.Source{Path: path}.Run(t.Context(), func(u source.AccessUnit) {
		u.At = start.Add(time.Duration(len(units)) * 100 * time.Millisecond)
		units = append(units, u)
	})
	if err != nil || len(units) != 60 {
		t.Fatalf("%d units, %v", len(units), err)
	}
	return units
}
