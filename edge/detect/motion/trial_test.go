package motion

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/edge/detect/detecttest"
)

var (
	leftHalf  = detect.Polygon{{X: 0, Y: 0}, {X: 0.5, Y: 0}, {X: 0.5, Y: 1}, {X: 0, Y: 1}}
	rightHalf = detect.Polygon{{X: 0.5, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0.5, Y: 1}}
	begunAt   = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
)

// show plays a scene second by second, with the times of a clock, and returns the changes.
func show(t *testing.T, d *Detector, from, to time.Duration, s *detecttest.Scene, paint func(time.Duration) detecttest.Paint) (events []event) {
	t.Helper()
	active := map[string]bool{}
	for at := from; at <= to; at += time.Second {
		f := s.Frame(at, paint(at))
		f.At = begunAt.Add(at)
		v, err := d.Detect(t.Context(), detect.Input{Frame: f})
		if err != nil {
			t.Fatal(err)
		}
		now := map[string]bool{}
		for _, found := range v.Detections {
			now[found.Zone] = true
		}
		for _, z := range d.area.zones {
			if v.Judged && now[z.name] != active[z.name] {
				active[z.name] = now[z.name]
				events = append(events, event{at: at, zone: z.name, on: now[z.name]})
			}
		}
	}
	return events
}

// TestATrialTellsWhatTheDetectorWould: other zones over what was seen come to what a detector with those zones says of the same frames.
func TestATrialTellsWhatTheDetectorWould(t *testing.T) {
	t.Parallel()
	m := &Memory{}
	show(t, newDetector(t, Options{Memory: m}), 0, 20*time.Second, detecttest.NewScene(), passing)
	zones := []detect.Zone{{Name: "left", Polygon: leftHalf}, {Name: "right", Polygon: rightHalf}, {Name: "big", MinArea: 0.5}, {Name: "long", MinDuration: 4 * time.Second}}
	var want []string
	for _, e := range show(t, newDetector(t, Options{Zones: zones}), 0, 20*time.Second, detecttest.NewScene(), passing) {
		want = append(want, fmt.Sprint(e.zone, e.on, e.at))
	}
	trial, err := m.Try(zones, nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range trial.Events {
		got = append(got, fmt.Sprint(e.Zone, true, e.From.Sub(begunAt)), fmt.Sprint(e.Zone, false, e.To.Sub(begunAt)))
	}
	slices.Sort(got)
	slices.Sort(want)
	if len(want) != 6 || !slices.Equal(got, want) {
		t.Errorf("the trial tells %v, the detector %v", got, want)
	}
	if trial.Samples != 20 || !trial.From.Equal(begunAt) || !trial.To.Equal(begunAt.Add(20*time.Second)) || trial.Why() != "" {
		t.Errorf("%d samples from %v to %v, %q", trial.Samples, trial.From, trial.To, trial.Why())
	}
}

func TestATrialCoversWhatAMaskWould(t *testing.T) {
	t.Parallel()
	m := &Memory{}
	show(t, newDetector(t, Options{Memory: m}), 0, 20*time.Second, detecttest.NewScene(), passing)
	trial, err := m.Try([]detect.Zone{{Name: "all"}}, []detect.Polygon{leftHalf}, time.Time{})
	if err != nil || len(trial.Events) != 1 || trial.Events[0].From.Sub(begunAt) < 7*time.Second {
		t.Errorf("%+v, %v: want one event that begins behind the mask", trial, err)
	}
	if _, err := m.Try(nil, []detect.Polygon{leftHalf, rightHalf}, time.Time{}); err == nil {
		t.Error("masks that leave nothing were tried")
	}
	late, err := m.Try([]detect.Zone{{Name: "all"}}, nil, begunAt.Add(15*time.Second))
	if err != nil || len(late.Events) != 0 || late.Samples != 6 {
		t.Errorf("of the last seconds: %+v, %v", late, err)
	}
}

// TestATrialInventsNothing: it says where nobody looked, and an empty memory has no samples.
func TestATrialInventsNothing(t *testing.T) {
	t.Parallel()
	m := &Memory{}
	d := newDetector(t, Options{Memory: m, Zones: []detect.Zone{{Name: "left", Polygon: leftHalf, MinArea: 0.01}}})
	none, err := m.Try([]detect.Zone{{Name: "left", Polygon: leftHalf, MinArea: 0.01}}, nil, time.Time{})
	if err != nil || none.Samples != 0 || len(none.Events) != 0 || !none.From.IsZero() {
		t.Errorf("of nothing: %+v, %v", none, err)
	}
	show(t, d, 0, 20*time.Second, detecttest.NewScene(), passing)
	trial, err := m.Try([]detect.Zone{{Name: "right", Polygon: rightHalf, MinArea: 0.01}, {Name: "small", Polygon: leftHalf, MinArea: 0.001}}, nil, time.Time{})
	if err != nil || !strings.Contains(trial.Why(), `of zone "right" 100 % was not looked at`) || !strings.Contains(trial.Why(), `zone "small" asks for regions smaller`) {
		t.Errorf("%q, %v", trial.Why(), err)
	}
	if slices.ContainsFunc(trial.Events, func(e Event) bool { return e.Zone == "right" }) {
		t.Errorf("%+v", trial.Events)
	}
}

// TestArrangingGoesOn: a zone that keeps its name goes on, one that is new begins, and nothing has to be learnt anew.
func TestArrangingGoesOn(t *testing.T) {
	t.Parallel()
	m := &Memory{}
	d := newDetector(t, Options{Memory: m, Zones: []detect.Zone{{Name: "yard"}, {Name: "left", Polygon: leftHalf}}})
	s := detecttest.NewScene()
	before := show(t, d, 0, 9*time.Second, s, passing)
	if err := d.Arrange([]detect.Zone{{Name: "yard", MinArea: 0.006}, {Name: "right", Polygon: rightHalf}}, nil); err != nil {
		t.Fatal(err)
	}
	if err := d.Arrange([]detect.Zone{{Name: "yard", Polygon: detect.Polygon{{X: 1}}}}, nil); err == nil {
		t.Error("an outline of one point was taken")
	}
	after := show(t, d, 10*time.Second, 20*time.Second, s, passing)
	on := func(events []event, zone string) (n int) {
		for _, e := range events {
			if e.zone == zone && e.on {
				n++
			}
		}
		return n
	}
	if on(before, "yard") != 1 || on(before, "left") != 1 {
		t.Fatalf("before: %v", before)
	}
	if len(after) != 4 || after[0] != (event{at: 10 * time.Second, zone: "yard", on: true}) || after[1] != (event{at: 10 * time.Second, zone: "right", on: true}) {
		t.Errorf("after: %v, want yard to go on and right to begin with the next sample, and both to end once", after)
	}
	if trial, err := m.Try(nil, nil, time.Time{}); err != nil || trial.Samples != 11 {
		t.Errorf("%d samples are remembered, %v: what was seen by other zones is no answer", trial.Samples, err)
	}
}

// TestAMemoryIsBounded in bytes and in time, and still holds the newest.
func TestAMemoryIsBounded(t *testing.T) {
	t.Parallel()
	m, w := &Memory{}, takeBench()
	defer w.back()
	a, err := newArea(Options{})
	if err != nil {
		t.Fatal(err)
	}
	m.restart(a)
	noisy := make([]uint8, pixels)
	for i := range noisy {
		if i/width%8 < 5 && i%width%40 < 17 {
			noisy[i] = 1
		}
	}
	w.labeller.label(noisy, noisy)
	blobs := w.labeller.keep(func(*detect.Blob) bool { return true })
	var at time.Duration
	for range 2000 {
		at += time.Second
		m.add(judged, decode.Frame{PTS: at, At: begunAt.Add(at)}, w.shape(blobs))
		if len(m.buf) > maxMemory || cap(m.buf) > 2*maxMemory {
			t.Fatalf("%d bytes, room for %d", len(m.buf), cap(m.buf))
		}
	}
	trial, err := m.Try(nil, nil, time.Time{})
	if err != nil || trial.Samples < 5 || !trial.To.Equal(begunAt.Add(at)) {
		t.Errorf("%d samples to %v, %v", trial.Samples, trial.To, err)
	}
	for range 2000 {
		at += time.Second
		m.add(judged, decode.Frame{PTS: at, At: begunAt.Add(at)}, nil)
	}
	if trial, err = m.Try(nil, nil, time.Time{}); err != nil || trial.Samples != int(maxRemembered/time.Second) {
		t.Errorf("%d samples of a quiet place, %v", trial.Samples, err)
	}
	m.add(judged, decode.Frame{PTS: at + time.Second, At: begunAt}, make([]byte, maxShape+1)) // the clock was set back; too much moved
	if trial, err = m.Try(nil, nil, time.Time{}); err != nil || trial.Samples != int(maxRemembered/time.Second) {
		t.Errorf("after a step of the clock: %d samples, %v", trial.Samples, err)
	}
}

// TestShapesComeBack: what is painted of a shape is what it was made of, to the last pixel.
func TestShapesComeBack(t *testing.T) {
	w := takeBench()
	defer w.back()
	mask := make([]uint8, pixels)
	for i := range mask {
		if i%7 < 3 || i >= pixels-5 {
			mask[i] = 1
		}
	}
	w.labeller.label(mask, mask)
	shape := w.shape(w.labeller.keep(func(*detect.Blob) bool { return true }))
	got := make([]uint8, pixels)
	paintShape(got, shape, make([]bool, pixels))
	if !slices.Equal(got, mask) {
		t.Error("other pixels came back")
	}
}

// TestRememberingQuietFramesAllocatesNothing but room, seldom.
func TestRememberingQuietFramesAllocatesNothing(t *testing.T) {
	m := &Memory{}
	m.restart(nil)
	f := decode.Frame{At: begunAt}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 600 {
		f.PTS, f.At = f.PTS+time.Second, f.At.Add(time.Second)
		m.add(judged, f, nil)
	}
	runtime.ReadMemStats(&after)
	if n := after.Mallocs - before.Mallocs; n > 100 {
		t.Errorf("%d allocations for 600 samples", n)
	}
}
