package clip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	mp4box "github.com/abema/go-mp4"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/deepch/vdk/av"
	"github.com/deepch/vdk/codec/h264parser"
	"github.com/deepch/vdk/codec/h265parser"
	"github.com/deepch/vdk/format/mp4"

	"gridgate/edge/source"
)

// marshal is a decoder configuration record without the header of its box.
func marshal(record mp4box.IImmutableBox) ([]byte, error) {
	var out bytes.Buffer
	if _, err := mp4box.Marshal(&out, record, mp4box.Context{}); err != nil {
		return nil, fmt.Errorf("write decoder configuration: %w", err)
	}
	return out.Bytes(), nil
}

// codecData describes t to the muxer by values. The library's own way would be to parse the parameter sets, which its parser does
// not survive for all bytes, and which tells 1088 rows of H.265 where 1080 are shown.
func (t *track) codecData() av.CodecData {
	w, h := uint(t.width), uint(t.height)
	if t.codec == source.H265 {
		return h265parser.CodecData{Record: t.record, SPSInfo: h265parser.SPSInfo{Width: w, Height: h}}
	}
	return h264parser.CodecData{Record: t.record, SPSInfo: h264parser.SPSInfo{Width: w, Height: h}}
}

// mux writes t to w as MP4, the pictures first and the index behind them, each byte once.
//
// The muxer gives the last picture no duration: a player ends when it appears.
func mux(ctx context.Context, w io.Writer, t *track) error {
	mdat := int64(8)
	for _, s := range t.samples {
		mdat += int64(s.bytes)
	}
	out := &forward{w: w, mdat: mdat}
	m := mp4.NewMuxer(out)
	if err := m.WriteHeader([]av.CodecData{t.codecData()}); err != nil {
		return fmt.Errorf("write header: %w", err)
	}
	for _, s := range t.samples {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		data, err := h264.AVCC(s.nalus).Marshal() // the same for H.265
		if err != nil {
			return fmt.Errorf("write picture: %w", err)
		}
		if err := m.WritePacket(av.Packet{IsKeyFrame: s.key, Time: s.dts, CompositionTime: s.pts - s.dts, Data: data}); err != nil {
			return fmt.Errorf("write picture: %w", err)
		}
	}
	if err := m.WriteTrailer(); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	return out.check()
}

// forward lets a muxer that goes back write to a writer that cannot. The muxer writes the header of the media data with a size of 0,
// then the data, then goes back to fill in the size, and to the end again for the index. Here the size is known from the start: it is
// put in at once, and what is filled in later must be the same.
type forward struct {
	w       io.Writer
	mdat    int64 // bytes of the media data with its header
	written int64
	patch   bool // at the beginning again
	patched bool
}

var errForward = errors.New("the muxer went where it was not expected")

// Write implements [io.Writer].
func (f *forward) Write(p []byte) (int, error) {
	size := [4]byte{byte(f.mdat >> 24), byte(f.mdat >> 16), byte(f.mdat >> 8), byte(f.mdat)}
	switch {
	case f.patch:
		if f.patched || !bytes.Equal(p, size[:]) {
			return 0, errForward
		}
		f.patched = true
		return len(p), nil
	case f.written == 0:
		if len(p) != 8 {
			return 0, errForward
		}
		p = append(size[:], p[4:]...)
	}
	n, err := f.w.Write(p)
	f.written += int64(n)
	return n, err
}

// Seek implements [io.Seeker] as far as the muxer needs it.
func (f *forward) Seek(offset int64, whence int) (int64, error) {
	switch {
	case offset != 0:
		return 0, errForward
	case whence == io.SeekStart:
		f.patch = true
		return 0, nil
	}
	f.patch = false
	return f.written, nil
}

// check says whether all was written as announced.
func (f *forward) check() error {
	if !f.patched || f.patch || f.written <= f.mdat {
		return errForward
	}
	return nil
}
