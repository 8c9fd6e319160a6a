package view

import (
	"bytes"
	"math"
	"testing"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/edge/detect/detecttest"
	"gridgate/protocols/alert"
)

// scenario changes what the scene shows at a media time, in seconds.
type scenario func(s float64, scene *detecttest.Scene, x, y int, v float64) float64

// wall is what the wall shows at x, y; it repeats beyond its borders.
func wall(s *detecttest.Scene, x, y int) float64 {
	return float64(s.Wall[(y+height)%height*width+(x+width)%width])
}

// room has structure of many sizes, as a real scene has, so that a camera can be out of focus.
func room() *detecttest.Scene {
	s := detecttest.NewScene()
	seed := uint32(7)
	next := func(n int) int {
		seed ^= seed << 13
		seed ^= seed >> 17
		seed ^= seed << 5
		return int(seed % uint32(n))
	}
	for range 120 {
		left, top, w, h, level := next(width), next(height), 4+next(50), 4+next(40), uint8(30+next(190))
		for y := top; y < min(top+h, height); y++ {
			for x := left; x < min(left+w, width); x++ {
				s.Wall[y*width+x] = level + uint8((x*7+y*3)%5*6)
			}
		}
	}
	return s
}

// told is a change of what the view is said to be.
type told struct {
	at   time.Duration
	kind alert.Kind
	on   bool
}

func watch(t *testing.T, d *Detector, step, length time.Duration, f scenario) (out []told) {
	t.Helper()
	s := room()
	on := map[alert.Kind]bool{}
	for at := time.Duration(0); at <= length; at += step {
		frame := s.Frame(at, func(x, y int, v float64) float64 { return f(at.Seconds(), s, x, y, v) })
		v, err := d.Detect(t.Context(), detect.Input{Frame: frame, Keyframes: uint64(at/(2*time.Second)) + 1})
		if err != nil {
			t.Fatal(err)
		}
		if !v.Judged {
			continue
		}
		now := map[alert.Kind]bool{}
		for _, det := range v.Detections {
			if now[det.Kind] = true; det.Zone != "" || det.Score <= 0 {
				t.Errorf("at %v: %+v", at, det)
			}
		}
		for _, k := range append(kinds[:], alert.Frozen) {
			if now[k] != on[k] {
				on[k] = now[k]
				out = append(out, told{at, k, now[k]})
			}
		}
	}
	return out
}

// between applies f from second 20 to second 50.
func between(f scenario) scenario {
	return func(s float64, scene *detecttest.Scene, x, y int, v float64) float64 {
		if s < 20 || s >= 50 {
			return v
		}
		return f(s, scene, x, y, v)
	}
}

// softened is the wall as a lens shows it that is reach pixels out of focus.
func softened(scene *detecttest.Scene, reach int) []float64 {
	out := make([]float64, width*height)
	for i := range out {
		sum, n := 0.0, 0.0
		for dy := -reach; dy <= reach; dy += 2 {
			for dx := -reach; dx <= reach; dx += 2 {
				sum, n = sum+wall(scene, i%width+dx, i/width+dy), n+1
			}
		}
		out[i] = sum / n
	}
	return out
}

func TestWhatIsWrongWithAView(t *testing.T) {
	t.Parallel()
	soft := softened(room(), 5)
	for name, c := range map[string]struct {
		kind alert.Kind
		f    scenario
	}{
		"a hand": {alert.Covered, func(_ float64, _ *detecttest.Scene, x, y int, _ float64) float64 {
			return 90 + 20*math.Sin(float64(x)/60) + float64(y)/20
		}},
		"spray that spreads": {alert.Covered, func(s float64, scene *detecttest.Scene, x, y int, v float64) float64 {
			if a := min(1, (s-20)/10); a < 1 {
				return v*(1-a) + 150*a
			}
			return 150
		}},
		"out of focus": {alert.Defocused, func(_ float64, _ *detecttest.Scene, x, y int, _ float64) float64 { return soft[y*width+x] }},
		"turned":       {alert.Turned, func(_ float64, scene *detecttest.Scene, x, y int, _ float64) float64 { return wall(scene, x+90, y+20) }},
		"black":        {alert.Black, func(float64, *detecttest.Scene, int, int, float64) float64 { return 17 }},
	} {
		for _, step := range []time.Duration{time.Second, 2 * time.Second} {
			t.Run(name+" every "+step.String(), func(t *testing.T) {
				t.Parallel()
				got := watch(t, New(), step, 66*time.Second, between(c.f))
				if len(got) != 2 || got[0].kind != c.kind || got[1].kind != c.kind || !got[0].on || got[1].on {
					t.Fatalf("told %v, want %s once and its end", got, c.kind)
				}
				if at := got[0].at; at < 20*time.Second+Evidence || at > 40*time.Second {
					t.Errorf("told at %v", at)
				}
				if at := got[1].at; at < 50*time.Second || at > 60*time.Second {
					t.Errorf("over at %v", at)
				}
			})
		}
	}
}

func TestWhatIsRightWithAView(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]scenario{
		"nothing": func(_ float64, _ *detecttest.Scene, _, _ int, v float64) float64 { return v },
		"lamp":    between(func(_ float64, _ *detecttest.Scene, _, _ int, v float64) float64 { return v*1.3 + 20 }),
		"infrared": between(func(_ float64, _ *detecttest.Scene, x, y int, v float64) float64 {
			return 30 + 0.6*v + 30*math.Sin(float64(x)/40)*math.Cos(float64(y)/30)
		}),
		"dim light": between(func(_ float64, _ *detecttest.Scene, _, _ int, v float64) float64 { return 14 + v*0.15 }),
		"night with lamps": between(func(_ float64, _ *detecttest.Scene, x, y int, v float64) float64 {
			if d := math.Hypot(float64(x%110-50), float64(y-90)); d < 6 {
				return 220
			}
			return 16 + v*0.02
		}),
		"a car before it": func(s float64, _ *detecttest.Scene, x, y int, v float64) float64 {
			if left := int((s - 20) * 30); s > 20 && s < 30 && x > left && x < left+140 && y > 30 {
				return 60
			}
			return v
		},
		"a short hand": func(s float64, _ *detecttest.Scene, _, _ int, v float64) float64 {
			if s >= 20 && s < 24 {
				return 100
			}
			return v
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := watch(t, New(), time.Second, 70*time.Second, f); len(got) > 0 {
				t.Errorf("told %v", got)
			}
		})
	}
}

func TestAnotherSceneIsAcceptedInTime(t *testing.T) {
	t.Parallel()
	got := watch(t, New(), 5*time.Second, 20*time.Second+AcceptTurned+3*time.Minute, func(s float64, scene *detecttest.Scene, x, y int, v float64) float64 {
		if s < 30 {
			return v
		}
		return wall(scene, x+90, y+20)
	})
	if len(got) != 2 || got[0].kind != alert.Turned || got[1].on || got[1].at < AcceptTurned {
		t.Errorf("told %v, want turned, accepted after %v", got, AcceptTurned)
	}
}

// TestAGapIsNoPatience has no frame for two minutes, long after the stream began.
func TestAGapIsNoPatience(t *testing.T) {
	t.Parallel()
	d := New()
	const begin = 3 * AcceptTurned
	s := room()
	told := false
	for at := begin; at < begin+5*time.Minute; at += 2 * time.Second {
		if since := at - begin; since > time.Minute && since < 3*time.Minute {
			continue
		}
		frame := s.Frame(at, func(x, y int, v float64) float64 {
			if at > begin+20*time.Second {
				return wall(s, x+90, y+20)
			}
			return v
		})
		v, err := d.Detect(t.Context(), detect.Input{Frame: frame})
		if err != nil {
			t.Fatal(err)
		}
		turned := len(v.Detections) > 0 && v.Detections[0].Kind == alert.Turned
		if told && !turned {
			t.Fatalf("%v after it began the turned view was taken for the usual one", at-begin)
		}
		told = turned
	}
	if !told {
		t.Error("a turned camera was not noticed")
	}
}

func TestATurnDuringALossIsNoticed(t *testing.T) {
	t.Parallel()
	d := New()
	watch(t, d, time.Second, 20*time.Second, func(_ float64, _ *detecttest.Scene, _, _ int, v float64) float64 { return v })
	got := watch(t, d, time.Second, 20*time.Second, func(_ float64, scene *detecttest.Scene, x, y int, _ float64) float64 {
		return wall(scene, x+90, y+20)
	})
	if len(got) != 1 || got[0].kind != alert.Turned {
		t.Errorf("told %v", got)
	}
}

// stream shows frames every second that a function makes, with a keyframe every two, and returns when it was frozen.
func stream(t *testing.T, d *Detector, length int, keyframes func(s int) uint64, frame func(s int) []byte) (frozen []int) {
	t.Helper()
	for s := range length {
		v, err := d.Detect(t.Context(), detect.Input{
			Frame: decode.Frame{Luma: frame(s), PTS: time.Duration(s) * time.Second}, Keyframes: keyframes(s),
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, det := range v.Detections {
			if det.Kind == alert.Frozen {
				frozen = append(frozen, s)
			}
		}
	}
	return frozen
}

func TestFrozen(t *testing.T) {
	t.Parallel()
	scene := room()
	still := scene.Frame(0, nil).Luma
	other := scene.Frame(0, nil).Luma
	often := func(s int) uint64 { return uint64(s/2 + 1) }
	once := func(int) uint64 { return 1 }
	live := func(int) []byte { return scene.Frame(0, nil).Luma }
	until := func(from, to int, frame func(s int) []byte) func(s int) []byte {
		return func(s int) []byte {
			if s >= from && s < to {
				return frame(s)
			}
			return live(s)
		}
	}
	clock := func(s int) []byte {
		out := bytes.Clone(still)
		for x := range 20 {
			out[12*width+20+x] = uint8(s * 5)
		}
		return out
	}
	// A camera that smooths: the same picture, in which here and there a pixel differs by one level after each keyframe.
	smoothed := func(s int) []byte {
		out := bytes.Clone(still)
		for i := range 40 {
			out[(i*1447+s/2*7919)%len(out)] ^= 1
		}
		return out
	}
	for name, c := range map[string]struct {
		keyframes func(int) uint64
		frame     func(int) []byte
		from, to  int // 0, 0: never
	}{
		"the same picture": {often, until(20, 120, func(int) []byte { return still }), 80, 120},
		"coded two ways": {often, until(20, 120, func(s int) []byte {
			if s%2 == 0 {
				return still
			}
			return other
		}), 80, 120},
		"under a running clock":       {often, until(20, 120, clock), 80, 120},
		"live":                        {often, live, 0, 0},
		"smoothed":                    {often, smoothed, 0, 0},
		"one keyframe in two minutes": {once, until(20, 120, func(int) []byte { return still }), 0, 0},
		"an empty picture":            {often, func(int) []byte { return make([]byte, width*height) }, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := stream(t, New(), 140, c.keyframes, c.frame)
			switch {
			case c.to == 0 && len(got) > 0:
				t.Errorf("frozen at %v", got)
			case c.to > 0 && (len(got) == 0 || got[0] < c.from || got[0] > c.from+3 || got[len(got)-1] >= c.to):
				t.Errorf("frozen at %v, want from %d to %d", got, c.from, c.to)
			}
		})
	}
}

func TestWrongFrame(t *testing.T) {
	t.Parallel()
	if _, err := New().Detect(t.Context(), detect.Input{Frame: decode.Frame{Luma: make([]byte, 7)}}); err == nil {
		t.Error("no error")
	}
}

func TestQuietFramesAllocateNothing(t *testing.T) {
	d, s := New(), room()
	frames := [2][]byte{s.Frame(0, nil).Luma, s.Frame(0, nil).Luma}
	n := 0
	step := func() {
		n++
		in := detect.Input{Frame: decode.Frame{Luma: frames[n%2], PTS: time.Duration(n) * time.Second}}
		if _, err := d.Detect(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		step()
	}
	if allocs := testing.AllocsPerRun(20, step); allocs > 0 {
		t.Errorf("%v allocations a frame", allocs)
	}
}

func BenchmarkQuietFrame(b *testing.B) {
	d, f := New(), room().Frame(0, nil)
	for b.Loop() {
		f.PTS += time.Second
		if _, err := d.Detect(b.Context(), detect.Input{Frame: f}); err != nil {
			b.Fatal(err)
		}
	}
}
