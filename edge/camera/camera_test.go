package camera_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/edge/camera"
	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/edge/raise"
	"gridgate/edge/source"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/backoff"
	"gridgate/protocols/observation"
)

func TestKeyframesAreDecodedAloneAndTheRestInBatches(t *testing.T) {
	for _, sequence := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, steady(100), hookFunc(quiet), nil)
			r.chooser.sequence = sequence
			r.script(t, func() { after(25*time.Second + 50*time.Millisecond) })
			if !sequence && (r.decoder.keys != 3 || len(r.decoder.batches) != 0) || sequence && (r.decoder.keys != 0 || len(r.decoder.batches) < 24) {
				t.Fatalf("%d keyframes, %d batches", r.decoder.keys, len(r.decoder.batches))
			}
			checkBatches(t, r.decoder.batches)
		})
	}
}

// checkBatches demands that each unit is decoded once, in order.
func checkBatches(t *testing.T, batches [][]source.AccessUnit) {
	t.Helper()
	for i, batch := range batches {
		if i == 0 && !batch[0].Key {
			t.Error("the first batch does not begin with a keyframe")
		}
		if i > 0 && !batch[0].Key && batch[0].PTS != last(batches[i-1]).PTS+100*time.Millisecond {
			t.Errorf("batch %d begins at %v, the one before ended at %v", i, batch[0].PTS, last(batches[i-1]).PTS)
		}
	}
}

func last(units []source.AccessUnit) source.AccessUnit { return units[len(units)-1] }

func TestAnOutgrownBufferDropsUntilTheNextKeyframe(t *testing.T) {
	for name, edit := range map[string]func(*camera.Options){
		"units": func(o *camera.Options) { o.MaxUnits = 30 },
		"bytes": func(o *camera.Options) { o.MaxBytes = 30 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, steady(100), hookFunc(quiet), edit)
				r.chooser.sequence = true
				r.script(t, func() { after(25 * time.Second) })
				if s := r.Status(); s.Counters.Overflows != 3 || s.Counters.Frames < 6 || s.Counters.Frames > 9 {
					t.Fatalf("%+v", s.Counters)
				}
			})
		})
	}
}

func TestASlowDecoderMakesSamplesRarer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(10), hookFunc(quiet), nil)
		r.decoder.takes = 3 * time.Second
		r.script(t, func() { after(30 * time.Second) })
		if s := r.Status(); s.Counters.Frames < 9 || s.Counters.Frames > 11 || s.Counters.Skipped < 15 || s.State != source.Streaming {
			t.Fatalf("%+v", s)
		}
	})
}

// TestWhatIsDecodedTogetherIsNotSkipped: what is decoded together with what comes later is not.
func TestWhatIsDecodedTogetherIsNotSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(1000), hookFunc(quiet), nil)
		r.chooser.sequence = true
		r.decoder.takes = 3 * time.Second
		r.script(t, func() { after(30 * time.Second) })
		if s := r.Status(); s.Counters.Frames < 9 || s.Counters.Skipped != 0 {
			t.Fatalf("%+v", s.Counters)
		}
	})
}

func TestTheChooserHearsWhenAllIsRaised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := between(10*time.Second, 20*time.Second, "door")
		both := between(15*time.Second, 20*time.Second, "door", "yard")
		hook := hookFunc(func(f decode.Frame) detect.Verdict {
			if v := both(f); len(v.Detections) > 0 {
				return v
			}
			return first(f)
		})
		r := newRig(t, steady(10), hook, func(o *camera.Options) {
			o.Zones = []camera.Zone{{Name: "door"}, {Name: "yard"}, {Name: "roof", Mode: camera.Disarmed}}
		})
		r.script(t, func() { after(25 * time.Second) })
		for at, want := range map[int]detect.Showed{8: detect.Still, 12: detect.Movement, 17: detect.Settled, 22: detect.Still} {
			if got := r.chooser.saw[at]; got != want {
				t.Errorf("sample %d showed %v, want %v", at, got, want)
			}
		}
	})
}

func TestZonesAndModes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(10), between(3*time.Second, 6*time.Second, "door", "yard", "lane", "elsewhere"), nil)
		r.script(t, func() { after(9 * time.Second) })
		want := []string{"motion door raised", "motion lane raised exercise", "motion door cleared", "motion lane cleared exercise"}
		if got := r.raiser.lines(); !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		first := slices.IndexFunc(r.raiser.signals, func(s raise.Signal) bool { return s.Phase == observation.Active })
		if sig := r.raiser.signals[first]; sig.Device != "gate" || sig.Source != "/edges/east/cameras/gate" || sig.Origin != "motion" || sig.Clock != alert.EdgeClock ||
			sig.Uncertainty != time.Second || *sig.Score != 0.8 || *sig.Count != 2 || sig.Grid != "110105001001" {
			t.Errorf("%+v", sig)
		}
	})
}

func TestDisarmingClearsAtOnceEvenWithoutPictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{play: func(ctx context.Context, _ int, emit source.Emit) error {
			stream(ctx, 50, 10, emit)
			<-ctx.Done() // the camera hangs
			return nil
		}}
		r := newRig(t, src, between(3*time.Second, time.Hour, "door"), nil)
		r.script(t, func() {
			after(10 * time.Second)
			if err := r.SetMode("door", camera.Disarmed); err != nil {
				t.Error(err)
			}
			after(0)
			if got, want := r.raiser.lines(), []string{"motion door raised", "motion door cleared"}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if err := r.SetMode("attic", camera.Armed); !errors.Is(err, camera.ErrNoZone) {
				t.Errorf("a zone that is not there: %v", err)
			}
		})
	})
}

func TestAnUnjudgedFrameLeavesZonesAsTheyWere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := between(2*time.Second, 4*time.Second, "door")
		hook := hookFunc(func(f decode.Frame) detect.Verdict {
			if f.PTS >= 4*time.Second {
				return detect.Verdict{}
			}
			return seen(f)
		})
		r := newRig(t, steady(10), hook, nil)
		r.script(t, func() { after(9 * time.Second) })
		if got, want := r.raiser.lines(), []string{"motion door raised"}; !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestWhatCannotBeStoredIsToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(10), between(3*time.Second, 6*time.Second, "door"), nil)
		r.script(t, func() {
			r.raiser.fail(errors.New("disk full"))
			after(4500 * time.Millisecond)
			r.raiser.fail(nil)
			after(time.Second)
			r.raiser.fail(errors.New("disk full"))
			after(3 * time.Second)
			r.raiser.fail(nil)
			after(2 * time.Second)
		})
		if got, want := r.raiser.lines(), []string{"motion door raised", "motion door cleared"}; !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		if n := r.Status().Counters.RaiseErrors; n < 5 {
			t.Errorf("%d errors counted", n)
		}
	})
}

func TestSituationsFromBeforeARestartAreCleared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(10), hookFunc(quiet), nil)
		r.raiser.open = map[string]bool{
			alert.KeyOf("east", "gate", "door", alert.Motion): true, alert.KeyOf("east", "gate", "yard", alert.Motion): true,
			alert.KeyOf("east", "gate", "", alert.VideoLoss): true,
		}
		r.script(t, func() { after(2 * time.Second) })
		want := []string{"motion yard cleared", "video-loss  cleared", "motion door cleared"}
		if got := r.raiser.lines(); !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestUndecodableStreamsAreUnsupportedUntilAPictureComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(10), hookFunc(quiet), nil)
		r.decoder.err = decode.ErrBadStream
		r.script(t, func() {
			after(3 * time.Second)
			if s := r.Status(); s.State != source.Streaming || s.Counters.Undecodable == 0 {
				t.Errorf("after a few: %+v", s)
			}
			after(7 * time.Second)
			if s := r.Status(); s.State != source.Unsupported {
				t.Errorf("after many: %+v", s)
			}
			after(30 * time.Second)
			r.decoder.set(nil)
			after(2 * time.Second)
			if s := r.Status(); s.State != source.Streaming || s.Why != "" {
				t.Errorf("after a good one: %+v", s)
			}
		})
		if got, want := r.raiser.lines(), []string{"video-loss  raised", "video-loss  cleared"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestWithoutAWorkerTheStreamGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(10), hookFunc(quiet), nil)
		r.decoder.err = decode.ErrNoWorker
		r.script(t, func() {
			after(2 * time.Minute)
			if s := r.Status(); s.State != source.Streaming || s.Trouble == "" || s.Counters.NoWorker < 100 {
				t.Errorf("%+v", s)
			}
			r.decoder.set(nil)
			after(2 * time.Second)
			if s := r.Status(); s.Trouble != "" {
				t.Errorf("%+v", s)
			}
		})
		if got := r.raiser.lines(); len(got) != 0 {
			t.Errorf("the camera is blamed: %q", got)
		}
	})
}

func TestABacklogIsDecodedInSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(1000), hookFunc(quiet), nil)
		r.chooser.sequence = true
		r.decoder.err = decode.ErrBadStream // so that every batch begins again at the keyframe
		r.script(t, func() {
			after(60 * time.Second)
			r.decoder.set(nil)
			after(3 * time.Second)
		})
		newest := time.Duration(0)
		for _, b := range r.decoder.batches {
			if len(b) > 250 {
				t.Errorf("a batch of %d units", len(b))
			}
			newest = max(newest, last(b).PTS)
		}
		if newest < 60*time.Second {
			t.Errorf("caught up to %v of 63 s", newest)
		}
	})
}

func TestADetectorThatFailsIsVisible(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(10), failingHook{}, nil)
		r.script(t, func() { after(10 * time.Second) })
		if s := r.Status(); s.Counters.HookErrors < 9 || s.Trouble == "" || s.State != source.Streaming {
			t.Fatalf("%+v", s)
		}
		if n := len(r.changes); n > 3 {
			t.Errorf("%d changes told for one trouble", n)
		}
	})
}

type failingHook struct{}

func (failingHook) Detect(context.Context, detect.Input) (detect.Verdict, error) {
	return detect.Verdict{}, errors.New("no")
}

func TestADeadSequenceBeginsAgainAtItsKeyframe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(600), hookFunc(quiet), nil)
		r.chooser.sequence = true
		r.script(t, func() {
			after(5 * time.Second)
			r.decoder.set(decode.ErrBadStream)
			after(time.Second)
			r.decoder.set(nil)
			after(3 * time.Second)
		})
		whole := 0
		for _, b := range r.decoder.batches {
			if b[0].Key && len(b) > 50 {
				whole++
			}
		}
		if whole != 1 {
			t.Fatalf("%d batches began again at the keyframe", whole)
		}
	})
}

// TestADecoderThatWasLetGoIsNoDamage: the sequence begins again at once, and nothing is counted.
func TestADecoderThatWasLetGoIsNoDamage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(600), hookFunc(quiet), nil)
		r.chooser.sequence = true
		r.script(t, func() {
			after(5 * time.Second)
			r.decoder.mu.Lock()
			r.decoder.lets = true
			r.decoder.mu.Unlock()
			after(3 * time.Second)
		})
		if n := r.Status().Counters.Undecodable; n != 0 {
			t.Errorf("%d samples count as undecodable", n)
		}
		if !slices.ContainsFunc(r.decoder.batches, func(b []source.AccessUnit) bool { return b[0].Key && len(b) > 50 }) {
			t.Error("the sequence did not begin again")
		}
	})
}

func TestAConnectionThatComesBackForgetsTheOldGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{play: func(ctx context.Context, run int, emit source.Emit) error {
			if run == 0 {
				stream(ctx, 30, 100, emit)
				return source.ErrStalled
			}
			emit(source.AccessUnit{Codec: source.H264, NALUs: [][]byte{{1}}, At: time.Now()})
			backoff.Wait(ctx, time.Hour)
			return nil
		}}
		r := newRig(t, src, hookFunc(quiet), nil)
		r.script(t, func() { after(20 * time.Second) })
		if s := r.Status(); s.State != source.Stalled {
			t.Fatalf("a unit without its keyframe counts as streaming: %+v", s)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	good := camera.Options{ID: "gate", Edge: "east", Source: steady(1), Decoder: &fakeDecoder{}, Chooser: &fakeChooser{}, Stages: motionBy(hookFunc(quiet)), Raiser: &fakeRaiser{}}
	for name, edit := range map[string]func(*camera.Options){
		"no id":        func(o *camera.Options) { o.ID = "" },
		"bad id":       func(o *camera.Options) { o.ID = "a/b" },
		"no source":    func(o *camera.Options) { o.Source = nil },
		"no chooser":   func(o *camera.Options) { o.Chooser = nil },
		"no stage":     func(o *camera.Options) { o.Stages = nil },
		"zone twice":   func(o *camera.Options) { o.Zones = []camera.Zone{{Name: "a"}, {Name: "a"}} },
		"unknown mode": func(o *camera.Options) { o.Zones = []camera.Zone{{Name: "a", Mode: "asleep"}} },
	} {
		opt := good
		edit(&opt)
		if _, err := camera.New(opt); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := camera.New(good); err != nil {
		t.Error(err)
	}
}
