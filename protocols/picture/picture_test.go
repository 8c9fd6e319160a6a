package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"testing"
)

// drawFace paints a face as a child would, of the given width, with its middle at cx, cy: ovals where a face is dark (eyes,
// nostrils, mouth) and where light falls on it (cheeks, nose, forehead), which is what a face finder goes by.
func drawFace(img *image.RGBA, cx, cy, width int) {
	for _, o := range []oval{
		{0, -0.06, 0.45, 1.04, 85},
		{0, 0.02, 0.45, 0.60, 187},
		{0.19, -0.13, 0.15, 0.09, 152},
		{0.14, -0.22, 0.09, 0.04, 89},
		{0.25, -0.12, 0.09, 0.04, 58},
		{0.25, 0.08, 0.15, 0.12, 246},
		{0, 0.02, 0.05, 0.29, 255},
		{0, 0.16, 0.15, 0.05, 36},
		{0, 0.35, 0.20, 0.05, 0},
		{0, 0.42, 0.38, 0.03, 168},
		{0, -0.32, 0.31, 0.10, 200},
	} {
		o.paint(img, cx, cy, width, 1)
		o.paint(img, cx, cy, width, -1)
	}
}

// oval is a part of a face in units of its width, from its middle.
type oval struct {
	x, y, rx, ry float64
	grey         uint8
}

func (o oval) paint(img *image.RGBA, cx, cy, width int, side float64) {
	w := float64(width)
	for y := cy - width; y < cy+width; y++ {
		for x := cx - width; x < cx+width; x++ {
			dx, dy := (float64(x-cx)/w-side*o.x)/o.rx, (float64(y-cy)/w-o.y)/o.ry
			if dx*dx+dy*dy <= 1 && (image.Point{X: x, Y: y}).In(img.Bounds()) {
				img.SetRGBA(x, y, color.RGBA{R: o.grey, G: o.grey, B: o.grey, A: 255})
			}
		}
	}
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
	t.Parallel()
	r := newTestRedactor(t)
	for name, c := range map[string]struct{ w, h, x, y, face int }{
		"large":                {480, 360, 240, 180, 200},
		"middle":               {320, 240, 150, 120, 80},
		"small":                {320, 200, 220, 100, 36},
		"in a wide picture":    {1920, 400, 900, 200, 120},
		"in an upright format": {240, 500, 120, 200, 90},
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
			if n := colours(out, image.Rect(x-face/3, y-face/3, x+face/3, y+face/3)); n > 12 {
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
	t.Parallel()
	r := newTestRedactor(t)
	img := canvas(320, 240)
	drawFace(img, 140, 120, 80)
	x, y := 140, 120
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

func TestRedactFailsClosed(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	img := canvas(320, 240)
	drawFace(img, 160, 120, 100)
	before := bytes.Clone(img.Pix)
	if _, _, err := newTestRedactor(t).Redact(img); err != nil || !bytes.Equal(before, img.Pix) {
		t.Errorf("the input was changed, or error %v", err)
	}
}

func TestMetadataIsDropped(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	r := newTestRedactor(t)
	if _, _, err := r.RedactJPEG(make([]byte, MaxBytes+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v, want ErrTooLarge", err)
	}
	if _, _, err := r.Redact(image.NewUniform(color.Black)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v, want ErrTooLarge", err)
	}
	for _, size := range [][2]int{{MaxWidth + 1, 10}, {10, MaxHeight + 1}, {MaxWidth, MaxHeight}} {
		if _, err := EncodeJPEG(canvas(size[0], size[1])); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%v: error %v, want ErrTooLarge", size, err)
		}
	}
	for _, size := range [][2]int{{1, 1}, {3000, 2}, {2, 3000}, {17, 19}, {704, 576}, {1000, 1000}} {
		out, _, err := r.Redact(canvas(size[0], size[1]))
		if err != nil || out.Rect.Dx() > MaxWidth || out.Rect.Dy() > MaxHeight {
			t.Fatalf("%v: error %v", size, err)
		}
		if _, err := EncodeJPEG(out); err != nil {
			t.Errorf("%v: %v", size, err)
		}
	}
}

// TestNothingIsLeftInAnAlphaChannel hides a face where the finder does not look.
func TestNothingIsLeftInAnAlphaChannel(t *testing.T) {
	t.Parallel()
	face := canvas(320, 240)
	drawFace(face, 160, 120, 100)
	img := image.NewRGBA(face.Rect)
	for i := 0; i < len(img.Pix); i += 4 {
		img.Pix[i+3] = face.Pix[i]
	}
	out, _, err := newTestRedactor(t).Redact(img)
	if err != nil || !out.Opaque() {
		t.Errorf("opaque %v, error %v", out != nil && out.Opaque(), err)
	}
}

// TestPlacesInNarrowPictures has a face at the lower end of pictures whose sides are not scaled quite alike.
func TestPlacesInNarrowPictures(t *testing.T) {
	t.Parallel()
	r := newTestRedactor(t)
	for _, width := range []int{31, 37, 43} {
		img := canvas(width, 480)
		drawFace(img, width/2, 440, 28)
		_, boxes, err := r.Redact(img)
		if err != nil || len(boxes) != 1 {
			t.Fatalf("%d pixels wide: boxes %v, error %v", width, boxes, err)
		}
		if middle := boxes[0].Y + boxes[0].H/2; middle < 437 || middle > 443 {
			t.Errorf("%d pixels wide: the face is at %d, it was drawn at 440", width, middle)
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
	for _, o := range []uint16{3, 6, 9} {
		f.Add(withExif(f, canvas(24, 16), exif(binary.LittleEndian, "II", o)))
	}
	for _, side := range []uint16{0, 1, 8000, 65535} { // what the header says is not what there is
		lie := bytes.Clone(j.Bytes())
		binary.BigEndian.PutUint16(lie[bytes.Index(lie, []byte{0xFF, 0xC0})+5:], side)
		f.Add(lie)
	}
	progressive := bytes.Clone(j.Bytes())
	progressive[bytes.Index(progressive, []byte{0xFF, 0xC0})+1] = 0xC2
	f.Add(progressive)
	r := newTestRedactor(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		out, _, err := r.RedactJPEG(in)
		if err == nil && len(out) == 0 {
			t.Error("neither a picture nor an error")
		}
	})
}
