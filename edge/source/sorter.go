package source

// Sorter judges the pictures of one stream by their NAL units, without decoding. It keeps the parameter sets, passes on slices
// and nothing else, and is for one goroutine.
type Sorter struct {
	codec    Codec
	sets     parameterSets
	recovery *recoveryPoint // came in a unit of its own before its picture
}

// NewSorter makes one. The sets are those that were told outside of the stream; empty ones are left out.
func NewSorter(c Codec, sets ...[]byte) *Sorter {
	s := &Sorter{codec: c, sets: parameterSets{codec: c}}
	for _, set := range sets {
		if kind := KindOf(c, set); kind >= VideoSet {
			s.sets.put(kind, set)
		}
	}
	return s
}

// Picture is what the NAL units of an access unit hold.
type Picture struct {
	Slices  [][]byte // empty: no picture
	Whole   bool     // its first slice is there
	Key     bool     // decodes without history
	Refresh bool     // decoding may begin here all the same: there is a recovery point
	Sets    bool     // the parameter sets that it needs are known

	first    sliceHead
	field    bool // one field of a frame, and the other is not among the slices
	recovery *recoveryPoint
}

// Sort reads the NAL units of one access unit, in their order. It keeps neither nalus nor the slice itself.
func (s *Sorter) Sort(nalus [][]byte) Picture {
	if s.codec == MJPEG {
		return sortJPEG(nalus)
	}
	var p Picture
	intra := true // all slices of the first field are I slices
	for _, nalu := range nalus {
		switch kind := KindOf(s.codec, nalu); kind {
		case Slice, KeySlice:
			intra = s.slice(&p, nalu) && intra
			p.Key = p.Key || kind == KeySlice
		case VideoSet, SequenceSet, PictureSet:
			s.sets.put(kind, nalu)
		case Message:
			if r, ok := findRecovery(s.codec, nalu); ok {
				s.recovery = &r
			}
		}
	}
	if len(p.Slices) > 0 {
		p.recovery, s.recovery = s.recovery, nil
		s.judge(&p, intra)
	}
	return p
}

func sortJPEG(nalus [][]byte) (p Picture) {
	if len(nalus) == 0 {
		return p
	}
	if clean, ok := CleanJPEG(nalus[0]); ok {
		p = Picture{Slices: [][]byte{clean}, Whole: true, Key: true, Sets: true}
	}
	return p
}

// slice adds one and says whether it leaves open that the first field is intra coded throughout.
func (s *Sorter) slice(p *Picture, nalu []byte) bool {
	p.Slices = append(p.Slices, nalu)
	first := len(p.Slices) == 1
	if s.codec == H265 {
		if first {
			id, ok := setOf265(nalu)
			p.Whole, p.Sets = FirstSlice(H265, nalu), ok && s.sets.complete(id)
		}
		return false
	}
	h, ok := headOf(nalu, s.sets.sequenceOf)
	switch {
	case first:
		p.Whole, p.Sets = FirstSlice(H264, nalu), ok && s.sets.complete(h.sets)
		p.first, p.field = h, h.known && h.field
	case ok && p.first.field && h.bottom != p.first.bottom:
		p.field = false // the other field is here, too
		return true
	}
	return ok && h.intra
}

// judge finds out whether decoding may begin with a picture that is no IDR picture. An intra picture to which a recovery point
// says that nothing before it matters is a keyframe; so is one of a stream with a single reference picture, as cameras have:
// what follows cannot refer past it.
func (s *Sorter) judge(p *Picture, intra bool) {
	switch {
	case p.Key:
	case p.recovery != nil:
		p.Key = s.codec == H264 && intra && p.recovery.count == 0
		p.Refresh = !p.Key
	case s.codec == H264 && intra:
		seq := s.sets.sequenceOf(p.first.sets)
		p.Key = p.first.reference && seq != nil && seq.references <= 1
		p.Refresh = !p.Key
		if p.Key {
			p.recovery = &recoveryPoint{exact: true} // so that a decoder begins here
		}
	}
}

// Units are the NAL units that a decoder wants: where decoding may begin, the parameter sets in force and the bare recovery
// point stand before the slices.
func (s *Sorter) Units(p Picture) [][]byte {
	if !p.Key && !p.Refresh {
		return p.Slices
	}
	out := s.sets.units()
	if p.recovery != nil {
		out = append(out, p.recovery.nalu(s.codec))
	}
	return append(out, p.Slices...)
}

// Fields joins the two fields of an H.264 frame that came as access units of their own (clause 3.30, complementary fields), so
// that a keyframe of an I and a P field decodes alone. It holds back at most one field.
type Fields struct {
	held bool
	unit AccessUnit
	pic  Picture
}

// Add takes the next unit and what it holds, and returns those that are complete, in their order.
func (f *Fields) Add(u AccessUnit, p Picture) []AccessUnit {
	if f.held && f.pic.complements(p) {
		f.unit.NALUs = append(f.unit.NALUs, p.Slices...)
		f.held = false
		return []AccessUnit{f.unit}
	}
	out := f.Flush()
	if p.field {
		f.held, f.unit, f.pic = true, u, p
		return out
	}
	return append(out, u)
}

// Flush returns the field that is held back, if there is one.
func (f *Fields) Flush() []AccessUnit {
	if !f.held {
		return nil
	}
	f.held = false
	return []AccessUnit{f.unit}
}

// Drop forgets the field that is held back.
func (f *Fields) Drop() { f.held = false }

func (p Picture) complements(q Picture) bool {
	return q.field && p.first.frameNum == q.first.frameNum && p.first.bottom != q.first.bottom &&
		p.first.reference == q.first.reference && !isIDR(q)
}

func isIDR(p Picture) bool { return p.Slices[0][0]&0x1f == 5 }
