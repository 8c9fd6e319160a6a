package fuse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gridgate/edge/raise"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

const grid = "330106001001"

// stage is a fuser before a real raiser, and a clock.
type stage struct {
	t      *testing.T
	now    time.Time
	fuser  *Fuser
	raiser *raise.Raiser
	log    []string // "raised intrusion@gate by hikvision+motion"
}

func newStage(t *testing.T, trust Trusts) *stage {
	s := &stage{t: t, now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return s.now }
	raiser, err := raise.New(t.Context(), raise.Options{Log: &raise.Memory{}, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	s.raiser = raiser
	s.fuser, err = New(Options{
		Next: raiser, Now: clock, Trust: map[string]Trusts{"cam": trust},
		Events: func(origin string) bool { return origin == "hikvision" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tell tells "motion gate hikvision active".
func (s *stage) tell(words string) {
	s.t.Helper()
	f := strings.Fields(words)
	o := observation.Observation{Device: "cam", Kind: alert.Kind(f[0]), Zone: strings.Trim(f[1], "-"), Phase: observation.Phase(f[3]), At: s.now}
	alerts, err := s.fuser.Raise(context.Background(), "", []raise.Signal{{
		Observation: o, Source: alert.CameraSource("e", "cam"), Edge: "e", Grid: grid, Origin: f[2], Clock: alert.EdgeClock,
	}}, nil)
	if err != nil {
		s.t.Fatalf("%s: %v", words, err)
	}
	s.note(alerts)
}

func (s *stage) note(alerts []alert.Alert) {
	for _, a := range alerts {
		s.log = append(s.log, fmt.Sprintf("%s %s@%s by %s", a.State, a.Kind, a.Zone, a.Origin))
	}
}

func (s *stage) wait(d time.Duration) {
	s.now = s.now.Add(d)
	alerts, err := s.raiser.Advance(context.Background(), s.now)
	if err != nil {
		s.t.Fatal(err)
	}
	s.note(alerts)
}

func (s *stage) want(lines ...string) {
	s.t.Helper()
	if !slices.Equal(s.log, lines) {
		s.t.Errorf("told:\n  %s\nwant:\n  %s", strings.Join(s.log, "\n  "), strings.Join(lines, "\n  "))
	}
	s.log = nil
}

func TestOneSituationOfTwoSources(t *testing.T) {
	s := newStage(t, Trusts{})
	s.tell("motion gate hikvision active")
	s.wait(2 * time.Second)
	s.tell("motion gate motion active")
	s.tell("motion gate hikvision inactive")
	s.wait(time.Minute)
	s.tell("motion gate motion active")
	s.want("raised motion@gate by hikvision")
	s.tell("motion gate motion inactive")
	s.wait(Window)
	s.want("cleared motion@gate by hikvision+motion")
}

func TestMotionIsPartOfWhatTellsMore(t *testing.T) {
	s := newStage(t, Trusts{})
	s.tell("motion gate motion active")
	s.wait(2 * time.Second)
	s.tell("intrusion gate hikvision active")
	s.want("raised motion@gate by motion", "cleared motion@gate by motion", "raised intrusion@gate by hikvision+motion")
	s.tell("motion gate motion active")
	s.tell("intrusion gate hikvision inactive")
	s.tell("motion gate motion active")
	s.tell("motion gate motion inactive")
	s.wait(time.Minute)
	s.want("cleared intrusion@gate by hikvision+motion")

	s.tell("tripwire gate hikvision momentary")
	s.wait(3 * time.Second)
	s.tell("motion gate motion active")
	s.tell("motion gate motion inactive")
	s.want("momentary tripwire@gate by hikvision")
	s.wait(time.Minute)
	s.tell("motion gate motion active")
	s.want("raised motion@gate by motion")
}

// TestMotionGoesOnWhileACameraStops: a camera that tells again what it had stopped telling for a moment, while motion never stopped.
func TestMotionGoesOnWhileACameraStops(t *testing.T) {
	s := newStage(t, Trusts{})
	s.tell("intrusion gate hikvision active")
	s.tell("motion gate motion active")
	s.tell("intrusion gate hikvision inactive")
	s.wait(time.Second)
	s.tell("intrusion gate hikvision active")
	s.tell("intrusion gate hikvision inactive")
	s.wait(time.Minute)
	s.want("raised intrusion@gate by hikvision", "cleared intrusion@gate by hikvision+motion")
}

// TestASecondSourceThatIsSlow: a camera's moment is over before our detector has looked.
func TestASecondSourceThatIsSlow(t *testing.T) {
	s := newStage(t, Trusts{})
	s.tell("motion gate hikvision active")
	s.wait(time.Second)
	s.tell("motion gate hikvision inactive")
	s.wait(5 * time.Second)
	s.tell("motion gate motion active")
	s.wait(time.Minute)
	s.tell("motion gate motion inactive")
	s.wait(time.Minute)
	s.want("raised motion@gate by hikvision", "cleared motion@gate by hikvision+motion")
}

func TestAnotherZoneIsAnotherSituation(t *testing.T) {
	s := newStage(t, Trusts{})
	s.tell("intrusion gate hikvision active")
	s.tell("motion yard motion active")
	s.want("raised intrusion@gate by hikvision", "raised motion@yard by motion")
}

func TestMotionOfTheWholePictureIsThatOfAZone(t *testing.T) {
	s := newStage(t, Trusts{})
	s.tell("motion - hikvision active")
	s.tell("motion gate motion active")
	s.tell("motion - hikvision active")
	s.tell("motion - hikvision inactive")
	s.tell("motion gate motion inactive")
	s.wait(Window)
	s.want("raised motion@ by hikvision", "cleared motion@ by hikvision", "raised motion@gate by hikvision+motion", "cleared motion@gate by hikvision+motion")
}

func TestASourceThatMustBeConfirmed(t *testing.T) {
	s := newStage(t, Trusts{Events: Confirm})
	s.tell("intrusion gate hikvision active")
	s.wait(4 * time.Second)
	s.want()
	s.tell("motion gate motion active")
	s.want("raised motion@gate by motion", "cleared motion@gate by motion", "raised intrusion@gate by hikvision+motion")
	s.tell("intrusion gate hikvision inactive")
	s.tell("motion gate motion inactive")
	s.wait(time.Minute)
	s.want("cleared intrusion@gate by hikvision+motion")
	s.tell("intrusion gate hikvision active")
	s.wait(5 * time.Second)
	s.tell("intrusion gate hikvision inactive")
	s.tell("tripwire gate hikvision momentary")
	s.wait(11 * time.Second)
	s.tell("motion gate motion active")
	s.want("raised motion@gate by motion")
	s.tell("tripwire yard hikvision momentary")
	s.want()
}

// TestAStateThatGoesOnCanBeConfirmedLater: the camera says it once and means it until it says otherwise.
func TestAStateThatGoesOnCanBeConfirmedLater(t *testing.T) {
	s := newStage(t, Trusts{Events: Confirm})
	s.tell("intrusion gate hikvision active")
	s.wait(time.Minute)
	s.want()
	s.tell("motion gate motion active")
	s.want("raised motion@gate by motion", "cleared motion@gate by motion", "raised intrusion@gate by hikvision+motion")
}

// TestWhatIsSaidOfTheCameraConfirmsNothingThatIsSeen: a full disk is no witness.
func TestWhatIsSaidOfTheCameraConfirmsNothingThatIsSeen(t *testing.T) {
	s := newStage(t, Trusts{Detectors: Confirm})
	s.tell("storage-fault - hikvision active")
	s.want("raised storage-fault@ by hikvision")
	s.tell("motion gate motion active")
	s.want()
}

func TestASourceThatIsOff(t *testing.T) {
	s := newStage(t, Trusts{Detectors: Off})
	s.tell("motion gate motion active")
	s.tell("motion gate motion inactive")
	s.tell("covered - view active")
	s.want("raised covered@ by view")
}

func TestWhatIsSaidOfTheCameraHoldsWhileOneSaysSo(t *testing.T) {
	s := newStage(t, Trusts{Events: Off})
	s.tell("video-loss - camera active")
	s.tell("video-loss - hikvision active")
	s.tell("video-loss - camera inactive")
	s.want("raised video-loss@ by camera")
	s.tell("video-loss - hikvision inactive")
	s.want("cleared video-loss@ by camera+hikvision")
}

func TestNothingIsRememberedThatWasNotStored(t *testing.T) {
	s := newStage(t, Trusts{})
	failing := &failing{err: errors.New("disk full")}
	next := s.fuser.o.Next
	s.fuser.o.Next = failing
	_, err := s.fuser.Raise(t.Context(), "", []raise.Signal{{
		Observation: observation.Observation{Device: "cam", Kind: alert.Motion, Zone: "gate", Phase: observation.Active, At: s.now},
		Source:      alert.CameraSource("e", "cam"), Edge: "e", Grid: grid, Origin: "hikvision", Clock: alert.EdgeClock,
	}}, nil)
	if !errors.Is(err, failing.err) {
		t.Fatal(err)
	}
	s.fuser.o.Next = next
	s.tell("motion gate motion active")
	s.want("raised motion@gate by motion")
}

type failing struct{ err error }

func (f *failing) Raise(context.Context, string, []raise.Signal, []alert.Reading) ([]alert.Alert, error) {
	return nil, f.err
}

// TestAnySequenceEnds: whatever the sources say, once all have said that it is over nothing is open, every raised alert is cleared
// once, and motion and something more telling are never open on a zone together.
func TestAnySequenceEnds(t *testing.T) {
	origins := map[string][]alert.Kind{"motion": {alert.Motion}, "hikvision": {alert.Motion, alert.Intrusion, alert.Tripwire}, "presence": {alert.Presence}}
	rapid.Check(t, func(r *rapid.T) {
		trust := rapid.SampledFrom([]Trust{Alone, Confirm, Off})
		s := newStage(t, Trusts{Events: trust.Draw(r, "events"), Detectors: trust.Draw(r, "detectors")})
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			origin := rapid.SampledFrom([]string{"motion", "hikvision", "presence"}).Draw(r, "origin")
			kind := rapid.SampledFrom(origins[origin]).Draw(r, "kind")
			zone := rapid.SampledFrom([]string{"-", "gate", "yard"}).Draw(r, "zone")
			phase := rapid.SampledFrom([]observation.Phase{observation.Active, observation.Inactive}).Draw(r, "phase")
			s.tell(fmt.Sprintf("%s %s %s %s", kind, zone, origin, phase))
			s.wait(time.Duration(rapid.IntRange(0, 20).Draw(r, "seconds")) * time.Second)
			alone(r, s.raiser.Open())
		}
		for origin, kinds := range origins {
			for _, kind := range kinds {
				for _, zone := range []string{"-", "gate", "yard"} {
					s.tell(fmt.Sprintf("%s %s %s inactive", kind, zone, origin))
				}
			}
		}
		s.wait(time.Minute)
		if open := s.raiser.Open(); len(open) != 0 {
			r.Fatalf("still open: %+v", open)
		}
	})
}

func alone(r *rapid.T, open []raise.Situation) {
	telling := map[string]bool{}
	for _, s := range open {
		if s.Alert.Kind == alert.Intrusion || s.Alert.Kind == alert.Tripwire {
			telling[s.Alert.Zone] = true
		}
	}
	for _, s := range open {
		if s.Alert.Kind == alert.Motion && telling[s.Alert.Zone] {
			r.Fatalf("motion beside what tells more, on zone %q", s.Alert.Zone)
		}
	}
}
