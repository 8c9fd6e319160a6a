package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"gridgate/deploy/testkit/footage"
	"gridgate/deploy/testkit/gbmedia"
	"gridgate/deploy/testkit/rtspcam"
	"gridgate/edge/detect"
	"gridgate/edge/source"
	"gridgate/edge/source/gb28181"
	"gridgate/edge/source/rtsp"
	"gridgate/protocols/alert"
	"gridgate/protocols/gb28181/media"
	"gridgate/protocols/gb28181/sip"
)

// gbCamera answers an invitation with a clip in a program stream; deploy/faults/peers/gb28181 has it with the signalling.
type gbCamera struct {
	sender gbmedia.Sender
	done   chan struct{}
	stop   context.CancelFunc
	answer []byte
	wg     sync.WaitGroup
}

func (g *gbCamera) Invite(ctx context.Context, r sip.InviteRequest) (sip.Dialog, error) {
	offer, err := media.ParseAnswer(r.Offer)
	if err != nil {
		return nil, err
	}
	conn, err := net.Dial("udp", netip.AddrPortFrom(offer.Host, uint16(offer.Port)).String())
	if err != nil {
		return nil, err
	}
	g.sender.SSRC, g.done = offer.SSRC, make(chan struct{})
	g.answer = fmt.Appendf(nil, "v=0\r\nc=IN IP4 127.0.0.1\r\nm=video 15060 RTP/AVP 96\r\na=rtpmap:96 PS/90000\r\ny=%s\r\n", r.SSRC)
	ctx, g.stop = context.WithCancel(context.WithoutCancel(ctx))
	g.wg.Go(func() {
		defer conn.Close()
		_ = g.sender.Send(ctx, conn) // it ends with the session
	})
	return g, nil
}

func (g *gbCamera) Answer() []byte            { return g.answer }
func (g *gbCamera) RemoteAddr() string        { return "127.0.0.1" }
func (g *gbCamera) Done() <-chan struct{}     { return g.done }
func (g *gbCamera) Bye(context.Context) error { g.stop(); g.wg.Wait(); return nil }

// gbSource is a source on a camera that sends path.
func gbSource(t *testing.T, path string, fps float64) source.Source {
	t.Helper()
	clip, err := gbmedia.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	ports, err := media.NewPorts(netip.MustParseAddr("127.0.0.1"), 44000, 44998)
	if err != nil {
		t.Fatal(err)
	}
	ssrcs, err := media.NewSSRCs("34020000002000000001")
	if err != nil {
		t.Fatal(err)
	}
	src, err := gb28181.New(gb28181.Options{
		Connect: time.Minute, Stall: time.Minute,
		Inviter: &gbCamera{sender: gbmedia.Sender{Clip: clip, FPS: fps}}, Device: "34020000001320000001", Channel: "34020000001310000001",
		Media: gb28181.Media{Code: "34020000002000000001", Host: netip.MustParseAddr("127.0.0.1"), Ports: ports, SSRCs: ssrcs},
	})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func rtspSource(t *testing.T, path string, fps float64) source.Source {
	t.Helper()
	cam, err := rtspcam.Start(t.Context(), rtspcam.Options{File: path, FPS: fps})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cam.Close)
	src, err := rtsp.New(rtsp.Options{URL: cam.URL(), Connect: time.Minute, Stall: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// pull runs a source until n units came.
func pull(t *testing.T, src source.Source, n int) (units []source.AccessUnit) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	err := src.Run(ctx, func(u source.AccessUnit) {
		if units = append(units, u); len(units) == n {
			cancel()
		}
	})
	if err != nil || len(units) < n {
		t.Errorf("%d of %d units, %v", len(units), n, err)
	}
	return units[:min(n, len(units))]
}

// alertsOf shows units to detection and raise, by their own media time, as replay does with a recording's.
func alertsOf(t *testing.T, units []source.AccessUnit) (lines []replayLine) {
	t.Helper()
	var out bytes.Buffer
	o := ReplayOptions{Rate: 4, Zones: []detect.Zone{{Name: "yard"}}, CameraID: "gate", Pool: ownWorkers()}
	r, err := newReplayer(t.Context(), o.withDefaults(&out), &out)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.pool.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	for _, u := range units {
		u.At = r.start.Add(u.PTS)
		if err := r.take(ctx, u); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.catchUp(ctx); err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(&out); dec.More(); {
		var l replayLine
		if err := dec.Decode(&l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}

// TestTheSameAlertsByGB28181AsByRTSP plays one clip both ways: the same access units at the same media times, and the same alerts.
func TestTheSameAlertsByGB28181AsByRTSP(t *testing.T) {
	t.Parallel()
	const fps = 20
	clip := footage.Clip{Source: "color=c=gray", Filter: footage.Visitor(3), Seconds: 14, GOP: 20}
	path := footage.H264(t, clip)
	n := 14*10 - 1
	sources := []source.Source{rtspSource(t, path, fps), gbSource(t, path, fps)}
	units := make([][]source.AccessUnit, 2)
	var wg sync.WaitGroup
	for i, src := range sources {
		wg.Go(func() { units[i] = pull(t, src, n) })
	}
	wg.Wait()
	same := func(a, b source.AccessUnit) bool {
		return a.Codec == b.Codec && a.Key == b.Key && a.Refresh == b.Refresh && slices.EqualFunc(a.NALUs, b.NALUs, bytes.Equal)
	}
	if !slices.EqualFunc(units[0], units[1], same) {
		t.Fatal("the access units differ")
	}
	for _, way := range units {
		for i := range way {
			at := time.Duration(float64(i) / fps * float64(time.Second))
			if (way[i].PTS - at).Abs() > at/50+time.Millisecond { // a fiftieth: how a clock is drawn after the time here on a busy machine
				t.Fatalf("unit %d is at %v, want %v", i, way[i].PTS, at)
			}
			way[i].PTS = at
		}
	}
	want, got := alertsOf(t, units[0]), alertsOf(t, units[1])
	if len(want) != 2 || want[0].Kind != alert.Motion || want[1].State != "cleared" || len(got) != len(want) {
		t.Fatalf("by RTSP %+v, by GB/T 28181 %+v", want, got)
	}
	for i := range want {
		if got[i].Kind != want[i].Kind || got[i].State != want[i].State || got[i].Zone != want[i].Zone || got[i].At != want[i].At {
			t.Errorf("by RTSP %+v, by GB/T 28181 %+v", want[i], got[i])
		}
	}
	t.Logf("by RTSP %+v\nby GB/T 28181 %+v", want, got)
}
