package rtsp_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gridgate/deploy/testkit/footage"
	"gridgate/deploy/testkit/leak"
	"gridgate/deploy/testkit/rtspcam"
	"gridgate/deploy/testkit/stage"
	"gridgate/edge/source"
	"gridgate/edge/source/rtsp"
)

func TestMain(m *testing.M) { leak.Main(m) }

// small is quick to send: two groups of five pictures.
func small(t *testing.T) string {
	return footage.H264(t, footage.Clip{Width: 160, Height: 96, FPS: 5, Seconds: 2, GOP: 5})
}

func camera(t *testing.T, opt rtspcam.Options) *rtspcam.Camera {
	t.Helper()
	if opt.File == "" && opt.Units == nil {
		opt.File = small(t)
	}
	if opt.FPS == 0 {
		opt.FPS = 50
	}
	cam, err := rtspcam.Start(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cam.Close)
	return cam
}

// pull runs a source until enough says so or the source fails, for a minute at most. What comes while it ends is not counted.
func pull(t *testing.T, opt rtsp.Options, enough func(units []source.AccessUnit) bool) ([]source.AccessUnit, error) {
	t.Helper()
	src, err := rtsp.New(patient(opt))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var units []source.AccessUnit
	err = src.Run(ctx, func(u source.AccessUnit) {
		if ctx.Err() != nil {
			return
		}
		if units = append(units, u); enough(units) {
			cancel()
		}
	})
	return units, err
}

// patient takes a busy machine for no trouble, but where a test has another bound.
func patient(opt rtsp.Options) rtsp.Options {
	opt.Connect, opt.Stall = cmp.Or(opt.Connect, time.Minute), cmp.Or(opt.Stall, time.Minute)
	return opt
}

func never([]source.AccessUnit) bool { return false }

func keyframes(n int) func([]source.AccessUnit) bool {
	return func(units []source.AccessUnit) bool {
		got := 0
		for _, u := range units {
			if u.Key {
				got++
			}
		}
		return got >= n
	}
}

func TestPlaysEachCodecOverEachTransport(t *testing.T) {
	h265 := footage.H265(t, footage.Clip{Width: 160, Height: 96, FPS: 5, Seconds: 2, GOP: 5})
	for _, c := range []struct {
		name      string
		file      string
		transport rtsp.Transport
		codec     source.Codec
		sets      []byte // first bytes of the parameter sets before a keyframe
	}{
		{name: "h264 auto", file: small(t), transport: rtsp.Auto, codec: source.H264, sets: []byte{0x67, 0x68}},
		{name: "h264 tcp", file: small(t), transport: rtsp.TCP, codec: source.H264, sets: []byte{0x67, 0x68}},
		{name: "h264 udp", file: small(t), transport: rtsp.UDP, codec: source.H264, sets: []byte{0x67, 0x68}},
		{name: "h265 tcp", file: h265, transport: rtsp.TCP, codec: source.H265, sets: []byte{0x40, 0x42, 0x44}},
		{name: "h265 udp", file: h265, transport: rtsp.UDP, codec: source.H265, sets: []byte{0x40, 0x42, 0x44}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cam := camera(t, rtspcam.Options{File: c.file})
			units, err := pull(t, rtsp.Options{URL: cam.URL(), Transport: c.transport}, keyframes(4))
			if err != nil || !keyframes(4)(units) {
				t.Fatalf("%d units, %v", len(units), err)
			}
			checkUnits(t, units, c.codec, c.sets)
		})
	}
}

// checkUnits wants whole groups of five pictures, 20 ms apart, with the parameter sets before each keyframe and nothing else.
func checkUnits(t *testing.T, units []source.AccessUnit, codec source.Codec, sets []byte) {
	t.Helper()
	for i, u := range units {
		if u.Codec != codec || u.Key != (i%5 == 0) {
			t.Fatalf("unit %d: codec %s, key %v", i, u.Codec, u.Key)
		}
		checkTime(t, i, u)
		var heads []byte
		for _, nalu := range u.NALUs {
			heads = append(heads, nalu[0])
		}
		if u.Key && !bytes.HasPrefix(heads, sets) {
			t.Errorf("keyframe %d begins with % x", i, heads)
		}
		if want := 1; !u.Key && len(heads) != want {
			t.Errorf("unit %d holds % x, want one slice", i, heads)
		}
	}
}

// checkTime wants units 20 ms apart, but for the fiftieth by which a clock is drawn after the time here if the machine stood still.
func checkTime(t *testing.T, i int, u source.AccessUnit) {
	t.Helper()
	if want := time.Duration(i) * 20 * time.Millisecond; (u.PTS - want).Abs() > want/50 {
		t.Errorf("unit %d: at %v, want %v", i, u.PTS, want)
	}
}

func TestCredentials(t *testing.T) {
	for _, c := range []struct {
		name           string
		auth           rtspcam.Auth
		user, password string
		want           error
	}{
		{name: "digest", auth: rtspcam.Digest, user: "operator", password: "s3cret/@"},
		{name: "basic", auth: rtspcam.Basic, user: "operator", password: "s3cret/@"},
		{name: "digest, wrong password", auth: rtspcam.Digest, user: "operator", password: "guess", want: source.ErrAuth},
		{name: "basic, wrong password", auth: rtspcam.Basic, user: "operator", password: "guess", want: source.ErrAuth},
		{name: "none given", auth: rtspcam.Digest, want: source.ErrAuth},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cam := camera(t, rtspcam.Options{Auth: c.auth, User: "operator", Password: "s3cret/@"})
			_, err := pull(t, rtsp.Options{URL: cam.URL(), Username: c.user, Password: c.password}, keyframes(1))
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			checkText(t, err)
		})
	}
}

// checkText wants no address and no secret in an error.
func checkText(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{"operator", "s3cret", "guess", "127.0.0.1", "rtsp://", "stream"} {
		if err != nil && secret != "stream" && strings.Contains(err.Error(), secret) {
			t.Errorf("error %q tells %q", err, secret)
		}
	}
}

func TestFailures(t *testing.T) {
	gone, err := stage.FreeAddress("")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		cam  rtspcam.Options
		path string // instead of the camera's
		opt  rtsp.Options
		want error
	}{
		{name: "nobody listens", path: "rtsp://" + gone + "/stream", want: source.ErrUnreachable},
		{name: "no such path", path: "/other", want: source.ErrUnreachable},
		{name: "no video", cam: rtspcam.Options{Offer: rtspcam.OfferAudioOnly}, want: source.ErrUnsupported},
		{name: "codec of another kind", cam: rtspcam.Options{Offer: rtspcam.OfferVP8}, want: source.ErrUnsupported},
		{
			name: "stalls", cam: rtspcam.Options{Misbehave: rtspcam.Misbehaviour{StallAfter: 7}},
			opt: rtsp.Options{Stall: 300 * time.Millisecond}, want: source.ErrStalled,
		},
		{
			name: "never a keyframe", cam: rtspcam.Options{Misbehave: rtspcam.Misbehaviour{NoKeyframe: true}},
			opt: rtsp.Options{NoKeyframe: 300 * time.Millisecond}, want: source.ErrNoKeyframe,
		},
		{
			name: "keyframe too large", opt: rtsp.Options{NoKeyframe: 300 * time.Millisecond, MaxUnit: 300},
			want: source.ErrNoKeyframe,
		},
		{
			name: "floods", cam: rtspcam.Options{Misbehave: rtspcam.Misbehaviour{Flood: 20}}, want: source.ErrUnsupported,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cam := camera(t, c.cam)
			c.opt.URL = cam.URL()
			switch {
			case strings.HasPrefix(c.path, "/"):
				c.opt.URL = strings.TrimSuffix(cam.URL(), "/stream") + c.path
			case c.path != "":
				c.opt.URL = c.path
			}
			_, err := pull(t, c.opt, never)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			checkText(t, err)
		})
	}
}

func TestHangUpEndsTheRun(t *testing.T) {
	cam := camera(t, rtspcam.Options{})
	var once sync.Once
	_, err := pull(t, rtsp.Options{URL: cam.URL()}, func([]source.AccessUnit) bool {
		once.Do(func() { go cam.HangUp() })
		return false
	})
	if !errors.Is(err, source.ErrUnreachable) {
		t.Fatal(err)
	}
}

func TestSilentServerIsGivenUp(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, err = pull(t, rtsp.Options{URL: "rtsp://" + ln.Addr().String() + "/", Connect: 200 * time.Millisecond}, never)
	if !errors.Is(err, source.ErrUnreachable) {
		t.Fatal(err)
	}
}

func TestGarbageAndTruncationNeitherPanicNorPassUnbounded(t *testing.T) {
	for name, m := range map[string]rtspcam.Misbehaviour{"garbage": {Garbage: true}, "truncation": {Truncate: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cam := camera(t, rtspcam.Options{FPS: 200, Misbehave: m})
			opt := rtsp.Options{URL: cam.URL()}
			if name == "garbage" { // none of it may ever pass
				opt.Stall, opt.NoKeyframe = 500*time.Millisecond, 500*time.Millisecond
			}
			units, err := pull(t, opt, func(u []source.AccessUnit) bool { return len(u) == 200 })
			if name == "truncation" && (err != nil || len(units) != 200) {
				t.Fatalf("truncated slices are the decoder's to judge: %d units, %v", len(units), err)
			}
			for _, u := range units {
				if u.Bytes() > 4<<20 || len(u.NALUs) == 0 {
					t.Fatalf("unit of %d bytes in %d NAL units", u.Bytes(), len(u.NALUs))
				}
			}
		})
	}
}

func TestLossDropsUntilTheNextKeyframeAndIsReported(t *testing.T) {
	cam := camera(t, rtspcam.Options{File: footage.H264(t, footage.Clip{FPS: 10, Seconds: 2, GOP: 10}), Misbehave: rtspcam.Misbehaviour{LoseEvery: 37}})
	var lost, dropped atomic.Uint64
	units, err := pull(t, rtsp.Options{URL: cam.URL(), Transport: rtsp.UDP, OnTrouble: func(tr rtsp.Trouble) {
		lost.Add(tr.Lost)
		dropped.Add(tr.Dropped)
	}}, func(u []source.AccessUnit) bool { return len(u) > 20 && lost.Load() > 0 && dropped.Load() > 0 })
	if err != nil || lost.Load() == 0 || dropped.Load() == 0 {
		t.Fatalf("%d units, %d lost, %d dropped, %v", len(units), lost.Load(), dropped.Load(), err)
	}
	for i, u := range units[1:] {
		if gap := u.PTS - units[i].PTS; gap > 25*time.Millisecond && !u.Key {
			t.Errorf("unit %d comes %v after its predecessor and is no keyframe", i+1, gap)
		}
	}
}

func TestParameterSetsFromTheSessionDescription(t *testing.T) {
	cam := camera(t, rtspcam.Options{Misbehave: rtspcam.Misbehaviour{OutOfBand: true}})
	units, err := pull(t, rtsp.Options{URL: cam.URL()}, keyframes(2))
	if err != nil || len(units) == 0 {
		t.Fatalf("%d units, %v", len(units), err)
	}
	if first := units[0].NALUs; len(first) != 3 || first[0][0] != 0x67 || first[1][0] != 0x68 {
		t.Fatalf("keyframe of %d NAL units", len(first))
	}
}

func TestResolutionChangeBringsNewParameterSets(t *testing.T) {
	other := footage.H264(t, footage.Clip{Width: 192, Height: 112, FPS: 5, Seconds: 2, GOP: 5})
	cam := camera(t, rtspcam.Options{Misbehave: rtspcam.Misbehaviour{SwitchFile: other, SwitchAfter: 8}})
	units, err := pull(t, rtsp.Options{URL: cam.URL()}, keyframes(4))
	if err != nil || !keyframes(4)(units) {
		t.Fatalf("%d units, %v", len(units), err)
	}
	if before, after := units[0].NALUs[0], units[len(units)-1].NALUs[0]; bytes.Equal(before, after) {
		t.Fatal("the sequence parameter set is still the old one")
	}
}

func TestRedirectToAnotherHostIsNotFollowed(t *testing.T) {
	elsewhere, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	cam := camera(t, rtspcam.Options{
		User: "operator", Password: "s3cret",
		Misbehave: rtspcam.Misbehaviour{Redirect: "rtsp://" + elsewhere.Addr().String() + "/stream"},
	})
	_, err = pull(t, rtsp.Options{URL: cam.URL(), Username: "operator", Password: "s3cret"}, never)
	if !errors.Is(err, source.ErrUnreachable) {
		t.Fatal(err)
	}
	checkText(t, err)
	_ = elsewhere.(*net.TCPListener).SetDeadline(time.Now().Add(100 * time.Millisecond)) // one that is over would not look
	if conn, err := elsewhere.Accept(); err == nil {
		conn.Close()
		t.Fatal("the client went to the other host")
	}
}

func TestRedirectInACircleEnds(t *testing.T) {
	cam := camera(t, rtspcam.Options{})
	cam.Misbehave(rtspcam.Misbehaviour{Redirect: cam.URL()})
	if _, err := pull(t, rtsp.Options{URL: cam.URL()}, never); !errors.Is(err, source.ErrUnreachable) {
		t.Fatal(err)
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	for _, address := range []string{"", "http://host/", "rtsp://", "rtsp://user:pa%zz@host/", "file:///etc/passwd"} {
		if _, err := rtsp.New(rtsp.Options{URL: address}); !errors.Is(err, rtsp.ErrAddress) {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := rtsp.New(rtsp.Options{URL: "rtsp://host/", Transport: "quic"}); err == nil {
		t.Error("an unknown transport was taken")
	}
}
