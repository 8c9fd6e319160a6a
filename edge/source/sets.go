package source

import (
	"bytes"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// Limits of the parameter sets that are kept for a stream.
const (
	maxSet  = 4096 // bytes of one
	maxSets = 64   // of each kind
)

// parameterSets are those in force, by their ids.
type parameterSets struct {
	codec Codec
	list  []parameterSet
}

type parameterSet struct {
	kind   Kind
	id     int
	refers int // the id of the sequence set that a picture set refers to
	nalu   []byte
	seq    *sequence // of a sequence set that could be read
}

// sequence is what a sequence parameter set tells.
type sequence struct {
	width, height  int
	fps            float64 // 0 where it tells none
	references     int     // H.264 max_num_ref_frames
	frameNumBits   int     // H.264 log2_max_frame_num
	frameOnly      bool    // H.264 frame_mbs_only_flag
	separatePlanes bool    // H.264 separate_colour_plane_flag
}

// put keeps one set. As in a decoder, a changed sequence set makes the picture sets void that referred to the old one.
func (p *parameterSets) put(kind Kind, nalu []byte) {
	if len(nalu) > maxSet {
		return
	}
	at := slices.IndexFunc(p.list, func(s parameterSet) bool { return s.kind == kind && bytes.Equal(s.nalu, nalu) })
	if at >= 0 {
		return
	}
	set := parameterSet{kind: kind, nalu: bytes.Clone(nalu)}
	if !set.read(p.codec) {
		return
	}
	at = slices.IndexFunc(p.list, func(s parameterSet) bool { return s.kind == kind && s.id == set.id })
	switch {
	case at >= 0:
		p.list[at] = set
	case p.count(kind) < maxSets:
		p.list = append(p.list, set)
	}
	if kind == SequenceSet {
		p.list = slices.DeleteFunc(p.list, func(s parameterSet) bool { return at >= 0 && s.kind == PictureSet && s.refers == set.id })
	}
}

func (p *parameterSets) count(kind Kind) (n int) {
	for _, s := range p.list {
		if s.kind == kind {
			n++
		}
	}
	return n
}

// read finds the ids of a set; one without is of no use.
func (s *parameterSet) read(c Codec) bool {
	r := readBits(c, s.nalu, maxSet)
	switch {
	case s.kind == VideoSet:
		s.id = int(r.u(4))
	case s.kind == PictureSet:
		s.id, s.refers = int(r.ue()), int(r.ue())
	case c == H265:
		s.seq = readSequence(c, s.nalu)
		s.id = sequenceID265(r)
	default:
		s.seq = readSequence(c, s.nalu)
		r.u(24) // profile and level
		s.id = int(r.ue())
	}
	return r.err == nil
}

// sequenceID265 skips profile_tier_level (H.265 clause 7.3.3), whose length depends on the sub-layers.
func sequenceID265(r *bitReader) int {
	r.u(4)
	layers := int(r.u(3))
	r.u(1)
	r.skip(88 + 8)
	present := r.u(16 * min(layers, 1))
	for i := range layers {
		if present>>(15-2*i)&1 == 1 {
			r.skip(88)
		}
		if present>>(14-2*i)&1 == 1 {
			r.skip(8)
		}
	}
	return int(r.ue())
}

func (r *bitReader) skip(n int) {
	for ; n > 0; n -= 8 {
		r.u(min(n, 8))
	}
}

// readSequence reads a sequence set with the library's parser; nil if it cannot. Damage never panics: the parser's own panics
// are taken for an error.
func readSequence(c Codec, nalu []byte) (out *sequence) {
	defer func() {
		if recover() != nil {
			out = nil
		}
	}()
	if c == H265 {
		var sps h265.SPS
		if sps.Unmarshal(nalu) != nil {
			return nil
		}
		return &sequence{width: sps.Width(), height: sps.Height(), fps: believable(sps.FPS())}
	}
	var sps h264.SPS
	if sps.Unmarshal(nalu) != nil || sps.Log2MaxFrameNumMinus4 > 12 {
		return nil
	}
	return &sequence{
		width: sps.Width(), height: sps.Height(), fps: believable(sps.FPS()), references: int(sps.MaxNumRefFrames),
		frameNumBits: int(sps.Log2MaxFrameNumMinus4) + 4, frameOnly: sps.FrameMbsOnlyFlag, separatePlanes: sps.SeparateColourPlaneFlag,
	}
}

// FrameRate is the rate that a sequence parameter set tells (video usability information, ITU-T H.264 and H.265 annex E), or 0.
func FrameRate(c Codec, set []byte) float64 {
	if seq := readSequence(c, set); seq != nil {
		return seq.fps
	}
	return 0
}

// believable is fps, or 0 if no camera has such a rate.
func believable(fps float64) float64 {
	if fps >= 1 && fps <= 240 {
		return fps
	}
	return 0
}

// find returns a set, or nil.
func (p *parameterSets) find(kind Kind, id int) *parameterSet {
	for i := range p.list {
		if p.list[i].kind == kind && p.list[i].id == id {
			return &p.list[i]
		}
	}
	return nil
}

// sequenceOf is what the sequence set says that a picture set refers to, or nil.
func (p *parameterSets) sequenceOf(pictureSet int) *sequence {
	pps := p.find(PictureSet, pictureSet)
	if pps == nil {
		return nil
	}
	if sps := p.find(SequenceSet, pps.refers); sps != nil {
		return sps.seq
	}
	return nil
}

// complete says whether all sets are known that a picture with this picture set needs.
func (p *parameterSets) complete(pictureSet int) bool {
	pps := p.find(PictureSet, pictureSet)
	return pps != nil && p.find(SequenceSet, pps.refers) != nil && (p.codec != H265 || p.count(VideoSet) > 0)
}

// units returns copies of the sets in the order in which a decoder wants them.
func (p *parameterSets) units() (out [][]byte) {
	for _, kind := range []Kind{VideoSet, SequenceSet, PictureSet} {
		for _, s := range p.list {
			if s.kind == kind {
				out = append(out, bytes.Clone(s.nalu))
			}
		}
	}
	return out
}
