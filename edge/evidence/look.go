package evidence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gridgate/edge/decode"
)

const (
	// lookTimeout bounds the making of one picture of a look, the wait behind everything else included.
	lookTimeout = 15 * time.Second
	// lookStale is how long ago the newest coded picture may have come to be called now.
	lookStale = 5 * time.Second
)

// ErrNoPicture says that a camera has sent nothing of late of which a picture could be made.
var ErrNoPicture = errors.New("the camera sends no pictures now")

// Look makes a redacted picture of what the stream of ring shows now, at most maxWidth pixels wide (0: as pictures of alerts are). It is
// made as those of alerts are, with the same masks, but after them and after every sample of the detector, and it is not stored. What
// cannot be redacted is an error and no picture.
func (m *Maker) Look(ctx context.Context, ring Ring, maxWidth int) (decode.Picture, error) {
	now := m.opt.Now()
	units := lastRun(ring.Window(now))
	last := len(units) - 1
	if last < 0 || now.Sub(units[last].At) > lookStale {
		return decode.Picture{}, ErrNoPicture
	}
	from := begin(units, last)
	if from < 0 {
		return decode.Picture{}, ErrNoPicture
	}
	units = units[from:min(last+1, from+maxUnits)]
	shown := []time.Duration{units[len(units)-1].PTS}
	// Under a name of its own: a picture that kills a worker must not keep the camera from being watched.
	ctx, cancel := context.WithTimeout(decode.WithStream(ctx, m.opt.CameraID+" look"), lookTimeout)
	defer cancel()
	pictures, err := m.opt.Decoder.Pictures(ctx, decode.PictureRequest{Units: units, At: shown, Masks: m.covered(), MaxWidth: maxWidth, Idle: true})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return decode.Picture{}, decode.ErrBusy
	case err != nil:
		return decode.Picture{}, fmt.Errorf("make picture: %w", err)
	case len(pictures) == 0 || len(pictures[0].JPEG) == 0:
		return decode.Picture{}, ErrNoPicture
	}
	return pictures[0], nil
}
