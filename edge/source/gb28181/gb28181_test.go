package gb28181_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gridgate/deploy/testkit/footage"
	"gridgate/deploy/testkit/gbmedia"
	"gridgate/deploy/testkit/leak"
	"gridgate/deploy/testkit/psmux"
	"gridgate/edge/source"
	"gridgate/edge/source/gb28181"
	"gridgate/protocols/gb28181/media"
	"gridgate/protocols/gb28181/sip"
)

func TestMain(m *testing.M) { leak.Main(m) }

// collect runs a source until n units came.
func collect(t *testing.T, src source.Source, n int) (units []source.AccessUnit) {
	t.Helper()
	return collectUntil(t, src, n, func() bool { return true })
}

// collectUntil goes on, beyond n units, until holds.
func collectUntil(t *testing.T, src source.Source, n int, holds func() bool) (units []source.AccessUnit) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := src.Run(ctx, func(u source.AccessUnit) {
		if units = append(units, u); len(units) >= n && holds() {
			cancel()
		}
	})
	if err != nil || len(units) < n || !holds() {
		t.Fatalf("%d units, what is waited for holds: %v, %v", len(units), holds(), err)
	}
	return units
}

func load(t *testing.T, path string) gbmedia.Clip {
	t.Helper()
	clip, err := gbmedia.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return clip
}

const fps = 100

// TestTheAccessUnitsOfTheClip, with everything that devices do differently and nothing lost; edge/app has those of RTSP beside them.
func TestTheAccessUnitsOfTheClip(t *testing.T) {
	clip := footage.Clip{Seconds: 2, FPS: 25, GOP: 10}
	for name, path := range map[string]string{"H.264": footage.H264(t, clip), "H.265": footage.H265(t, clip)} {
		want := expected(load(t, path), 30)
		for quirk, c := range map[string]struct {
			transport media.Transport
			quirks    gbmedia.Quirks
		}{
			"UDP":                  {media.UDP, gbmedia.Quirks{}},
			"TCP passive":          {media.TCPPassive, gbmedia.Quirks{Control: true}},
			"TCP active":           {media.TCPActive, gbmedia.Quirks{}},
			"RTSP's framing":       {media.TCPPassive, gbmedia.Quirks{Interleaved: true, Control: true}},
			"out of order":         {media.UDP, gbmedia.Quirks{SwapEvery: 3, TwiceEvery: 5}},
			"no markers":           {media.UDP, gbmedia.Quirks{NoMarker: true}},
			"markers everywhere":   {media.UDP, gbmedia.Quirks{EveryMarker: true}},
			"SSRC zero":            {media.UDP, gbmedia.Quirks{OtherSSRC: true}},
			"another SSRC":         {media.TCPPassive, gbmedia.Quirks{OtherSSRC: true, SSRC: 4711}},
			"another payload type": {media.UDP, gbmedia.Quirks{PayloadType: 108}},
			"over ends":            {media.TCPActive, gbmedia.Quirks{Straddle: true}},
			"no map, sound":        {media.UDP, gbmedia.Quirks{Mux: psmux.Muxer{NoMap: true, Sound: make([]byte, 320), Private: []byte("private")}}},
			"no lengths":           {media.UDP, gbmedia.Quirks{Mux: psmux.Muxer{Endless: true}}},
			"still time stamps":    {media.UDP, gbmedia.Quirks{StillPTS: true}},
		} {
			t.Run(name+" "+quirk, func(t *testing.T) {
				t.Parallel()
				d := &device{clip: load(t, path), fps: fps, quirks: c.quirks}
				got := collect(t, newSource(t, d, gb28181.Options{Transport: c.transport}), 30)
				compare(t, got, want)
				if d.invited.Load() != 1 || d.ended.Load() != 1 {
					t.Errorf("%d invitations, %d ends", d.invited.Load(), d.ended.Load())
				}
			})
		}
	}
}

// expected are the first n units that a clip should give.
func expected(c gbmedia.Clip, n int) (units []source.AccessUnit) {
	sorter := source.NewSorter(c.Codec)
	for i := range n {
		p := sorter.Sort(c.Units[i%len(c.Units)])
		units = append(units, source.AccessUnit{Codec: c.Codec, NALUs: sorter.Units(p), Key: p.Key, Refresh: p.Refresh, PTS: time.Duration(i) * time.Second / fps})
	}
	return units
}

// compare wants the same pictures at the same media times, but for the pull of a loaded machine's clock.
func compare(t *testing.T, got, want []source.AccessUnit) {
	t.Helper()
	for i := range want {
		g, w := got[i], want[i]
		if g.Codec != w.Codec || g.Key != w.Key || g.Refresh != w.Refresh || !slices.EqualFunc(g.NALUs, w.NALUs, bytes.Equal) {
			t.Fatalf("unit %d: %d bytes in %d, key %v; want %d in %d, %v", i, g.Bytes(), len(g.NALUs), g.Key, w.Bytes(), len(w.NALUs), w.Key)
		}
		if (g.PTS - w.PTS).Abs() > 40*time.Millisecond {
			t.Errorf("unit %d at %v, want %v", i, g.PTS, w.PTS)
		}
	}
}

// TestALossCostsNoMoreThanItsGroup: what comes on is a keyframe and what follows it, never a picture behind a gap.
func TestALossCostsNoMoreThanItsGroup(t *testing.T) {
	clip := load(t, footage.H264(t, footage.Clip{Seconds: 2, FPS: 25, GOP: 5, Width: 160, Height: 96}))
	for name, quirks := range map[string]gbmedia.Quirks{
		"packets":          {LoseEvery: 17},
		"whole pictures":   {LosePicture: 7},
		"without markers":  {LosePicture: 7, NoMarker: true, SwapEvery: 4},
		"nonsense between": {GarbageAfter: 20, LosePicture: 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &device{clip: clip, fps: 100, quirks: quirks}
			transport := media.UDP
			if quirks.GarbageAfter > 0 {
				transport = media.TCPPassive
			}
			var lost atomic.Uint64 // told once a second, however fast the units come
			src := newSource(t, d, gb28181.Options{Transport: transport, OnTrouble: func(tr source.Trouble) { lost.Add(tr.Lost) }})
			sent := indexOf(clip)
			last := -1
			for i, u := range collectUntil(t, src, 90, func() bool { return lost.Load() > 0 }) {
				at, ok := sent[string(u.NALUs[len(u.NALUs)-1])]
				if !ok {
					t.Fatalf("unit %d was never sent", i)
				}
				if !u.Key && at != last+1 {
					t.Fatalf("unit %d is picture %d behind picture %d", i, at, last)
				}
				last = at
			}
		})
	}
}

// indexOf numbers the pictures of a clip by their last slice.
func indexOf(c gbmedia.Clip) map[string]int {
	out := map[string]int{}
	for i, u := range c.Units {
		out[string(u[len(u)-1])] = i
	}
	return out
}

// TestWhyAStreamFails: each cause has its state, says nothing of what the device wrote, and ends the session that was begun.
func TestWhyAStreamFails(t *testing.T) {
	clip := load(t, footage.H264(t, footage.Clip{Seconds: 1, Width: 160, Height: 96}))
	noKeys := clip
	noKeys.Units = slices.Clone(clip.Units[1:9])
	for name, c := range map[string]struct {
		device *device
		want   error
		text   string
		begun  bool
	}{
		"offline":       {&device{refuse: sip.ErrOffline}, source.ErrUnreachable, "not registered", false},
		"unknown":       {&device{refuse: sip.ErrUnknown}, source.ErrUnreachable, "configured", false},
		"refused":       {&device{refuse: sip.ErrRefused}, source.ErrUnreachable, "refused", false},
		"late":          {&device{refuse: context.DeadlineExceeded}, source.ErrUnreachable, "in time", false},
		"SVAC":          {&device{clip: clip, fps: fps, quirks: gbmedia.Quirks{Mux: psmux.Muxer{StreamType: 0x80}}}, source.ErrUnsupported, "SVAC", true},
		"bare H.264":    {&device{clip: clip, answer: replaced("PS/90000", "H264/90000")}, source.ErrUnsupported, "program stream", true},
		"no video":      {&device{clip: clip, answer: replaced("m=video", "m=audio")}, source.ErrUnsupported, "no video", true},
		"silent":        {&device{mute: true}, source.ErrStalled, "no media came", true},
		"stops":         {&device{clip: clip, fps: fps, once: true}, source.ErrStalled, "", true},
		"no keyframe":   {&device{clip: noKeys, fps: fps}, source.ErrNoKeyframe, "", true},
		"another place": {&device{clip: clip, fps: fps, answer: replaced("127.0.0.1", "192.0.2.1")}, nil, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := gb28181.Options{Stall: time.Minute, NoKeyframe: time.Minute} // only the cause that is looked for ends it
			switch c.want {
			case source.ErrStalled:
				o.Stall = 700 * time.Millisecond
			case source.ErrNoKeyframe:
				o.NoKeyframe = 1500 * time.Millisecond
			}
			if c.want == nil { // the address that signals is good, too
				collect(t, newSource(t, c.device, gb28181.Options{}), 3)
				return
			}
			err := newSource(t, c.device, o).Run(t.Context(), func(source.AccessUnit) {})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("%v, want %v with %q", err, c.want, c.text)
			}
			if ended := c.device.ended.Load() == 1; ended != c.begun {
				t.Errorf("BYE was sent: %v", ended)
			}
		})
	}
}

func TestADeviceThatHangsUp(t *testing.T) {
	clip := load(t, footage.H264(t, footage.Clip{Seconds: 1, Width: 160, Height: 96}))
	for _, transport := range media.Transports {
		d := &device{clip: clip, fps: fps}
		units := 0
		err := newSource(t, d, gb28181.Options{Transport: transport}).Run(t.Context(), func(source.AccessUnit) {
			if units++; units == 5 {
				d.hangUp()
			}
		})
		if !errors.Is(err, source.ErrUnreachable) || units < 5 {
			t.Errorf("%s: %v after %d units", transport, err, units)
		}
	}
}
