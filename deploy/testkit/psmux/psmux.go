// Package psmux writes MPEG program streams as GB/T 28181 devices do, for tests.
//
// In: access units. Out: packs of bytes. It can leave out the map, the lengths and later time stamps, as devices do.
package psmux

import "encoding/binary"

// Muxer says how a device writes. The zero value writes what the standard asks for.
type Muxer struct {
	StreamType byte // of the video; 0: H.264
	NoMap      bool // no program stream map
	MapOnce    bool // one before the first picture only
	Endless    bool // video packets without a length
	MPEG1      bool // pack headers of ISO/IEC 11172-1
	Sound      []byte
	Private    []byte

	begun bool
}

const packetMax = 65_000

// Picture writes one access unit in Annex B form with a time stamp of 90 kHz.
func (m *Muxer) Picture(annexB []byte, pts uint64, key bool) []byte {
	out := m.pack(nil, pts)
	if key && !m.NoMap && (!m.MapOnce || !m.begun) {
		out = append(out, 0, 0, 1, 0xBB, 0, 6, 0x80, 0, 1, 0, 0, 0x7f)
		out = m.streams(out)
	}
	m.begun = true
	if len(m.Private) > 0 {
		out = packet(out, 0xBD, 0, false, m.Private)
	}
	for first := true; len(annexB) > 0; first = false {
		n := min(len(annexB), packetMax)
		if m.Endless {
			n = len(annexB)
		}
		out = m.video(out, pts, first, annexB[:n])
		annexB = annexB[n:]
	}
	if len(m.Sound) > 0 {
		out = packet(out, 0xC0, pts, true, m.Sound)
	}
	return out
}

// Fill writes access units in packets of size bytes without regard to where pictures end, each packet with the time stamp of the first
// picture that begins in it (2.4.3.7).
func (m *Muxer) Fill(annexB [][]byte, first, step uint64, size int) (out []byte) {
	var stream []byte
	var begins []int
	for _, unit := range annexB {
		begins = append(begins, len(stream))
		stream = append(stream, unit...)
	}
	for at, next := 0, 0; at < len(stream); at += size {
		end := min(at+size, len(stream))
		pts, timed := first+uint64(next)*step, next < len(begins) && begins[next] < end
		out = m.video(m.pack(out, pts), pts, timed, stream[at:end])
		for next < len(begins) && begins[next] < end {
			next++
		}
	}
	return out
}

func (m *Muxer) pack(out []byte, pts uint64) []byte {
	if m.MPEG1 {
		return append(out, 0, 0, 1, 0xBA, 0x21, 0, 1, 0, 1, 0x80, 0, 1)
	}
	scr := pts & (1<<33 - 1)
	return append(out, 0, 0, 1, 0xBA,
		0x44|byte(scr>>27)&0x38|byte(scr>>28)&3, byte(scr>>20), byte(scr>>12)&0xf8|4|byte(scr>>13)&3, byte(scr>>5), byte(scr<<3)&0xf8|4, 1,
		0, 0, 3, 0xf8)
}

func (m *Muxer) streams(out []byte) []byte {
	kind := m.StreamType
	if kind == 0 {
		kind = 0x1B
	}
	return append(out, 0, 0, 1, 0xBC, 0, 18, 0xe1, 0xff, 0, 0, 0, 8, kind, 0xE0, 0, 0, 0x90, 0xC0, 0, 0, 0, 0, 0, 0)
}

func (m *Muxer) video(out []byte, pts uint64, timed bool, data []byte) []byte {
	at := len(out)
	out = packet(out, 0xE0, pts, timed, data)
	if m.Endless {
		out[at+4], out[at+5] = 0, 0
	}
	return out
}

// packet writes a packet of an elementary stream (ISO/IEC 13818-1, 2.4.3.6).
func packet(out []byte, id byte, pts uint64, timed bool, data []byte) []byte {
	header := []byte{0x80, 0, 0}
	if timed {
		header = []byte{0x80, 0x80, 5, 0x21 | byte(pts>>29)&0x0e, byte(pts >> 22), byte(pts>>14) | 1, byte(pts >> 7), byte(pts<<1) | 1}
	}
	out = append(out, 0, 0, 1, id)
	out = binary.BigEndian.AppendUint16(out, uint16(len(header)+len(data)))
	out = append(out, header...)
	return append(out, data...)
}
