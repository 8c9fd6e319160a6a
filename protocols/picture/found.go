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
	work, err := workPicture(img)
	if err != nil {
		return nil, err
	}
	if err := burn(work, masks); err != nil {
		return nil, err
	}
	var all []window
	r.find.search(grey(work), func(w window, t turn) {
		if t.degrees == 0 && w.quality > 0 && len(all) < maxKept {
			all = append(all, w)
		}
	})
	width, height := float64(work.Rect.Dx()), float64(work.Rect.Dy())
	for _, w := range together(all) {
		if w.quality < presenceQuality {
			continue
		}
		b := boxOf(w, 0, work.Rect)
		found = append(found, Found{
			X: float64(b.X) / width, Y: float64(b.Y) / height, W: float64(b.W) / width, H: float64(b.H) / height,
			Score: min(1, float64(w.quality)/(5*presenceQuality)),
		})
	}
	return found, nil
}
