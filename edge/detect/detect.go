// Package detect is step 3 of the pipeline: it decides which pictures are worth decoding, and whether one shows something worth
// an observation.
//
// In: coded pictures for a [Chooser], then small luma frames in the order of their time for each [Hook]. Out: [Detection] values:
// closed kinds, boxes and scores, never who. The cascade looks cheaply first, and each step is a sub-package that can be read
// alone:
//
//	gate -> keyframe -> motion (pixels) -> nuisance -> presence, remote (hooks)
//
// view stands beside motion and judges the camera itself (covered, defocused, turned, frozen, black). No step keeps a picture
// beyond its background or raises an alert.
//
// The inner loops over pixels are marked go:norace: under the race detector they would take forty times as long. It still watches
// who hands frames and working planes to them (tileOf of view reads each frame in its sight).
package detect

import (
	"context"
	"time"

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
	// MinDuration is for how long something must be there before it counts; 0 means the detector's default.
	MinDuration time.Duration
	Presence    bool // a visible face counts in it
}

// Detection tells that a kind holds in a zone now. A zone without a detection has nothing to tell.
type Detection struct {
	Kind   alert.Kind
	Zone   string // "" where the kind is about the camera itself
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

// Input is one sample of a stream as a hook gets it.
type Input struct {
	Frame decode.Frame
	Found []Detection // what the pixel step found in this sample; empty for the pixel step itself
	Look  Looker      // to look closer; nil where the hook was not registered for that
	// Keyframes is how many keyframes the connection brought so far, decoded or not; 0 where nobody counts.
	Keyframes uint64
}

// Looker looks closer at the sample of an [Input]. Both calls cost a decoding and are bounded by its queue.
type Looker interface {
	// Picture is the redacted picture: a hook never sees another.
	Picture(ctx context.Context) (decode.Picture, error)
	// Faces is where faces are visible, found inside the decoder's worker.
	Faces(ctx context.Context) ([]decode.Face, error)
}

// Hook is a detector of one stream, called from one goroutine: state without locks. A hook reports only the kinds that it was
// registered for; a verdict that is judged closes those of them that it does not name.
type Hook interface {
	Detect(ctx context.Context, in Input) (Verdict, error)
}

// Arranger is a [Hook] whose zones and masks can be changed while it runs. Arrange may be called from any goroutine, also while Detect
// runs: what is judged next is judged by it. On an error nothing has changed.
type Arranger interface {
	Hook
	Arrange(zones []Zone, masks []Polygon) error
}
