package motion

import (
	"errors"
	"math"
	"testing"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/edge/detect/detecttest"
	"gridgate/protocols/alert"
)

// event is a change of what a detector says about a zone.
type event struct {
	at   time.Duration
	zone string
	on   bool
}

// play shows frames every step and returns the changes of each zone's state.
func play(t *testing.T, d *Detector, s *detecttest.Scene, step, length time.Duration, paint func(at time.Duration) detecttest.Paint) []event {
	t.Helper()
	var events []event
	active := map[string]bool{}
	for at := time.Duration(0); at <= length; at += step {
		v, err := d.Detect(t.Context(), detect.Input{Frame: s.Frame(at, paint(at))})
		if err != nil {
			t.Fatal(err)
		}
		if !v.Judged {
			continue
		}
		now := map[string]bool{}
		for _, det := range v.Detections {
			now[det.Zone] = true
			if det.Kind != alert.Motion || det.Score <= 0 || det.Score > 1 || len(det.Boxes) == 0 {
				t.Errorf("at %v: detection %+v", at, det)
			}
		}
		for _, z := range d.area.zones {
			if now[z.name] != active[z.name] {
				active[z.name] = now[z.name]
				events = append(events, event{at: at, zone: z.name, on: now[z.name]})
			}
		}
	}
	return events
}

func newDetector(t *testing.T, o Options) *Detector {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// passing crosses the picture from second 5 to second 11.
func passing(at time.Duration) detecttest.Paint {
	if at < 5*time.Second || at > 11*time.Second {
		return nil
	}
	return detecttest.Person(-30 + 350*(at-5*time.Second).Seconds()/6)
}

func TestOnePassIsOneSituation(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second} {
		t.Run(step.String(), func(t *testing.T) {
			t.Parallel()
			events := play(t, newDetector(t, Options{}), detecttest.NewScene(), step, 15*time.Second, passing)
			if len(events) != 2 || !events[0].on || events[1].on {
				t.Fatalf("events %v, want one situation", events)
			}
			if on := events[0].at; on < 5*time.Second || on > 7*time.Second+step/2 {
				t.Errorf("on at %v, the onset is at 5 s", on)
			}
			if off := events[1].at; off < 11*time.Second || off > 13*time.Second+step {
				t.Errorf("off at %v, the end is at 11 s", off)
			}
		})
	}
}

func TestStandingStillGoesQuietAndLeavesNoGhost(t *testing.T) {
	t.Parallel()
	events := play(t, newDetector(t, Options{}), detecttest.NewScene(), time.Second, 50*time.Second, func(at time.Duration) detecttest.Paint {
		switch s := at.Seconds(); {
		case s < 5 || s > 43:
			return nil
		case s < 8:
			return detecttest.Person(-30 + 50*(s-5))
		case s < 40:
			return detecttest.Person(120)
		default:
			return detecttest.Person(120 + 70*(s-40))
		}
	})
	if len(events) != 4 || events[1].at > 11*time.Second || events[2].at < 40*time.Second || events[3].at > 46*time.Second {
		t.Errorf("events %v, want in, quiet, out, quiet", events)
	}
}

func TestZonesAndMasks(t *testing.T) {
	t.Parallel()
	left := detect.Polygon{{X: 0, Y: 0}, {X: 0.4, Y: 0}, {X: 0.4, Y: 1}, {X: 0, Y: 1}}
	right := detect.Polygon{{X: 0.6, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0.6, Y: 1}}
	all := detect.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}}
	zones := func(events []event) map[string]int {
		n := map[string]int{}
		for _, e := range events {
			n[e.zone]++
		}
		return n
	}
	t.Run("each zone has its own situation", func(t *testing.T) {
		t.Parallel()
		d := newDetector(t, Options{Zones: []detect.Zone{{Name: "gate", Polygon: left}, {Name: "yard", Polygon: right}}})
		events := play(t, d, detecttest.NewScene(), time.Second, 16*time.Second, passing)
		if n := zones(events); n["gate"] != 2 || n["yard"] != 2 || events[0].zone != "gate" {
			t.Errorf("events %v", events)
		}
	})
	t.Run("a mask hides", func(t *testing.T) {
		t.Parallel()
		d := newDetector(t, Options{Zones: []detect.Zone{{Name: "gate", Polygon: left}, {Name: "yard", Polygon: all}}, Masks: []detect.Polygon{left}})
		if d.area.visible[0].from == 0 {
			t.Error("a masked pixel is in a zone")
		}
		if n := zones(play(t, d, detecttest.NewScene(), time.Second, 16*time.Second, passing)); n["gate"] != 0 || n["yard"] != 2 {
			t.Errorf("changes %v", n)
		}
	})
	t.Run("a zone may ask for large things only", func(t *testing.T) {
		t.Parallel()
		d := newDetector(t, Options{Zones: []detect.Zone{{Name: "yard", MinArea: 0.2}}})
		if events := play(t, d, detecttest.NewScene(), time.Second, 16*time.Second, passing); len(events) > 0 {
			t.Errorf("events %v", events)
		}
	})
}

func TestAZoneMayAskForDuration(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{250 * time.Millisecond, time.Second, 2 * time.Second} {
		d := newDetector(t, Options{Zones: []detect.Zone{{Name: "short", MinDuration: 3 * time.Second}, {Name: "long", MinDuration: 10 * time.Second}}})
		events := play(t, d, detecttest.NewScene(), step, 16*time.Second, passing)
		if len(events) != 2 || events[0].zone != "short" || events[0].at < 8*time.Second || events[0].at > 8*time.Second+2*step {
			t.Errorf("every %v: events %v, want one in the zone that asks for 3 s, from 8 s on", step, events)
		}
	}
}

func TestAParkedCarGoesQuietAndLeavesNoGhost(t *testing.T) {
	t.Parallel()
	car := func(left float64) detecttest.Paint {
		return func(x, y int, v float64) float64 {
			if float64(x) >= left && float64(x) < left+90 && y >= 90 && y < 130 {
				return 30 + float64((x-int(left))%9*4)
			}
			return v
		}
	}
	for _, step := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second} {
		events := play(t, newDetector(t, Options{}), detecttest.NewScene(), step, 110*time.Second, func(at time.Duration) detecttest.Paint {
			switch s := at.Seconds(); {
			case s < 10 || s > 96:
				return nil
			case s < 14:
				return car(-90 + 50*(s-10))
			case s < 90:
				return car(110)
			default:
				return car(110 + 60*(s-90))
			}
		})
		if len(events) != 4 || events[1].at > 19*time.Second || events[2].at < 90*time.Second || events[2].at > 92*time.Second || events[3].at > 100*time.Second {
			t.Errorf("every %v: events %v, want in, quiet, out, quiet", step, events)
		}
	}
}

func TestReconnectIsNoMotion(t *testing.T) {
	t.Parallel()
	d, s := newDetector(t, Options{}), detecttest.NewScene()
	for _, at := range []time.Duration{0, 1, 2, 3, 100, 101, 0, 1, 2} { // a gap, then a step back
		paint := func(x, y int, v float64) float64 { return v }
		if at >= 100 {
			paint = func(x, y int, v float64) float64 { return 255 - v }
		}
		v, err := d.Detect(t.Context(), detect.Input{Frame: s.Frame(at*time.Second, paint)})
		if err != nil || len(v.Detections) > 0 {
			t.Errorf("at %d s: %+v, %v", at, v, err)
		}
	}
}

func TestWrongOptions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"two points":        {Zones: []detect.Zone{{Name: "a", Polygon: detect.Polygon{{X: 0, Y: 0}, {X: 1, Y: 1}}}}},
		"outside":           {Masks: []detect.Polygon{{{X: 0, Y: 0}, {X: 2, Y: 1}, {X: 1, Y: 1}}}},
		"not a number":      {Masks: []detect.Polygon{{{X: math.NaN(), Y: 0}, {X: 1, Y: 1}, {X: 1, Y: 0}}}},
		"on a line":         {Masks: []detect.Polygon{{{X: 0.2, Y: 0.2}, {X: 0.2, Y: 0.8}, {X: 0.2, Y: 0.5}}}},
		"area":              {Zones: []detect.Zone{{Name: "a", MinArea: 1.5}}},
		"duration":          {Zones: []detect.Zone{{Name: "a", MinDuration: 2 * time.Minute}}},
		"too many":          {Zones: make([]detect.Zone, maxZones+1)},
		"everything masked": {Masks: []detect.Polygon{{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}}}},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestWrongFrame(t *testing.T) {
	t.Parallel()
	if _, err := newDetector(t, Options{}).Detect(t.Context(), detect.Input{Frame: decode.Frame{Luma: make([]byte, 7)}}); !errors.Is(err, errFrame) {
		t.Errorf("error %v", err)
	}
}

func TestQuietFramesAllocateNothing(t *testing.T) {
	d, s := newDetector(t, Options{}), detecttest.NewScene()
	at := time.Duration(0)
	frames := []decode.Frame{s.Frame(0, nil), s.Frame(0, nil)}
	step := func() {
		f := frames[int(at/time.Second)%2]
		f.PTS = at
		at += time.Second
		if _, err := d.Detect(t.Context(), detect.Input{Frame: f}); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		step()
	}
	if n := testing.AllocsPerRun(20, step); n > 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func BenchmarkQuietFrame(b *testing.B) {
	d, err := New(Options{})
	if err != nil {
		b.Fatal(err)
	}
	f := detecttest.NewScene().Frame(0, nil)
	for b.Loop() {
		f.PTS += time.Second
		if _, err := d.Detect(b.Context(), detect.Input{Frame: f}); err != nil {
			b.Fatal(err)
		}
	}
}
