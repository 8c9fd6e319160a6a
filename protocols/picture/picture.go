// Package picture says what a stored picture may show: masked parts are covered, faces are unreadable, irreversibly, and
// nothing is sharper than the finder's sight.
//
// In: an image or a JPEG. Out: a redacted copy and the boxes of the faces found. It fails closed: whatever goes wrong, there
// is no picture. It only asks *where* a face is; it computes nothing that could tell one face from another, keeps no picture
// and drops all metadata. Colour is not looked at: at night there is none, and skin has many.
//
// What makes a face unreadable, whoever finds it:
//
//   - Too small to be found: faces are looked for in a picture a third larger than what is stored. The smallest window is 20
//     pixels there, which an upright face of 16 fills; that is 12 pixels in what is stored, whatever the camera's resolution.
//   - Found: blocks, at most 3.5 across the window, with a margin for hair, ears and chin.
//   - Not sure: a window need not pass the whole cascade. How many trees it passes before it is rejected tells faces that are
//     turned, dark or partly hidden from the rest: in trials 98 to 100 % of them, by size, came past tree 200 of 468. From tree
//     180 on a place is not free of faces: blocks, at most 7 across the window. This is what a stored picture loses most by: in eight
//     pictures of OpenCV's vtest.avi they took a fifth of the area, and OpenCV's person detector saw 10 of 21 persons; 20 of 21
//     without them, at the same size.
//
// What this is not: a guarantee. The cascade knows faces that look towards the camera: of six in full profile two came past tree
// 200, and three past tree 150. Windows that are tilted or turned begin at 40 pixels, 30 in what is stored: smaller faces of a
// camera that hangs on its side, or of somebody who lies, may be missed. What is missed remains, at the resolution of what is
// stored.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"math"
)

// The bounds of a JPEG.
const (
	MaxBytes = 16 << 20 // of one that is read

	jpegQuality = 80
)

// ErrTooLarge says that an input is beyond the bounds of this package.
var ErrTooLarge = errors.New("picture too large")

// Box is a rectangle in pixels of the redacted picture.
type Box struct{ X, Y, W, H int }

// Redactor finds faces and makes them unreadable. It is safe for concurrent use.
type Redactor struct {
	find  *finder
	aside *profileFinder
}

// NewRedactor reads the built-in cascades.
func NewRedactor() (*Redactor, error) {
	f, err := newFinder()
	if err != nil {
		return nil, err
	}
	c, err := profiles()
	if err != nil {
		return nil, err
	}
	return &Redactor{find: f, aside: &profileFinder{cascade: c}}, nil
}

// Redact returns a copy of img, at most [MaxWidth] by [MaxHeight] and opaque, in which masks are covered and faces are
// unreadable, and where those faces are that it is sure of. On an error there is no picture.
func (r *Redactor) Redact(img image.Image, masks ...Mask) (out *image.RGBA, boxes []Box, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, boxes, err = nil, nil, errors.New("the face finder failed")
		}
	}()
	work, err := workPicture(img)
	if err != nil {
		return nil, nil, err
	}
	if err := burn(work, masks); err != nil {
		return nil, nil, err
	}
	w, h := storedSize(img.Bounds().Dx(), img.Bounds().Dy())
	stored := scaled(work, w, h)
	across, down := float64(w)/float64(work.Rect.Dx()), float64(h)/float64(work.Rect.Dy()) // of a narrow picture they differ
	g := newGrid(w, h)
	var sure []window
	luma := grey(work)
	r.find.search(luma, func(w window, t turn) {
		w.x, w.y, w.size = w.x*across, w.y*down, w.size*max(across, down)
		if w.trees < t.found {
			g.cover(w.x, w.y, w.size, suspectBlocks, suspectMargin)
			return
		}
		g.cover(w.x, w.y, w.size, foundBlocks, foundMargin)
		if len(sure) < maxKept {
			sure = append(sure, w)
		}
	})
	r.aside.search(luma, func(x, y, size float64) {
		g.cover(x*across, y*down, size*max(across, down), profileBlocks, suspectMargin)
	})
	g.apply(stored)
	for _, w := range together(sure) {
		if b := boxOf(w, foundMargin, stored.Rect); b.W > 0 && b.H > 0 {
			boxes = append(boxes, b)
		}
	}
	if err := burn(stored, masks); err != nil {
		return nil, nil, err
	}
	return stored, boxes, nil
}

// boxOf is w with a margin, cut at the picture's edge.
func boxOf(w window, margin float64, picture image.Rectangle) Box {
	half := w.size * (0.5 + margin)
	r := image.Rect(int(math.Floor(w.x-half)), int(math.Floor(w.y-half)), int(math.Ceil(w.x+half)), int(math.Ceil(w.y+half)))
	r = r.Intersect(picture)
	return Box{X: r.Min.X, Y: r.Min.Y, W: r.Dx(), H: r.Dy()}
}

// RedactJPEG is [Redactor.Redact] from JPEG to JPEG, baseline or progressive. A camera that was held on its side says so in the
// metadata: the picture is turned upright first. No metadata of the input reaches the output.
func (r *Redactor) RedactJPEG(in []byte) (out []byte, boxes []Box, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, boxes, err = nil, nil, errors.New("the picture cannot be read")
		}
	}()
	if len(in) > MaxBytes {
		return nil, nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(in))
	}
	config, err := jpeg.DecodeConfig(bytes.NewReader(in))
	if err != nil {
		return nil, nil, fmt.Errorf("read JPEG: %w", err)
	}
	if err := checkSize(config.Width, config.Height); err != nil {
		return nil, nil, err
	}
	img, err := jpeg.Decode(bytes.NewReader(in))
	if err != nil {
		return nil, nil, fmt.Errorf("read JPEG: %w", err)
	}
	redacted, boxes, err := r.Redact(upright(img, orientation(in)))
	if err != nil {
		return nil, nil, err
	}
	out, err = EncodeJPEG(redacted)
	return out, boxes, err
}

// EncodeJPEG writes a redacted picture as a baseline JPEG without metadata. A picture beyond the bounds of [Redactor.Redact]
// is refused: it cannot have come from there.
func EncodeJPEG(img image.Image) ([]byte, error) {
	if b := img.Bounds(); b.Dx() > MaxWidth || b.Dy() > MaxHeight || b.Dx()*b.Dy() > maxArea+MaxWidth { // a side is rounded
		return nil, fmt.Errorf("%w: %dx%d", ErrTooLarge, b.Dx(), b.Dy())
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: jpegQuality}); err != nil {
		return nil, fmt.Errorf("write JPEG: %w", err)
	}
	return out.Bytes(), nil
}
