// Package ps takes video out of MPEG program streams, as GB/T 28181 devices send them over RTP (GB/T 28181-2022 annex C;
// ISO/IEC 13818-1, clause 2.5).
//
// In: the bytes of a stream in any pieces, and word of what is missing. Out: coded pictures as NAL units, with their time stamps. Sound and
// private data (a vendor's own, which may hold anything) are skipped unread. It keeps at most one picture, never panics whatever the
// bytes, and does not decode.
package ps

import (
	"bytes"
	"encoding/binary"
	"time"
)

// Codec names the coding of the video.
type Codec string

// The codecs, and none that is known.
const (
	Unknown Codec = ""
	H264    Codec = "h264"
	H265    Codec = "h265"
	// Other is a coding that is not read, for example SVAC (GB/T 25724).
	Other Codec = "other"
)

// Picture is a coded picture.
type Picture struct {
	Codec Codec
	NALUs [][]byte // without start codes; the receiver owns them
	// PTS is the presentation time stamp in ticks of 90 kHz, of 33 bits (2.4.3.7); Timed: there was one.
	PTS   uint64
	Timed bool
	// Broken: bytes of it are missing.
	Broken bool
}

// Since is the time from one stamp to another, over the wrap of 33 bits, at most 13 hours either way.
func Since(from, to uint64) time.Duration {
	const wrap = 1 << 33
	d := int64((to - from) & (wrap - 1))
	if d >= wrap/2 {
		d -= wrap
	}
	return time.Duration(d) * time.Second / 90_000
}

// Bounds of one picture.
const (
	MaxPicture = 4 << 20 // bytes
	maxNALUs   = 1024
	maxHeader  = 64 << 10 // bytes that are waited for to complete a header
)

// Start codes (ISO/IEC 13818-1, table 2-18 and clause 2.5.3). The bytes that begin a NAL unit are all below firstID.
const (
	firstID      = 0xB9
	endID        = 0xB9
	packID       = 0xBA
	systemID     = 0xBB
	mapID        = 0xBC
	firstVideoID = 0xE0
	lastVideoID  = 0xEF
)

// Stream types (ISO/IEC 13818-1, table 2-34; GB/T 28181-2022, annex C).
const (
	typeH264 = 0x1B
	typeH265 = 0x24
	typeSVAC = 0x80
)

// Reader takes a stream apart. The zero value is not ready: see [NewReader]. It is for one goroutine.
type Reader struct {
	out func(Picture)

	buf   []byte // what is not taken apart yet
	codec Codec
	lost  bool // bytes are missing before what comes

	open    bool // a video packet without a length is under way: its bytes go on to the next start code
	picture Picture
	data    []byte // of the picture under way
}

// NewReader returns a reader that gives pictures to out, in the order of their decoding.
func NewReader(out func(Picture)) *Reader { return &Reader{out: out} }

// Write takes the next bytes. It keeps none of p, and never fails: what makes no sense is skipped up to the next start code.
func (r *Reader) Write(p []byte) {
	r.buf = append(r.buf, p...)
	for r.step() {
	}
	if len(r.buf) > MaxPicture {
		r.Lost()
	}
	if cap(r.buf) > 2*maxHeader && len(r.buf) < maxHeader/2 {
		r.buf = bytes.Clone(r.buf)
	}
}

// Flush says that a picture is complete: in RTP, that the marker was set or the time stamp changed.
func (r *Reader) Flush() {
	if r.open {
		r.append(r.buf)
		r.buf, r.open = nil, false
	}
	r.finish()
}

// Lost says that bytes are missing here. What is under way is given as broken, and what comes is skipped up to the next start code.
func (r *Reader) Lost() {
	r.picture.Broken = r.picture.Broken || len(r.data) > 0
	if r.open {
		r.append(r.buf)
	}
	r.buf, r.open = nil, false
	r.finish()
	r.lost = true
}

// step takes one thing off the buffer and says whether it could.
func (r *Reader) step() bool {
	if r.open {
		return r.more()
	}
	at := startCode(r.buf)
	if at < 0 {
		r.skip(max(0, len(r.buf)-3)) // a start code may have begun
		return false
	}
	r.skip(at)
	switch id := r.buf[3]; {
	case id == packID:
		return r.pack()
	case id == endID:
		r.finish()
		r.skip(4)
		return true
	default:
		return r.packet(id)
	}
}

func (r *Reader) skip(n int) { r.buf = r.buf[n:] }

// startCode finds a start code of the program stream; what looks like one of the video inside is none.
func startCode(b []byte) int {
	for at := 0; ; at++ {
		i := bytes.Index(b[at:], []byte{0, 0, 1})
		if i < 0 || at+i+3 >= len(b) {
			return -1
		}
		if at += i; b[at+3] >= firstID {
			return at
		}
	}
}

// pack reads a pack header (2.5.3.3), or that of an MPEG-1 stream (ISO/IEC 11172-1), which begins a picture with most devices; a
// picture in several packs has a time stamp in the first one alone.
func (r *Reader) pack() bool {
	if len(r.buf) < 5 {
		return false
	}
	size := 12
	if r.buf[4]>>6 == 1 {
		if len(r.buf) < 14 {
			return false
		}
		size = 14 + int(r.buf[13]&7)
	}
	if len(r.buf) < size {
		return false
	}
	r.lost = false
	r.skip(size)
	return true
}

// packet reads anything with a length: a system header, a map, or a packet of an elementary stream.
func (r *Reader) packet(id byte) bool {
	if len(r.buf) < 6 {
		return false
	}
	length := int(binary.BigEndian.Uint16(r.buf[4:]))
	video := id >= firstVideoID && id <= lastVideoID
	if video && length == 0 {
		return r.endless()
	}
	if len(r.buf) < 6+length {
		return false
	}
	body := r.buf[6 : 6+length]
	switch {
	case video:
		r.video(body)
	case id == mapID:
		r.streams(body)
	}
	r.skip(6 + length)
	return true
}

// endless begins a video packet that goes on to the next start code (2.4.3.7).
func (r *Reader) endless() bool {
	if len(r.buf) < 9 || len(r.buf) < 9+int(r.buf[8]) {
		return false
	}
	size := 9 + int(r.buf[8])
	r.video(r.buf[6:size])
	r.skip(size)
	r.open = true
	return true
}

// more takes the bytes of an endless packet.
func (r *Reader) more() bool {
	at := startCode(r.buf)
	if at < 0 {
		take := max(0, len(r.buf)-3)
		r.append(r.buf[:take])
		r.skip(take)
		return false
	}
	r.append(r.buf[:at])
	r.skip(at)
	r.open = false
	return true
}
