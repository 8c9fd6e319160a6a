package picture

import (
	"encoding/binary"
	"image"
)

// The markers of a JPEG (ITU-T T.81, table B.1) and the tag of the orientation (Exif 2.32, 4.6.4 A).
const (
	markerSOI  = 0xD8
	markerSOS  = 0xDA
	markerAPP1 = 0xE1

	tagOrientation = 0x0112
	typeShort      = 3
)

// orientation is how a JPEG says that it must be turned, 1 to 8; 1, upright, where it says nothing that can be read.
func orientation(b []byte) int {
	if len(b) < 2 || b[0] != 0xFF || b[1] != markerSOI {
		return 1
	}
	for b = b[2:]; len(b) >= 4 && b[0] == 0xFF && b[1] != markerSOS; {
		if b[1] == 0xFF { // a fill byte
			b = b[1:]
			continue
		}
		n := 2 + int(binary.BigEndian.Uint16(b[2:]))
		if n < 4 || n > len(b) {
			break
		}
		if b[1] == markerAPP1 && n > 10 && string(b[4:10]) == "Exif\x00\x00" {
			return tiffOrientation(b[10:n])
		}
		b = b[n:]
	}
	return 1
}

// tiffOrientation looks for the orientation in the first directory (TIFF 6.0, section 2).
func tiffOrientation(b []byte) int {
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if string(b[:2]) == "II" {
		order = binary.LittleEndian
	}
	at := int(order.Uint32(b[4:]))
	if at < 8 || at > len(b)-2 {
		return 1
	}
	entries := b[at+2:]
	for n := int(order.Uint16(b[at:])); n > 0 && len(entries) >= 12; n-- {
		if order.Uint16(entries) == tagOrientation && order.Uint16(entries[2:]) == typeShort {
			if v := int(order.Uint16(entries[8:])); v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}

// upright turns img as its orientation asks. A copy that is turned has no side longer than [MaxInput].
func upright(img image.Image, orientation int) image.Image {
	if orientation <= 1 || orientation > 8 {
		return img
	}
	b := img.Bounds()
	if side := max(b.Dx(), b.Dy()); side > MaxInput {
		img = scaled(img, max(1, b.Dx()*MaxInput/side), max(1, b.Dy()*MaxInput/side))
		b = img.Bounds()
	}
	w, h := b.Dx(), b.Dy()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	if orientation >= 5 {
		out = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			sx, sy := source(orientation, x, y, w, h)
			out.Set(x, y, img.At(b.Min.X+sx, b.Min.Y+sy))
		}
	}
	return out
}

// source is where in a stored picture of w x h pixels the pixel x, y of the upright one is.
func source(orientation, x, y, w, h int) (int, int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	case 8:
		return w - 1 - y, x
	}
	return x, y
}
