package gate

import "github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

// Highest ids (ITU-T H.264 clauses 7.4.2.1.1 and 7.4.2.2).
const (
	maxSPS264 = 31
	maxPPS264 = 255
)

// sps264 is what of a sequence parameter set a slice header depends on.
type sps264 struct {
	planes      bool // separate_colour_plane_flag
	chroma      bool // ChromaArrayType is not 0
	frameNum    int  // bits of frame_num
	framesOnly  bool
	order       uint32 // pic_order_cnt_type
	orderBits   int    // bits of pic_order_cnt_lsb
	orderAlways bool   // delta_pic_order_always_zero_flag
}

// pps264 is what of a picture parameter set a slice header depends on.
type pps264 struct {
	sps        int
	cabac      bool
	fieldOrder bool // bottom_field_pic_order_in_frame_present_flag
	refs       [2]int
	weighted   bool
	bipred     uint32
	qp         int // pic_init_qp
	redundant  bool
}

type sets264 struct {
	sps shelf[sps264]
	pps shelf[pps264]
}

func (s *sets264) keep(nalu []byte, sum uint64) {
	if nalu[0]&0x1f == 8 {
		if !s.pps.known(sum) {
			s.keepPPS(nalu, sum)
		}
		return
	}
	if s.sps.known(sum) {
		return
	}
	var p h264.SPS
	if p.Unmarshal(nalu) != nil || p.ID > maxSPS264 || p.Log2MaxFrameNumMinus4 > 12 || p.Log2MaxPicOrderCntLsbMinus4 > 12 {
		return
	}
	s.sps = s.sps.put(int(p.ID), sum, sps264{
		planes: p.SeparateColourPlaneFlag, chroma: hasChroma264(&p),
		frameNum: int(p.Log2MaxFrameNumMinus4) + 4, framesOnly: p.FrameMbsOnlyFlag,
		order: p.PicOrderCntType, orderBits: int(p.Log2MaxPicOrderCntLsbMinus4) + 4, orderAlways: p.DeltaPicOrderAlwaysZeroFlag,
	})
}

// hasChroma264 says whether ChromaArrayType is not 0. Profiles that do not code chroma_format_idc have 4:2:0.
func hasChroma264(p *h264.SPS) bool {
	switch p.ProfileIdc {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		return p.ChromaFormatIdc != 0 && !p.SeparateColourPlaneFlag
	}
	return true
}

// keepPPS follows clause 7.3.2.2.
func (s *sets264) keepPPS(nalu []byte, sum uint64) {
	r := newReader(nalu, 1)
	id := r.upTo(maxPPS264)
	p := pps264{sps: r.upTo(maxSPS264), cabac: r.flag(), fieldOrder: r.flag()}
	if groups := r.upTo(7); groups > 0 {
		skipGroups(&r, groups)
	}
	p.refs = [2]int{r.upTo(31) + 1, r.upTo(31) + 1}
	p.weighted, p.bipred = r.flag(), r.u(2)
	p.qp = 26 + r.se()
	r.se() // pic_init_qs
	r.se() // chroma_qp_index_offset
	r.u(2) // deblocking, constrained intra
	p.redundant = r.flag()
	if !r.bad {
		s.pps = s.pps.put(id, sum, p)
	}
}

// skipGroups leaves out the map of slice groups; groups is num_slice_groups_minus1.
func skipGroups(r *reader, groups int) {
	switch r.upTo(6) {
	case 0:
		for range groups + 1 {
			r.ue()
		}
	case 2:
		for range groups {
			r.ue()
			r.ue()
		}
	case 3, 4, 5:
		r.bit()
		r.ue()
	case 6:
		width := 1
		for 1<<width < groups+1 {
			width++
		}
		for n := r.ue(); n < ^uint32(0) && !r.bad; n-- {
			r.u(width)
		}
	}
}

// slice follows clause 7.3.3 up to slice_qp_delta. nalu has at least three bytes.
func (s *sets264) slice(nalu []byte) (header, bool) {
	typ, ref := nalu[0]&0x1f, nalu[0]>>5&3
	if typ == 3 || typ == 4 { // data partitions B and C have no slice header
		return header{}, false
	}
	r := newReader(nalu, 1)
	r.ue() // first_mb_in_slice
	h := header{slice: type264(r.upTo(9) % 5), unneeded: ref == 0}
	pps, ok := s.pps.get(r.upTo(maxPPS264))
	if !ok || r.bad {
		return header{}, false
	}
	sps, ok := s.sps.get(pps.sps)
	if !ok {
		return header{}, false
	}
	h.bottom = order(&r, sps, pps, typ == 5)
	references(&r, sps, pps, h.slice)
	if ref != 0 {
		marking(&r, typ == 5)
	}
	if pps.cabac && h.slice != intra {
		r.ue() // cabac_init_idc
	}
	h.qp = pps.qp + r.se()
	return h, !r.bad
}

// type264 is slice_type modulo 5 (table 7-6).
func type264(v int) sliceType {
	switch v {
	case 0, 3:
		return predicted
	case 1:
		return bipredicted
	}
	return intra
}

// order reads from colour_plane_id to redundant_pic_cnt and says whether the picture is a bottom field.
func order(r *reader, sps *sps264, pps *pps264, idr bool) (bottom bool) {
	field := false
	if sps.planes {
		r.u(2)
	}
	r.u(sps.frameNum)
	if !sps.framesOnly {
		if field = r.flag(); field {
			bottom = r.flag()
		}
	}
	if idr {
		r.ue() // idr_pic_id
	}
	switch {
	case sps.order == 0:
		r.u(sps.orderBits)
		if pps.fieldOrder && !field {
			r.se()
		}
	case sps.order == 1 && !sps.orderAlways:
		r.se()
		if pps.fieldOrder && !field {
			r.se()
		}
	}
	if pps.redundant {
		r.ue()
	}
	return bottom
}

// references reads from direct_spatial_mv_pred_flag to pred_weight_table.
func references(r *reader, sps *sps264, pps *pps264, slice sliceType) {
	if slice == intra {
		return
	}
	lists := 1
	if slice == bipredicted {
		lists = 2
		r.bit() // direct_spatial_mv_pred_flag
	}
	refs := pps.refs
	if r.flag() {
		for i := range lists {
			refs[i] = r.upTo(31) + 1
		}
	}
	for range lists {
		modification(r)
	}
	if (pps.weighted && slice == predicted) || (pps.bipred == 1 && slice == bipredicted) {
		weights264(r, sps.chroma, refs[:lists])
	}
}

// maxCommands bounds the operations of one list; a list has at most 32 entries.
const maxCommands = 66

// modification follows clause 7.3.3.1 for one list.
func modification(r *reader) {
	if !r.flag() {
		return
	}
	for range maxCommands {
		op := r.upTo(3)
		if op == 3 || r.bad {
			return
		}
		r.ue()
	}
	r.bad = true
}

// weights264 follows clause 7.3.3.2.
func weights264(r *reader, chroma bool, refs []int) {
	r.ue()
	if chroma {
		r.ue()
	}
	for _, n := range refs {
		for range n {
			if r.flag() {
				r.se()
				r.se()
			}
			if chroma && r.flag() {
				r.se()
				r.se()
				r.se()
				r.se()
			}
		}
	}
}

// marking follows clause 7.3.3.3.
func marking(r *reader, idr bool) {
	if idr {
		r.u(2)
		return
	}
	if !r.flag() {
		return
	}
	for range maxCommands {
		switch op := r.upTo(6); {
		case op == 0 || r.bad:
			return
		case op == 3:
			r.ue()
			r.ue()
		case op != 5:
			r.ue()
		}
	}
	r.bad = true
}
