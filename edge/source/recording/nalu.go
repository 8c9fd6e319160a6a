package recording

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"gridgate/edge/source"
)

// role is what a NAL unit means for cutting a stream into access units.
type role uint8

const (
	roleOther  role = iota
	roleSlice       // coded picture data
	roleKey         // coded picture data of a keyframe
	rolePrefix      // may only stand before the first slice of its access unit
	roleParams      // a parameter set; also a prefix
)

// describe tells the role of a NAL unit, and for a slice whether it is the first one of its picture.
func describe(c source.Codec, nalu []byte) (r role, first bool) {
	if c == source.H265 {
		return describe265(nalu)
	}
	return describe264(nalu)
}

// describe264 follows ITU-T H.264, 7.4.1.2.3 and 7.4.1.2.4, in the form that holds for streams without arbitrary slice order:
// the first slice of a picture begins at macroblock 0, which Exp-Golomb codes as a leading one bit.
func describe264(nalu []byte) (role, bool) {
	if len(nalu) < 2 {
		return roleOther, false
	}
	switch h264.NALUType(nalu[0] & 0x1F) {
	case h264.NALUTypeIDR:
		return roleKey, nalu[1]&0x80 != 0
	case h264.NALUTypeNonIDR, h264.NALUTypeDataPartitionA:
		if first := nalu[1]&0x80 != 0; first && intraSlice(nalu) {
			return roleKey, true
		}
		return roleSlice, nalu[1]&0x80 != 0
	case h264.NALUTypeDataPartitionB, h264.NALUTypeDataPartitionC:
		return roleSlice, false
	case h264.NALUTypeSPS, h264.NALUTypePPS:
		return roleParams, false
	case h264.NALUTypeAccessUnitDelimiter, h264.NALUTypeSEI:
		return rolePrefix, false
	}
	return roleOther, false
}

// intraSlice says whether the first slice of a picture tells that all its slices are intra coded (slice_type 7).
func intraSlice(nalu []byte) bool {
	return nalu[1]&0x80 != 0 && nalu[1]&0x7F == 0b0001000 // first_mb_in_slice 0, slice_type 7 (ue: 0001000)
}

// describe265 follows ITU-T H.265, 7.4.2.4.4.
func describe265(nalu []byte) (role, bool) {
	if len(nalu) < 3 {
		return roleOther, false
	}
	first := nalu[2]&0x80 != 0
	switch t := h265.NALUType((nalu[0] >> 1) & 0x3F); {
	case t >= h265.NALUType_BLA_W_LP && t <= h265.NALUType_CRA_NUT:
		return roleKey, first
	case t <= h265.NALUType_RSV_VCL_R15:
		return roleSlice, first
	case t >= h265.NALUType_VPS_NUT && t <= h265.NALUType_PPS_NUT:
		return roleParams, false
	case t == h265.NALUType_AUD_NUT || t == h265.NALUType_PREFIX_SEI_NUT:
		return rolePrefix, false
	}
	return roleOther, false
}

// parameters keeps the parameter sets in force, so that every keyframe can be decoded alone.
type parameters struct {
	codec source.Codec
	order []string // in which they were first seen
	sets  map[string][]byte
}

// maxParameterSets bounds how many different parameter sets are kept.
const maxParameterSets = 64

// note keeps the NAL unit if it is a parameter set.
func (p *parameters) note(nalu []byte) {
	if r, _ := describe(p.codec, nalu); r != roleParams {
		return
	}
	id := p.identity(nalu)
	if p.sets == nil {
		p.sets = map[string][]byte{}
	}
	if _, known := p.sets[id]; !known {
		if len(p.order) == maxParameterSets {
			return
		}
		p.order = append(p.order, id)
	}
	p.sets[id] = nalu
}

// identity is the type and the leading bits of a parameter set, in which its number lies: two sets with one number share it
// as a rule; if they do not, the later one still follows the earlier one before a keyframe, and wins in the decoder.
func (p *parameters) identity(nalu []byte) string {
	switch {
	case p.codec == source.H265:
		return string(nalu[:min(3, len(nalu))])
	case h264.NALUType(nalu[0]&0x1F) == h264.NALUTypeSPS:
		return string(nalu[:min(5, len(nalu))])
	}
	return string([]byte{nalu[0] & 0x1F, nalu[1]})
}

// complete puts the parameter sets in force before a keyframe that does not carry its own.
func (p *parameters) complete(nalus [][]byte) [][]byte {
	for _, n := range nalus {
		if r, _ := describe(p.codec, n); r == roleParams {
			return nalus
		}
	}
	out := make([][]byte, 0, len(p.order)+len(nalus))
	for _, id := range p.order {
		out = append(out, p.sets[id])
	}
	return append(out, nalus...)
}
