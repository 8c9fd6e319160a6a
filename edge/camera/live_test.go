package camera_test

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"gridgate/deploy/testkit/footage"
	"gridgate/deploy/testkit/rtspcam"
	"gridgate/edge/camera"
	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/edge/source"
	"gridgate/edge/source/rtsp"
	"gridgate/protocols/alert"
)

// live starts a camera on a real RTSP stream of 25 pictures a second with a keyframe each second.
func live(t *testing.T, cam *rtspcam.Camera, hook detect.Hook, opt rtsp.Options) *rig {
	t.Helper()
	opt.URL = cam.URL()
	opt.Connect, opt.Stall = cmp.Or(opt.Connect, time.Minute), cmp.Or(opt.Stall, time.Minute) // a busy machine is no stall
	src, err := rtsp.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, src, hook, nil)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r
}

func play(t *testing.T, opt rtspcam.Options) *rtspcam.Camera {
	t.Helper()
	opt.File, opt.FPS = footage.H264(t, footage.Clip{Width: 160, Height: 96, FPS: 25, Seconds: 2, GOP: 25}), 25
	cam, err := rtspcam.Start(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cam.Close)
	return cam
}

// await returns the first status that ok accepts.
func (r *rig) await(t *testing.T, what string, ok func(camera.Status) bool) camera.Status {
	t.Helper()
	deadline := time.After(time.Minute)
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case <-deadline:
			t.Fatalf("never %s: %+v", what, r.Status())
		case <-poll.C:
			if s := r.Status(); ok(s) {
				return s
			}
		}
	}
}

func TestFromRTSPToAlert(t *testing.T) {
	t.Parallel()
	var over atomic.Bool // it moves until then, however many pictures are left out
	moves := between(time.Second/2, time.Hour, "door")
	hook := hookFunc(func(f decode.Frame) detect.Verdict {
		if over.Load() {
			return quiet(f)
		}
		return moves(f)
	})
	r := live(t, play(t, rtspcam.Options{User: "operator", Password: "s3cret"}), hook, rtsp.Options{Username: "operator", Password: "s3cret"})
	r.await(t, "wanting pictures while it streams", func(s camera.Status) bool {
		return len(r.evidence.list()) > 0 && s.State == source.Streaming && s.Sampling == detect.Keyframes
	})
	if got := r.raiser.list(); len(got) == 0 || got[0].Kind != alert.Motion || got[0].State != alert.Raised {
		t.Errorf("%+v", got)
	}
	over.Store(true)
	r.await(t, "cleared", func(camera.Status) bool { return len(r.raiser.lines()) == 2 })
}

func TestReconnectsAfterTheCameraHungUp(t *testing.T) {
	t.Parallel()
	cam := play(t, rtspcam.Options{})
	r := live(t, cam, hookFunc(quiet), rtsp.Options{})
	before := r.await(t, "streaming", func(s camera.Status) bool { return s.State == source.Streaming && s.Counters.Frames > 0 })
	cam.HangUp()
	r.await(t, "back", func(s camera.Status) bool { return s.State == source.Streaming && s.Since.After(before.Since) })
	if states := r.states(); !slices.Contains(states, source.Unreachable) {
		t.Errorf("it was never gone: %v", states)
	}
}

func TestStatesOfMisbehavingCameras(t *testing.T) {
	for _, c := range []struct {
		name string
		cam  rtspcam.Options
		opt  rtsp.Options
		want source.State
	}{
		{name: "wrong password", cam: rtspcam.Options{User: "operator", Password: "s3cret"}, opt: rtsp.Options{Username: "operator", Password: "guess"}, want: source.AuthFailed},
		{name: "stall", cam: rtspcam.Options{Misbehave: rtspcam.Misbehaviour{StallAfter: 30}}, opt: rtsp.Options{Stall: 300 * time.Millisecond}, want: source.Stalled},
		{name: "no keyframe", cam: rtspcam.Options{Misbehave: rtspcam.Misbehaviour{NoKeyframe: true}}, opt: rtsp.Options{NoKeyframe: 300 * time.Millisecond}, want: source.NoKeyframe},
		{name: "sound only", cam: rtspcam.Options{Offer: rtspcam.OfferAudioOnly}, want: source.Unsupported},
		{name: "flood", cam: rtspcam.Options{Misbehave: rtspcam.Misbehaviour{Flood: 40}}, want: source.Unsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := live(t, play(t, c.cam), hookFunc(quiet), c.opt)
			s := r.await(t, string(c.want), func(s camera.Status) bool { return s.State == c.want })
			if s.Why == "" || s.Since.IsZero() {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestANeighbourOfAFloodNoticesNothing(t *testing.T) {
	t.Parallel()
	live(t, play(t, rtspcam.Options{Misbehave: rtspcam.Misbehaviour{Flood: 40}}), hookFunc(quiet), rtsp.Options{})
	live(t, play(t, rtspcam.Options{Misbehave: rtspcam.Misbehaviour{Garbage: true}}), hookFunc(quiet), rtsp.Options{})
	r := live(t, play(t, rtspcam.Options{}), hookFunc(func(decode.Frame) detect.Verdict { return detect.Verdict{Judged: true} }), rtsp.Options{})
	var from camera.Counters // since when none was left out: where the machine stands still, one may be
	r.await(t, "showing five frames on end", func(s camera.Status) bool {
		if s.State != source.Streaming || s.Counters.Skipped != from.Skipped {
			from = s.Counters
		}
		return s.Counters.Frames >= from.Frames+5
	})
}
