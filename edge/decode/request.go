package decode

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"gridgate/edge/source"
	"gridgate/protocols/picture"
)

var startCode = []byte{0, 0, 0, 1}

// newRequest checks the bounds of a request; it copies no coded byte. What need not be decoded is left out.
func newRequest(o op, stream string, units []source.AccessUnit, at []time.Duration, masks []picture.Mask) (request, error) {
	if len(units) == 0 || len(units) > maxUnits {
		return request{}, fmt.Errorf("%w: %d access units in one request (1 to %d)", ErrBadStream, len(units), maxUnits)
	}
	if len(stream) > maxStream {
		return request{}, fmt.Errorf("%w: name of a stream longer than %d bytes", ErrBadStream, maxStream)
	}
	if len(at) > MaxPictures || !slices.IsSorted(at) {
		return request{}, fmt.Errorf("%d pictures wanted (at most %d, in the order of their times)", len(at), MaxPictures)
	}
	if err := checkMasks(masks); err != nil {
		return request{}, err
	}
	r := request{op: o, codec: units[0].Codec, stream: stream, at: at, masks: masks}
	if _, known := codecCodes[r.codec]; !known {
		return request{}, fmt.Errorf("%w: unknown codec", ErrBadStream)
	}
	if o.evidence() && !units[0].Begins() {
		return request{}, fmt.Errorf("%w: decoding cannot begin with the first access unit", ErrBadStream)
	}
	if err := r.fill(units, needed(o, units, at)); err != nil {
		return request{}, err
	}
	return r, nil
}

// fill puts the units at the given indices into r.
func (r *request) fill(units []source.AccessUnit, indices []int) error {
	r.units = make([]unit, 0, len(indices))
	total := 0
	for _, i := range indices {
		u, err := r.unit(units[i])
		if err != nil {
			return err
		}
		if total += u.size; total > maxRequest-(128<<10) {
			return fmt.Errorf("%w: request of more than %d bytes", ErrBadStream, maxRequest)
		}
		r.units = append(r.units, u)
	}
	if r.units[0].flags&flagKey != 0 {
		r.units[0].flags |= flagAnew
	}
	return nil
}

func (r *request) unit(u source.AccessUnit) (unit, error) {
	out := unit{pts: u.PTS, nalus: u.NALUs, size: u.Bytes()}
	if r.codec != source.MJPEG {
		out.size += len(startCode) * len(u.NALUs)
	}
	if u.Key {
		out.flags |= flagKey
	}
	if u.Refresh {
		out.flags |= flagRefresh
	}
	if u.Codec != r.codec {
		return unit{}, fmt.Errorf("%w: two codecs in one request", ErrBadStream)
	}
	if out.size == 0 || out.size > maxUnit {
		return unit{}, fmt.Errorf("%w: access unit of %d bytes (1 to %d)", ErrBadStream, out.size, maxUnit)
	}
	return out, nil
}

// bytes is the size of the coded pictures.
func (r request) bytes() int {
	n := 0
	for _, u := range r.units {
		n += u.size
	}
	return n
}

// buffers are the parts of r on the pipe, in order: the coded pictures are not copied.
func (r request) buffers() [][]byte {
	head := r.appendHead(make([]byte, 4, 64+len(r.stream)+8*len(r.at)))
	total := len(head) - 4
	heads := make([]byte, 0, unitHead*len(r.units))
	bufs := [][]byte{head}
	for _, u := range r.units {
		from := len(heads)
		heads = binary.BigEndian.AppendUint64(heads, uint64(u.pts))
		heads = append(heads, u.flags)
		heads = binary.BigEndian.AppendUint32(heads, uint32(u.size))
		total += unitHead + u.size
		bufs = append(bufs, heads[from:])
		for _, n := range u.nalus {
			if r.codec != source.MJPEG {
				bufs = append(bufs, startCode)
			}
			if len(n) > 0 {
				bufs = append(bufs, n)
			}
		}
	}
	binary.BigEndian.PutUint32(head, uint32(total))
	return bufs
}

const unitHead = 13 // bytes before each unit

func (r request) appendHead(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, r.id)
	b = append(b, byte(r.op), codecCodes[r.codec], byte(len(r.stream)))
	b = append(b, r.stream...)
	b = append(b, byte(len(r.at)))
	for _, t := range r.at {
		b = binary.BigEndian.AppendUint64(b, uint64(t))
	}
	b = binary.BigEndian.AppendUint16(b, r.width)
	b = appendMasks(b, r.masks)
	return binary.BigEndian.AppendUint16(b, uint16(len(r.units)))
}

// maxHead is more than the bytes of a request before its units.
const maxHead = 18 + maxStream + 8*MaxPictures + maxMasks*(1+16*maxMaskPoints)

// incoming is a request as the worker gets it: its units are read while they are decoded.
type incoming struct {
	request
	in    *io.LimitedReader // what is left of the message
	count int               // units that were not begun
	ready *unit             // begun but not taken
}

// readRequest reads what comes before the units. [io.EOF] means that the agent closed the pipe between two requests.
func readRequest(r *bufio.Reader) (*incoming, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := int64(binary.BigEndian.Uint32(size[:]))
	if n > maxRequest {
		return nil, errWire
	}
	body := &io.LimitedReader{R: r, N: n}
	head, err := peekHead(r, body)
	if err != nil {
		return nil, err
	}
	in := &incoming{request: head.request, in: body, count: head.count}
	if in.count == 0 || in.count > maxUnits || len(in.at) > MaxPictures || in.op < opKeyframe || in.op > opFaces {
		return nil, errWire
	}
	return in, nil
}

type requestHead struct {
	request
	count int
}

// peekHead parses the head off the reader's buffer, which holds more than any head, and takes its bytes.
func peekHead(r *bufio.Reader, body *io.LimitedReader) (requestHead, error) {
	want := int(min(body.N, 64))
	for {
		b, err := r.Peek(want)
		if err != nil && len(b) < want {
			return requestHead{}, fmt.Errorf("%w: cut short", errWire)
		}
		c := cursor{b: b}
		h := parseHead(&c)
		if !c.bad {
			_, err := io.CopyN(io.Discard, body, int64(len(b)-len(c.b)))
			return h, err
		}
		if want >= int(min(body.N, maxHead)) {
			return requestHead{}, errWire
		}
		want = int(min(body.N, int64(2*want), maxHead))
	}
}

func parseHead(c *cursor) requestHead {
	h := requestHead{request: request{id: c.u32(), op: op(c.u8())}}
	codec, known := codecOf(c.u8())
	h.codec = codec
	h.stream = string(c.take(int(c.u8())))
	for n := c.u8(); n > 0 && !c.bad; n-- {
		h.at = append(h.at, time.Duration(c.u64()))
	}
	h.width = c.u16()
	h.masks = c.masks()
	h.count = int(c.u16())
	if !known && !c.bad {
		h.count = 0 // refused by the caller
	}
	return h
}

// peek returns the head of the next unit without taking it; nil after the last.
func (in *incoming) peek() (*unit, error) {
	if in.ready != nil || in.count == 0 {
		return in.ready, nil
	}
	var b [unitHead]byte
	if _, err := io.ReadFull(in.in, b[:]); err != nil {
		return nil, fmt.Errorf("%w: cut short", errWire)
	}
	c := cursor{b: b[:]}
	u := unit{pts: time.Duration(c.u64()), flags: c.u8(), size: int(c.u32())}
	if u.size == 0 || u.size > maxUnit || int64(u.size) > in.in.N || u.flags&^knownFlags != 0 {
		return nil, errWire
	}
	in.count--
	in.ready = &u
	return in.ready, nil
}

// read takes the bytes of the unit that peek returned; dst has its size.
func (in *incoming) read(dst []byte) error {
	in.ready = nil
	if _, err := io.ReadFull(in.in, dst); err != nil {
		return fmt.Errorf("%w: cut short", errWire)
	}
	return nil
}

// finish skips what was not read. An error means that the pipe is of no use any more.
func (in *incoming) finish() error {
	_, err := io.Copy(io.Discard, in.in)
	if err == nil && in.in.N > 0 {
		err = errors.Join(errWire, io.ErrUnexpectedEOF)
	}
	return err
}

// left says whether a unit is to come.
func (in *incoming) left() bool { return in.ready != nil || in.count > 0 }
