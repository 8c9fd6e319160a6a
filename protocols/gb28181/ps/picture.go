package ps

import (
	"bytes"
	"encoding/binary"
)

// streams reads a program stream map (2.5.4): which coding the video has.
func (r *Reader) streams(b []byte) {
	if len(b) < 4 {
		return
	}
	info := 4 + int(binary.BigEndian.Uint16(b[2:]))
	if len(b) < info+2 {
		return
	}
	entries := b[info+2:]
	entries = entries[:min(len(entries), int(binary.BigEndian.Uint16(b[info:])))]
	for len(entries) >= 4 {
		if id := entries[1]; id >= firstVideoID && id <= lastVideoID {
			r.codecIs(codecOf(entries[0]))
		}
		entries = entries[min(len(entries), 4+int(binary.BigEndian.Uint16(entries[2:]))):]
	}
}

func codecOf(streamType byte) Codec {
	switch streamType {
	case typeH264:
		return H264
	case typeH265:
		return H265
	}
	return Other
}

// codecIs notes the coding; a picture that was under way is of the one before.
func (r *Reader) codecIs(c Codec) {
	if c != r.codec {
		r.finish()
		r.codec = c
	}
}

// video takes a packet of video from behind its length (2.4.3.6): flags, time stamps, bytes.
func (r *Reader) video(b []byte) {
	if len(b) < 3 || b[0]>>6 != 2 || len(b) < 3+int(b[2]) {
		r.picture.Broken = r.picture.Broken || len(r.data) > 0
		return
	}
	header, data := b[3:3+int(b[2])], b[3+int(b[2]):]
	if pts, ok := stamp(b[1], header); ok {
		if len(r.data) > 0 && (!r.picture.Timed || pts != r.picture.PTS) {
			data = r.next(data)
		}
		r.picture.PTS, r.picture.Timed = pts, true
	}
	r.picture.Broken = r.picture.Broken || r.lost
	r.append(data)
}

// next ends the picture under way where another begins in data, and returns that one's bytes: a time stamp is that of the first picture
// that begins in its packet (2.4.3.7), and some writers fill packets without regard to pictures.
func (r *Reader) next(data []byte) []byte {
	kept := bytes.TrimRight(r.data, "\x00")
	kept = r.data[:max(len(kept), len(r.data)-3)] // a start code may have begun in the packet before
	both := append(bytes.Clone(r.data[len(kept):]), data...)
	if r.codec == Unknown {
		r.codec = guess(split(r.data))
	}
	at := pictureStart(r.codec, both)
	r.data = kept
	r.append(both[:at])
	r.finish()
	return both[at:]
}

// pictureStart is where the first picture begins in b, whose first bytes may be of another one. If none is seen to begin, it is all of b
// that begins with a start code, and else where one may have begun.
func pictureStart(c Codec, b []byte) int {
	for at := 0; ; at += 3 {
		i := bytes.Index(b[at:], []byte{0, 0, 1})
		if i < 0 {
			break
		}
		at += i
		if slice, first := sliceOf(c, b[at+3:]); !slice || first {
			return at
		}
	}
	if bytes.HasPrefix(b, []byte{0, 0, 1}) || bytes.HasPrefix(b, []byte{0, 0, 0, 1}) {
		return 0
	}
	return max(len(bytes.TrimRight(b, "\x00")), len(b)-3)
}

// stamp reads a presentation time stamp (2.4.3.7).
func stamp(flags byte, header []byte) (pts uint64, ok bool) {
	if flags>>7 == 0 || len(header) < 5 {
		return 0, false
	}
	b := header
	return uint64(b[0]>>1&7)<<30 | uint64(b[1])<<22 | uint64(b[2]>>1)<<15 | uint64(b[3])<<7 | uint64(b[4]>>1), true
}

// append adds bytes to the picture under way. One that outgrows the bound is given as broken, without what is too much.
func (r *Reader) append(b []byte) {
	if len(r.data)+len(b) > MaxPicture {
		r.picture.Broken = true
		return
	}
	r.data = append(r.data, b...)
}

// finish gives the picture under way.
func (r *Reader) finish() {
	p, data := r.picture, r.data
	r.picture, r.data = Picture{}, nil
	if len(data) == 0 {
		return
	}
	p.NALUs = split(data)
	if len(p.NALUs) == 0 {
		return
	}
	if r.codec == Unknown {
		r.codec = guess(p.NALUs)
	}
	p.Codec = r.codec
	for nalus := p.NALUs; len(nalus) > 0; {
		n := firstPicture(p.Codec, nalus)
		p.NALUs, nalus = nalus[:n:n], nalus[n:]
		r.out(p)
		p.Timed = false // the stamp is that of the first
	}
}

// firstPicture is how many NAL units the first of the pictures has that came under one time stamp: up to the first slice of another
// one, and what stands before that.
func firstPicture(c Codec, nalus [][]byte) int {
	end := 0 // behind the last slice
	for i, n := range nalus {
		slice, first := sliceOf(c, n)
		switch {
		case slice && first && end > 0:
			return end
		case slice:
			end = i + 1
		}
	}
	return len(nalus)
}

// sliceOf says whether a NAL unit is a slice, and whether the first of its picture: first_mb_in_slice is 0 (H.264, 7.3.3), or
// first_slice_segment_in_pic_flag is set (H.265, 7.3.6.1).
func sliceOf(c Codec, n []byte) (slice, first bool) {
	switch {
	case c == H264 && len(n) > 1:
		typ := n[0] & 0x1f
		return typ == 1 || typ == 2 || typ == 5, n[1]&0x80 != 0
	case c == H265 && len(n) > 2:
		return n[0]>>1&0x3f < 32, n[2]&0x80 != 0
	}
	return false, false
}

// split cuts a picture at its start codes (ITU-T H.264 annex B).
func split(data []byte) (nalus [][]byte) {
	code := []byte{0, 0, 1}
	at := bytes.Index(data, code)
	for at >= 0 && len(nalus) < maxNALUs {
		rest := data[at+3:]
		end := bytes.Index(rest, code)
		unit := rest
		if end >= 0 {
			unit, at = rest[:end], at+3+end
		} else {
			at = -1
		}
		if unit = bytes.TrimRight(unit, "\x00"); len(unit) > 0 {
			nalus = append(nalus, unit)
		}
	}
	return nalus
}

// guess tells the coding of a stream without a map by its parameter sets: their headers have no meaning in the other one.
func guess(nalus [][]byte) Codec {
	for _, n := range nalus {
		switch {
		case len(n) > 2 && n[0] == 0x40 && n[1] == 1, len(n) > 2 && n[0] == 0x42 && n[1] == 1: // VPS or SPS of H.265, layer 0
			return H265
		case n[0]&0x9f == 7: // SPS of H.264
			return H264
		}
	}
	return Unknown
}
