package camera

import (
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/source"
	"gridgate/protocols/alert"
)

// maxSkew is how far a camera's clock may be from the edge's to be believed: beyond, one of the two is wrong, and the edge's
// is watched by central.
const maxSkew = time.Second

// moment is when a sample was taken.
type moment struct {
	edge        time.Time // by the edge's clock
	told        time.Time // as alerts tell it, by clock
	clock       alert.Clock
	uncertainty time.Duration // of told, before what the sampling adds
}

// momentOf prefers the camera's clock where it sends one that agrees with the edge's: a picture that the network held up was
// not taken when it came.
func momentOf(f decode.Frame, last source.AccessUnit) moment {
	m := moment{edge: f.At, told: f.At, clock: alert.EdgeClock}
	if last.Captured.IsZero() {
		return m
	}
	skew := last.Captured.Sub(last.At)
	if skew.Abs() > maxSkew {
		return m
	}
	return moment{edge: f.At, told: f.At.Add(skew), clock: alert.CameraClock, uncertainty: skew.Abs()}
}
