package evidence_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"gridgate/edge/evidence"
	"gridgate/edge/source"
	"gridgate/protocols/alert"
)

// fakeClip notes what it was given.
type fakeClip struct {
	err  error
	size int
	got  []source.AccessUnit
}

func (c *fakeClip) Span() (before, after time.Duration) { return 4 * time.Second, 6 * time.Second }

func (c *fakeClip) Seal(_ context.Context, units []source.AccessUnit, _ time.Time) ([]byte, error) {
	c.got = units
	return make([]byte, c.size), c.err
}

func TestTheClipSpansTheOnset(t *testing.T) {
	for _, forgets := range []bool{false, true} {
		t.Run(fmt.Sprintf("the ring forgets %v", forgets), func(t *testing.T) {
			clip := &fakeClip{size: 10}
			play(t, 20, func(o *evidence.Options) { o.Clip = clip }, func(s *stage) {
				s.until(21 * sec)
				alerts := s.want(21*sec, 2)
				s.until(22 * sec)
				if forgets {
					s.ring.forget(s.start.Add(20 * sec))
				}
				s.until(40 * sec)
				s.check("counters", s.Counters(), evidence.Counters{Pictures: 8, Clips: 2})
				list := s.store.list()
				last := list[len(list)-1]
				if !last.Sealed || last.MediaType != alert.SealedMP4 || last.AlertID != alerts[1].ID || last.when.Sub(s.start) != 27250*time.Millisecond {
					t.Errorf("%+v", last)
				}
				s.check("from", clip.got[0].PTS, 16*sec) // the keyframe at or before 17 s
				s.check("to", clip.got[len(clip.got)-1].PTS, 27*sec)
				for i, u := range clip.got {
					if u.PTS != 16*sec+time.Duration(i)*100*time.Millisecond {
						t.Fatalf("unit %d is of %v: doubled or missing", i, u.PTS)
					}
				}
			})
		})
	}
}

func TestNoClipRatherThanABrokenOne(t *testing.T) {
	for name, clip := range map[string]*fakeClip{
		"sealing fails": {err: errors.New("no"), size: 10},
		"empty":         {},
		"too large":     {size: alert.MaxEvidence + 1},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, 20, func(o *evidence.Options) { o.Clip = clip }, func(s *stage) {
				s.until(21 * sec)
				s.want(21*sec, 2)
				s.until(40 * sec)
				s.check("counters", s.Counters(), evidence.Counters{Pictures: 8, NoClip: 2})
			})
		})
	}
}

// TestAReconnectEndsAClip: times of another connection say nothing of this one.
func TestAReconnectEndsAClip(t *testing.T) {
	clip := &fakeClip{size: 10}
	play(t, 20, func(o *evidence.Options) { o.Clip = clip }, func(s *stage) {
		s.until(21 * sec)
		s.want(21*sec, 1)
		s.ring.mu.Lock()
		s.ring.start = s.start.Add(23 * sec)
		s.ring.mu.Unlock()
		s.until(40 * sec)
		s.check("clips", s.Counters().Clips, uint64(1))
		s.check("from", clip.got[0].PTS, 16*sec)
		s.check("to", clip.got[len(clip.got)-1].PTS, 21*sec)
	})
}

// TestClipsDoNotOverlap: of a clip of 4 s before and 6 s after, the next onset that is not in it begins 10 s later.
func TestClipsDoNotOverlap(t *testing.T) {
	play(t, 20, func(o *evidence.Options) { o.Clip = &fakeClip{size: 10} }, func(s *stage) {
		var got []uint64
		for _, at := range []time.Duration{20 * sec, 29 * sec, 30 * sec, 45 * sec} {
			s.until(at)
			s.want(at, 1)
			s.until(at + 7*sec)
			got = append(got, s.Counters().Clips)
		}
		s.check("clips", fmt.Sprint(got), "[1 1 2 3]")
		s.check("spared: three clips' worth of filmstrips and a clip", s.Counters().Spared, uint64(3*3+1))
	})
}
