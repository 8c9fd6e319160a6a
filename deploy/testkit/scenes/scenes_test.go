package scenes

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// photo writes a picture of an empty place.
func photo(t *testing.T, dir string, w, h int) string {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = uint8(70 + i%w/2 + 20*(i/w/8%2))
	}
	img.Set(0, 0, color.Gray{Y: 255})
	f, err := os.Create(filepath.Join(dir, "place.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	return "place.png"
}

func little(place string) recipe {
	return recipe{
		Name: "little", Place: place, W: 160, H: 120, Seconds: 6, Coding: Coding{FPS: 10, GOP: 20, Kbps: 200},
		Over:   []effect{gain{Level: curve{{1, 1}, {1.2, 1.3}}}, noise{always(2)}, rain{always(5), 0.05}, shake{always(1)}},
		Actors: []actor{drive(200, 128, 128, 2, 2, 4, -0.3, 1.3, 0.8, 0.4)},
	}
}

func TestMakeDrawsCodesAndLabels(t *testing.T) {
	dir := t.TempDir()
	r := little(photo(t, dir, 160, 120))
	file := filepath.Join(dir, "out.h264")
	events, err := produce(t.Context(), r, &material{dir: dir}, file)
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != 1 || events[0].From < 2*time.Second || events[0].From > 2500*time.Millisecond || events[0].To < 3500*time.Millisecond || events[0].To > 4*time.Second {
		t.Errorf("events %v, want one from a little after 2 s to a little before 4 s", events)
	}
	var middle []uint8
	n := 0
	if err := decode(t.Context(), file, 160, 120, 0, func(p *Picture) {
		if middle = append(middle, p.Y[80*160+80]); p.W != 160 || p.H != 120 {
			t.Errorf("a picture of %dx%d", p.W, p.H)
		}
		n++
	}); err != nil || n != 60 {
		t.Fatalf("%d pictures, %v", n, err)
	}
	if slices.Max(middle[20:40])-middle[19] < 20 {
		t.Errorf("nothing came through the middle: %v", middle)
	}
	if _, err := os.Stat(file + ".json"); err != nil {
		t.Errorf("no labels: %v", err)
	}
}

func TestMakingIsDeterministic(t *testing.T) {
	dir := t.TempDir()
	r := little(photo(t, dir, 160, 120))
	r.Seconds = 1
	var made [2][]byte
	for i := range made {
		file := filepath.Join(dir, fmt.Sprint(i))
		if _, err := r.make(t.Context(), &material{dir: dir}, file); err != nil {
			t.Fatal(err)
		}
		made[i], _ = os.ReadFile(file)
	}
	if len(made[0]) == 0 || !slices.Equal(made[0], made[1]) {
		t.Errorf("%d and %d bytes, not the same", len(made[0]), len(made[1]))
	}
}

func TestWhatIsCachedIsNotMade(t *testing.T) {
	dir := t.TempDir()
	r := little("missing.png")
	label := filepath.Join(dir, r.key()+".h264.json")
	if err := os.WriteFile(label, []byte(`[{"From":1000,"To":2000}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := build(t.Context(), []maker{r}, dir, dir)
	if err != nil || len(got) != 1 || len(got[0].Events) != 1 || got[0].Events[0].To != 2000 || got[0].Width != 160 || !got[0].Composite {
		t.Errorf("%+v, %v", got, err)
	}
	other := r
	other.Seconds++
	if other.key() == r.key() {
		t.Error("another recipe has the same key")
	}
	if _, err := build(t.Context(), []maker{other}, dir, dir); err == nil {
		t.Error("it was made from nothing")
	}
}

func TestScriptsAreSound(t *testing.T) {
	names := map[string]bool{}
	for _, mk := range all() {
		s := mk.scene()
		if names[s.Name] || s.What == "" || s.FPS < 10 || s.FPS > 15 || s.Width%2 != 0 || s.Height%2 != 0 {
			t.Errorf("%+v: a name twice, or a field that cannot be", s)
		}
		names[s.Name] = true
		r, ok := mk.(recipe)
		if !ok {
			continue
		}
		if s.Length < time.Minute || s.Length > 2*time.Minute {
			t.Errorf("%s takes %v", s.Name, s.Length)
		}
		for _, a := range r.Actors {
			if a.Figure != "" && cuts[a.Figure] == nil {
				t.Errorf("%s: no figure %q", s.Name, a.Figure)
			}
			for i := 1; i < len(a.Path); i++ {
				if a.Path[i].T <= a.Path[i-1].T || a.Path[i].T > r.Seconds-1 {
					t.Errorf("%s: a path goes back in time, or beyond the end: %v", s.Name, a.Path)
				}
			}
		}
	}
}

func TestSpans(t *testing.T) {
	there := make([]bool, 100)
	for i := range there {
		there[i] = i >= 10 && i < 20 || i >= 35 && i < 40 || i >= 80
	}
	got := spans(there, 10)
	want := []Span{{time.Second, 4 * time.Second}, {8 * time.Second, 10 * time.Second}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestAParkedCarIsNoEventOnceItSettled(t *testing.T) {
	a := actor{Aspect: 2, Path: []stop{{0, 0, 1, 0.2}, {4, 0.5, 1, 0.2}, {40, 0.5, 1, 0.2}, {44, 1, 1, 0.2}}}
	for at, want := range map[float64]bool{3: true, 10: true, 18: true, 22: false, 39: false, 40.5: true} {
		if a.counts(at) != want {
			t.Errorf("at %v s: %v", at, !want)
		}
	}
	if stands := (actor{Figure: "standing", Path: []stop{{0, 0.5, 1, 0.2}, {60, 0.5, 1, 0.2}}}); !stands.counts(50) {
		t.Error("a person who stands is nobody")
	}
}

func TestCutTakesTheFigureAndNotItsShadow(t *testing.T) {
	empty := NewPicture(100, 100)
	p := empty.clone()
	for y := 20; y < 80; y++ {
		for x := 40; x < 60; x++ {
			p.Y[y*100+x] = 30
		}
		for x := 60; x < 75 && y > 70; x++ {
			p.Y[y*100+x] = 110 // its shadow
		}
	}
	s := cut(p, empty, window{0, 38, 18, 26, 66})
	if s == nil || s.W < 18 || s.W > 22 || s.H < 58 || s.H > 62 || s.Y[s.H/2*s.W+s.W/2] != 30 || s.alpha[s.H/2*s.W+s.W/2] != 255 {
		t.Fatalf("cut %+v", s)
	}
	if cut(empty, empty, window{0, 38, 18, 26, 66}) != nil {
		t.Error("somebody was cut out of an empty place")
	}
	out := NewPicture(100, 100)
	if n := out.draw(s, 50, 90, 1, 1); n < 1000 || out.Y[60*100+50] != 30 || out.Y[5*100+5] != 128 {
		t.Errorf("drawn over %d samples", n)
	}
	if n := out.draw(s, -50, 90, 1, 1); n != 0 {
		t.Errorf("outside, and %d samples covered", n)
	}
}

// show applies an effect to a striped picture at time t and returns both.
func show(e effect, t float64) (before, after *Picture) {
	before = NewPicture(128, 96)
	for i := range before.Y {
		before.Y[i] = uint8(60 + i%128/8*8)
	}
	before.U[100], before.V[100] = 90, 170
	after = before.clone()
	e.apply(after, moment{t: t, rng: rand.New(rand.NewPCG(1, 1)), spare: before.clone()})
	return before, after
}

func mean(p []uint8) (m float64) {
	for _, v := range p {
		m += float64(v) / float64(len(p))
	}
	return m
}

func TestEffects(t *testing.T) {
	for name, c := range map[string]struct {
		e        effect
		at       float64
		min, max float64 // change of the mean luma
		same     bool    // nothing at all changes
	}{
		"gain":               {gain{Level: curve{{1, 1}, {2, 1.5}}}, 2, 30, 70, false},
		"gain before":        {gain{Level: curve{{1, 1}, {2, 1.5}}}, 0.5, 0, 0, true},
		"swing":              {gain{Level: always(1), Swing: always(0.2), Hertz: 1}, 0.25, 10, 40, false},
		"lightning":          {lightning{[]float64{3}}, 3.1, 60, 180, false},
		"lightning over":     {lightning{[]float64{3}}, 3.6, 0, 0, true},
		"the filter moves":   {infrared{3, 9}, 3.1, -180, -60, false},
		"day":                {infrared{3, 9}, 1, 0, 0, true},
		"a beam":             {headlights{{0, 2, 0, 1, 0.6}}, 1, 2, 80, false},
		"no beam":            {headlights{{0, 2, 0, 1, 0.6}}, 2.5, 0, 0, true},
		"a lamp":             {lamp{0.5, 0.5, 0.3, 10, 20, 2}, 1, 5, 100, false},
		"noise has no mean":  {noise{always(6)}, 1, -1, 1, false},
		"rain":               {rain{always(200), 0.1}, 1, 0.5, 60, false},
		"a mast that stands": {shake{always(0)}, 1, 0, 0, true},
		"a mast that shakes": {shake{always(5)}, 0.15, -4, 4, false},
	} {
		before, after := show(c.e, c.at)
		if d := mean(after.Y) - mean(before.Y); d < c.min || d > c.max {
			t.Errorf("%s: the mean changes by %.2f, want %v to %v", name, d, c.min, c.max)
		}
		if same := slices.Equal(before.Y, after.Y); same != c.same {
			t.Errorf("%s: unchanged %v, want %v", name, same, c.same)
		}
	}
	if _, grey := show(infrared{3, 9}, 6); grey.U[100] != 128 || grey.V[100] != 128 {
		t.Error("infrared has colours")
	}
}

func TestNoiseIsAsStrongAsAsked(t *testing.T) {
	before, after := show(noise{always(6)}, 1)
	sum := 0.0
	for i := range before.Y {
		d := float64(after.Y[i]) - float64(before.Y[i])
		sum += d * d
	}
	if s := math.Sqrt(sum / float64(len(before.Y))); s < 5 || s > 7 {
		t.Errorf("a deviation of %.2f, want 6", s)
	}
}

func TestFrozenTime(t *testing.T) {
	fs := []freeze{{2, 4}, {6, 7}}
	for at, want := range map[float64]float64{1: 1, 3: 2, 4: 4, 6.5: 6} {
		if got := frozen(fs, at); got != want {
			t.Errorf("at %v: %v, want %v", at, got, want)
		}
	}
}

func TestDecodeRefusesWhatIsNoPicture(t *testing.T) {
	file := filepath.Join(t.TempDir(), "no.avi")
	if err := os.WriteFile(file, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := decode(context.Background(), file, 16, 16, 0, func(*Picture) {}); err == nil {
		t.Error("it was decoded")
	}
}
