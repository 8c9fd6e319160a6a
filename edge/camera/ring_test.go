package camera_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/edge/camera"
	"gridgate/edge/source"
)

func TestEvidenceGetsTheMomentsBeforeTheOnset(t *testing.T) {
	for _, c := range []struct {
		name string
		keep time.Duration
		gop  int
		back time.Duration // from the onset to the first unit that evidence gets, at least
		most time.Duration // and at most
	}{
		{name: "nothing kept", keep: 0, gop: 10, back: 0, most: time.Second},
		{name: "two seconds kept", keep: 2 * time.Second, gop: 10, back: time.Second, most: 2 * time.Second},
		{name: "long groups", keep: 2 * time.Second, gop: 100, back: time.Second, most: 10 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, steady(c.gop), between(15*time.Second, 18*time.Second, "door"), func(o *camera.Options) { o.Keep = c.keep })
				r.chooser.sequence = c.gop > 10
				r.script(t, func() { after(25 * time.Second) })
				if len(r.evidence.wants) != 1 || !r.evidence.onsets[0].Equal(r.raiser.list()[0].OccurredAt) {
					t.Fatalf("%+v", r.evidence.wants)
				}
				units := r.evidence.windows[0]
				back := r.evidence.onsets[0].Sub(units[0].At)
				if !units[0].Key || back < c.back || back > c.most || last(units).At.Before(r.evidence.onsets[0]) {
					t.Errorf("from %v before the onset to %v after it", back, last(units).At.Sub(r.evidence.onsets[0]))
				}
			})
		})
	}
}

func TestOlderGroupsGiveWayToTheOneUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(10), hookFunc(quiet), func(o *camera.Options) { o.Keep, o.MaxUnits = time.Hour, 35 })
		r.script(t, func() { after(60 * time.Second) })
		if s := r.Status(); s.Counters.Overflows != 0 || s.RingBytes > 35 || s.RingBytes < 25 || s.Counters.Frames < 59 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestAStreamRefreshedBySlicesIsDecodedWithoutGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{play: func(ctx context.Context, _ int, emit source.Emit) error {
			stream(ctx, 0, 25, func(u source.AccessUnit) {
				u.Refresh, u.Key = u.Key, false
				emit(u)
			})
			return nil
		}}
		r := newRig(t, src, hookFunc(quiet), nil)
		r.chooser.sequence = true
		r.script(t, func() { after(30 * time.Second) })
		next := time.Duration(0)
		for i, batch := range r.decoder.batches {
			for _, u := range batch {
				if u.PTS != next {
					t.Fatalf("batch %d goes on at %v, the one before ended before %v", i, u.PTS, next)
				}
				next += 100 * time.Millisecond
			}
		}
		if next < 28*time.Second {
			t.Errorf("decoded up to %v", next)
		}
	})
}
