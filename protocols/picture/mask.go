package picture

import (
	"errors"
	"image"
	"image/color"

	"golang.org/x/image/vector"
)

// Point is a place relative to the picture: 0 to 1, origin top left.
type Point struct{ X, Y float64 }

// Mask is the closed outline of a part that no picture may show; the last of at least three points is joined to the first.
type Mask []Point

// maskColour fills what is masked: plainly not part of the scene.
var maskColour = image.NewUniform(color.RGBA{R: 0x30, G: 0x30, B: 0x38, A: 0xff})

var errMask = errors.New("a mask is not an outline of at least three points inside the picture")

// burn covers every mask. A mask that cannot be drawn is an error, so that there is no picture without it.
func burn(img *image.RGBA, masks []Mask) error {
	size := img.Bounds().Size()
	for _, m := range masks {
		if len(m) < 3 {
			return errMask
		}
		outline := vector.NewRasterizer(size.X, size.Y)
		for i, p := range m {
			if !(p.X >= 0 && p.X <= 1 && p.Y >= 0 && p.Y <= 1) {
				return errMask
			}
			x, y := float32(p.X*float64(size.X)), float32(p.Y*float64(size.Y))
			if i == 0 {
				outline.MoveTo(x, y)
			} else {
				outline.LineTo(x, y)
			}
		}
		outline.ClosePath()
		outline.Draw(img, img.Bounds(), maskColour, image.Point{})
	}
	return nil
}
