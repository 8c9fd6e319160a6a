// Package recording is a source that reads a file instead of a camera: MP4 (ISO/IEC 14496-12, plain and fragmented) with an
// H.264, H.265 or MJPEG track, a raw stream in Annex B form, or JPEGs one after another.
//
// In: a path. Out: access units in decoding order with their media time, as fast as they are taken. It passes on
// slices, parameter sets and bare recovery points only, and never plays in real time, never repairs a stream and holds one
// access unit at a time.
package recording

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gridgate/edge/source"
)

// The bounds of a recording. A file beyond them is refused with a reason.
const (
	maxUnit    = 8 << 20         // bytes of one access unit
	maxNALUs   = 4096            // of one access unit
	maxSamples = 30 * 3600 * 48  // of one track: two days at 30 frames/s
	maxIndex   = 256 << 20       // bytes of the index of an MP4 file
	maxRaw     = int64(16) << 30 // bytes of a raw stream
)

// ErrNotVideo says that the file is none of the forms that this package reads; the text says what to do.
var ErrNotVideo = errors.New("not an MP4 file and not a raw H.264, H.265 or MJPEG stream")

// Source reads one file. Fields are set before Run and not changed afterwards.
type Source struct {
	Path  string
	FPS   float64   // frame rate of a raw stream; 0 means what the stream tells, or else 25. MP4 tells its own times
	Start time.Time // becomes At of the first picture
}

var _ source.Source = Source{}

// Run implements [source.Source]: it ends with nil at the end of the file. emit may block; nothing is dropped.
func (s Source) Run(ctx context.Context, emit source.Emit) error {
	f, err := open(s.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	var head [16]byte
	n, err := f.ReadAt(head[:], 0)
	if n < 4 {
		return fmt.Errorf("%w: the file has %d bytes (%v)", ErrNotVideo, n, err)
	}
	send := func(u source.AccessUnit) error {
		u.At = s.Start.Add(u.PTS)
		emit(u)
		return ctx.Err()
	}
	err = s.read(f, head[:n], send)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// open refuses pipes and devices, whose opening may wait for ever.
func open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open recording: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is no regular file", ErrNotVideo, path)
	}
	return os.Open(path)
}

func (s Source) read(f *os.File, head []byte, send func(source.AccessUnit) error) error {
	switch {
	case isMP4(head):
		return readMP4(f, send)
	case isAnnexB(head):
		return readAnnexB(f, rawCodec(s.Path), s.FPS, send)
	case head[0] == 0xFF && head[1] == 0xD8:
		return readMJPEG(f, s.FPS, send)
	}
	return fmt.Errorf("%w: convert it with: ffmpeg -i FILE -c:v libx264 OUT.mp4", ErrNotVideo)
}

func isMP4(head []byte) bool {
	if len(head) < 8 {
		return false
	}
	switch string(head[4:8]) {
	case "ftyp", "moov", "mdat", "free", "skip", "wide", "styp", "moof":
		return true
	}
	return false
}

func isAnnexB(head []byte) bool {
	return head[0] == 0 && head[1] == 0 && (head[2] == 1 || (head[2] == 0 && len(head) > 4 && (head[3] == 1 || head[3] == 0)))
}

// rawCodec tells the codec of a raw stream by the file's name; empty means that the stream must tell.
func rawCodec(path string) source.Codec {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".h265", ".265", ".hevc":
		return source.H265
	case ".h264", ".264", ".avc", ".jsv", ".jvt", ".26l":
		return source.H264
	}
	return ""
}
