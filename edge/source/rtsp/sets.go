package rtsp

import (
	"bytes"
	"slices"
)

// Limits of the parameter sets that are kept for a stream.
const (
	maxSet         = 4096 // bytes of one
	maxPictureSets = 16
)

// parameterSets are those in force: the newest video and sequence set, and the picture sets by their id.
type parameterSets struct {
	video, sequence []byte
	pictures        []pictureSetOf
}

type pictureSetOf struct {
	id   byte // pps_pic_parameter_set_id as coded, as far as it lies in the first byte after the header
	nalu []byte
}

// put keeps one set; a new sequence set makes the picture sets that referred to the old one void.
func (p *parameterSets) put(kind naluKind, nalu []byte, header int) {
	if len(nalu) <= header || len(nalu) > maxSet {
		return
	}
	switch kind {
	case videoSet:
		p.video = bytes.Clone(nalu)
	case sequenceSet:
		if p.sequence != nil && !bytes.Equal(p.sequence, nalu) {
			p.pictures = nil
		}
		p.sequence = bytes.Clone(nalu)
	case pictureSet:
		p.putPicture(pictureSetOf{id: nalu[header] & idMask(nalu[header]), nalu: bytes.Clone(nalu)})
	}
}

func (p *parameterSets) putPicture(set pictureSetOf) {
	at := slices.IndexFunc(p.pictures, func(old pictureSetOf) bool { return old.id == set.id })
	switch {
	case at >= 0:
		p.pictures[at] = set
	case len(p.pictures) < maxPictureSets:
		p.pictures = append(p.pictures, set)
	}
}

// idMask covers the ue(v) at the start of b (ITU-T H.264 clause 9.1) as far as it lies in this byte: n zero bits, then n+1 bits.
func idMask(b byte) byte {
	zeros := 0
	for zeros < 8 && b&(0x80>>zeros) == 0 {
		zeros++
	}
	bits := min(8, 2*zeros+1)
	return ^byte(0xff >> bits)
}

// list returns copies of the sets in the order in which a decoder wants them; ok is false while one is missing.
func (p *parameterSets) list(needVideo bool) (sets [][]byte, ok bool) {
	if p.sequence == nil || len(p.pictures) == 0 || (needVideo && p.video == nil) {
		return nil, false
	}
	if p.video != nil {
		sets = append(sets, bytes.Clone(p.video))
	}
	sets = append(sets, bytes.Clone(p.sequence))
	for _, pps := range p.pictures {
		sets = append(sets, bytes.Clone(pps.nalu))
	}
	return sets, true
}
