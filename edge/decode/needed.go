package decode

import (
	"time"

	"gridgate/edge/source"
)

// reorderDepth is how many pictures a decoder may hold back before the first comes out, with the usual B pictures.
const reorderDepth = 4

// needed says which units must be decoded, as indices in order: those from the last keyframe that will do to the
// last picture wanted, without those that neither are wanted nor referred to.
func needed(o op, units []source.AccessUnit, at []time.Duration) []int {
	if o == opKeyframe {
		return []int{0}
	}
	wanted := wantedUnits(o, units, at)
	top := topLayer(units)
	var out []int
	last := 0
	for i := firstNeeded(o, units, wanted); i < len(units); i++ {
		if wanted[i] || !disposable(units[i], top) {
			out = append(out, i)
		}
		if wanted[i] {
			last = len(out)
		}
	}
	return out[:last]
}

// wantedUnits marks the units whose pictures are asked for: the newest in decoding order for a sequence, which may be of B
// pictures without end, else those at or before each moment.
func wantedUnits(o op, units []source.AccessUnit, at []time.Duration) []bool {
	wanted := make([]bool, len(units))
	if o == opSequence {
		wanted[len(units)-1] = true
		return wanted
	}
	if len(at) == 0 || o == opFaces {
		at = []time.Duration{1<<63 - 1}
	}
	for _, t := range at {
		wanted[unitAt(units, t)] = true
	}
	return wanted
}

// unitAt is the unit that is shown at t: the latest at or before it, else the earliest.
func unitAt(units []source.AccessUnit, t time.Duration) int {
	best, first := -1, 0
	for i, u := range units {
		if u.PTS <= t && (best < 0 || u.PTS >= units[best].PTS) {
			best = i
		}
		if u.PTS < units[first].PTS {
			first = i
		}
	}
	if best < 0 {
		return first
	}
	return best
}

// firstNeeded is the last keyframe from which every wanted picture can be decoded.
func firstNeeded(o op, units []source.AccessUnit, wanted []bool) int {
	first := 0
	for i, u := range units {
		if u.Key && shownAfter(units, wanted, i) && (o != opSequence || comesOut(units[i:])) {
			first = i
		}
	}
	return first
}

// shownAfter says whether no wanted picture is shown or decoded before unit key.
func shownAfter(units []source.AccessUnit, wanted []bool, key int) bool {
	for i, w := range wanted {
		if w && (i < key || units[i].PTS < units[key].PTS) {
			return false
		}
	}
	return true
}

// comesOut says whether a decoder that begins with units will give a picture: at once if they are in the order of their times.
func comesOut(units []source.AccessUnit) bool {
	if len(units) > reorderDepth {
		return true
	}
	for i := 1; i < len(units); i++ {
		if units[i].PTS < units[i-1].PTS {
			return false
		}
	}
	return true
}

// topLayer is the highest temporal layer among units of H.265.
func topLayer(units []source.AccessUnit) byte {
	top := byte(0)
	for _, u := range units {
		if u.Codec != source.H265 {
			return 0
		}
		for _, n := range u.NALUs {
			if len(n) > 1 {
				top = max(top, n[1]&7)
			}
		}
	}
	return top
}

// disposable says whether no other picture refers to u: nal_ref_idc is 0 (ITU-T H.264, clause 7.4.1), or it is a sub-layer
// non-reference picture (H.265, clause 7.4.2.2) of the highest layer, or a JPEG.
func disposable(u source.AccessUnit, top byte) bool {
	if u.Codec == source.MJPEG {
		return true
	}
	if u.Begins() {
		return false
	}
	slices := 0
	for _, n := range u.NALUs {
		switch refers(u.Codec, n, top) {
		case yes:
			return false
		case no:
			slices++
		}
	}
	return slices > 0
}

type answer int

const (
	silent answer = iota // not about pictures
	yes
	no
)

// refers says whether others may need what is in NAL unit n: a slice of a reference picture, or parameters.
func refers(codec source.Codec, n []byte, top byte) answer {
	if len(n) < 2 {
		return silent
	}
	kind, reference := n[0]&0x1F, n[0]&0x60 != 0
	slice, parameters := kind >= 1 && kind <= 5, kind == 7 || kind == 8
	if codec == source.H265 {
		kind = n[0] >> 1 & 0x3F
		slice, parameters = kind < 32, kind >= 32 && kind <= 34
		reference = kind > 14 || kind%2 != 0 || n[1]&7 != top
	}
	switch {
	case parameters || (slice && reference):
		return yes
	case slice:
		return no
	}
	return silent
}
