// Package decode is step 2 of the pipeline: it turns coded pictures into a small luma frame for detection, or into a
// redacted JPEG for evidence. Decoding and redaction run in a separate worker process (the same binary re-executed), so
// that a hostile bitstream kills a worker and not the agent, and an unredacted picture never leaves the worker.
//
// In: access units. Out: [Frame] and [Picture] values. It keeps no picture, writes no file and opens no connection.
package decode

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gridgate/edge/source"
	"gridgate/protocols/picture"
)

// FrameWidth and FrameHeight are the size of a [Frame] in pixels, whatever the camera sends (the picture is stretched).
const (
	FrameWidth  = 320
	FrameHeight = 180
)

// Frame is a small grey picture for detection, under the readability cap: no face on it can be told from another.
type Frame struct {
	Luma []byte        // FrameWidth x FrameHeight, row by row, 0 to 255
	PTS  time.Duration // of the access unit that it shows
	At   time.Time
}

// Picture is a redacted JPEG: every face found was pixelated before it was encoded.
type Picture struct {
	JPEG          []byte
	Width, Height int
	Faces         int // how many regions were pixelated
	At            time.Time
}

// ErrNoWorker says that no worker can run here; the text names the package to install.
var ErrNoWorker = errors.New("no decoder worker")

// ErrBadStream says that the units could not be decoded; the worker is fine or was replaced.
var ErrBadStream = errors.New("the stream cannot be decoded")

// ErrForgotten is an [ErrBadStream] that is no damage: the decoder of the stream was let go, or its worker was replaced, and
// the units do not begin a stream.
var ErrForgotten = fmt.Errorf("%w from here on: its decoder was let go", ErrBadStream)

// Decoder is what step 3 and the evidence path need of this package. Implementations are safe for concurrent use and bound their queue.
type Decoder interface {
	// Keyframe decodes one keyframe, statelessly, and returns it small.
	Keyframe(ctx context.Context, unit source.AccessUnit) (Frame, error)
	// Sequence continues the decoder that belongs to stream with units in decoding order and returns the newest picture
	// that came out, ok=false if none did. A unit with Key set starts anew. The decoder of a stream that is not used for
	// a while is dropped; the next call must then begin where decoding may begin (else [ErrForgotten]).
	Sequence(ctx context.Context, stream string, units []source.AccessUnit) (f Frame, ok bool, err error)
	// Pictures decodes units, the first of which begins a stream, and returns redacted pictures of the moments wanted, in
	// their order: fewer where some could not be made, never none without an error. If redaction fails there is no picture.
	Pictures(ctx context.Context, r PictureRequest) ([]Picture, error)
	// Faces decodes units and says where faces are visible in the last picture, outside masks. No pixel leaves the worker.
	Faces(ctx context.Context, units []source.AccessUnit, masks []picture.Mask) ([]Face, error)
}

// MaxPictures bounds the pictures of one request.
const MaxPictures = 8

// PictureRequest says which pictures are wanted.
type PictureRequest struct {
	Units []source.AccessUnit // in decoding order, from one that begins a stream
	At    []time.Duration     // media times, ascending, at most [MaxPictures]; none means the last picture
	Masks []picture.Mask      // covered in each
	// MaxWidth makes pictures narrower than they would be, in pixels; 0, or more than that: as pictures of alerts are.
	MaxWidth int
	// Idle is a request that anything else goes before, and that costs an alert's pictures none of their turns.
	Idle bool
}

// Face is where a face is visible, relative to the picture: 0 to 1, origin top left. It says nothing of whose.
type Face struct {
	X, Y, W, H float64
	Score      float64 // 0 to 1
}
