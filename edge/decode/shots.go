package decode

import (
	"errors"
	"fmt"
	"image"
	"time"

	"golang.org/x/image/draw"

	"gridgate/protocols/picture"
)

// shots makes a redacted picture of each moment wanted.
func (w *worker) shots(r *incoming) (response, error) {
	d, err := w.shared(w.pictures, r.codec, full)
	if err != nil {
		return response{}, err
	}
	defer d.flush()
	s := shooter{redact: w.redact, width: int(r.width), at: r.at, masks: r.masks, open: true}
	err = d.decodeAll(r, func(p raw) {
		s.show(p)
		d.keep()
	})
	if err != nil {
		return response{}, err
	}
	return s.end(len(r.at))
}

// shooter is shown the pictures of a stream in the order in which a viewer sees them, and takes those wanted. The one shown last
// stays valid until the next was shown: only that one says which moments it stood for.
type shooter struct {
	redact func(img image.Image, masks []picture.Mask, width int) (shot, error)
	masks  []picture.Mask
	width  int             // of a picture at most, in pixels; 0: as it is stored
	at     []time.Duration // wanted and not taken
	open   bool            // the picture shown last may be wanted and was not taken

	shown  raw
	data   []byte // of the answer
	failed error
}

func (s *shooter) show(p raw) {
	due := false
	for len(s.at) > 0 && p.pts > s.at[0] {
		s.at, due = s.at[1:], true
	}
	if s.shown.width == 0 { // nothing was shown before it
		s.shown = p
	}
	if due {
		s.take()
	}
	s.open = s.open || p.pts != s.shown.pts
	s.shown = p
}

// take redacts the picture shown last, once. What fails is left out.
func (s *shooter) take() {
	if !s.open {
		return
	}
	s.open = false
	taken, err := s.redact(s.shown.image(picture.MaxInput), s.masks, s.width)
	if err != nil {
		s.failed = firstError(s.failed, err)
		return
	}
	taken.pts = s.shown.pts
	if len(s.data)+len(taken.jpeg)+1024 > maxResponse {
		s.failed = firstError(s.failed, errors.New("the pictures are too large"))
		return
	}
	s.data = taken.append(s.data)
}

// end takes what the last picture stands for.
func (s *shooter) end(wanted int) (response, error) {
	if s.shown.width == 0 {
		return response{}, fmt.Errorf("%w: no picture came out", ErrBadStream)
	}
	if len(s.at) > 0 || wanted == 0 {
		s.take()
	}
	if len(s.data) == 0 {
		return response{}, s.failed
	}
	return response{status: statusPictures, data: s.data}, nil
}

func (w *worker) redact(img image.Image, masks []picture.Mask, width int) (shot, error) {
	out, faces, err := w.redactor.Redact(img, masks...)
	if err != nil {
		return shot{}, fmt.Errorf("redact: %w", err)
	}
	out = narrowed(out, width)
	jpeg, err := picture.EncodeJPEG(out)
	if err != nil {
		return shot{}, fmt.Errorf("encode: %w", err)
	}
	size := out.Bounds()
	return shot{width: size.Dx(), height: size.Dy(), faces: len(faces), jpeg: jpeg}, nil
}

// narrowed is img, which is redacted, at most width pixels wide; 0: as it is.
func narrowed(img *image.RGBA, width int) *image.RGBA {
	size := img.Bounds().Size()
	if width <= 0 || size.X <= width {
		return img
	}
	out := image.NewRGBA(image.Rect(0, 0, width, max(1, size.Y*width/size.X)))
	draw.BiLinear.Scale(out, out.Rect, img, img.Bounds(), draw.Src, nil)
	return out
}

// faces looks for faces in the last picture.
func (w *worker) faces(r *incoming) (response, error) {
	d, err := w.shared(w.pictures, r.codec, full)
	if err != nil {
		return response{}, err
	}
	defer d.flush()
	var last raw
	err = d.decodeAll(r, func(p raw) {
		last = p
		d.keep()
	})
	if err != nil {
		return response{}, err
	}
	if last.width == 0 {
		return response{}, fmt.Errorf("%w: no picture came out", ErrBadStream)
	}
	found, err := w.redactor.Faces(last.image(picture.MaxInput), r.masks...)
	if err != nil {
		return response{}, fmt.Errorf("look for faces: %w", err)
	}
	var faces []Face
	for _, f := range found[:min(len(found), maxFaces)] {
		faces = append(faces, Face{X: f.X, Y: f.Y, W: f.W, H: f.H, Score: f.Score})
	}
	return response{status: statusFaces, pts: last.pts, width: last.width, height: last.height, data: appendFaces(nil, faces)}, nil
}
