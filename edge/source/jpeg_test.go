package source

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"testing"
)

// testJPEG is a small picture with what cameras add to theirs.
func testJPEG(t testing.TB) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 48, 32))
	for i := range img.Pix {
		img.Pix[i] = uint8(i * 7)
	}
	img.SetGray(3, 3, color.Gray{255})
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	plain := b.Bytes()
	out := append([]byte{}, plain[:2]...)
	out = append(out, segment(0xE1, "Exif serial 4711 51.5N 7.4E")...)
	out = append(out, segment(0xFE, "plate B-XY 123")...)
	out = append(out, segment(0xEF, "\xff\xd8\xff\xd9")...)
	return append(append(out, plain[2:]...), "and more behind the end"...)
}

func segment(marker byte, text string) []byte {
	return append([]byte{0xFF, marker, 0, byte(len(text) + 2)}, text...)
}

func TestNothingButThePictureStaysInAJPEG(t *testing.T) {
	in := testJPEG(t)
	out, ok := CleanJPEG(in)
	if !ok {
		t.Fatal("it is no picture")
	}
	for _, word := range []string{"Exif", "serial", "plate", "behind"} {
		if bytes.Contains(out, []byte(word)) {
			t.Errorf("%q is still there", word)
		}
	}
	want, err := jpeg.Decode(bytes.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	got, err := jpeg.Decode(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.(*image.Gray).Pix, want.(*image.Gray).Pix) {
		t.Error("the picture is another one")
	}
	if w, h := jpegSize(out); w != 48 || h != 32 {
		t.Errorf("size %dx%d", w, h)
	}
	if again, ok := CleanJPEG(out); !ok || !bytes.Equal(again, out) {
		t.Error("cleaning twice is not cleaning once")
	}
}

func TestWhatIsNoJPEG(t *testing.T) {
	whole := testJPEG(t)
	for name, b := range map[string][]byte{
		"nothing": nil, "no start": whole[2:], "header alone": whole[:40], "no scan": {0xFF, 0xD8, 0xFF, 0xD9},
		"no size": bytes.Replace(whole, []byte{8, 0, 32, 0, 48}, []byte{8, 0, 0, 0, 0}, 1),
	} {
		if _, ok := CleanJPEG(b); ok {
			t.Errorf("%s was taken", name)
		}
	}
	if _, ok := CleanJPEG(whole[:len(whole)-60]); !ok {
		t.Error("one that is cut short is the decoder's to judge")
	}
}

func FuzzCleanJPEG(f *testing.F) {
	f.Add(testJPEG(f))
	f.Add([]byte{0xFF, 0xD8, 0xFF, 0xFF, 0xC0, 0, 8, 8, 0, 1, 0, 1, 0, 0xFF, 0xDA, 0, 2, 1, 0xFF, 0xD0, 2, 0xFF, 0xD9})
	f.Fuzz(func(t *testing.T, data []byte) {
		out, ok := CleanJPEG(data)
		if len(out) > len(data)+2 {
			t.Fatalf("%d bytes from %d", len(out), len(data))
		}
		jpegSize(data)
		if !ok {
			return
		}
		if again, ok := CleanJPEG(out); !ok || !bytes.Equal(again, out) {
			t.Fatalf("% x cleaned again is % x", out, again)
		}
	})
}
