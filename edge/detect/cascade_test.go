package detect_test

import (
	"math"
	"testing"
	"time"

	"gridgate/edge/detect"
	"gridgate/edge/detect/detecttest"
	"gridgate/edge/detect/motion"
	"gridgate/edge/detect/nuisance"
)

// scenario says how the scene is painted at a media time.
type scenario func(at time.Duration) detecttest.Paint

// play shows a scenario to pixels and nuisance together, as the edge wires them, and returns when motion began and ended.
func play(t *testing.T, s *detecttest.Scene, step, length time.Duration, paint scenario) (onsets, ends []time.Duration) {
	t.Helper()
	d, err := motion.New(motion.Options{Nuisance: nuisance.New()})
	if err != nil {
		t.Fatal(err)
	}
	active := false
	for at := time.Duration(0); at <= length; at += step {
		v, err := d.Detect(t.Context(), detect.Input{Frame: s.Frame(at, paint(at))})
		if err != nil {
			t.Fatal(err)
		}
		now := len(v.Detections) > 0
		switch {
		case !v.Judged || now == active:
			continue
		case now:
			onsets = append(onsets, at)
		default:
			ends = append(ends, at)
		}
		active = now
	}
	return onsets, ends
}

// lit paints a change of light.
func lit(f func(s float64, x, y int, v float64) float64) scenario {
	return func(at time.Duration) detecttest.Paint {
		return func(x, y int, v float64) float64 { return f(at.Seconds(), x, y, v) }
	}
}

// spot is how much of a soft light at cx, cy reaches x, y.
func spot(cx, cy float64, x, y int) float64 {
	dx, dy := (float64(x)-cx)/40, (float64(y)-cy)/25
	return math.Exp(-(dx*dx + dy*dy) / 2)
}

var nuisances = map[string]scenario{
	"nothing": func(time.Duration) detecttest.Paint { return nil },
	"a lamp switched on and off": lit(func(s float64, _, _ int, v float64) float64 {
		if s > 5 && s < 9 {
			return v + 45
		}
		return v
	}),
	"gain": lit(func(s float64, _, _ int, v float64) float64 {
		if s > 6 {
			return v * 1.4
		}
		return v
	}),
	"gamma": lit(func(s float64, _, _ int, v float64) float64 {
		if s > 6 && s < 9 {
			return 255 * math.Pow(v/255, 0.6)
		}
		return v
	}),
	"infrared": lit(func(s float64, x, _ int, v float64) float64 {
		if s > 6 {
			return 230 - v + float64(x)/8
		}
		return v
	}),
	"lightning": lit(func(s float64, _, _ int, v float64) float64 {
		if s > 5.9 && s < 6.2 {
			return v*1.5 + 50
		}
		return v
	}),
	"light that flickers": lit(func(s float64, _, _ int, v float64) float64 {
		if s > 3 && int(s*10)%3 == 0 {
			return v*1.15 + 12
		}
		return v
	}),
	"light on a part": lit(func(s float64, x, y int, v float64) float64 {
		if s > 5 && s < 8 && x > 60 && x < 180 && y > 40 && y < 120 {
			return v + 40
		}
		return v
	}),
	"headlights that sweep": lit(func(s float64, x, y int, v float64) float64 {
		return v * (1 + 0.7*spot(70*(s-4), 110, x, y))
	}),
	"headlights at night": lit(func(s float64, x, y int, v float64) float64 {
		return 12 + v*(0.12+0.7*spot(70*(s-4), 110, x, y))
	}),
	"slow dusk": lit(func(s float64, _, _ int, v float64) float64 { return v - 3*s }),
	"too small": lit(func(s float64, x, y int, v float64) float64 {
		if left := int(12 * s); x >= left && x < left+5 && y >= 90 && y < 96 {
			return 250
		}
		return v
	}),
}

func TestWhatIsNotMotion(t *testing.T) {
	t.Parallel()
	for name, paint := range nuisances {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, step := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second} {
				if onsets, _ := play(t, detecttest.NewScene(), step, 14*time.Second, paint); len(onsets) > 0 {
					t.Errorf("every %v: motion at %v", step, onsets)
				}
			}
		})
	}
}

// visitor crosses the picture from second 5 to second 11.
func visitor(at time.Duration) detecttest.Paint {
	if at < 5*time.Second || at > 11*time.Second {
		return nil
	}
	return detecttest.Person(-30 + 350*(at-5*time.Second).Seconds()/6)
}

func TestAVisitorIsOneSituationHoweverTheLightFlickers(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second} {
		onsets, ends := play(t, detecttest.NewScene(), step, 16*time.Second, func(at time.Duration) detecttest.Paint {
			person := visitor(at)
			return func(x, y int, v float64) float64 {
				if person != nil {
					v = person(x, y, v)
				}
				if at > 7*time.Second && int(at.Seconds()*10)%4 == 0 {
					return v*1.15 + 12
				}
				return v
			}
		})
		if len(onsets) != 1 || len(ends) != 1 || onsets[0] > 7*time.Second || ends[0] < 10*time.Second {
			t.Errorf("every %v: from %v to %v, want one situation from about 5 s to 13 s", step, onsets, ends)
		}
	}
}

func TestLightOnSomebodyWhoStandsIsNoMotion(t *testing.T) {
	t.Parallel()
	onsets, _ := play(t, detecttest.NewScene(), time.Second, 40*time.Second, func(at time.Duration) detecttest.Paint {
		s := at.Seconds()
		return func(x, y int, v float64) float64 {
			if s > 5 && x >= 120 && x < 150 && y >= 60 && y < 140 {
				v = 40 + float64((x*5+y*7)%40)
			}
			return v * (1 + 0.7*spot(90*(s-16), 110, x, y))
		}
	})
	if len(onsets) != 1 {
		t.Errorf("motion at %v, want only the arrival", onsets)
	}
}

func TestATremblingCameraIsNoMotion(t *testing.T) {
	t.Parallel()
	s := detecttest.NewScene()
	for y := 20; y < 160; y++ { // edges that say where the picture lies
		for x := 30; x < 290; x++ {
			if (x/37+y/29)%2 == 0 {
				s.Wall[y*320+x] = 200
			}
		}
	}
	onsets, _ := play(t, s, time.Second, 20*time.Second, func(at time.Duration) detecttest.Paint {
		if at < 5*time.Second {
			return nil
		}
		n := int(at / time.Second)
		dx, dy := n*5%11-5, n*3%9-4
		return func(x, y int, _ float64) float64 {
			return float64(s.Wall[min(max(y+dy, 0), 179)*320+min(max(x+dx, 0), 319)])
		}
	})
	if len(onsets) > 0 {
		t.Errorf("motion at %v", onsets)
	}
}

// flutter is a crown of leaves: squares of 8 pixels that turn light and dark in turn, each at its own pace.
func flutter(at time.Duration) detecttest.Paint {
	var light [10 * 8]bool // x 200 to 279, y 20 to 79
	for i := range light {
		n := float64((25+i%10)*7 + (2+i/10)*13)
		light[i] = math.Sin(at.Seconds()*(1.7+math.Mod(n, 5)/4)+n) > 0
	}
	return func(x, y int, v float64) float64 {
		switch {
		case x < 200 || x >= 280 || y < 20 || y >= 80:
			return v
		case light[(y/8-2)*10+x/8-25]:
			return v + 110
		}
		return v - 60
	}
}

func TestWhatAlwaysSwaysIsMasked(t *testing.T) {
	t.Parallel()
	filter := nuisance.New()
	d, err := motion.New(motion.Options{Nuisance: filter})
	if err != nil {
		t.Fatal(err)
	}
	s, early, late, person := detecttest.NewScene(), 0, 0, 0
	for at := time.Duration(0); at < 6*time.Minute; at += 2 * time.Second {
		paint := flutter(at)
		if at >= 330*time.Second && at < 340*time.Second {
			leaves, visitor := paint, detecttest.Person(35*(at-330*time.Second).Seconds())
			paint = func(x, y int, v float64) float64 { return visitor(x, y, leaves(x, y, v)) }
		}
		v, err := d.Detect(t.Context(), detect.Input{Frame: s.Frame(at, paint)})
		if err != nil {
			t.Fatal(err)
		}
		switch moves := len(v.Detections) > 0; {
		case moves && at < 2*time.Minute:
			early++
		case moves && at >= 4*time.Minute && at < 330*time.Second:
			late++
		case moves && at >= 330*time.Second && at < 342*time.Second:
			person++
		}
	}
	if share := filter.Masked(); early == 0 || late > 0 || share < 0.04 || share > 0.15 {
		t.Errorf("motion in %d frames before and %d after it was learnt, %.3f of the picture masked", early, late, share)
	}
	if person < 4 {
		t.Errorf("a visitor was seen in %d frames", person)
	}
}

// footpath is a path on which two or three people are at any time, as they are at second s.
func footpath(s float64) detecttest.Paint {
	const every, crossing = 4.0, 9.0 // s
	levels := map[int]float64{}      // by x
	for k := math.Floor(s / every); k >= math.Floor((s-crossing)/every); k-- {
		left := -20 + 340*(s-k*every)/crossing
		if math.Mod(k, 2) == 0 {
			left = 300 - left
		}
		for x := int(math.Ceil(left)); float64(x) < left+20; x++ {
			levels[x] = 20 + math.Mod(k*47, 200)
		}
	}
	return func(x, y int, v float64) float64 {
		if level, there := levels[x]; there && y >= 70 && y < 130 {
			return level
		}
		return v
	}
}

func TestABusyFootpathIsNotMasked(t *testing.T) {
	t.Parallel()
	filter := nuisance.New()
	d, err := motion.New(motion.Options{Nuisance: filter})
	if err != nil {
		t.Fatal(err)
	}
	s, seen := detecttest.NewScene(), 0
	for at := time.Duration(0); at < 5*time.Minute; at += 2 * time.Second {
		v, err := d.Detect(t.Context(), detect.Input{Frame: s.Frame(at, footpath(at.Seconds()))})
		if err != nil {
			t.Fatal(err)
		}
		if at > 3*time.Minute && len(v.Detections) > 0 {
			seen++
		}
	}
	if filter.Masked() > 0 || seen < 50 {
		t.Errorf("%.3f masked, motion in %d of the last 60 frames", filter.Masked(), seen)
	}
}

// TestTheFirstFrameAfterAPauseIsEnough shows frames as a gated camera has them: one in ten seconds until something comes.
func TestTheFirstFrameAfterAPauseIsEnough(t *testing.T) {
	t.Parallel()
	d, err := motion.New(motion.Options{Nuisance: nuisance.New()})
	if err != nil {
		t.Fatal(err)
	}
	s := detecttest.NewScene()
	for _, at := range []int{0, 2, 10, 20, 30, 40, 50, 60} {
		dim := func(_, _ int, v float64) float64 { return v - float64(at)/3 } // dusk goes on meanwhile
		paint := dim
		if at == 60 {
			paint = func(x, y int, v float64) float64 { return detecttest.Person(100)(x, y, dim(x, y, v)) }
		}
		v, err := d.Detect(t.Context(), detect.Input{Frame: s.Frame(time.Duration(at)*time.Second, paint)})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := len(v.Detections) > 0, at == 60; got != want || at > 0 && !v.Judged {
			t.Errorf("at %d s: %+v", at, v)
		}
	}
}
