package rtsp

import "gridgate/edge/source"

// naluKind is all that this package wants to know of a NAL unit. Anything else, such as supplemental information in which
// vendors put their own data, is not passed on.
type naluKind int

const (
	otherNALU naluKind = iota
	slice
	keySlice
	videoSet    // VPS
	sequenceSet // SPS
	pictureSet  // PPS
)

// syntax reads the header of a NAL unit, which is never empty.
type syntax interface {
	codec() source.Codec
	kind(nalu []byte) naluKind
	// first says whether a slice is the first of its picture.
	first(nalu []byte) bool
	header() int // bytes of the NAL unit header
}

// h264Syntax: ITU-T H.264 table 7-1 and clause 7.3.3, where a slice begins with first_mb_in_slice as ue(v): 0 is the bit 1.
type h264Syntax struct{}

func (h264Syntax) codec() source.Codec    { return source.H264 }
func (h264Syntax) header() int            { return 1 }
func (h264Syntax) first(nalu []byte) bool { return len(nalu) > 1 && nalu[1]&0x80 != 0 }

func (h264Syntax) kind(nalu []byte) naluKind {
	switch nalu[0] & 0x1f {
	case 1, 2, 3, 4:
		return slice
	case 5:
		return keySlice
	case 7:
		return sequenceSet
	case 8:
		return pictureSet
	}
	return otherNALU
}

// h265Syntax: ITU-T H.265 table 7-1 and clause 7.3.6.1, where a slice segment begins with first_slice_segment_in_pic_flag.
type h265Syntax struct{}

func (h265Syntax) codec() source.Codec    { return source.H265 }
func (h265Syntax) header() int            { return 2 }
func (h265Syntax) first(nalu []byte) bool { return len(nalu) > 2 && nalu[2]&0x80 != 0 }

func (h265Syntax) kind(nalu []byte) naluKind {
	switch typ := nalu[0] >> 1 & 0x3f; {
	case typ >= 16 && typ <= 21: // BLA, IDR, CRA
		return keySlice
	case typ <= 9:
		return slice
	case typ == 32:
		return videoSet
	case typ == 33:
		return sequenceSet
	case typ == 34:
		return pictureSet
	}
	return otherNALU
}
