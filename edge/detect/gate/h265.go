package gate

import (
	"math/bits"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// Highest ids and counts (ITU-T H.265 clauses 7.4.3.2.1, 7.4.3.3.1 and 7.4.8).
const (
	maxSPS265  = 15
	maxPPS265  = 63
	maxRefSets = 64
	maxRefs    = 16
)

// refSet is a short-term reference picture set: the distances of its pictures, and which the current picture uses.
type refSet struct {
	delta []int32
	used  int
}

// sps265 is what of a sequence parameter set a slice header depends on.
type sps265 struct {
	planes    bool
	chroma    bool // ChromaArrayType is not 0
	orderBits int
	refSets   []refSet
	longTerm  bool
	temporal  bool // sps_temporal_mvp_enabled_flag
	sao       bool
}

// pps265 is what of a picture parameter set a slice header depends on.
type pps265 struct {
	sps           int
	output        bool
	extra         int
	cabacInit     bool
	refs          [2]int
	qp            int // 26 + init_qp_minus26
	weighted      bool
	bipred        bool
	modifications bool
}

type sets265 struct {
	sps shelf[sps265]
	pps shelf[pps265]
}

func (s *sets265) keep(nalu []byte, sum uint64) {
	if nalu[0]>>1&0x3f == 34 {
		if !s.pps.known(sum) {
			s.keepPPS(nalu, sum)
		}
		return
	}
	if s.sps.known(sum) {
		return
	}
	var p h265.SPS
	if p.Unmarshal(nalu) != nil || p.ID > maxSPS265 || p.Log2MaxPicOrderCntLsbMinus4 > 12 || len(p.ShortTermRefPicSets) > maxRefSets {
		return
	}
	set := sps265{
		planes: p.SeparateColourPlaneFlag, chroma: p.ChromaFormatIdc != 0 && !p.SeparateColourPlaneFlag,
		orderBits: int(p.Log2MaxPicOrderCntLsbMinus4) + 4, longTerm: p.LongTermRefPicsPresentFlag,
		temporal: p.TemporalMvpEnabledFlag, sao: p.SampleAdaptiveOffsetEnabledFlag,
	}
	for _, r := range p.ShortTermRefPicSets {
		set.refSets = append(set.refSets, newRefSet(r))
	}
	s.sps = s.sps.put(int(p.ID), sum, set)
}

func newRefSet(r *h265.SPS_ShortTermRefPicSet) refSet {
	set := refSet{delta: append(append([]int32(nil), r.DeltaPocS0...), r.DeltaPocS1...)}
	for _, used := range append(append([]bool(nil), r.UsedByCurrPicS0Flag...), r.UsedByCurrPicS1Flag...) {
		if used {
			set.used++
		}
	}
	return set
}

// keepPPS follows clause 7.3.2.3.1 up to lists_modification_present_flag.
func (s *sets265) keepPPS(nalu []byte, sum uint64) {
	r := newReader(nalu, 2)
	id := r.upTo(maxPPS265)
	p := pps265{sps: r.upTo(maxSPS265)}
	r.bit() // dependent_slice_segments_enabled_flag: the first slice segment is never dependent
	p.output, p.extra = r.flag(), int(r.u(3))
	r.bit() // sign_data_hiding_enabled_flag
	p.cabacInit = r.flag()
	p.refs = [2]int{r.upTo(14) + 1, r.upTo(14) + 1}
	p.qp = 26 + r.se()
	r.u(2) // constrained_intra_pred_flag, transform_skip_enabled_flag
	if r.flag() {
		r.ue() // diff_cu_qp_delta_depth
	}
	r.se()
	r.se()
	r.bit() // pps_slice_chroma_qp_offsets_present_flag
	p.weighted, p.bipred = r.flag(), r.flag()
	r.bit() // transquant_bypass_enabled_flag
	skipTiles(&r)
	skipFilters(&r)
	p.modifications = r.flag()
	if !r.bad {
		s.pps = s.pps.put(id, sum, p)
	}
}

func skipTiles(r *reader) {
	tiles := r.flag()
	r.bit() // entropy_coding_sync_enabled_flag
	if !tiles {
		return
	}
	columns, rows := r.upTo(63), r.upTo(63)
	if !r.flag() {
		for range columns + rows {
			r.ue()
		}
	}
	r.bit() // loop_filter_across_tiles_enabled_flag
}

func skipFilters(r *reader) {
	r.bit() // pps_loop_filter_across_slices_enabled_flag
	if r.flag() {
		r.bit() // deblocking_filter_override_enabled_flag
		if !r.flag() {
			r.se()
			r.se()
		}
	}
	if r.flag() {
		skipScalingLists(r)
	}
}

// skipScalingLists follows clause 7.3.4.
func skipScalingLists(r *reader) {
	for size := range 4 {
		step := 1
		if size == 3 {
			step = 3
		}
		for matrix := 0; matrix < 6; matrix += step {
			if !r.flag() {
				r.ue()
				continue
			}
			if size > 1 {
				r.se()
			}
			for range min(64, 1<<(4+2*size)) {
				r.se()
			}
		}
	}
}

// slice follows clause 7.3.6.1 up to slice_qp_delta. nalu has at least three bytes.
func (s *sets265) slice(nalu []byte) (header, bool) {
	typ := nalu[0] >> 1 & 0x3f
	r := newReader(nalu, 2)
	if !r.flag() { // the first slice segment of the picture is missing
		return header{}, false
	}
	if typ >= 16 {
		r.bit() // no_output_of_prior_pics_flag
	}
	pps, ok := s.pps.get(r.upTo(maxPPS265))
	if !ok || r.bad {
		return header{}, false
	}
	sps, ok := s.sps.get(pps.sps)
	if !ok {
		return header{}, false
	}
	r.u(pps.extra)
	h := header{slice: type265(r.upTo(2)), layer: max(0, int(nalu[1]&7)-1), unneeded: typ <= 9 && typ%2 == 0}
	if pps.output {
		r.bit()
	}
	if sps.planes {
		r.u(2)
	}
	total, temporal := 0, false
	if typ != 19 && typ != 20 { // IDR
		total, temporal = pictures(&r, sps)
	}
	if sps.sao {
		r.bit()
		if sps.chroma {
			r.bit()
		}
	}
	if h.slice != intra {
		prediction(&r, sps, pps, h.slice == bipredicted, total, temporal)
	}
	h.qp = pps.qp + r.se()
	return h, !r.bad
}

// type265 is slice_type (table 7-7).
func type265(v int) sliceType {
	return [3]sliceType{bipredicted, predicted, intra}[v]
}

// pictures reads from slice_pic_order_cnt_lsb to slice_temporal_mvp_enabled_flag and returns NumPicTotalCurr.
func pictures(r *reader, sps *sps265) (total int, temporal bool) {
	r.u(sps.orderBits)
	n := len(sps.refSets)
	switch {
	case !r.flag():
		total = explicitSet(r, sps.refSets)
	case n > 0:
		index := int(r.u(bits.Len(uint(n - 1))))
		if index >= n {
			r.bad = true
			return 0, false
		}
		total = sps.refSets[index].used
	default:
		r.bad = true
	}
	if sps.longTerm {
		for range r.upTo(32) {
			r.u(sps.orderBits)
			if r.flag() {
				total++
			}
			if r.flag() {
				r.ue()
			}
		}
	}
	return total, sps.temporal && r.flag()
}

// explicitSet follows clause 7.3.7 for the set in a slice header and returns how many of its pictures are used.
func explicitSet(r *reader, sets []refSet) (used int) {
	if len(sets) > 0 && r.flag() {
		return predictedSet(r, sets)
	}
	before, after := r.upTo(maxRefs), r.upTo(maxRefs)
	for range before + after {
		r.ue()
		if r.flag() {
			used++
		}
	}
	return used
}

// predictedSet reads a set that is told by its difference from another one (clause 7.4.8).
func predictedSet(r *reader, sets []refSet) (used int) {
	back := r.upTo(uint32(len(sets)-1)) + 1
	sign, abs := r.flag(), int32(r.upTo(1<<15-1)+1)
	if sign {
		abs = -abs
	}
	from := sets[len(sets)-back]
	for i := range len(from.delta) + 1 {
		delta := abs
		if i < len(from.delta) {
			delta += from.delta[i]
		}
		switch {
		case !r.flag():
			r.bit() // use_delta_flag
		case delta != 0:
			used++
		}
	}
	return used
}

// prediction reads from num_ref_idx_active_override_flag to five_minus_max_num_merge_cand.
func prediction(r *reader, sps *sps265, pps *pps265, b bool, total int, temporal bool) {
	lists, refs := 1, pps.refs
	if b {
		lists = 2
	}
	if r.flag() {
		for i := range lists {
			refs[i] = r.upTo(14) + 1
		}
	}
	if pps.modifications && total > 1 {
		for i := range lists {
			if r.flag() {
				entries(r, refs[i], bits.Len(uint(total-1)))
			}
		}
	}
	if b {
		r.bit() // mvd_l1_zero_flag
	}
	if pps.cabacInit {
		r.bit()
	}
	if temporal {
		list := 0
		if b && !r.flag() {
			list = 1
		}
		if refs[list] > 1 {
			r.ue() // collocated_ref_idx
		}
	}
	if (pps.weighted && !b) || (pps.bipred && b) {
		weights265(r, sps.chroma, refs[:lists])
	}
	r.upTo(4) // five_minus_max_num_merge_cand
}

func entries(r *reader, n, width int) {
	for range n {
		r.u(width)
	}
}

// weights265 follows clause 7.3.6.3, for streams in which no picture refers to itself.
func weights265(r *reader, chroma bool, refs []int) {
	r.ue()
	if chroma {
		r.se()
	}
	for _, n := range refs {
		luma, colour := r.u(n), uint32(0)
		if chroma {
			colour = r.u(n)
		}
		for range bits.OnesCount32(luma) {
			r.se()
			r.se()
		}
		for range bits.OnesCount32(colour) {
			r.se()
			r.se()
			r.se()
			r.se()
		}
	}
}
