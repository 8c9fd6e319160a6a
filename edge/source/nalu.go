package source

import (
	"errors"

	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// Kind is all that a source wants to know of a NAL unit (ITU-T H.264 table 7-1, H.265 table 7-1).
type Kind uint8

// The kinds. Only slices and parameter sets are passed on: anything else can hold a vendor's own data.
const (
	Other       Kind = iota
	Delimiter        // access unit delimiter
	Message          // supplemental information (SEI) that stands before the picture
	Slice            // of a picture that refers to others, or may
	KeySlice         // of an IDR picture, or of another at which decoding begins (H.265 BLA, CRA)
	VideoSet         // H.265 video parameter set
	SequenceSet      // sequence parameter set
	PictureSet       // picture parameter set
)

// KindOf reads the header of a NAL unit.
func KindOf(c Codec, nalu []byte) Kind {
	if len(nalu) <= headerSize(c) {
		return Other
	}
	if c == H265 {
		return kind265(nalu[0] >> 1 & 0x3f)
	}
	return kind264(nalu[0] & 0x1f)
}

func kind264(typ byte) Kind {
	switch typ {
	case 1, 2, 3, 4:
		return Slice
	case 5:
		return KeySlice
	case 6:
		return Message
	case 7:
		return SequenceSet
	case 8:
		return PictureSet
	case 9:
		return Delimiter
	}
	return Other
}

func kind265(typ byte) Kind {
	switch {
	case typ >= 16 && typ <= 21: // BLA, IDR, CRA
		return KeySlice
	case typ <= 9:
		return Slice
	case typ == 32:
		return VideoSet
	case typ == 33:
		return SequenceSet
	case typ == 34:
		return PictureSet
	case typ == 35:
		return Delimiter
	case typ == 39:
		return Message
	}
	return Other
}

// FirstSlice says whether a slice is the first of its picture: H.264 clause 7.3.3, where it begins with first_mb_in_slice as
// ue(v), of which 0 is the bit 1; H.265 clause 7.3.6.1, where it begins with first_slice_segment_in_pic_flag.
func FirstSlice(c Codec, nalu []byte) bool {
	n := headerSize(c)
	return len(nalu) > n && nalu[n]&0x80 != 0
}

// headerSize is the size of a NAL unit header in bytes.
func headerSize(c Codec) int {
	if c == H265 {
		return 2
	}
	return 1
}

var errShort = errors.New("too few bits")

// bitReader reads the start of a NAL unit's payload. After the first error it returns zeros.
type bitReader struct {
	b   []byte
	pos int
	err error
}

// readBits takes what follows the header, at most limit bytes of it, without the emulation prevention bytes.
func readBits(c Codec, nalu []byte, limit int) *bitReader {
	n := headerSize(c)
	if len(nalu) <= n {
		return &bitReader{err: errShort}
	}
	return &bitReader{b: h264.EmulationPreventionRemove(nalu[n:min(len(nalu), n+limit)])}
}

func (r *bitReader) u(n int) uint32 {
	if r.err != nil || n == 0 {
		return 0
	}
	var v uint64
	v, r.err = bits.ReadBits(r.b, &r.pos, n)
	return uint32(v)
}

func (r *bitReader) flag() bool { return r.u(1) == 1 }

func (r *bitReader) ue() uint32 {
	if r.err != nil {
		return 0
	}
	var v uint32
	v, r.err = bits.ReadGolombUnsigned(r.b, &r.pos)
	return v
}
