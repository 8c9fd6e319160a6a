package evidence_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/evidence"
	"gridgate/edge/source"
	"gridgate/protocols/alert"
	"gridgate/protocols/picture"
)

const sec = time.Second

func TestTheOnsetComesFirstAndTheRestInItsTime(t *testing.T) {
	masks := []picture.Mask{{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}}}
	play(t, 50, func(o *evidence.Options) { o.Masks = masks }, func(s *stage) {
		s.until(20 * sec)
		id := s.want(19500*time.Millisecond, 1)[0].ID
		s.until(20 * sec)
		s.check("at once", s.strip(id), "19.5s by 20s")
		s.until(30 * sec)
		s.check("all", s.strip(id), "19.5s by 20s, 18.5s by 22.75s, 20.5s by 22.75s, 22.5s by 22.75s")
		s.check("counters", s.Counters(), evidence.Counters{Pictures: 4})
		s.check("decodings", len(s.decoder.calls), 2)
		for _, call := range s.decoder.calls {
			if len(call.Masks) != 1 || !call.Units[0].Key {
				t.Errorf("%d masks, from a keyframe %v", len(call.Masks), call.Units[0].Key)
			}
		}
		// 18.5 s lies in the group of 15 s; the others in that of 20 s, which is decoded from its keyframe on.
		s.check("units of the onset", len(s.decoder.calls[0].Units), 46)
		s.check("units of the rest", len(s.decoder.calls[1].Units), 36+26)
	})
}

func TestEachAlertGetsItsOwnEventsAndAClearNone(t *testing.T) {
	play(t, 10, nil, func(s *stage) {
		s.until(10 * sec)
		alerts := s.want(10*sec, 2)
		s.Want([]alert.Alert{{ID: alert.NewID(), State: alert.Cleared}}, s.start.Add(10*sec), s.ring)
		s.until(20 * sec)
		ids := map[string]bool{}
		for _, k := range s.store.list() {
			ids[k.ID] = true
		}
		s.check("events", len(ids), 8)
		s.check("of the first", s.strip(alerts[0].ID), s.strip(alerts[1].ID))
		s.check("decodings", len(s.decoder.calls), 2)
	})
}

func TestTheSamePictureIsStoredOnce(t *testing.T) {
	play(t, 10, nil, func(s *stage) {
		s.decoder.same = true
		s.until(10 * sec)
		id := s.want(10*sec, 1)[0].ID
		s.until(20 * sec)
		s.check("stored", s.strip(id), "10s by 10s")
		s.check("counters", s.Counters(), evidence.Counters{Pictures: 1})
	})
}

func TestNoPictureRatherThanAnUnredactedOne(t *testing.T) {
	for name, edit := range map[string]func(*stage){
		"redaction fails": func(s *stage) { s.decoder.fail = func(decode.PictureRequest) error { return errors.New("no") } },
		"storage fails":   func(s *stage) { s.store.err = errors.New("disk full") },
		"the ring forgot": func(s *stage) { s.ring.forget(s.start.Add(time.Hour)) },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, 10, nil, func(s *stage) {
				edit(s)
				s.until(10 * sec)
				s.want(10*sec, 2)
				s.until(20 * sec)
				s.check("stored", len(s.store.list()), 0)
				s.check("counters", s.Counters(), evidence.Counters{NoPicture: 8})
			})
		})
	}
}

// TestWhatTheRingForgotIsStillHeld: a ring of two seconds has lost the moment before the onset when the rest is made.
func TestWhatTheRingForgotIsStillHeld(t *testing.T) {
	play(t, 10, nil, func(s *stage) {
		s.until(10 * sec)
		id := s.want(10*sec, 1)[0].ID
		s.until(11 * sec)
		s.ring.forget(s.start.Add(10500 * time.Millisecond))
		s.until(20 * sec)
		s.check("stored", s.strip(id), "10s by 10s, 11s by 13.25s, 13s by 13.25s, 9s by 13.25s")
	})
}

func TestACameraThatStopsGetsWhatIsThere(t *testing.T) {
	play(t, 10, nil, func(s *stage) {
		s.ring.ended = s.start.Add(11500 * time.Millisecond)
		s.until(10 * sec)
		id := s.want(10*sec, 1)[0].ID
		s.until(20 * sec)
		s.check("stored", s.strip(id), "10s by 10s, 9s by 13.25s, 11s by 13.25s")
		s.check("counters", s.Counters(), evidence.Counters{Pictures: 3, NoPicture: 1})
	})
}

// TestAnOnsetWaitsForNoFilmstrip raises again and again: the picture of each onset is made before any filmstrip.
func TestAnOnsetWaitsForNoFilmstrip(t *testing.T) {
	play(t, 10, nil, func(s *stage) {
		s.decoder.takes = 300 * time.Millisecond
		for i := range 4 {
			s.until(time.Duration(10+i) * sec)
			s.want(time.Duration(10+i)*sec, 1)
		}
		s.until(30 * sec)
		for i, want := range []time.Duration{10, 11, 12, 13} {
			if k := s.store.list(); !k[i].At.Equal(s.start.Add(want*sec)) || k[i].when.Sub(k[i].At) != s.decoder.takes {
				t.Errorf("picture %d shows %v and came at %v", i, k[i].At.Sub(s.start), k[i].when.Sub(s.start))
			}
		}
		s.check("counters", s.Counters(), evidence.Counters{Pictures: 7, Spared: 9})
	})
}

// TestABusyCameraHasOneFilmstripInHalfAMinute raises every ten seconds.
func TestABusyCameraHasOneFilmstripInHalfAMinute(t *testing.T) {
	play(t, 10, nil, func(s *stage) {
		for i, want := range []int{4, 1, 1, 4, 1} {
			at := time.Duration(100+10*i) * sec
			s.until(at)
			id := s.want(at, 1)[0].ID
			s.until(at + 9*sec)
			s.check(fmt.Sprintf("pictures of alert %d", i), strings.Count(s.strip(id), "by"), want)
		}
		s.check("decodings", len(s.decoder.calls), 7)
		s.check("counters", s.Counters(), evidence.Counters{Pictures: 11, Spared: 9})
	})
}

// TestAnAlertWithoutRoomSparesNothing: the next one that fits has its filmstrip.
func TestAnAlertWithoutRoomSparesNothing(t *testing.T) {
	play(t, 100, func(o *evidence.Options) { o.MaxHeld = 5_000 }, func(s *stage) {
		s.until(109 * sec)
		s.want(109*sec, 1)
		s.until(111 * sec)
		id := s.want(111*sec, 1)[0].ID
		s.until(130 * sec)
		s.check("pictures", strings.Count(s.strip(id), "by"), 4)
	})
}

func TestTheQueueIsBounded(t *testing.T) {
	play(t, 10, nil, func(s *stage) {
		s.decoder.takes = 20 * sec
		s.until(10 * sec)
		for range 10 {
			s.want(10*sec, 1)
		}
		s.until(5 * time.Minute)
		c := s.Counters()
		s.check("all are counted", c.Pictures+c.NoPicture+c.Spared, uint64(40))
		s.check("onsets made", len(s.store.list()) >= 4, true)
		if c.NoPicture < 6*4 {
			t.Errorf("%+v", c)
		}
	})
}

func TestHeldBytesAreBounded(t *testing.T) {
	// A group of 10 s has 100 units of 100 bytes: one job fits, a second with the group of its onset, a third not at all.
	play(t, 100, func(o *evidence.Options) { o.MaxHeld = 11_500 }, func(s *stage) {
		s.decoder.takes = sec
		s.until(100500 * time.Millisecond)
		var ids []string
		for range 3 {
			ids = append(ids, s.want(100500*time.Millisecond, 1)[0].ID)
		}
		s.until(200 * sec)
		s.check("the first", strings.Count(s.strip(ids[0]), "by"), 4)
		s.check("the second", strings.Count(s.strip(ids[1]), "by"), 1)
		s.check("counters", s.Counters(), evidence.Counters{Pictures: 5, NoPicture: 4, Spared: 3})
	})
	play(t, 100, func(o *evidence.Options) { o.MaxHeld = 5_000 }, func(s *stage) {
		s.until(109 * sec)
		s.want(109*sec, 1)
		s.until(200 * sec)
		s.check("counters", s.Counters(), evidence.Counters{NoPicture: 4})
	})
}

func TestADecoderThatHangsIsGivenUp(t *testing.T) {
	play(t, 10, nil, func(s *stage) {
		s.decoder.takes = time.Hour
		s.until(10 * sec)
		s.want(10*sec, 1)
		s.until(10 * time.Minute)
		s.check("counters", s.Counters(), evidence.Counters{NoPicture: 4})
	})
}

func TestNewRefuses(t *testing.T) {
	good := evidence.Options{CameraID: "gate", Decoder: &fakeDecoder{}, Store: &fakeStore{}}
	for name, c := range map[string]struct {
		edit func(*evidence.Options)
		want error
	}{
		"no camera":         {edit: func(o *evidence.Options) { o.CameraID = "" }},
		"no decoder":        {edit: func(o *evidence.Options) { o.Decoder = nil }},
		"too far":           {edit: func(o *evidence.Options) { o.Offsets = []time.Duration{time.Hour} }},
		"too many":          {edit: func(o *evidence.Options) { o.Offsets = []time.Duration{1, 2, 3, 4, 5, 6, 7, 8} }},
		"a clip with masks": {edit: func(o *evidence.Options) { o.Clip, o.Masks = &fakeClip{}, make([]picture.Mask, 1) }, want: evidence.ErrMasked},
	} {
		opt := good
		c.edit(&opt)
		if _, err := evidence.New(opt); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := evidence.New(good); err != nil {
		t.Error(err)
	}
}

// TestOnlyWhatIsNeededIsDecoded looks at streams without keyframes and with B pictures.
func TestOnlyWhatIsNeededIsDecoded(t *testing.T) {
	play(t, 20, nil, func(s *stage) {
		refresh := refreshRing{s.ring}
		s.until(11 * sec)
		s.Want([]alert.Alert{{ID: alert.NewID(), Source: alert.CameraSource("east", "gate"), State: alert.Raised}}, s.start.Add(11*sec), refresh)
		s.until(20 * sec)
		s.check("counters", s.Counters(), evidence.Counters{Pictures: 4})
		// A refresh needs what was before it: from 10 s without a gap.
		s.check("units of the rest", len(s.decoder.calls[1].Units), 41)
	})
}

// refreshRing has refreshes where the other has keyframes.
type refreshRing struct{ *fakeRing }

func (r refreshRing) Window(from time.Time) []source.AccessUnit {
	units := r.fakeRing.Window(from)
	for i := range units {
		units[i].Key, units[i].Refresh = false, units[i].Key
	}
	return units
}
