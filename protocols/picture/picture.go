// Package picture says what a stored picture may show: masked parts are covered, faces found are pixelated, irreversibly, and
// it is small.
//
// In: an image or a JPEG. Out: a redacted copy and the boxes that were pixelated. It fails closed: whatever goes wrong, there
// is no picture. It only asks *where* a face is; it computes nothing that could tell one face from another, keeps no picture
// and drops all metadata.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"

	"golang.org/x/image/draw"
)

// The bounds of what goes in and what comes out.
const (
	MaxWidth  = 960      // pixels of a redacted picture
	MaxHeight = 960      // the same
	MaxBytes  = 16 << 20 // of a JPEG that is read

	maxInputSide = 8192 // pixels
	jpegQuality  = 80
)

// ErrTooLarge says that an input is beyond the bounds of this package.
var ErrTooLarge = errors.New("picture too large")

// Box is a rectangle in pixels of the redacted picture.
type Box struct{ X, Y, W, H int }

// Redactor finds and pixelates faces. It is safe for concurrent use.
type Redactor struct{ find finder }

// NewRedactor reads the built-in cascade.
func NewRedactor() (*Redactor, error) {
	f, err := newFinder()
	if err != nil {
		return nil, err
	}
	return &Redactor{find: f}, nil
}

// Redact returns a copy of img, at most [MaxWidth] by [MaxHeight], in which masks are covered and every face found is
// pixelated, and where those faces are. On an error there is no picture.
func (r *Redactor) Redact(img image.Image, masks ...Mask) (out *image.RGBA, boxes []Box, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, boxes, err = nil, nil, errors.New("the face finder failed")
		}
	}()
	small, err := shrink(img)
	if err != nil {
		return nil, nil, err
	}
	if err := burn(small, masks); err != nil {
		return nil, nil, err
	}
	boxes = r.find.faces(grey(small))
	for _, b := range boxes {
		pixelate(small, b)
	}
	return small, boxes, nil
}

// RedactJPEG is [Redactor.Redact] from JPEG to JPEG. No metadata of the input reaches the output.
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
	redacted, boxes, err := r.Redact(img)
	if err != nil {
		return nil, nil, err
	}
	out, err = EncodeJPEG(redacted)
	return out, boxes, err
}

// EncodeJPEG writes a redacted picture as a baseline JPEG without metadata. A picture beyond the bounds of [Redactor.Redact]
// is refused: it cannot have come from there.
func EncodeJPEG(img image.Image) ([]byte, error) {
	if b := img.Bounds(); b.Dx() > MaxWidth || b.Dy() > MaxHeight {
		return nil, fmt.Errorf("%w: %dx%d", ErrTooLarge, b.Dx(), b.Dy())
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: jpegQuality}); err != nil {
		return nil, fmt.Errorf("write JPEG: %w", err)
	}
	return out.Bytes(), nil
}

func checkSize(w, h int) error {
	if w <= 0 || h <= 0 || w > maxInputSide || h > maxInputSide {
		return fmt.Errorf("%w: %dx%d", ErrTooLarge, w, h)
	}
	return nil
}

// shrink copies img into the bounds of the output, keeping its shape.
func shrink(img image.Image) (*image.RGBA, error) {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if err := checkSize(w, h); err != nil {
		return nil, err
	}
	w, h = fit(w, h, MaxWidth, MaxHeight)
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	if w == b.Dx() && h == b.Dy() {
		draw.Draw(out, out.Bounds(), img, b.Min, draw.Src)
	} else {
		draw.ApproxBiLinear.Scale(out, out.Bounds(), img, b, draw.Src, nil)
	}
	return out, nil
}

// fit returns the largest size of the shape w:h within maxW x maxH, never larger than w x h.
func fit(w, h, maxW, maxH int) (int, int) {
	if w > maxW {
		w, h = maxW, max(1, h*maxW/w)
	}
	if h > maxH {
		w, h = max(1, w*maxH/h), maxH
	}
	return w, h
}
