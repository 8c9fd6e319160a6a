package gate

// maxHeader bounds how many bytes of a NAL unit are read. Real slice headers have 5 to 60.
const maxHeader = 1024

// reader reads the bits of a NAL unit and leaves out emulation prevention bytes (ITU-T H.264 clause 7.4.1.1, H.265 clause
// 7.4.2). Past the end, or after a code that cannot be, bad is set and every further bit is 0.
type reader struct {
	b     []byte
	at    int  // byte
	left  int  // bits of b[at] not read yet
	zeros int  // zero bytes in a row before at
	bad   bool // nothing read since is to be trusted
}

// newReader begins behind the NAL unit header of skip bytes.
func newReader(nalu []byte, skip int) reader {
	if len(nalu) > maxHeader {
		nalu = nalu[:maxHeader]
	}
	if len(nalu) <= skip {
		return reader{bad: true}
	}
	return reader{b: nalu, at: skip, left: 8}
}

// next moves to the next byte that counts.
func (r *reader) next() {
	if r.b[r.at] == 0 {
		r.zeros++
	} else {
		r.zeros = 0
	}
	r.at, r.left = r.at+1, 8
	if r.zeros >= 2 && r.at < len(r.b) && r.b[r.at] == 3 {
		r.at, r.zeros = r.at+1, 0
	}
}

func (r *reader) bit() uint32 {
	if r.bad || r.at >= len(r.b) {
		r.bad = true
		return 0
	}
	r.left--
	v := uint32(r.b[r.at]>>r.left) & 1
	if r.left == 0 {
		r.next()
	}
	return v
}

func (r *reader) flag() bool { return r.bit() == 1 }

// u is u(n), n at most 32.
func (r *reader) u(n int) uint32 {
	var v uint32
	for range n {
		v = v<<1 | r.bit()
	}
	return v
}

// ue is ue(v) (clause 9.1 of H.264, 9.2 of H.265).
func (r *reader) ue() uint32 {
	zeros := 0
	for r.bit() == 0 {
		if zeros++; r.bad || zeros > 31 {
			r.bad = true
			return 0
		}
	}
	return uint32(1)<<zeros - 1 + r.u(zeros)
}

// se is se(v).
func (r *reader) se() int {
	v := int64(r.ue())
	if v&1 == 1 {
		return int((v + 1) / 2)
	}
	return int(-v / 2)
}

// upTo is ue(v) where the standard allows no more than limit.
func (r *reader) upTo(limit uint32) int {
	v := r.ue()
	if v > limit {
		r.bad = true
		return 0
	}
	return int(v)
}
