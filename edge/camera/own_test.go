package camera_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/edge/camera"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

func ownEvents(o *camera.Options) {
	o.Own = camera.Own{Origin: "hikvision", Kinds: []alert.Kind{alert.Intrusion, alert.VideoLoss}, Zones: map[string]string{"1": "gate", "2": "gate", "3": "yard"}}
	o.Zones = []camera.Zone{{Name: "gate"}, {Name: "yard", Mode: camera.Disarmed}}
}

func told(kind alert.Kind, region string, phase observation.Phase) []observation.Observation {
	return []observation.Observation{{Device: "1", Kind: kind, Zone: region, Phase: phase}}
}

// tell fails the test if the camera does not take it.
func (r *rig) tell(t *testing.T, kind alert.Kind, region string, phase observation.Phase) {
	t.Helper()
	if err := r.Tell(t.Context(), told(kind, region, phase), time.Now()); err != nil {
		t.Fatal(err)
	}
}

// wantSignals compares the signals of one origin, in order.
func (r *rig) wantSignals(t *testing.T, origin string, want ...string) {
	t.Helper()
	var got []string
	for _, s := range r.raiser.heard() {
		if s.Origin == origin {
			line := fmt.Sprintf("%s@%s %s", s.Kind, s.Zone, s.Phase)
			if s.Exercise {
				line += " exercise"
			}
			got = append(got, line)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("signals:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestACameraTellsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(10), hookFunc(quiet), ownEvents)
		r.script(t, func() {
			r.tell(t, alert.Intrusion, "1", observation.Active)
			r.tell(t, alert.Intrusion, "3", observation.Active) // disarmed
			r.tell(t, alert.VideoLoss, "3", observation.Active) // about the camera, whatever the zone
			r.tell(t, alert.Door, "1", observation.Active)      // not among its kinds
			after(2 * time.Second)
			if err := r.SetMode("gate", camera.Disarmed); err != nil {
				t.Fatal(err)
			}
			after(2 * time.Second)
		})
		r.wantSignals(t, "hikvision",
			"intrusion@gate active", "video-loss@ active", "intrusion@gate inactive")
	})
}

// TestAZoneThatIsArmedAgain raises what goes on in it, and what was a walk-test is raised in earnest.
func TestAZoneThatIsArmedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(10), hookFunc(quiet), ownEvents)
		mode := func(zone string, m camera.Mode) {
			if err := r.SetMode(zone, m); err != nil {
				t.Fatal(err)
			}
			after(2 * time.Second)
		}
		r.script(t, func() {
			r.tell(t, alert.Intrusion, "3", observation.Active)
			mode("yard", camera.WalkTest)
			mode("yard", camera.Armed)
			mode("yard", camera.Disarmed)
			r.tell(t, alert.Intrusion, "3", observation.Inactive)
			mode("yard", camera.Armed) // it is over
			r.tell(t, alert.Intrusion, "1", observation.Momentary)
			mode("gate", camera.Disarmed)
			mode("gate", camera.Armed) // a moment does not go on
		})
		r.wantSignals(t, "hikvision", "intrusion@yard active exercise", "intrusion@yard active", "intrusion@yard inactive", "intrusion@yard inactive",
			"intrusion@gate momentary")
	})
}

// TestTwoRegionsOfOneZone: the zone is quiet when both are.
func TestTwoRegionsOfOneZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(10), hookFunc(quiet), ownEvents)
		r.script(t, func() {
			r.tell(t, alert.Intrusion, "1", observation.Active)
			r.tell(t, alert.Intrusion, "2", observation.Active)
			r.tell(t, alert.Intrusion, "1", observation.Inactive)
			r.tell(t, alert.Intrusion, "2", observation.Inactive)
		})
		r.wantSignals(t, "hikvision", "intrusion@gate active", "intrusion@gate active", "intrusion@gate inactive")
	})
}

func TestWhatAnEarlierProcessHeardIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(10), hookFunc(quiet), ownEvents)
		r.script(t, func() {
			r.tell(t, alert.Intrusion, "1", observation.Active)
			for range 2 {
				if err := r.Settle(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		})
		r.wantSignals(t, "hikvision", "intrusion@gate active", "intrusion@ inactive", "video-loss@ inactive", "intrusion@yard inactive")
		if !r.Reports("gate", alert.Intrusion) || r.Reports("gate", alert.Door) {
			t.Error("a camera reports what it may tell, and nothing else")
		}
	})
}

func TestWhatACameraTellsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(10), hookFunc(quiet), ownEvents)
		r.script(t, func() {
			r.raiser.fail(errors.New("disk full"))
			if err := r.Tell(t.Context(), told(alert.Intrusion, "1", observation.Active), time.Now()); err == nil {
				t.Error("what is not stored is an error")
			}
			r.raiser.fail(nil)
			r.tell(t, alert.Intrusion, "1", observation.Active)
		})
		r.wantSignals(t, "hikvision", "intrusion@gate active")
	})
}

// TestWhatHoldsWhenTheCameraIsAskedIsNoAlarm: ONVIF's Initialized sets a state. It keeps open what an earlier process raised.
func TestWhatHoldsWhenTheCameraIsAskedIsNoAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, steady(10), hookFunc(quiet), ownEvents)
		r.script(t, func() {
			o := told(alert.VideoLoss, "", observation.Active)
			o[0].Retained = true
			if err := r.Tell(t.Context(), o, time.Now()); err != nil {
				t.Fatal(err)
			}
			after(5 * time.Second)
			if err := r.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.tell(t, alert.VideoLoss, "", observation.Inactive)
			r.tell(t, alert.VideoLoss, "", observation.Active)
		})
		r.wantSignals(t, "hikvision", "intrusion@ inactive", "intrusion@gate inactive", "intrusion@yard inactive", "video-loss@ inactive", "video-loss@ active")
	})
}
