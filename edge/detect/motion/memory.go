package motion

import (
	"bytes"
	"encoding/binary"
	"sync"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
)

// Bounds of a [Memory].
const (
	maxRemembered = 10 * time.Minute
	maxMemory     = 32 << 10 // bytes
	maxShape      = 8 << 10  // bytes of one sample; more is a picture that moves as a whole
)

// Memory holds what a [Detector] saw in the last minutes: for each sample which pixels belonged to what moved, as stretches of pixels and
// nothing of what they showed. It holds 10 min and 32 KiB at most, the newest. It is safe for concurrent use; the zero value is empty, and
// a nil one remembers nothing.
type Memory struct {
	mu   sync.Mutex
	area *area // by which all of it was seen
	// buf is one record after the other: its length, what it is, by how much its times are later than those of the record before, and the
	// stretches.
	buf         []byte
	first, last mark // of the record before the first, and of the last
}

// mark is when a sample was taken.
type mark struct {
	at  int64 // edge clock, Unix time in milliseconds
	pts int64 // media time in microseconds
}

func markOf(f decode.Frame) mark { return mark{at: f.At.UnixMilli(), pts: f.PTS.Microseconds()} }

// what a sample was.
type what byte

const (
	judged   what = iota
	unjudged      // the detector could not say, or too much moved to be remembered
	begun         // the detector began anew
)

// restart forgets all: what comes is seen by another area.
func (m *Memory) restart(a *area) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.area, m.buf = a, nil
}

// add remembers a sample. It allocates nothing but room, seldom.
func (m *Memory) add(w what, f decode.Frame, shape []byte) {
	if m == nil {
		return
	}
	if len(shape) > maxShape {
		w, shape = unjudged, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := markOf(f)
	if len(m.buf) == 0 {
		m.first, m.last = now, now
	}
	var head [1 + 2*binary.MaxVarintLen64]byte
	h := append(head[:0], byte(w))
	h = binary.AppendVarint(h, now.at-m.last.at)
	h = binary.AppendVarint(h, now.pts-m.last.pts)
	m.makeRoom(len(h)+len(shape)+binary.MaxVarintLen32, now)
	m.buf = binary.AppendUvarint(m.buf, uint64(len(h)+len(shape)))
	m.buf = append(append(m.buf, h...), shape...)
	m.last = now
}

// makeRoom drops the oldest records.
func (m *Memory) makeRoom(n int, now mark) {
	rest, limit := m.buf, maxMemory
	if len(rest)+n > limit {
		limit = maxMemory * 3 / 4 // seldom, and then more
	}
	for len(rest) > 0 && (len(rest)+n > limit || now.at-m.first.at > maxRemembered.Milliseconds()) {
		var r record
		r, rest = next(rest, m.first)
		m.first = r.mark
	}
	if len(rest) < len(m.buf) {
		m.buf = append(m.buf[:0], rest...)
	}
}

// record is one sample of a [Memory].
type record struct {
	what  what
	mark  mark
	step  time.Duration // media time since the one before
	shape []byte
}

// next reads the first record of b.
func next(b []byte, before mark) (r record, rest []byte) {
	n, used := binary.Uvarint(b)
	body, rest := b[used:used+int(n)], b[used+int(n):]
	at, a := binary.Varint(body[1:])
	pts, p := binary.Varint(body[1+a:])
	r = record{what: what(body[0]), mark: mark{at: before.at + at, pts: before.pts + pts}, step: time.Duration(pts) * time.Microsecond}
	r.shape = body[1+a+p:]
	return r, rest
}

// shape encodes the pixels of blobs: by turns how many do not belong to one and how many do. It overwrites w.spare.
func (w *bench) shape(blobs []detect.Blob) []byte {
	if len(blobs) == 0 {
		return nil
	}
	clear(w.spare)
	w.labeller.mark(w.spare, blobs)
	w.coded = w.coded[:0]
	for at := 0; at < pixels; {
		gap := bytes.IndexByte(w.spare[at:], 1)
		if gap < 0 {
			break
		}
		length := bytes.IndexByte(w.spare[at+gap:], 0)
		if length < 0 {
			length = pixels - at - gap
		}
		w.coded = binary.AppendUvarint(w.coded, uint64(gap))
		w.coded = binary.AppendUvarint(w.coded, uint64(length))
		at += gap + length
	}
	return w.coded
}

// paintShape sets mask to 1 where shape has a pixel and hidden has none.
func paintShape(mask []uint8, shape []byte, hidden []bool) {
	clear(mask)
	for at := 0; len(shape) > 0; {
		gap, a := binary.Uvarint(shape)
		length, b := binary.Uvarint(shape[a:])
		shape, at = shape[a+b:], at+int(gap)
		for i := at; i < at+int(length); i++ {
			if !hidden[i] {
				mask[i] = 1
			}
		}
		at += int(length)
	}
}
