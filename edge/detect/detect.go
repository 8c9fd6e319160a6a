// Package detect is step 3 of the pipeline: it decides whether a picture shows something worth an observation.
//
// In: small luma frames in the order of their time. Out: [Detection] values: closed kinds, boxes and scores, never who.
// Detectors live in sub-packages (motion). A detector does no I/O, keeps no picture beyond its background and raises nothing.
package detect

import (
	"context"

	"gridgate/edge/decode"
	"gridgate/protocols/alert"
)

// Box is a rectangle relative to the picture: 0 to 1, origin top left.
type Box struct{ X, Y, W, H float64 }

// Point is a place relative to the picture: 0 to 1, origin top left.
type Point struct{ X, Y float64 }

// Polygon is a closed outline of at least three points; the last is joined to the first.
type Polygon []Point

// Zone is a named part of the picture. An empty polygon means the whole picture.
type Zone struct {
	Name    string
	Polygon Polygon
	MinArea float64 // smallest region that counts, as a share of the picture; 0 means the detector's default
}

// Detection tells that a kind holds in a zone now. A zone without a detection has nothing to tell.
type Detection struct {
	Kind   alert.Kind
	Zone   string
	Boxes  []Box
	Score  float64 // 0 to 1
	Object alert.Object
}

// Verdict is what one frame said. Judged is false while the detector cannot say (warming up, a whole-frame change): the
// state of every zone then stays what it was.
type Verdict struct {
	Judged     bool
	Detections []Detection
}

// Hook is a detector of one stream, called from one goroutine: state without locks. It returns values and does no I/O of its own.
type Hook interface {
	Detect(ctx context.Context, f decode.Frame) (Verdict, error)
}
