package remote

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"gridgate/edge/detect"
)

// The bounds of an answer.
const (
	maxAnswer      = 1 << 20 // bytes
	maxPredictions = 256
)

var (
	errIdentity = errors.New("its answer tells who somebody is, or of what sort")
	errAnswer   = errors.New("its answer cannot be read")
)

// answer is the shape of DeepStack and CodeProject.AI: boxes in pixels of the picture.
type answer struct {
	Success     *bool            `json:"success"`
	Predictions []jsontext.Value `json:"predictions"`
}

// predicted is one entry of predictions.
type predicted struct {
	Label      string  `json:"label"`
	Confidence float64 `json:"confidence"`
	XMin       float64 `json:"x_min"`
	YMin       float64 `json:"y_min"`
	XMax       float64 `json:"x_max"`
	YMax       float64 `json:"y_max"`
}

// read takes from an answer what is mapped, as predictions relative to a picture of width x height.
func (d *Detector) read(text []byte, width, height int) ([]prediction, error) {
	if who, err := tellsWho(text); err != nil || who {
		return nil, cmp.Or(err, errIdentity)
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, errAnswer // not wrapped: a parser's error repeats what it read
	}
	switch {
	case a.Success != nil && !*a.Success:
		return nil, errors.New("it says that it failed")
	case a.Predictions == nil:
		return nil, fmt.Errorf("%w: it has no predictions", errAnswer)
	case len(a.Predictions) > maxPredictions:
		return nil, fmt.Errorf("%w: more than %d predictions", errAnswer, maxPredictions)
	case width <= 0 || height <= 0:
		return nil, fmt.Errorf("%w: the picture had no size", errAnswer)
	}
	var out []prediction
	for _, entry := range a.Predictions {
		p, ok, err := d.readOne(entry, float64(width), float64(height))
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, p)
		}
	}
	return out, nil
}

// readOne reads one prediction; ok is false if its label is not mapped or its score too low.
func (d *Detector) readOne(entry jsontext.Value, width, height float64) (p prediction, ok bool, err error) {
	var e predicted
	if err := json.Unmarshal(entry, &e); err != nil {
		return prediction{}, false, errAnswer
	}
	if detect.Identity(e.Label) {
		return prediction{}, false, errIdentity
	}
	kind, known := d.opt.Labels[e.Label]
	if !known || !(e.Confidence >= d.opt.MinScore) {
		return prediction{}, false, nil
	}
	box := detect.Box{X: share(e.XMin, width), Y: share(e.YMin, height)}
	box.W, box.H = share(e.XMax, width)-box.X, share(e.YMax, height)-box.Y
	if !(box.W > 0 && box.H > 0) {
		return prediction{}, false, fmt.Errorf("%w: a box is empty", errAnswer)
	}
	return prediction{kind: kind, score: min(e.Confidence, 1), box: box}, true, nil
}

// share is a coordinate relative to the picture, cut at its edges.
func share(v, size float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return min(max(v/size, 0), 1)
}

// tellsWho says whether any name of a member of an answer, at any depth, tells who somebody is or of what sort. Its time grows with
// the answer's length, however deep that is.
func tellsWho(text []byte) (bool, error) {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.ReadToken()
		switch {
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil:
			return false, errAnswer
		case token.Kind() != '"':
			continue
		}
		// In an object, tokens are names and values in turn.
		if in, read := d.StackIndex(d.StackDepth()); in == '{' && read%2 == 1 && detect.Identity(token.String()) {
			return true, nil
		}
	}
}
