package gate

import (
	"hash/maphash"

	"gridgate/edge/source"
)

// sliceType is how a slice is predicted.
type sliceType uint8

const (
	predicted   sliceType = iota // P, SP
	bipredicted                  // B
	intra                        // I, SI
)

// header is what the gate wants to know of the first slice of a picture.
type header struct {
	slice    sliceType
	qp       int
	unneeded bool // no other picture refers to it
	layer    int  // temporal layer (H.265), 0 elsewhere
	bottom   bool // a bottom field
}

// layers is how many layers are told apart.
const layers = 8

// class is the layer whose pictures are compared with each other.
func (h header) class() int {
	c := 0
	if h.slice == bipredicted {
		c += 4
	}
	if h.layer > 0 || h.bottom {
		c += 2
	}
	if h.unneeded {
		c++
	}
	return c
}

// headers reads slice headers and keeps of the parameter sets in force what that takes.
type headers struct {
	codec source.Codec
	avc   sets264
	hevc  sets265
	seed  maphash.Seed
}

// picture returns the size of a picture in bits, its slices alone, and the header of its first slice; ok is false if there
// is none that can be read.
func (h *headers) picture(u source.AccessUnit) (bits int, first header, ok bool) {
	h.codec = u.Codec
	for _, nalu := range u.NALUs {
		switch h.role(nalu) {
		case isSet:
			h.keep(nalu)
		case isSlice:
			if bits == 0 {
				first, ok = h.slice(nalu)
			}
			bits += 8 * len(nalu)
		}
	}
	return bits, first, ok
}

type role uint8

const (
	isOther role = iota
	isSlice
	isSet
)

// role follows ITU-T H.264 table 7-1 and H.265 table 7-1.
func (h *headers) role(nalu []byte) role {
	if len(nalu) < 3 {
		return isOther
	}
	if h.codec == source.H265 {
		switch t := nalu[0] >> 1 & 0x3f; {
		case t <= 9, t >= 16 && t <= 21:
			return isSlice
		case t == 33, t == 34:
			return isSet
		}
		return isOther
	}
	switch t := nalu[0] & 0x1f; {
	case t >= 1 && t <= 5:
		return isSlice
	case t == 7, t == 8:
		return isSet
	}
	return isOther
}

// maxSet bounds the bytes of a parameter set that is read.
const maxSet = 4096

func (h *headers) keep(nalu []byte) {
	if len(nalu) > maxSet {
		return
	}
	sum := maphash.Bytes(h.seed, nalu)
	if h.codec == source.H265 {
		h.hevc.keep(nalu, sum)
		return
	}
	h.avc.keep(nalu, sum)
}

func (h *headers) slice(nalu []byte) (header, bool) {
	if h.codec == source.H265 {
		return h.hevc.slice(nalu)
	}
	return h.avc.slice(nalu)
}

// held is a parameter set in force, known again by its digest, so that those repeated before each keyframe cost nothing.
type held[T any] struct {
	sum  uint64
	used bool
	set  T
}

// shelf holds parameter sets by their id.
type shelf[T any] []held[T]

func (s shelf[T]) known(sum uint64) bool {
	for i := range s {
		if s[i].used && s[i].sum == sum {
			return true
		}
	}
	return false
}

// put keeps a set and returns the shelf, longer if need be.
func (s shelf[T]) put(id int, sum uint64, set T) shelf[T] {
	for len(s) <= id {
		s = append(s, held[T]{})
	}
	s[id] = held[T]{sum: sum, used: true, set: set}
	return s
}

func (s shelf[T]) get(id int) (*T, bool) {
	if id >= len(s) || !s[id].used {
		return nil, false
	}
	return &s[id].set, true
}
