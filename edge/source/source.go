// Package source is step 1 of the pipeline: it brings the access units of one video stream into the process.
//
// In: an address. Out: [AccessUnit] values through an [Emit], or an error that [StateOf] can name. Implementations live in
// sub-packages (rtsp; recording for files). A source never retries, never decodes and leaves no goroutine behind.
package source

import (
	"context"
	"errors"
	"time"
)

// Codec names a video coding standard.
type Codec string

// The codecs.
const (
	H264 Codec = "h264" // ITU-T H.264
	H265 Codec = "h265" // ITU-T H.265
	// MJPEG: every picture is a JPEG of its own (RFC 2435); its only NAL unit is that JPEG.
	MJPEG Codec = "mjpeg"
)

// AccessUnit is one coded picture.
type AccessUnit struct {
	Codec Codec
	// NALUs are the units of the picture without start codes. Before a keyframe the parameter sets in force are
	// among them, so that a keyframe can be decoded alone. The receiver owns the slices.
	NALUs [][]byte
	Key   bool // decodes without history
	// Refresh: decoding may begin here although the unit is no keyframe; the picture becomes whole over the next moments
	// (recovery point, ITU-T H.264 clause D.2.8 and H.265 clause D.3.8). Cameras that refresh by slices send no keyframe.
	Refresh bool
	PTS     time.Duration // media time since the first unit of this run; with B pictures not in order
	At      time.Time     // when it arrived, edge clock; for a recording: recording start + PTS
	// Captured is the camera's own time of the picture (RTCP sender report, RFC 3550 clause 6.4.1), zero if it tells none.
	Captured time.Time
}

// Begins says whether decoding may begin with u.
func (u AccessUnit) Begins() bool { return u.Key || u.Refresh }

// Bytes is the size of the coded picture.
func (u AccessUnit) Bytes() int {
	n := 0
	for _, nalu := range u.NALUs {
		n += len(nalu)
	}
	return n
}

// Emit takes an access unit. It returns at once and may drop.
type Emit func(AccessUnit)

// Source pulls until ctx ends (nil) or the connection fails (error, wrapping one of the Err values of this package where
// the cause is known). It never retries and leaves no goroutine behind.
type Source interface {
	Run(ctx context.Context, emit Emit) error
}

// State says how a camera is, and why, in a closed list.
type State string

// The states of a camera.
const (
	Connecting  State = "connecting"
	Streaming   State = "streaming"
	AuthFailed  State = "auth-failed"
	Unreachable State = "unreachable"
	NoKeyframe  State = "no-keyframe"
	Stalled     State = "stalled"
	Unsupported State = "unsupported"
)

// The causes of a failed run. Their texts hold neither addresses nor credentials.
var (
	ErrAuth        = errors.New("the camera refused the user name or password")
	ErrUnreachable = errors.New("the camera does not answer")
	ErrNoKeyframe  = errors.New("the stream has no picture at which decoding could begin")
	ErrStalled     = errors.New("the stream stopped sending")
	ErrUnsupported = errors.New("the stream has no video that this edge can decode")
	// ErrCertificate leads to [Unreachable] with this text: nothing was sent to whoever answered.
	ErrCertificate = errors.New("the camera's certificate is not trusted")
)

// StateOf names the state that an error of a run leads to; an unknown error is [Unreachable].
func StateOf(err error) State {
	switch {
	case err == nil:
		return Connecting
	case errors.Is(err, ErrAuth):
		return AuthFailed
	case errors.Is(err, ErrNoKeyframe):
		return NoKeyframe
	case errors.Is(err, ErrStalled):
		return Stalled
	case errors.Is(err, ErrUnsupported):
		return Unsupported
	}
	return Unreachable
}
