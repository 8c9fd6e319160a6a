package decode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"gridgate/edge/source"
	"gridgate/protocols/picture"
)

// The bounds of what crosses the pipe between agent and worker, in both directions.
const (
	maxMasks      = 32
	maxMaskPoints = 64 // of one

	maxUnit     = 8 << 20  // bytes of one access unit
	maxUnits    = 512      // access units of one request
	maxRequest  = 64 << 20 // bytes of one request
	maxResponse = 4 << 20  // bytes of one answer
	maxStream   = 255      // bytes of a stream's name
	maxText     = 256      // bytes of an error text
)

// op says what a request asks for.
type op uint8

const (
	opKeyframe op = iota + 1
	opSequence
	opPicture
)

// status says how a request ended.
type status uint8

const (
	statusPicture status = iota + 1 // a frame or a JPEG follows
	statusNone                      // decoded, but nothing came out yet
	statusBad                       // the stream cannot be decoded
	statusFailed                    // the worker cannot do what was asked, whatever the stream
)

// unit is an access unit on the pipe: Annex B bytes (ITU-T H.264 and H.265, annex B).
type unit struct {
	pts  time.Duration
	key  bool
	data []byte
}

type request struct {
	id     uint32
	op     op
	codec  source.Codec
	stream string
	units  []unit
	masks  []picture.Mask // of a picture
}

type response struct {
	id     uint32
	status status
	cpu    time.Duration // processor time that the request cost the worker
	pts    time.Duration
	width  int
	height int
	faces  int
	data   []byte // luma, JPEG or an error text
}

var errWire = errors.New("malformed message on the worker pipe")

// newRequest copies units into their form on the pipe and checks the bounds.
func newRequest(o op, stream string, units []source.AccessUnit, masks ...picture.Mask) (request, error) {
	if len(units) == 0 || len(units) > maxUnits {
		return request{}, fmt.Errorf("%w: %d access units in one request (1 to %d)", ErrBadStream, len(units), maxUnits)
	}
	if len(stream) > maxStream {
		return request{}, fmt.Errorf("%w: name of a stream longer than %d bytes", ErrBadStream, maxStream)
	}
	if err := checkMasks(masks); err != nil {
		return request{}, err
	}
	r := request{op: o, codec: units[0].Codec, stream: stream, units: make([]unit, 0, len(units)), masks: masks}
	if _, err := codecCode(r.codec); err != nil {
		return request{}, err
	}
	total := 0
	for _, u := range units {
		n := u.Bytes() + 4*len(u.NALUs)
		if n > maxUnit {
			return request{}, fmt.Errorf("%w: access unit of %d bytes (at most %d)", ErrBadStream, n, maxUnit)
		}
		if total += n; total > maxRequest-(64<<10) {
			return request{}, fmt.Errorf("%w: request of more than %d bytes", ErrBadStream, maxRequest)
		}
		r.units = append(r.units, unit{pts: u.PTS, key: u.Key, data: annexB(u.NALUs, n)})
	}
	return r, nil
}

func annexB(nalus [][]byte, size int) []byte {
	b := make([]byte, 0, size)
	for _, n := range nalus {
		b = append(b, 0, 0, 0, 1)
		b = append(b, n...)
	}
	return b
}

func codecCode(c source.Codec) (byte, error) {
	switch c {
	case source.H264:
		return 4, nil
	case source.H265:
		return 5, nil
	}
	return 0, fmt.Errorf("%w: unknown codec", ErrBadStream)
}

func (r request) append(b []byte) []byte {
	code, _ := codecCode(r.codec)
	b = binary.BigEndian.AppendUint32(b, r.id)
	b = append(b, byte(r.op), code, byte(len(r.stream)))
	b = append(b, r.stream...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.units)))
	for _, u := range r.units {
		b = binary.BigEndian.AppendUint64(b, uint64(u.pts))
		b = append(b, boolByte(u.key))
		b = binary.BigEndian.AppendUint32(b, uint32(len(u.data)))
		b = append(b, u.data...)
	}
	return appendMasks(b, r.masks)
}

// checkMasks keeps masks within what a message can say.
func checkMasks(masks []picture.Mask) error {
	if len(masks) > maxMasks {
		return fmt.Errorf("%d masks (at most %d)", len(masks), maxMasks)
	}
	for _, m := range masks {
		if len(m) > maxMaskPoints {
			return fmt.Errorf("mask of %d points (at most %d)", len(m), maxMaskPoints)
		}
	}
	return nil
}

func appendMasks(b []byte, masks []picture.Mask) []byte {
	b = append(b, byte(len(masks)))
	for _, m := range masks {
		b = append(b, byte(len(m)))
		for _, p := range m {
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(p.X))
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(p.Y))
		}
	}
	return b
}

func (c *cursor) masks() (masks []picture.Mask) {
	for n := c.u8(); n > 0 && !c.bad; n-- {
		var m picture.Mask
		for k := c.u8(); k > 0 && !c.bad; k-- {
			m = append(m, picture.Point{X: math.Float64frombits(c.u64()), Y: math.Float64frombits(c.u64())})
		}
		masks = append(masks, m)
	}
	return masks
}

func parseRequest(b []byte) (request, error) {
	c := cursor{b: b}
	r := request{id: c.u32(), op: op(c.u8())}
	switch c.u8() {
	case 4:
		r.codec = source.H264
	case 5:
		r.codec = source.H265
	default:
		c.bad = true
	}
	r.stream = string(c.take(int(c.u8())))
	n := int(c.u16())
	for i := 0; i < n && !c.bad; i++ {
		u := unit{pts: time.Duration(c.u64()), key: c.u8() == 1}
		u.data = c.take(int(c.u32()))
		r.units = append(r.units, u)
	}
	r.masks = c.masks()
	if c.bad || len(c.b) > 0 || n == 0 || n > maxUnits || r.op < opKeyframe || r.op > opPicture {
		return request{}, errWire
	}
	return r, nil
}

func (r response) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, r.id)
	b = append(b, byte(r.status))
	b = binary.BigEndian.AppendUint64(b, uint64(r.cpu))
	b = binary.BigEndian.AppendUint64(b, uint64(r.pts))
	b = binary.BigEndian.AppendUint16(b, uint16(r.width))
	b = binary.BigEndian.AppendUint16(b, uint16(r.height))
	b = binary.BigEndian.AppendUint16(b, uint16(r.faces))
	return append(b, r.data...)
}

func parseResponse(b []byte) (response, error) {
	c := cursor{b: b}
	r := response{
		id: c.u32(), status: status(c.u8()), cpu: time.Duration(c.u64()), pts: time.Duration(c.u64()),
		width: int(c.u16()), height: int(c.u16()), faces: int(c.u16()),
	}
	if c.bad || r.status < statusPicture || r.status > statusFailed {
		return response{}, errWire
	}
	r.data = c.b
	return r, nil
}

// writeMessage writes body with its length before it.
func writeMessage(w io.Writer, body []byte) error {
	var head [4]byte
	binary.BigEndian.PutUint32(head[:], uint32(len(body)))
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	_, err := w.Write(body)
	return err
}

// readMessage reads one message of at most limit bytes. [io.EOF] means that the other side closed between two messages.
func readMessage(r io.Reader, limit int) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(head[:]))
	if n > limit {
		return nil, errWire
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("%w: cut short", errWire)
	}
	return b, nil
}

// cursor reads big-endian values off b; bad is set once b was too short.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.bad = true
		return nil
	}
	v := c.b[:n]
	c.b = c.b[n:]
	return v
}

func (c *cursor) u8() uint8   { return fixed(c, 1, func(b []byte) uint8 { return b[0] }) }
func (c *cursor) u16() uint16 { return fixed(c, 2, binary.BigEndian.Uint16) }
func (c *cursor) u32() uint32 { return fixed(c, 4, binary.BigEndian.Uint32) }
func (c *cursor) u64() uint64 { return fixed(c, 8, binary.BigEndian.Uint64) }

func fixed[T any](c *cursor, n int, get func([]byte) T) T {
	var zero T
	if b := c.take(n); b != nil {
		return get(b)
	}
	return zero
}

func boolByte(v bool) byte {
	if v {
		return 1
	}
	return 0
}
