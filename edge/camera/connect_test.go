package camera_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/edge/source"
)

func TestVideoLossAfterTheGraceAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{play: func(ctx context.Context, run int, emit source.Emit) error {
			if run == 0 {
				stream(ctx, 50, 10, emit)
				return source.ErrStalled
			}
			if run < 6 {
				return source.ErrUnreachable
			}
			stream(ctx, 0, 10, emit)
			return nil
		}}
		r := newRig(t, src, hookFunc(quiet), nil)
		begin := time.Now()
		r.script(t, func() {
			after(30 * time.Second)
			if got := r.raiser.lines(); len(got) != 0 {
				t.Errorf("before the grace: %q", got)
			}
			if s := r.Status(); s.State != source.Unreachable || s.Why != source.ErrUnreachable.Error() {
				t.Errorf("%+v", s)
			}
			after(2 * time.Minute)
		})
		got := r.raiser.list()
		if want := []string{"video-loss  raised", "video-loss  cleared"}; !slices.Equal(r.raiser.lines(), want) {
			t.Fatalf("got %q, want %q", r.raiser.lines(), want)
		}
		if at := got[0].OccurredAt.Sub(begin); at != 4*time.Second {
			t.Errorf("video was lost at %v, the last picture came at 4 s", at)
		}
		want := []source.State{source.Streaming, source.Stalled, source.Unreachable, source.Streaming}
		states := r.states()
		if len(states) > 0 && states[0] == source.Connecting { // the first picture may be judged before its coming is told
			states = states[1:]
		}
		if !slices.Equal(states, want) {
			t.Errorf("states %v, want %v", states, want)
		}
	})
}

func TestReconnectingSlowsDown(t *testing.T) {
	for _, c := range []struct {
		name     string
		err      error
		min, max time.Duration // of the first wait
		longest  time.Duration
	}{
		{name: "unreachable", err: source.ErrUnreachable, min: 500 * time.Millisecond, max: time.Second, longest: time.Minute},
		{name: "wrong password", err: source.ErrAuth, min: 15 * time.Second, max: 30 * time.Second, longest: 10 * time.Minute},
		{name: "ended", err: nil, min: 500 * time.Millisecond, max: time.Second, longest: time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src := &fakeSource{play: func(context.Context, int, source.Emit) error { return c.err }}
				r := newRig(t, src, hookFunc(quiet), nil)
				r.script(t, func() { after(2 * time.Hour) })
				first, final := src.runs[1].Sub(src.runs[0]), lastGap(src.runs)
				if first < c.min || first > c.max || final < c.longest/2 || final > c.longest {
					t.Fatalf("first wait %v, last %v", first, final)
				}
			})
		})
	}
}

func lastGap(at []time.Time) time.Duration { return at[len(at)-1].Sub(at[len(at)-2]) }
