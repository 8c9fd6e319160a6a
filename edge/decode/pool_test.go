package decode

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"gridgate/deploy/testkit/footage"
	"gridgate/edge/source"
	"gridgate/edge/source/recording"
	"gridgate/protocols/picture"
)

var errTestMissing = errors.New("libavcodec.so.59 is missing: install the Debian package libavcodec59")

// startPool runs a pool whose workers are this test binary in the given role.
func startPool(t testing.TB, role string, o PoolOptions) *Pool {
	t.Helper()
	o.Env = []string{"GRIDGATE_TEST_WORKER=" + role}
	o.Log = slog.New(slog.DiscardHandler)
	o.Timeout = cmp.Or(o.Timeout, time.Minute) // of a machine with much else to do
	p, err := NewPool(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return p
}

// units reads all access units of a stream.
func units(t testing.TB, path string) []source.AccessUnit {
	t.Helper()
	var all []source.AccessUnit
	s := recording.Source{Path: path, Start: time.Unix(1000, 0)}
	if err := s.Run(t.Context(), func(u source.AccessUnit) { all = append(all, u) }); err != nil {
		t.Fatal(err)
	}
	return all
}

// junk is a keyframe in name only.
func junk() source.AccessUnit {
	return source.AccessUnit{Codec: source.H264, Key: true, NALUs: [][]byte{{0x65, 0x88, 1, 2, 3}, bytes.Repeat([]byte{0x41, 0x9A}, 500)}}
}

// mean is the mean grey of the part of a frame between two columns.
func mean(f Frame, left, right int) int {
	sum := 0
	for y := range FrameHeight {
		for _, v := range f.Luma[y*FrameWidth+left : y*FrameWidth+right] {
			sum += int(v)
		}
	}
	return sum / (FrameHeight * (right - left))
}

func TestKeyframe(t *testing.T) {
	p := startPool(t, "decode", PoolOptions{})
	half := footage.Clip{Source: "color=c=black", Filter: "drawbox=x=iw/2:y=0:w=iw/2:h=ih:color=white:t=fill", Seconds: 1, FPS: 5}
	wide := half
	wide.Width, wide.Height = 1280, 720
	for name, path := range map[string]string{
		"H.264": footage.H264(t, half), "H.265": footage.H265(t, half), "H.264 of 720p": footage.H264(t, wide),
	} {
		t.Run(name, func(t *testing.T) {
			u := units(t, path)[0]
			u.PTS, u.At = 7*time.Second, time.Unix(1000, 0)
			f, err := p.Keyframe(t.Context(), u)
			if err != nil {
				t.Fatal(err)
			}
			if f.PTS != u.PTS || !f.At.Equal(u.At) {
				t.Errorf("times %v %v", f.PTS, f.At)
			}
			if l, r := mean(f, 0, 156), mean(f, 164, 320); l > 3 || r < 252 {
				t.Errorf("left half %d, right half %d; want black and white", l, r)
			}
		})
	}
	if s := p.Stats(); s.Requests != 3 || s.Failures != 0 || s.CPU == 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestSequence(t *testing.T) {
	p := startPool(t, "decode", PoolOptions{})
	for name, clip := range map[string]footage.Clip{
		"long GOP":      {GOP: 40, Seconds: 4},
		"with B frames": {GOP: 20, BFrames: 2, Seconds: 4},
	} {
		t.Run(name, func(t *testing.T) {
			all := units(t, footage.H264(t, clip))
			var last time.Duration = -1
			for len(all) >= 10 {
				f, ok, err := p.Sequence(t.Context(), name, all[:10])
				if err != nil || !ok {
					t.Fatalf("ok %v, error %v", ok, err)
				}
				if f.PTS <= last {
					t.Errorf("picture of %v after that of %v", f.PTS, last)
				}
				if want := time.Unix(1000, 0).Add(f.PTS); f.At.Sub(want).Abs() > time.Microsecond {
					t.Errorf("at %v, want %v", f.At, want)
				}
				last, all = f.PTS, all[10:]
			}
		})
	}
	t.Run("must begin with a keyframe", func(t *testing.T) {
		_, _, err := p.Sequence(t.Context(), "new", units(t, footage.H264(t, footage.Clip{}))[1:3])
		if !errors.Is(err, ErrForgotten) || !errors.Is(err, ErrBadStream) {
			t.Errorf("error %v, want ErrForgotten, which is an ErrBadStream", err)
		}
	})
}

func TestPictureIsSmallAndRedacted(t *testing.T) {
	p := startPool(t, "decode", PoolOptions{})
	all := units(t, footage.H264(t, footage.Clip{Width: 1280, Height: 160, Seconds: 1, FPS: 5}))
	pics, err := p.Pictures(t.Context(), PictureRequest{Units: all[:2]})
	if err != nil {
		t.Fatal(err)
	}
	c, err := jpeg.DecodeConfig(bytes.NewReader(pics[0].JPEG))
	if err != nil || c.Width != picture.MaxWidth || c.Height != picture.MaxWidth/8 || pics[0].Width != c.Width || pics[0].Height != c.Height {
		t.Errorf("%dx%d (%dx%d), error %v", c.Width, c.Height, pics[0].Width, pics[0].Height, err)
	}
}

func TestMasksAreBurntIntoThePicture(t *testing.T) {
	p := startPool(t, "decode", PoolOptions{})
	all := units(t, footage.H264(t, footage.Clip{Width: 640, Height: 360, Seconds: 1, FPS: 5}))
	left := picture.Mask{{X: 0, Y: 0}, {X: 0.5, Y: 0}, {X: 0.5, Y: 1}, {X: 0, Y: 1}}
	pics, err := p.Pictures(t.Context(), PictureRequest{Units: all[:1], Masks: []picture.Mask{left}})
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(pics[0].JPEG))
	if err != nil {
		t.Fatal(err)
	}
	b := img.Bounds()
	under, beside := spread(img, image.Rect(0, 0, b.Dx()*300/640, b.Dy())), spread(img, image.Rect(b.Dx()*340/640, 0, b.Dx(), b.Dy()))
	if under > 16 || beside < 100 {
		t.Errorf("brightness varies by %d under the mask and by %d beside it", under, beside)
	}
	for name, bad := range map[string]picture.Mask{"two points": left[:2], "outside": {{X: 0, Y: 0}, {X: 2, Y: 0}, {X: 1, Y: 1}}} {
		if _, err := p.Pictures(t.Context(), PictureRequest{Units: all[:1], Masks: []picture.Mask{bad}}); err == nil {
			t.Errorf("a mask with %s: there is a picture", name)
		}
	}
}

// spread is the difference between the brightest and the darkest pixel of r, 0 to 255.
func spread(img image.Image, r image.Rectangle) int {
	lo, hi := 255, 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			v := int(color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y)
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	return hi - lo
}

func TestJunkFailsAloneAndTheNextIsServed(t *testing.T) {
	p := startPool(t, "decode", PoolOptions{})
	good := units(t, footage.H264(t, footage.Clip{}))[0]
	for range 3 {
		if _, err := p.Keyframe(t.Context(), junk()); !errors.Is(err, ErrBadStream) || strings.Count(err.Error(), ErrBadStream.Error()) != 1 {
			t.Errorf("error %v, want ErrBadStream, said once", err)
		}
		if _, err := p.Keyframe(t.Context(), good); err != nil {
			t.Errorf("good keyframe after junk: %v", err)
		}
	}
	if s := p.Stats(); s.Restarts != 0 {
		t.Errorf("%d restarts", s.Restarts)
	}
}

func TestOversizedIsRefusedAtOnce(t *testing.T) {
	p := startPool(t, "decode", PoolOptions{})
	big := source.AccessUnit{Codec: source.H264, Key: true, NALUs: [][]byte{make([]byte, maxUnit+1)}}
	if _, err := p.Keyframe(t.Context(), big); !errors.Is(err, ErrBadStream) {
		t.Errorf("error %v, want ErrBadStream", err)
	}
}

func TestKilledWorkerIsReplaced(t *testing.T) {
	p := startPool(t, "decode", PoolOptions{})
	good := units(t, footage.H264(t, footage.Clip{}))[0]
	if _, err := p.Keyframe(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	w := workerOf(t)
	if err := w.Kill(); err != nil {
		t.Fatal(err)
	}
	// A request may be blamed for the death if it was sent while the worker died; the one after it is served.
	if _, err := p.Keyframe(t.Context(), good); err != nil && !errors.Is(err, ErrBadStream) {
		t.Errorf("error %v", err)
	}
	if _, err := p.Keyframe(t.Context(), good); err != nil {
		t.Errorf("after the restart: %v", err)
	}
	if s := p.Stats(); s.Restarts != 1 {
		t.Errorf("%d restarts, want 1", s.Restarts)
	}
}

// workerOf finds the one child process of this test.
func workerOf(t *testing.T) *os.Process {
	t.Helper()
	children, err := childrenOf(os.Getpid())
	if err != nil || len(children) != 1 {
		t.Fatalf("children %v, error %v", children, err)
	}
	p, err := os.FindProcess(children[0])
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestHangingWorkerIsKilledAndTheStreamRefused(t *testing.T) {
	p := startPool(t, "hang", PoolOptions{Timeout: 200 * time.Millisecond})
	ctx := WithStream(t.Context(), "yard")
	if _, err := p.Keyframe(ctx, junk()); !errors.Is(err, ErrBadStream) {
		t.Fatalf("error %v, want ErrBadStream", err)
	}
	before := p.Stats()
	if _, err := p.Keyframe(ctx, junk()); !errors.Is(err, ErrBadStream) {
		t.Errorf("error %v, want ErrBadStream", err)
	}
	if after := p.Stats(); after.Requests != before.Requests || after.Refused != before.Refused+1 {
		t.Errorf("a stream that hangs workers was tried again at once: %+v", after)
	}
}

func TestGreedyWorkerIsKilled(t *testing.T) {
	p := startPool(t, "greedy", PoolOptions{MaxMemory: 100 << 20, Timeout: 20 * time.Second})
	if _, err := p.Keyframe(t.Context(), junk()); !errors.Is(err, ErrBadStream) {
		t.Errorf("error %v, want ErrBadStream", err)
	}
}

func TestMissingLibraryNamesThePackage(t *testing.T) {
	p := startPool(t, "missing", PoolOptions{})
	_, err := p.Keyframe(t.Context(), junk())
	if !errors.Is(err, ErrNoWorker) || !bytes.Contains([]byte(err.Error()), []byte("install the Debian package libavcodec59")) {
		t.Errorf("error %v", err)
	}
}

func TestEndedPoolSaysSo(t *testing.T) {
	p, err := NewPool(PoolOptions{Env: []string{"GRIDGATE_TEST_WORKER=decode"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Keyframe(t.Context(), junk()); !errors.Is(err, ErrNoWorker) {
		t.Errorf("error %v, want ErrNoWorker", err)
	}
}
