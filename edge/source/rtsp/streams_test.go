package rtsp_test

import (
	"bytes"
	"context"
	"image/jpeg"
	"testing"
	"time"

	"gridgate/deploy/testkit/footage"
	"gridgate/deploy/testkit/rtspcam"
	"gridgate/edge/source"
	"gridgate/edge/source/rtsp"
)

func TestPlaysMJPEG(t *testing.T) {
	file := footage.MJPEG(t, footage.Clip{Width: 160, Height: 96, FPS: 5, Seconds: 2})
	for _, transport := range []rtsp.Transport{rtsp.TCP, rtsp.UDP} {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			cam := camera(t, rtspcam.Options{File: file})
			units, err := pull(t, rtsp.Options{URL: cam.URL(), Transport: transport}, keyframes(12))
			if err != nil || len(units) != 12 {
				t.Fatalf("%d units, %v", len(units), err)
			}
			for i, u := range units {
				if u.Codec != source.MJPEG || !u.Key || len(u.NALUs) != 1 {
					t.Fatalf("unit %d: %s, key %v, %d NAL units", i, u.Codec, u.Key, len(u.NALUs))
				}
				checkTime(t, i, u)
				if c, err := jpeg.DecodeConfig(bytes.NewReader(u.NALUs[0])); err != nil || c.Width != 160 || c.Height != 96 {
					t.Fatalf("unit %d: %dx%d, %v", i, c.Width, c.Height, err)
				}
				if bytes.Contains(u.NALUs[0], []byte("Lavc")) {
					t.Fatal("the encoder's comment came along")
				}
			}
		})
	}
}

func TestPlaysOverTLSOnEachTransport(t *testing.T) {
	cam := camera(t, rtspcam.Options{TLS: true})
	for _, transport := range []rtsp.Transport{rtsp.Auto, rtsp.TCP, rtsp.UDP} { // UDP is SRTP then
		units, err := pull(t, rtsp.Options{URL: cam.URL(), Transport: transport, Fingerprint: cam.Server().Fingerprint()}, keyframes(2))
		if err != nil || !keyframes(2)(units) {
			t.Errorf("%q: %d units, %v", transport, len(units), err)
		}
	}
}

// TestIntraRefreshBeginsAtRecoveryPoints plays a stream that never sends an IDR picture after its first, which the viewer misses.
func TestIntraRefreshBeginsAtRecoveryPoints(t *testing.T) {
	cam := camera(t, rtspcam.Options{File: footage.IntraRefresh(t, footage.Clip{Width: 160, Height: 96, FPS: 10, Seconds: 6, GOP: 10}), Misbehave: rtspcam.Misbehaviour{NoKeyframe: true}})
	units, err := pull(t, rtsp.Options{URL: cam.URL()}, func(u []source.AccessUnit) bool { return len(u) == 30 })
	if err != nil || len(units) != 30 || !units[0].Refresh {
		t.Fatalf("%d units, %v", len(units), err)
	}
	for i, u := range units {
		if u.Key || u.Refresh != (i%10 == 0) {
			t.Errorf("unit %d: key %v, refresh %v", i, u.Key, u.Refresh)
		}
		if u.Refresh && (u.NALUs[0][0] != 0x67 || u.NALUs[2][0] != 0x06 || len(u.NALUs[2]) > 8) {
			t.Errorf("unit %d begins with % x", i, u.NALUs[:3])
		}
	}
}

func TestStatsTellWhatTheStreamIsLike(t *testing.T) {
	cam := camera(t, rtspcam.Options{Misbehave: rtspcam.Misbehaviour{Clock: -90 * time.Second, StampStep: 1 << 29, StampAfter: 60}, FirstStamp: 1<<32 - 30*1800})
	src, err := rtsp.New(patient(rtsp.Options{URL: cam.URL()}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var last source.AccessUnit
	const gop = 100 * time.Millisecond
	n := 0
	err = src.Run(ctx, func(u source.AccessUnit) {
		if gap := u.PTS - last.PTS; !last.At.IsZero() && (gap <= 0 || gap > time.Minute) {
			t.Errorf("%v after the unit before", gap)
		}
		// At the jump the time that passed counts, and so what the machine stood still: the groups behind it outweigh that.
		n++
		if last = u; n > 100 && src.Stats().GOP.Round(10*time.Millisecond) == gop {
			cancel()
		}
	})
	s := src.Stats()
	if err != nil || s.Codec != source.H264 || s.Width != 160 || s.Height != 96 || s.DeclaredFPS != 5 || s.GOP.Round(10*time.Millisecond) != gop {
		t.Errorf("%+v, %v", s, err)
	}
	if s.FPS < 10 || s.FPS > 70 || s.Kbps <= 0 || s.KeyframeBytes <= 0 { // 50, of which a busy machine leaves some out
		t.Errorf("measured %+v", s)
	}
	if !s.SkewKnown || (s.Skew+90*time.Second).Abs() > 20*time.Second {
		t.Errorf("skew %v, known %v", s.Skew, s.SkewKnown)
	}
}

func TestRunAgainIsQuickAndLeavesNothing(t *testing.T) {
	cam := camera(t, rtspcam.Options{})
	src, err := rtsp.New(patient(rtsp.Options{URL: cam.URL()}))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		n := 0
		err := src.Run(ctx, func(source.AccessUnit) { n++; cancel() })
		if cancel(); err != nil || n == 0 {
			t.Fatalf("run %d: %d units, %v", i, n, err)
		}
	}
}

func TestTheStreamsOfOneCamera(t *testing.T) {
	server, err := rtspcam.Listen(rtspcam.ServerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	sub := footage.H264(t, footage.Clip{Width: 160, Height: 96, FPS: 5, Seconds: 2, GOP: 5})
	main := footage.H265(t, footage.Clip{Width: 160, Height: 96, FPS: 5, Seconds: 2, GOP: 5})
	for path, file := range map[string]string{"/sub": sub, "/main": main} {
		cam, err := server.Add(t.Context(), rtspcam.Options{Path: path, File: file, FPS: 50})
		if err != nil {
			t.Fatal(err)
		}
		defer cam.Close()
		units, err := pull(t, rtsp.Options{URL: cam.URL()}, keyframes(1))
		if want := map[string]source.Codec{"/sub": source.H264, "/main": source.H265}[path]; err != nil || units[0].Codec != want {
			t.Errorf("%s: %v", path, err)
		}
	}
}
