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
