package source

// sliceHead is the start of an H.264 slice header (ITU-T H.264 clause 7.3.3), as far as it says to which picture the slice belongs.
type sliceHead struct {
	intra     bool // an I slice
	sets      int  // pic_parameter_set_id
	frameNum  uint32
	field     bool // field_pic_flag: the picture is one of the two fields of a frame
	bottom    bool
	reference bool // others may refer to the picture
	known     bool // frameNum and the fields are known: the parameter sets were
}

// maxHead bounds what is read of a slice: six numbers of at most 65 bits.
const maxHead = 64

// headOf reads a slice of type 1, 2 or 5; ok is false for others and for damage. sps may be nil.
func headOf(nalu []byte, sequenceOf func(pictureSet int) *sequence) (h sliceHead, ok bool) {
	if typ := nalu[0] & 0x1f; typ != 1 && typ != 2 && typ != 5 {
		return h, false
	}
	r := readBits(H264, nalu, maxHead)
	r.ue() // first_mb_in_slice
	typ := r.ue()
	h.sets = int(r.ue())
	h.intra = typ%5 == 2
	h.reference = nalu[0]&0x60 != 0
	if r.err != nil || typ > 9 || h.sets > 255 {
		return h, false
	}
	sps := sequenceOf(h.sets)
	if sps == nil {
		return h, true
	}
	if sps.separatePlanes {
		r.u(2)
	}
	h.frameNum = r.u(sps.frameNumBits)
	if !sps.frameOnly {
		if h.field = r.flag(); h.field {
			h.bottom = r.flag()
		}
	}
	h.known = r.err == nil
	return h, true
}

// setOf265 is the pic_parameter_set_id of an H.265 slice segment (clause 7.3.6.1).
func setOf265(nalu []byte) (id int, ok bool) {
	r := readBits(H265, nalu, 16)
	r.flag() // first_slice_segment_in_pic_flag
	if typ := nalu[0] >> 1 & 0x3f; typ >= 16 && typ <= 23 {
		r.flag() // no_output_of_prior_pics_flag
	}
	id = int(r.ue())
	return id, r.err == nil && id < 64
}
