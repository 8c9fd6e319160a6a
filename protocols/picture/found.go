package picture

import (
	"errors"
	"image"
)

// presenceQuality is the score from which a window counts as a face where a false one would raise an alert.
const presenceQuality = 20

// Found is where a face is visible, relative to the picture: 0 to 1, origin top left. It says nothing of whose.
type Found struct {
	X, Y, W, H float64
	Score      float64 // 0 to 1
}

// Faces says where faces are visible in img outside masks. Unlike [Redactor.Redact] it prefers to miss one.
func (r *Redactor) Faces(img image.Image, masks ...Mask) (found []Found, err error) {
	defer func() {
		if v := recover(); v != nil {
			found, err = nil, errors.New("the face finder failed")
		}
	}()
	small, err := shrink(img)
	if err != nil {
		return nil, err
	}
	if err := burn(small, masks); err != nil {
		return nil, err
	}
	luma := grey(small)
	w, h := luma.Rect.Dx(), luma.Rect.Dy()
	for _, d := range r.find.cascade.ClusterDetections(r.find.scan(luma, minFace, min(w, h), shiftFactor, scaleFactor), overlap) {
		if d.Q < presenceQuality {
			continue
		}
		half := d.Scale / 2
		b := image.Rect(d.Col-half, d.Row-half, d.Col+half, d.Row+half).Intersect(luma.Rect)
		found = append(found, Found{
			X: float64(b.Min.X) / float64(w), Y: float64(b.Min.Y) / float64(h),
			W: float64(b.Dx()) / float64(w), H: float64(b.Dy()) / float64(h),
			Score: float64(min(1, d.Q/(5*presenceQuality))),
		})
	}
	return found, nil
}
