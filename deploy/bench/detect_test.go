package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/deploy/testkit/scenes"
)

// sec writes a moment in seconds.
func sec(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// spansOf reads from, to, from, to ... in seconds.
func spansOf[T any](make func(from, to time.Duration) T, s ...float64) (out []T) {
	for i := 0; i < len(s); i += 2 {
		out = append(out, make(sec(s[i]), sec(s[i+1])))
	}
	return out
}

func TestScore(t *testing.T) {
	event := func(from, to time.Duration) scenes.Span { return scenes.Span{From: from, To: to} }
	alarm := func(on, off time.Duration) lit { return lit{On: on, Off: off} }
	for name, c := range map[string]struct {
		events, alarms       []float64
		hold                 float64
		found, wrong, ghosts int
	}{
		"at once":                                     {[]float64{20, 30}, []float64{20.4, 30.5}, 0, 1, 0, 0},
		"as the first edge shows":                     {[]float64{20, 30}, []float64{19.6, 30}, 0, 1, 0, 0},
		"too early is another cause":                  {[]float64{20, 30}, []float64{19.4, 31}, 0, 0, 1, 0},
		"too late":                                    {[]float64{20, 30}, []float64{25.1, 30}, 0, 0, 0, 0},
		"on all the time":                             {[]float64{20, 30, 50, 60}, []float64{6, 90}, 0, 0, 1, 2},
		"on from the first frame":                     {[]float64{20, 30}, []float64{0, 90}, 0, 0, 1, 1},
		"the first frames":                            {[]float64{20, 30}, []float64{0.2, 4, 20, 31}, 0, 1, 0, 0},
		"off in time for the next":                    {[]float64{20, 30, 40, 50}, []float64{20.5, 31.9, 41, 50}, 0, 2, 0, 0},
		"still on at the next":                        {[]float64{20, 30, 40, 50}, []float64{20.5, 50}, 0, 1, 0, 1},
		"a ghost":                                     {[]float64{20, 30}, []float64{21, 32.5}, 0, 1, 0, 1},
		"no ghost with its hold":                      {[]float64{20, 30}, []float64{21, 33.5}, 2, 1, 0, 0},
		"a ghost beyond its hold":                     {[]float64{20, 30}, []float64{21, 34.5}, 2, 1, 0, 1},
		"a rise within a second after":                {[]float64{20, 30}, []float64{21, 29, 30.9, 31.5}, 0, 1, 0, 0},
		"a rise later than that":                      {[]float64{20, 30}, []float64{21, 29, 31.1, 31.5}, 0, 1, 1, 0},
		"again and again in one event":                {[]float64{20, 30}, []float64{21, 22, 24, 25, 27, 28}, 0, 1, 0, 0},
		"short and told late":                         {[]float64{20, 21}, []float64{23, 23.5}, 0, 1, 0, 0},
		"nothing happens":                             {nil, nil, 0, 0, 0, 0},
		"nothing happens, told thrice":                {nil, []float64{10, 11, 20, 21, 30, 90}, 0, 0, 3, 0},
		"alarm off only for a moment after the entry": {[]float64{20, 30}, []float64{12, 20.5, 21, 30}, 0, 0, 1, 0},
	} {
		v := score(spansOf(event, c.events...), spansOf(alarm, c.alarms...), sec(c.hold))
		if v.found() != c.found || len(v.False) != c.wrong || len(v.Ghosts) != c.ghosts {
			t.Errorf("%s: found %d, false %d, ghosts %d; want %d, %d, %d", name, v.found(), len(v.False), len(v.Ghosts), c.found, c.wrong, c.ghosts)
		}
	}
}

func TestDelayIsFromTheEntry(t *testing.T) {
	v := score([]scenes.Span{{From: sec(10), To: sec(12)}, {From: sec(20), To: sec(22)}}, []lit{{sec(9.7), sec(12)}, {sec(21.5), sec(22)}}, 0)
	if want := []time.Duration{0, sec(1.5)}; !slices.Equal(v.Delays, want) {
		t.Errorf("delays %v, want %v", v.Delays, want)
	}
}

func TestJoin(t *testing.T) {
	if got, want := joinMarks([]time.Duration{sec(1), sec(2), sec(4.5)}, sec(2)), []lit{{sec(1), sec(4)}, {sec(4.5), sec(6.5)}}; !slices.Equal(got, want) {
		t.Errorf("marks: %v, want %v", got, want)
	}
	switches := []lightSwitch{{sec(1), false}, {sec(2), true}, {sec(3), true}, {sec(4), false}, {sec(5), true}}
	if got, want := joinSwitches(switches, sec(9)), []lit{{sec(2), sec(4)}, {sec(5), sec(9)}}; !slices.Equal(got, want) {
		t.Errorf("switches: %v, want %v", got, want)
	}
}

func TestResultsOfDetection(t *testing.T) {
	holds := func(ours, motion, average int) (out [2]bool) {
		wrong := func(n int) verdict { return verdict{Events: 10, False: make([]time.Duration, n)} }
		for _, r := range detectResults(wrong(ours), wrong(motion), wrong(average)) {
			switch r.Name {
			case "video.false":
				out[0] = r.Holds
			case "video.false_frigate":
				out[1] = r.Holds
			}
		}
		return out
	}
	for _, c := range []struct {
		ours, motion, average int
		want                  [2]bool
	}{{2, 10, 9, [2]bool{true, false}}, {0, 4, 0, [2]bool{true, true}}, {1, 4, 5, [2]bool{false, true}}} {
		if got := holds(c.ours, c.motion, c.average); got != c.want {
			t.Errorf("%d beside %d and %d: %v, want %v", c.ours, c.motion, c.average, got, c.want)
		}
	}
}

// TestAverageDetector shows a box that comes, a step of light and a flash of everything to the detector like Frigate's.
func TestAverageDetector(t *testing.T) {
	frame := func(lift uint8, box bool) []uint8 {
		out := make([]uint8, averageW*averageH)
		for i := range out {
			out[i] = uint8(60+i%averageW/2) + lift
			if x, y := i%averageW, i/averageW; box && x > 40 && x < 52 && y > 40 && y < 80 {
				out[i] = 230
			}
		}
		return out
	}
	d := newAverageDetector()
	show := func(n int, luma []uint8) (seen int) {
		for range n {
			if d.see(luma) {
				seen++
			}
		}
		return seen
	}
	if n := show(20, frame(0, false)); n != 0 {
		t.Errorf("an empty place was motion in %d frames", n)
	}
	if n := show(10, frame(0, true)); n != 10 {
		t.Errorf("a box was motion in %d of 10 frames", n)
	}
	if n := show(5, frame(0, false)); n != 0 {
		t.Errorf("after the box there was motion in %d frames", n)
	}
	if n := show(3, frame(40, false)); n == 0 {
		t.Error("a step of light was no motion: the peer would be better than described")
	}
}

func TestNotesOfMotionAreRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events")
	if err := os.WriteFile(file, []byte("on 2 1700000000.500000000\noff 2 1700000004.000000000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readMotionAlarms(file, 2)
	if err != nil || len(got[0]) != 0 || len(got[1]) != 2 || !got[1][0].on || got[1][1].on || got[1][1].at.Sub(got[1][0].at) != sec(3.5) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := readMotionAlarms(file, 1); err == nil || !strings.Contains(err.Error(), "on 2") {
		t.Errorf("a camera that is not there: %v", err)
	}
}

func TestLogOfTheEdgeIsRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "edge.log")
	log := `{"time":"2026-01-02T03:04:05Z","msg":"alert committed","kind":"motion","state":"raised","source":"edge/bench/camera/scene-1"}
{"time":"2026-01-02T03:04:06Z","msg":"alert committed","kind":"video-loss","state":"raised","source":"edge/bench/camera/scene-0"}
{"time":"2026-01-02T03:04:07Z","msg":"something else","kind":"motion","state":"raised","source":"edge/bench/camera/scene-1"}
{"time":"2026-01-02T03:04:08Z","msg":"alert committed","kind":"motion","state":"cleared","source":"edge/bench/camera/scene-1"}
`
	if err := os.WriteFile(file, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	motion, others, err := readEdgeAlarms(file, 2)
	if err != nil || len(motion[0]) != 0 || len(motion[1]) != 2 || others[0]["video-loss"] != 1 {
		t.Errorf("%v, %v, %v", motion, others, err)
	}
}
