package picture

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"testing"
)

// exif is an APP1 segment that says no more than an orientation.
func exif(order binary.AppendByteOrder, name string, orientation uint16) []byte {
	tiff := order.AppendUint16([]byte(name), 42)
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 2)
	for _, e := range [][2]uint16{{0x010F, 7}, {tagOrientation, orientation}} {
		tiff = order.AppendUint16(order.AppendUint16(tiff, e[0]), typeShort)
		tiff = order.AppendUint16(order.AppendUint16(order.AppendUint32(tiff, 1), e[1]), 0)
	}
	body := append([]byte("Exif\x00\x00"), tiff...)
	return append(binary.BigEndian.AppendUint16([]byte{0xFF, markerAPP1}, uint16(len(body)+2)), body...)
}

func withExif(t testing.TB, img image.Image, segment []byte) []byte {
	t.Helper()
	var j bytes.Buffer
	if err := jpeg.Encode(&j, img, nil); err != nil {
		t.Fatal(err)
	}
	return append(append([]byte{0xFF, markerSOI}, segment...), j.Bytes()[2:]...)
}

func TestOrientation(t *testing.T) {
	t.Parallel()
	img := canvas(8, 8)
	for want := 1; want <= 8; want++ {
		for name, order := range map[string]binary.AppendByteOrder{"MM": binary.BigEndian, "II": binary.LittleEndian} {
			if got := orientation(withExif(t, img, exif(order, name, uint16(want)))); got != want {
				t.Errorf("%s: orientation %d, want %d", name, got, want)
			}
		}
	}
	segment := exif(binary.BigEndian, "MM", 6)
	for n := range segment {
		if got := orientation(append([]byte{0xFF, markerSOI}, segment[:n]...)); got != 1 {
			t.Errorf("the first %d bytes of it: orientation %d, want 1", n, got)
		}
	}
	if got := orientation(withExif(t, img, exif(binary.BigEndian, "MM", 9))); got != 1 {
		t.Errorf("orientation %d for an unknown one, want 1", got)
	}
}

func TestPicturesAreTurnedUpright(t *testing.T) {
	t.Parallel()
	r := newTestRedactor(t)
	// Where the bright corner of the picture as it is stored comes to be seen.
	for orientation, want := range map[uint16]image.Point{
		1: {4, 4}, 2: {115, 4}, 3: {115, 75}, 4: {4, 75}, 5: {4, 4}, 6: {75, 4}, 7: {75, 115}, 8: {4, 115},
	} {
		img := canvas(120, 80)
		for y := range 12 {
			for x := range 12 {
				img.SetRGBA(x, y, color.RGBA{255, 255, 255, 255})
			}
		}
		out, _, err := r.RedactJPEG(withExif(t, img, exif(binary.BigEndian, "MM", orientation)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := jpeg.Decode(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if y := color.GrayModel.Convert(got.At(want.X, want.Y)).(color.Gray).Y; y < 230 || (got.Bounds().Dx() == 80) != (orientation >= 5) {
			t.Errorf("orientation %d: %v, %d at %v", orientation, got.Bounds().Size(), y, want)
		}
	}
}

func TestOtherFormsOfJPEG(t *testing.T) {
	t.Parallel()
	r := newTestRedactor(t)
	var j bytes.Buffer
	if err := jpeg.Encode(&j, canvas(64, 64), nil); err != nil {
		t.Fatal(err)
	}
	for n := range j.Len() - 2 { // without its end mark, a picture is complete
		if n%7 != 0 {
			continue
		}
		if out, _, err := r.RedactJPEG(j.Bytes()[:n]); err == nil || out != nil {
			t.Errorf("the first %d of %d bytes were taken for a picture", n, j.Len())
		}
	}
	huge := bytes.Clone(j.Bytes())
	i := bytes.Index(huge, []byte{0xFF, 0xC0})
	binary.BigEndian.PutUint16(huge[i+5:], 8000)
	binary.BigEndian.PutUint16(huge[i+7:], 8000)
	if _, _, err := r.RedactJPEG(huge); err == nil {
		t.Error("64 million pixels were accepted")
	}
}
