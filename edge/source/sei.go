package source

import "github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

// recoveryPoint is the message of that name (ITU-T H.264 clause D.2.8, H.265 clause D.3.8): decoding may begin here, and is
// right after count pictures.
type recoveryPoint struct {
	count  int32 // H.264: frames (recovery_frame_cnt, not negative); H.265: picture order count (recovery_poc_cnt)
	exact  bool
	broken bool
}

const (
	recoveryMessage = 6    // payload type in both standards
	maxMessages     = 4096 // bytes of a NAL unit of messages that are looked at
	maxRecovery     = 1 << 16
)

// findRecovery looks for a recovery point among the messages of a NAL unit. All others are skipped unread.
func findRecovery(c Codec, nalu []byte) (p recoveryPoint, found bool) {
	n := headerSize(c)
	if len(nalu) <= n {
		return p, false
	}
	b := h264.EmulationPreventionRemove(nalu[n:min(len(nalu), n+maxMessages)])
	for len(b) > 2 {
		var typ, size int
		if typ, b = varByte(b); len(b) == 0 {
			break
		}
		if size, b = varByte(b); size > len(b) {
			break
		}
		if typ == recoveryMessage {
			return readRecovery(c, b[:size])
		}
		b = b[size:]
	}
	return p, false
}

// varByte reads a payload type or size: bytes of 255 and a last one are added up.
func varByte(b []byte) (v int, rest []byte) {
	for len(b) > 0 {
		last := b[0]
		v, b = v+int(last), b[1:]
		if last != 255 {
			break
		}
	}
	return v, b
}

func readRecovery(c Codec, payload []byte) (p recoveryPoint, ok bool) {
	r := bitReader{b: payload}
	v := r.ue()
	p.count = int32(min(v, 2*maxRecovery))
	if c == H265 { // se(v), clause 9.2.2
		p.count = -int32(min(v, 2*maxRecovery) / 2)
		if v%2 == 1 {
			p.count = int32(min(v, 2*maxRecovery)/2) + 1
		}
	}
	p.exact, p.broken = r.flag(), r.flag()
	return p, r.err == nil && p.count <= maxRecovery && p.count >= -maxRecovery
}

// nalu writes p as a NAL unit that holds nothing else: a decoder wants to see it, a vendor's other messages go no further.
func (p recoveryPoint) nalu(c Codec) []byte {
	var w bitWriter
	if c == H265 {
		w.se(p.count)
	} else {
		w.ue(uint32(p.count))
	}
	w.flag(p.exact)
	w.flag(p.broken)
	if c != H265 {
		w.u(0, 2) // changing_slice_group_idc
	}
	payload := w.end()
	out := []byte{0x06}
	if c == H265 {
		out = []byte{39 << 1, 1}
	}
	body := append([]byte{recoveryMessage, byte(len(payload))}, payload...)
	return append(out, escape(append(body, 0x80))...)
}

// bitWriter appends bits; what it writes is a few bytes long.
type bitWriter struct {
	b    []byte
	used int // bits of the last byte
}

func (w *bitWriter) u(v uint32, n int) {
	for n--; n >= 0; n-- {
		if w.used%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[len(w.b)-1] |= byte(v>>n&1) << (7 - w.used%8)
		w.used++
	}
}

func (w *bitWriter) flag(v bool) {
	if v {
		w.u(1, 1)
		return
	}
	w.u(0, 1)
}

// ue writes v, below 2^31, as ue(v) (H.264 clause 9.1).
func (w *bitWriter) ue(v uint32) {
	n := 0
	for (v+1)>>n > 1 {
		n++
	}
	w.u(0, n)
	w.u(v+1, n+1)
}

func (w *bitWriter) se(v int32) {
	if v > 0 {
		w.ue(uint32(2*v - 1))
		return
	}
	w.ue(uint32(-2 * v))
}

// end fills the last byte as a message's payload wants it: a one and zeros.
func (w *bitWriter) end() []byte {
	if w.used%8 != 0 {
		w.u(1, 1)
	}
	return w.b
}

// escape puts in emulation prevention bytes (H.264 clause 7.4.1).
func escape(b []byte) []byte {
	out := make([]byte, 0, len(b)+4)
	zeros := 0
	for _, v := range b {
		if zeros == 2 && v <= 3 {
			out, zeros = append(out, 3), 0
		}
		out = append(out, v)
		if v == 0 {
			zeros++
		} else {
			zeros = 0
		}
	}
	return out
}
