package picture

import (
	"fmt"
	"image"
	"math"

	"golang.org/x/image/draw"
)

// The sizes of a picture on its way. Faces are looked for in the work picture, which is a third larger than what is stored: the
// smallest face that the finder can be trusted with is [trusted] pixels wide there, hence 12 in what is stored.
const (
	MaxInput  = 1280 // pixels: a caller need hand in no picture that is wider or higher
	MaxWidth  = 480  // pixels of a stored picture
	MaxHeight = 480  // the same

	maxArea      = 480 * 360   // pixels of a stored picture
	trusted      = 16          // pixels of the work picture
	workRatio    = 4.0 / 3     // of the work picture to the stored one
	maxInputSide = 8192        // pixels
	maxInputArea = 7680 * 4320 // pixels: 8K UHD
	finest       = 3           // a larger input is read in a copy of at most so many times the work picture
)

func checkSize(w, h int) error {
	if w <= 0 || h <= 0 || w > maxInputSide || h > maxInputSide || w*h > maxInputArea {
		return fmt.Errorf("%w: %dx%d", ErrTooLarge, w, h)
	}
	return nil
}

// storedSize is the largest size of the shape w:h within the bounds of a stored picture, never larger than w x h.
func storedSize(w, h int) (int, int) {
	f := min(1, MaxWidth/float64(w), MaxHeight/float64(h), math.Sqrt(maxArea/float64(w*h)))
	return max(1, int(math.Round(f*float64(w)))), max(1, int(math.Round(f*float64(h))))
}

// workPicture copies img into the size in which faces are looked for. What is transparent becomes black: an alpha channel would
// be a second picture, at which the finder does not look.
func workPicture(img image.Image) (*image.RGBA, error) {
	b := img.Bounds()
	if err := checkSize(b.Dx(), b.Dy()); err != nil {
		return nil, err
	}
	w, h := storedSize(b.Dx(), b.Dy())
	w, h = int(math.Ceil(workRatio*float64(w))), int(math.Ceil(workRatio*float64(h)))
	n := min(finest, max(1, b.Dx()/w))
	work := mean(scaled(img, n*w, n*h), n)
	for i := 3; i < len(work.Pix); i += 4 {
		work.Pix[i] = 255
	}
	return work, nil
}

// scaled copies img to the size w x h.
func scaled(img image.Image, w, h int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	if b := img.Bounds(); b.Dx() == w && b.Dy() == h {
		draw.Draw(out, out.Rect, img, b.Min, draw.Src)
	} else {
		draw.ApproxBiLinear.Scale(out, out.Rect, img, b, draw.Src, nil)
	}
	return out
}

// mean returns img at 1/n of its size, each pixel the mean of n x n.
func mean(img *image.RGBA, n int) *image.RGBA {
	if n == 1 {
		return img
	}
	w, h := img.Rect.Dx()/n, img.Rect.Dy()/n
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		dst := out.Pix[y*out.Stride:]
		for x := range w {
			var r, g, b int
			for dy := range n {
				src := img.Pix[(y*n+dy)*img.Stride+4*x*n:][:4*n]
				for i := 0; i < len(src); i += 4 {
					r, g, b = r+int(src[i]), g+int(src[i+1]), b+int(src[i+2])
				}
			}
			dst[4*x], dst[4*x+1], dst[4*x+2], dst[4*x+3] = byte(r/(n*n)), byte(g/(n*n)), byte(b/(n*n)), 255
		}
	}
	return out
}

// grey is the luma of img (ITU-R BT.601).
func grey(img *image.RGBA) *image.Gray {
	out := image.NewGray(img.Bounds())
	for i := range out.Pix {
		p := img.Pix[4*i : 4*i+3]
		out.Pix[i] = byte((299*int(p[0]) + 587*int(p[1]) + 114*int(p[2])) / 1000)
	}
	return out
}
