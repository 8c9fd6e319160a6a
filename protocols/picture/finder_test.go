package picture

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"

	pigo "github.com/esimov/pigo/core"
)

func TestCascadeAgreesWithTheLibrary(t *testing.T) {
	t.Parallel()
	img := canvas(96, 80)
	drawFace(img, 44, 40, 40)
	noise := rand.New(rand.NewPCG(1, 2))
	luma := grey(img)
	for i, v := range luma.Pix {
		luma.Pix[i] = uint8(min(255, int(v)+noise.IntN(6)))
	}
	library, err := pigo.NewPigo().Unpack(cascadeFile)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := readCascade(cascadeFile)
	if err != nil {
		t.Fatal(err)
	}
	passed := 0
	for _, size := range []int{20, 28, 40, 57} {
		theirs := map[[2]int]float32{}
		for _, d := range library.RunCascade(pigo.CascadeParams{
			MinSize: size, MaxSize: size, ShiftFactor: 0.01, ScaleFactor: 2,
			ImageParams: pigo.ImageParams{Pixels: luma.Pix, Rows: 80, Cols: 96, Dim: luma.Stride},
		}, 0) {
			theirs[[2]int{d.Col, d.Row}] = d.Q
		}
		windows := ours.table(size, 0, luma.Stride)
		for y := size/2 + 1; y <= 80-size/2-1; y++ {
			for x := size/2 + 1; x <= 96-size/2-1; x++ {
				trees, q := ours.reach(windows, luma.Pix, y*luma.Stride+x)
				want, found := theirs[[2]int{x, y}]
				if (trees == len(windows)) != found || q != want {
					t.Fatalf("size %d at %d, %d: %d trees, quality %v; the library says %v", size, x, y, trees, q, want)
				}
				if found {
					passed++
				}
			}
		}
	}
	if passed == 0 {
		t.Error("no window passed: nothing was compared")
	}
}

func TestDamagedCascadesAreRefused(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 8, headerSize, headerSize + treeSize, len(cascadeFile) - 1} {
		if _, err := readCascade(cascadeFile[:n]); err == nil {
			t.Errorf("the first %d bytes of a cascade were read", n)
		}
	}
}

// transformed draws a face turned by degrees clockwise, darkened and with noise, by sampling a plain one.
func transformed(w, h int, cx, cy, face, degrees, light, noise float64) *image.RGBA {
	const side = 512
	plain := canvas(side, side)
	drawFace(plain, side/2, side/2, side/3)
	out := canvas(w, h)
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	random := rand.New(rand.NewPCG(3, 4))
	for y := range h {
		for x := range w {
			dx, dy := (float64(x)-cx)*side/3/face, (float64(y)-cy)*side/3/face
			p := image.Pt(side/2+int(dx*cos+dy*sin), side/2+int(dy*cos-dx*sin))
			v := uint8(130)
			if p.In(plain.Rect) {
				v = plain.RGBAAt(p.X, p.Y).R
			}
			v = uint8(min(255, max(0, float64(v)*light+noise*random.NormFloat64())))
			i := out.PixOffset(x, y)
			out.Pix[i], out.Pix[i+1], out.Pix[i+2] = v, v, v
		}
	}
	return out
}

func TestHardFacesAreMadeUnreadable(t *testing.T) {
	t.Parallel()
	r := newTestRedactor(t)
	for name, c := range map[string]struct{ x, y, face, degrees, light, noise float64 }{
		"tilted left":           {320, 180, 70, -25, 1, 1},
		"tilted right":          {320, 180, 70, 25, 1, 1},
		"dark and noisy":        {200, 150, 80, 0, 0.2, 1.5},
		"at the left edge":      {14, 180, 90, 0, 1, 1},
		"at the lower edge":     {320, 330, 90, 0, 1, 1},
		"close":                 {320, 180, 300, 0, 1, 1},
		"the smallest that are": {320, 180, 22, 0, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			img := transformed(640, 360, c.x, c.y, c.face, c.degrees, c.light, c.noise)
			out, _, err := r.Redact(img)
			if err != nil {
				t.Fatal(err)
			}
			f := float64(out.Rect.Dx()) / 640
			x, y, face := int(c.x*f), int(c.y*f), int(c.face*f)
			area := image.Rect(x-face/3, y-face/3, x+face/3, y+face/3).Intersect(out.Rect)
			if n := colours(out, area); n > 50 {
				t.Errorf("%d colours are left of a face %d pixels wide", n, face)
			}
		})
	}
}

func TestPlainPlacesStaySharp(t *testing.T) {
	t.Parallel()
	img := canvas(480, 270)
	for y := 90; y < 180; y++ { // a person's shape, a third of the picture high, without a face
		for x := 232; x < 248; x++ {
			img.Pix[img.PixOffset(x, y)], img.Pix[img.PixOffset(x, y)+1], img.Pix[img.PixOffset(x, y)+2] = 20, 20, 20
		}
	}
	out, boxes, err := newTestRedactor(t).Redact(img)
	if err != nil || len(boxes) > 0 {
		t.Fatalf("boxes %v, error %v", boxes, err)
	}
	if inside, beside := out.RGBAAt(240, 135).R, out.RGBAAt(220, 135).R; int(beside)-int(inside) < 90 {
		t.Errorf("the shape is at %d on %d, it was 20 on 130", inside, beside)
	}
}

func TestTogetherKeepsFacesApart(t *testing.T) {
	t.Parallel()
	got := together([]window{
		{x: 10, y: 10, size: 20, trees: 400}, {x: 12, y: 10, size: 20, trees: 468, quality: 3},
		{x: 11, y: 11, size: 24, trees: 468, quality: 5}, {x: 60, y: 10, size: 20, trees: 468, quality: 1},
	})
	if len(got) != 2 || got[0].quality != 8 || got[0].x != 11 || got[1].x != 60 {
		t.Errorf("faces %+v", got)
	}
}

func BenchmarkRedact(b *testing.B) {
	img := image.NewYCbCr(image.Rect(0, 0, 1920, 1080), image.YCbCrSubsampleRatio420)
	random := rand.New(rand.NewPCG(5, 6))
	for i := range img.Y { // shapes and noise, as a scene has them
		x, y := i%1920, i/1920
		img.Y[i] = uint8(100 + 60*math.Sin(float64(x)/37)*math.Cos(float64(y)/53) + float64(random.IntN(12)))
	}
	r := newTestRedactor(b)
	for b.Loop() {
		out, _, err := r.Redact(img)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := EncodeJPEG(out); err != nil {
			b.Fatal(err)
		}
	}
}
