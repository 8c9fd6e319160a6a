package camera_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/edge/camera"
	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/protocols/alert"
	"gridgate/protocols/picture"
)

func TestThePictureShowsTheOnset(t *testing.T) {
	for _, c := range []struct {
		name  string
		gop   int
		units int // from the keyframe to the onset at 15 s of media time
	}{
		{name: "keyframes", gop: 10, units: 1},
		{name: "sequence", gop: 100, units: 51},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mask := []picture.Mask{{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}}}
				r := newRig(t, steady(c.gop), between(15*time.Second, 18*time.Second, "door"), func(o *camera.Options) { o.Masks = mask })
				r.script(t, func() { after(25 * time.Second) })
				if len(r.decoder.pictures) != 1 || len(r.evidence.got) != 1 {
					t.Fatalf("%d pictures, %d stored", len(r.decoder.pictures), len(r.evidence.got))
				}
				units := r.decoder.pictures[0]
				onset := r.raiser.list()[0]
				if !units[0].Key || len(units) < c.units || len(units) > c.units+10 || !last(units).At.Equal(onset.OccurredAt) {
					t.Errorf("picture of %d units", len(units))
				}
				if !reflect.DeepEqual(r.decoder.masks, mask) {
					t.Errorf("masks are %v, want the camera's", r.decoder.masks)
				}
				checkEvidence(t, r.evidence.got[0], onset)
			})
		})
	}
}

func checkEvidence(t *testing.T, e alert.Evidence, a alert.Alert) {
	t.Helper()
	sum := sha256.Sum256([]byte("jpeg"))
	if err := e.Validate(); err != nil {
		t.Error(err)
	}
	if e.AlertID != a.ID || e.SHA256 != hex.EncodeToString(sum[:]) || e.Sealed || e.MediaType != alert.JPEG {
		t.Errorf("%+v", e)
	}
}

func TestNoPictureRatherThanAnUnredactedOne(t *testing.T) {
	for name, c := range map[string]struct {
		redaction, storage error
	}{
		"redaction fails": {redaction: errors.New("no faces could be looked for")},
		"storage fails":   {storage: errors.New("disk full")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, steady(10), between(3*time.Second, 6*time.Second, "door", "lane"), nil)
				r.decoder.picture, r.evidence.err = c.redaction, c.storage
				r.script(t, func() { after(9 * time.Second) })
				if n := r.Status().Counters; n.NoPicture != 2 || n.Pictures != 0 {
					t.Fatalf("%+v", n)
				}
				if c.redaction != nil && len(r.evidence.got) != 0 {
					t.Fatal("something was stored")
				}
			})
		})
	}
}

func TestSlowPicturesNeverHoldUpDetection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flicker := hookFunc(func(f decode.Frame) detect.Verdict { // an alert every other second
			return between(f.PTS, f.PTS+time.Duration(f.PTS/time.Second%2), "door")(f)
		})
		pictures := &slowPictures{}
		r := newRig(t, steady(10), flicker, func(o *camera.Options) { o.Decoder = pictures })
		r.script(t, func() { after(60 * time.Second) })
		s := r.Status()
		if s.Counters.Frames < 59 {
			t.Errorf("detection was held up: %d frames", s.Counters.Frames)
		}
		if total := s.Counters.Pictures + s.Counters.NoPicture; total < 20 || s.Counters.NoPicture == 0 {
			t.Errorf("%+v", s.Counters)
		}
	})
}
