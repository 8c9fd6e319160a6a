package camera_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
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
	"gridgate/protocols/picture"
)

// presence is a hook that looks closer: it finds the faces in the zone while the media time lies in [from, until), and fails
// while it lies in [breaks, mends).
type presence struct {
	looks         atomic.Int32
	from, until   time.Duration
	takes         time.Duration
	breaks, mends time.Duration
}

func (p *presence) Detect(ctx context.Context, in detect.Input) (detect.Verdict, error) {
	p.looks.Add(1)
	backoff.Wait(ctx, p.takes)
	faces, err := in.Look.Faces(ctx)
	if in.Frame.PTS >= p.breaks && in.Frame.PTS < p.mends {
		err = errors.New("the detector does not answer")
	}
	if err != nil {
		return detect.Verdict{}, err
	}
	v := detect.Verdict{Judged: true}
	if len(faces) > 0 && in.Frame.PTS >= p.from && in.Frame.PTS < p.until {
		v.Detections = []detect.Detection{{Kind: alert.Presence, Zone: "door", Score: faces[0].Score, Boxes: make([]detect.Box, len(faces))}}
	}
	return v, nil
}

func withPresence(p *presence) func(*camera.Options) {
	return func(o *camera.Options) {
		o.Masks = []picture.Mask{{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}}}
		o.Stages = append(o.Stages, camera.Stage{Hook: p, Kinds: []alert.Kind{alert.Presence}, Every: 2 * time.Second})
	}
}

func TestACloserLookIsTakenOnlyWhereSomethingMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &presence{until: time.Hour}
		r := newRig(t, steady(10), hookFunc(quiet), withPresence(p))
		r.script(t, func() { after(30 * time.Second) })
		if n := p.looks.Load(); n != 1 {
			t.Fatalf("%d closer looks at an empty place, one at the start was due", n)
		}
	})
}

func TestPresenceGoesOnWhileSomebodyStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &presence{from: 3 * time.Second, until: 20 * time.Second}
		r := newRig(t, steady(10), between(3*time.Second, 6*time.Second, "door"), withPresence(p))
		r.decoder.faces = []decode.Face{{W: 0.1, H: 0.1, Score: 0.9}}
		r.script(t, func() { after(40 * time.Second) })
		want := []string{"motion door raised", "presence door raised", "motion door cleared", "presence door cleared"}
		if got := r.raiser.lines(); !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		if n := p.looks.Load(); n < 8 || n > 12 {
			t.Errorf("%d closer looks in 18 s, one every 2 s was asked for", n)
		}
		if len(r.decoder.masks) != 1 {
			t.Error("faces were looked for without the camera's masks")
		}
		if r.chooser.saw[12] != detect.Unsure {
			t.Error("the chooser was not told that somebody is there")
		}
	})
}

func TestASlowCloserLookHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &presence{until: time.Hour, takes: 25 * time.Second}
		r := newRig(t, steady(10), between(3*time.Second, 50*time.Second, "door"), withPresence(p))
		r.script(t, func() { after(60 * time.Second) })
		if s := r.Status(); s.Counters.Frames < 59 || p.looks.Load() > 3 {
			t.Fatalf("%d looks, %+v", p.looks.Load(), s.Counters)
		}
	})
}

func TestACloserLookThatFailsLeavesMotionAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &presence{mends: time.Hour}
		r := newRig(t, steady(10), between(3*time.Second, 6*time.Second, "door"), withPresence(p))
		r.script(t, func() { after(9 * time.Second) })
		if got, want := r.raiser.lines(), []string{"motion door raised", "motion door cleared"}; !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		if r.Status().Counters.HookErrors == 0 {
			t.Error("the failure was not counted")
		}
	})
}

// TestAFailingCloserLookEndsNothing: what was found stays open while nobody can tell that it is over, is told as one trouble and
// not as many, and asks for no more pictures than usual. It ends when the detector answers again.
func TestAFailingCloserLookEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &presence{from: 3 * time.Second, until: 12 * time.Second, breaks: 10 * time.Second, mends: 60 * time.Second}
		r := newRig(t, steady(10), between(3*time.Second, 6*time.Second, "door"), withPresence(p))
		r.decoder.faces = []decode.Face{{W: 0.1, H: 0.1, Score: 0.9}}
		r.script(t, func() {
			after(59 * time.Second)
			if got, want := r.raiser.lines(), []string{"motion door raised", "presence door raised", "motion door cleared"}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if s := r.Status(); s.Trouble == "" || s.Counters.HookErrors < 20 {
				t.Errorf("%+v", s)
			}
			after(5 * time.Second)
		})
		if got := r.raiser.lines(); got[len(got)-1] != "presence door cleared" {
			t.Errorf("got %q", got)
		}
		if s := r.Status(); s.Trouble != "" {
			t.Errorf("trouble %q", s.Trouble)
		}
		if r.chooser.saw[12] != detect.Unsure || r.chooser.saw[40] != detect.Still {
			t.Error("the chooser was not told that somebody is there, or was told for ever")
		}
		if n := len(r.changes); n > 5 {
			t.Errorf("%d changes told for one trouble", n)
		}
	})
}

// TestPresenceFromBeforeARestartIsCleared although nothing moves.
func TestPresenceFromBeforeARestartIsCleared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(10), hookFunc(quiet), withPresence(&presence{}))
		r.raiser.open = map[string]bool{alert.KeyOf("east", "gate", "door", alert.Presence): true}
		r.script(t, func() { after(5 * time.Second) })
		if got, want := r.raiser.lines(), []string{"presence door cleared"}; !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// TestDisarmingDuringACloserLook: what the look finds then is not raised, and nobody looks until a zone is armed again.
func TestDisarmingDuringACloserLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &presence{until: time.Hour, takes: 4 * time.Second}
		r := newRig(t, steady(10), between(3*time.Second, time.Hour, "door"), withPresence(p), func(o *camera.Options) { o.Zones = []camera.Zone{{Name: "door"}} })
		r.decoder.faces = []decode.Face{{W: 0.1, H: 0.1, Score: 0.9}}
		set := func(m camera.Mode) {
			if err := r.SetMode("door", m); err != nil {
				t.Error(err)
			}
		}
		r.script(t, func() {
			after(2 * time.Second)
			set(camera.Disarmed)
			after(28 * time.Second)
			if got, n := r.raiser.lines(), p.looks.Load(); len(got) != 0 || n != 1 {
				t.Errorf("%d looks, got %q", n, got)
			}
			set(camera.Armed)
			after(10 * time.Second)
			set(camera.Disarmed)
			after(10 * time.Second)
		})
		want := []string{"motion door raised", "presence door raised", "motion door cleared", "presence door cleared"}
		if got := r.raiser.lines(); !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		if r.raiser.signals[len(r.raiser.signals)-1].Origin != "presence" {
			t.Errorf("cleared in the name of %q", r.raiser.signals[len(r.raiser.signals)-1].Origin)
		}
	})
}

// viewHook says that the lens is covered while the media time lies in [from, to).
func viewHook(from, to time.Duration) hookFunc {
	return func(f decode.Frame) detect.Verdict {
		v := detect.Verdict{Judged: true}
		if f.PTS >= from && f.PTS < to {
			v.Detections = []detect.Detection{{Kind: alert.Covered, Score: 1}}
		}
		return v
	}
}

func TestTheCameraItselfCannotBeDisarmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(10), between(3*time.Second, 6*time.Second, "yard"), func(o *camera.Options) {
			o.Zones = []camera.Zone{{Name: "yard", Mode: camera.Disarmed}}
			o.Stages = append(o.Stages, camera.Stage{Hook: viewHook(2*time.Second, 7*time.Second), Kinds: []alert.Kind{alert.Covered}, Camera: true})
		})
		r.script(t, func() { after(9 * time.Second) })
		if got, want := r.raiser.lines(), []string{"covered  raised", "covered  cleared"}; !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestAStageReportsItsOwnKindsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(10), between(3*time.Second, 6*time.Second, "door"), func(o *camera.Options) { o.Stages[0].Kinds = []alert.Kind{alert.Intrusion} })
		r.script(t, func() { after(9 * time.Second) })
		if got := r.raiser.lines(); len(got) != 0 {
			t.Fatalf("got %q", got)
		}
	})
}

func TestASchedulePutsAZoneToSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		r := newRig(t, steady(10), between(3*time.Second, 30*time.Second, "door"), func(o *camera.Options) {
			o.Zones = []camera.Zone{{Name: "door", Asleep: func(now time.Time) bool {
				d := now.Sub(begin)
				return d >= 10*time.Second && d < 20*time.Second
			}}}
		})
		r.script(t, func() { after(40 * time.Second) })
		want := []string{"motion door raised", "motion door cleared", "motion door raised", "motion door cleared"}
		if got := r.raiser.lines(); !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		if at := r.raiser.list()[1].OccurredAt.Sub(begin); at < 10*time.Second || at > 11*time.Second {
			t.Errorf("cleared at %v", at)
		}
	})
}

func TestTheCamerasClockIsTakenWhereItAgrees(t *testing.T) {
	for _, c := range []struct {
		name  string
		skew  time.Duration
		known bool
		clock alert.Clock
	}{
		{name: "no clock", clock: alert.EdgeClock},
		{name: "agrees", known: true, skew: -400 * time.Millisecond, clock: alert.CameraClock},
		{name: "an hour off", known: true, skew: time.Hour, clock: alert.EdgeClock},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src := &fakeSource{play: func(ctx context.Context, _ int, emit source.Emit) error {
					stream(ctx, 0, 10, func(u source.AccessUnit) {
						if c.known {
							u.Captured = u.At.Add(c.skew)
						}
						emit(u)
					})
					return nil
				}}
				r := newRig(t, src, between(3*time.Second, 6*time.Second, "door"), nil)
				r.script(t, func() { after(9 * time.Second) })
				i := slices.IndexFunc(r.raiser.signals, func(s raise.Signal) bool { return s.Kind == alert.Motion && s.Score != nil })
				s := r.raiser.signals[i]
				told := s.At.Sub(r.evidence.onsets[0])
				if s.Clock != c.clock || c.clock == alert.CameraClock && (told != c.skew || s.Uncertainty < c.skew.Abs()) || c.clock == alert.EdgeClock && told != 0 {
					t.Errorf("clock %s, %v from the edge's time, uncertain by %v", s.Clock, told, s.Uncertainty)
				}
			})
		})
	}
}
