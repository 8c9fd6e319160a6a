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
	"gridgate/protocols/alert"
	"gridgate/protocols/picture"
)

// arrangeable sees motion in each of its zones from second 3 on.
type arrangeable struct{ zones atomic.Pointer[[]detect.Zone] }

func newArrangeable(names ...string) *arrangeable {
	h := &arrangeable{}
	_ = h.Arrange(named(names...), nil) // of three outlines there is nothing to refuse
	return h
}

func named(names ...string) (zones []detect.Zone) {
	for _, n := range names {
		zones = append(zones, detect.Zone{Name: n})
	}
	return zones
}

func (h *arrangeable) Arrange(zones []detect.Zone, _ []detect.Polygon) error {
	if len(zones) > 3 {
		return errors.New("too many zones")
	}
	h.zones.Store(&zones)
	return nil
}

func (h *arrangeable) Detect(_ context.Context, in detect.Input) (detect.Verdict, error) {
	v := detect.Verdict{Judged: true}
	for _, z := range *h.zones.Load() {
		if in.Frame.PTS >= 3*time.Second {
			v.Detections = append(v.Detections, detect.Detection{Kind: alert.Motion, Zone: z.Name, Score: 0.8})
		}
	}
	return v, nil
}

func arrange(t *testing.T, r *rig, zones ...camera.Zone) {
	t.Helper()
	var names []string
	for _, z := range zones {
		names = append(names, z.Name)
	}
	if err := r.Arrange(camera.Arrangement{Zones: zones, Areas: named(names...)}); err != nil {
		t.Error(err)
	}
}

// TestArrangingLosesAndDoublesNothing: a zone that is gone is cleared, one that kept its name goes on, one that is new begins, and the
// camera is not connected anew.
func TestArrangingLosesAndDoublesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := steady(10)
		r := newRig(t, src, newArrangeable("door", "yard"), func(o *camera.Options) {
			o.Zones = []camera.Zone{{Name: "door"}, {Name: "yard"}}
		})
		r.script(t, func() {
			after(5 * time.Second)
			arrange(t, r, camera.Zone{Name: "door"}, camera.Zone{Name: "gate", Mode: camera.WalkTest}, camera.Zone{Name: "roof", Mode: camera.Disarmed})
			after(0)
			want := []string{"motion door raised", "motion yard raised", "motion yard cleared"}
			if got := r.raiser.lines(); !slices.Equal(got, want) {
				t.Errorf("at once: %q, want %q", got, want)
			}
			after(5 * time.Second)
			arrange(t, r, camera.Zone{Name: "yard"})
			after(5 * time.Second)
		})
		want := []string{
			"motion door raised", "motion yard raised", "motion yard cleared", "motion gate raised exercise",
			"motion door cleared", "motion gate cleared exercise", "motion yard raised",
		}
		got := r.raiser.lines()
		if slices.Index(got, "motion door cleared") < 0 || len(got) != len(want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if len(src.runs) != 1 || r.Reports("door", alert.Motion) || !r.Reports("yard", alert.Motion) {
			t.Errorf("%d connections", len(src.runs))
		}
	})
}

// TestWhatCannotBeClearedIsTriedAgain although its zone is gone, and also if the zone has come back.
func TestWhatCannotBeClearedIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(10), newArrangeable("door"), func(o *camera.Options) { o.Zones = []camera.Zone{{Name: "door"}} })
		r.script(t, func() {
			after(5 * time.Second)
			r.raiser.fail(errors.New("the disk is full"))
			arrange(t, r, camera.Zone{Name: "gate", Mode: camera.Disarmed})
			after(3 * time.Second)
			r.raiser.fail(nil)
			after(2 * time.Second)
		})
		if got, want := r.raiser.lines(), []string{"motion door raised", "motion door cleared"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// TestARefusedArrangementChangesNothing, neither zones nor masks.
func TestARefusedArrangementChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &presence{until: time.Hour}
		r := newRig(t, steady(10), newArrangeable("door"), withPresence(p), func(o *camera.Options) { o.Zones = []camera.Zone{{Name: "door"}} })
		r.decoder.faces = []decode.Face{{W: 0.1, H: 0.1, Score: 0.9}}
		two := []picture.Mask{{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}}, {{X: 0, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}}}
		r.script(t, func() {
			after(5 * time.Second)
			for _, bad := range []camera.Arrangement{
				{Zones: []camera.Zone{{Name: "a"}}, Areas: named("a", "b", "c", "d"), Masks: two},
				{Zones: []camera.Zone{{Name: "a"}, {Name: "a"}}, Areas: named("a"), Masks: two},
				{Zones: []camera.Zone{{Name: "a", Mode: "asleep"}}, Areas: named("a"), Masks: two},
			} {
				if err := r.Arrange(bad); err == nil {
					t.Errorf("%+v was taken", bad)
				}
			}
			after(5 * time.Second)
			if z := r.Status().Zones; len(z) != 1 || z[0].Name != "door" || len(r.decoder.masks) != 1 {
				t.Errorf("%+v, %d masks", z, len(r.decoder.masks))
			}
			if err := r.Arrange(camera.Arrangement{Zones: []camera.Zone{{Name: "door"}}, Areas: named("door"), Masks: two}); err != nil {
				t.Error(err)
			}
			after(5 * time.Second)
			if len(r.decoder.masks) != 2 {
				t.Errorf("faces were looked for with %d masks", len(r.decoder.masks))
			}
		})
	})
}

// TestWhatWasRaisedIsRemembered for trials: begin and end, and nothing of before the start.
func TestWhatWasRaisedIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		r := newRig(t, steady(10), between(3*time.Second, 6*time.Second, "door"))
		r.raiser.open = map[string]bool{alert.KeyOf("east", "gate", "lane", alert.Motion): true}
		r.script(t, func() {
			after(5 * time.Second)
			if got := r.Raised(begin); len(got) != 1 || !got[0].To.IsZero() {
				t.Errorf("while it goes on: %+v", got)
			}
			after(5 * time.Second)
			if got := r.Raised(begin); len(got) != 1 || got[0].Zone != "door" || got[0].From.Sub(begin) != 3*time.Second || got[0].To.Sub(begin) != 6*time.Second {
				t.Errorf("%+v", got)
			}
			if got := r.Raised(begin.Add(7 * time.Second)); len(got) != 0 {
				t.Errorf("later: %+v", got)
			}
		})
	})
}

// TestArrangingWhileItRuns has one goroutine draw while others ask (for the race detector).
func TestArrangingWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(10), newArrangeable("door"), func(o *camera.Options) { o.Zones = []camera.Zone{{Name: "door"}} })
		r.script(t, func() {
			for i := range 60 {
				arrange(t, r, camera.Zone{Name: []string{"door", "yard"}[i%2]})
				_ = r.Status()
				_ = r.Reports("door", alert.Motion)
				after(500 * time.Millisecond)
			}
		})
		open := map[string]int{}
		for _, a := range r.raiser.list() {
			if a.State == alert.Raised {
				open[a.Zone]++
			} else {
				open[a.Zone]--
			}
			if open[a.Zone] < 0 || open[a.Zone] > 1 {
				t.Fatalf("zone %s is open %d times", a.Zone, open[a.Zone])
			}
		}
		if open["door"] != 0 || open["yard"] != 1 {
			t.Errorf("left open: %v", open)
		}
	})
}
