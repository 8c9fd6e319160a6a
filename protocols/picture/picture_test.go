package picture

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"testing"

	pigo "github.com/esimov/pigo/core"
)

// drawFace paints a face as a child would, of the given width, with its middle at cx, cy. Light falls on it as on a real one
// as far as a face finder cares: eyes, brows and mouth are dark, nose and cheeks are bright.
func drawFace(img *image.RGBA, cx, cy, width int) {
	oval := func(x, y, rx, ry float64, grey uint8) {
		w := float64(width)
		for py := cy - width; py < cy+width; py++ {
			for px := cx - width; px < cx+width; px++ {
				dx, dy := (float64(px-cx)/w-x)/rx, (float64(py-cy)/w-y)/ry
				if dx*dx+dy*dy <= 1 && (image.Point{X: px, Y: py}).In(img.Bounds()) {
					img.SetRGBA(px, py, color.RGBA{R: grey, G: grey, B: grey, A: 255})
				}
			}
		}
	}
	oval(0, -0.15, 0.55, 0.7, 60) // hair
	oval(0, 0, 0.45, 0.6, 190)    // face
	for _, side := range []float64{-1, 1} {
		oval(side*0.2, -0.12, 0.13, 0.08, 120) // socket
		oval(side*0.2, -0.19, 0.13, 0.03, 70)  // brow
		oval(side*0.2, -0.1, 0.08, 0.04, 40)   // eye
		oval(side*0.25, 0.15, 0.09, 0.09, 210) // cheek
	}
	oval(0, 0.02, 0.05, 0.17, 220)  // nose
	oval(0, 0.18, 0.08, 0.03, 120)  // nostrils
	oval(0, 0.32, 0.17, 0.045, 90)  // mouth
	oval(0, 0.42, 0.12, 0.04, 170)  // chin
	oval(0, -0.38, 0.25, 0.08, 205) // forehead
}

func canvas(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = 130
	}
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = 255
	}
	return img
}

func newTestRedactor(t testing.TB) *Redactor {
	t.Helper()
	r, err := NewRedactor()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// covers says whether a box holds the middle of the face and most of its width.
func covers(boxes []Box, cx, cy, width int) bool {
	for _, b := range boxes {
		if b.X <= cx-width/4 && b.X+b.W >= cx+width/4 && b.Y <= cy-width/4 && b.Y+b.H >= cy+width/4 {
			return true
		}
	}
	return false
}

func TestFacesAreFoundAndFlattened(t *testing.T) {
	r := newTestRedactor(t)
	for name, c := range map[string]struct{ w, h, x, y, face int }{
		"large":                {640, 480, 300, 240, 200},
		"middle":               {640, 480, 200, 200, 80},
		"small":                {640, 480, 420, 300, 36},
		"in a 1080p picture":   {1920, 1080, 900, 500, 120},
		"in an upright format": {480, 900, 240, 300, 90},
	} {
		t.Run(name, func(t *testing.T) {
			img := canvas(c.w, c.h)
			drawFace(img, c.x, c.y, c.face)
			out, boxes, err := r.Redact(img)
			if err != nil {
				t.Fatal(err)
			}
			f := float64(out.Bounds().Dx()) / float64(c.w)
			x, y, face := int(float64(c.x)*f), int(float64(c.y)*f), int(float64(c.face)*f)
			if !covers(boxes, x, y, face) {
				t.Fatalf("face of %d pixels at %d, %d is not in %v", face, x, y, boxes)
			}
			if n := colours(out, image.Rect(x-face/3, y-face/3, x+face/3, y+face/3)); n > 2*blocksPerSide*blocksPerSide {
				t.Errorf("%d colours are left of the face", n)
			}
		})
	}
}

func colours(img *image.RGBA, r image.Rectangle) int {
	seen := map[color.RGBA]bool{}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			seen[img.RGBAAt(x, y)] = true
		}
	}
	return len(seen)
}

func TestTurnedFacesAreFound(t *testing.T) {
	r := newTestRedactor(t)
	img := canvas(640, 480)
	drawFace(img, 200, 200, 80)
	x, y := 200, 200
	for turn := range 4 {
		if _, boxes, err := r.Redact(img); err != nil || !covers(boxes, x, y, 80) {
			t.Errorf("after %d quarter turns: boxes %v, error %v", turn, boxes, err)
		}
		x, y = img.Rect.Dy()-1-y, x
		img = turned(img)
	}
}

func turned(img *image.RGBA) *image.RGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	out := image.NewRGBA(image.Rect(0, 0, h, w))
	for y := range h {
		for x := range w {
			out.SetRGBA(h-1-y, x, img.RGBAAt(x, y))
		}
	}
	return out
}

func TestUnturn(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 7, 5))
	img.SetGray(2, 1, color.Gray{Y: 9})
	for turn := range 4 {
		for i, v := range img.Pix {
			if v == 9 {
				at := unturn(pigo.Detection{Col: i % img.Stride, Row: i / img.Stride}, turn, 7, 5, 2)
				if at.Col != 4 || at.Row != 2 {
					t.Errorf("turn %d: %d, %d; want 4, 2", turn, at.Col, at.Row)
				}
			}
		}
		img = quarterTurn(img)
	}
}

func TestRedactFailsClosed(t *testing.T) {
	img := canvas(320, 240)
	broken := &Redactor{} // its finder panics
	if out, boxes, err := broken.Redact(img); err == nil || out != nil || boxes != nil {
		t.Errorf("picture %v, boxes %v, error %v from a finder that fails", out != nil, boxes, err)
	}
	var j bytes.Buffer
	if err := jpeg.Encode(&j, img, nil); err != nil {
		t.Fatal(err)
	}
	if out, _, err := broken.RedactJPEG(j.Bytes()); err == nil || out != nil {
		t.Errorf("%d bytes, error %v from a finder that fails", len(out), err)
	}
}

func TestRedactLeavesTheInputAlone(t *testing.T) {
	img := canvas(320, 240)
	drawFace(img, 160, 120, 100)
	before := bytes.Clone(img.Pix)
	if _, _, err := newTestRedactor(t).Redact(img); err != nil || !bytes.Equal(before, img.Pix) {
		t.Errorf("the input was changed, or error %v", err)
	}
}

func TestMetadataIsDropped(t *testing.T) {
	var j bytes.Buffer
	if err := jpeg.Encode(&j, canvas(64, 64), nil); err != nil {
		t.Fatal(err)
	}
	secret := []byte("Exif\x00\x00where and when")
	in := append([]byte{0xFF, 0xD8, 0xFF, 0xE1, 0, byte(len(secret) + 2)}, secret...)
	in = append(in, j.Bytes()[2:]...)
	out, _, err := newTestRedactor(t).RedactJPEG(in)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(out, []byte("Exif")) || bytes.Contains(out, []byte("where")) {
		t.Error("metadata of the input is in the output")
	}
}

func TestBounds(t *testing.T) {
	r := newTestRedactor(t)
	if _, _, err := r.RedactJPEG(make([]byte, MaxBytes+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v, want ErrTooLarge", err)
	}
	if _, _, err := r.Redact(image.NewUniform(color.Black)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v, want ErrTooLarge", err)
	}
	if _, err := EncodeJPEG(canvas(MaxWidth+1, 10)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v, want ErrTooLarge", err)
	}
	for _, size := range [][2]int{{1, 1}, {3000, 2}, {2, 3000}, {17, 19}} {
		out, _, err := r.Redact(canvas(size[0], size[1]))
		if err != nil || out.Rect.Dx() > MaxWidth || out.Rect.Dy() > MaxHeight {
			t.Errorf("%v: error %v", size, err)
		}
	}
}

func FuzzRedactJPEG(f *testing.F) {
	var j bytes.Buffer
	if err := jpeg.Encode(&j, canvas(24, 24), nil); err != nil {
		f.Fatal(err)
	}
	f.Add(j.Bytes())
	f.Add([]byte{0xFF, 0xD8})
	r := newTestRedactor(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		out, _, err := r.RedactJPEG(in)
		if err == nil && len(out) == 0 {
			t.Error("neither a picture nor an error")
		}
	})
}
