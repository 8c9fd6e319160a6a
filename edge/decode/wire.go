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
	maxResponse = 12 << 20 // bytes of one answer: [MaxPictures] JPEGs of 1.5 MB
	maxFaces    = 64       // of one answer
	maxStream   = 255      // bytes of a stream's name
	maxText     = 256      // bytes of an error text
)

// op says what a request asks for.
type op uint8

const (
	opKeyframe op = iota + 1
	opSequence
	opPictures
	opFaces
)

// evidence says whether o may wait for samples of the detector: it costs more and is wanted rarely.
func (o op) evidence() bool { return o == opPictures || o == opFaces }

// status says how a request ended.
type status uint8

const (
	statusFrame     status = iota + 1 // a small frame follows
	statusNone                        // decoded, but nothing came out yet
	statusPictures                    // redacted JPEGs follow
	statusFaces                       // boxes follow
	statusForgotten                   // there is no decoder that could go on
	statusBad                         // the stream cannot be decoded
	statusFailed                      // the worker cannot do what was asked, whatever the stream
)

// The flags of a unit on the pipe.
const (
	flagKey     = 1 << iota // decodes without history
	flagRefresh             // decoding may begin here, the picture becomes whole later
	flagAnew                // what the decoder holds is from before a gap: forget it
	knownFlags  = flagKey | flagRefresh | flagAnew
)

// unit is an access unit on the pipe: size bytes follow, Annex B (ITU-T H.264 and H.265, annex B) or one JPEG.
type unit struct {
	pts   time.Duration
	flags uint8
	size  int
	nalus [][]byte // of the agent's side
}

func (u unit) begins() bool { return u.flags&(flagKey|flagRefresh) != 0 }

// request is what the agent asks. On the worker's side the units are read one by one, see [incoming].
type request struct {
	id     uint32
	op     op
	codec  source.Codec
	stream string
	at     []time.Duration // of the pictures wanted
	width  uint16          // of them at most, in pixels; 0: as they are stored
	idle   bool            // for the queue: anything else goes before it
	masks  []picture.Mask
	units  []unit
}

type response struct {
	id            uint32
	status        status
	cpu           time.Duration // processor time that the request cost the worker
	pts           time.Duration
	width, height int    // of the coded picture
	data          []byte // luma, pictures, faces or an error text
}

var errWire = errors.New("malformed message on the worker pipe")

var codecCodes = map[source.Codec]byte{source.MJPEG: 1, source.H264: 4, source.H265: 5}

func codecOf(code byte) (source.Codec, bool) {
	for c, n := range codecCodes {
		if n == code {
			return c, true
		}
	}
	return "", false
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
			b = appendFloat(appendFloat(b, p.X), p.Y)
		}
	}
	return b
}

func (c *cursor) masks() (masks []picture.Mask) {
	for n := c.u8(); n > 0 && !c.bad; n-- {
		var m picture.Mask
		for k := c.u8(); k > 0 && !c.bad; k-- {
			m = append(m, picture.Point{X: c.float(), Y: c.float()})
		}
		masks = append(masks, m)
	}
	return masks
}

func (r response) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, r.id)
	b = append(b, byte(r.status))
	b = binary.BigEndian.AppendUint64(b, uint64(r.cpu))
	b = binary.BigEndian.AppendUint64(b, uint64(r.pts))
	b = binary.BigEndian.AppendUint16(b, uint16(r.width))
	b = binary.BigEndian.AppendUint16(b, uint16(r.height))
	return append(b, r.data...)
}

func parseResponse(b []byte) (response, error) {
	c := cursor{b: b}
	r := response{
		id: c.u32(), status: status(c.u8()), cpu: time.Duration(c.u64()), pts: time.Duration(c.u64()),
		width: int(c.u16()), height: int(c.u16()),
	}
	if c.bad || r.status < statusFrame || r.status > statusFailed {
		return response{}, errWire
	}
	r.data = c.b
	return r, nil
}

// shot is a redacted picture on the pipe.
type shot struct {
	pts           time.Duration
	width, height int
	faces         int
	jpeg          []byte
}

func (s shot) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(s.pts))
	b = binary.BigEndian.AppendUint16(b, uint16(s.width))
	b = binary.BigEndian.AppendUint16(b, uint16(s.height))
	b = binary.BigEndian.AppendUint16(b, uint16(s.faces))
	b = binary.BigEndian.AppendUint32(b, uint32(len(s.jpeg)))
	return append(b, s.jpeg...)
}

// parseShots reads the pictures of an answer, at least one.
func parseShots(b []byte) ([]shot, error) {
	c := cursor{b: b}
	var shots []shot
	for len(c.b) > 0 && !c.bad && len(shots) < MaxPictures {
		s := shot{pts: time.Duration(c.u64()), width: int(c.u16()), height: int(c.u16()), faces: int(c.u16())}
		s.jpeg = c.take(int(c.u32()))
		shots = append(shots, s)
	}
	if c.bad || len(c.b) > 0 || len(shots) == 0 {
		return nil, errWire
	}
	return shots, nil
}

func appendFaces(b []byte, faces []Face) []byte {
	for _, f := range faces {
		for _, v := range []float64{f.X, f.Y, f.W, f.H, f.Score} {
			b = appendFloat(b, v)
		}
	}
	return b
}

// parseFaces reads the boxes of an answer; each number must be a share.
func parseFaces(b []byte) ([]Face, error) {
	c := cursor{b: b}
	var faces []Face
	for len(c.b) > 0 && !c.bad && len(faces) < maxFaces {
		var v [5]float64
		for i := range v {
			if v[i] = c.float(); !(v[i] >= 0 && v[i] <= 1) {
				c.bad = true
			}
		}
		faces = append(faces, Face{X: v[0], Y: v[1], W: v[2], H: v[3], Score: v[4]})
	}
	if c.bad || len(c.b) > 0 {
		return nil, errWire
	}
	return faces, nil
}

// writeMessage writes body with its length before it.
func writeMessage(w io.Writer, body []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body))), body...))
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
		return nil, fmt.Errorf("%w: cut short: %w", errWire, err)
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

func (c *cursor) u8() uint8      { return fixed(c, 1, func(b []byte) uint8 { return b[0] }) }
func (c *cursor) u16() uint16    { return fixed(c, 2, binary.BigEndian.Uint16) }
func (c *cursor) u32() uint32    { return fixed(c, 4, binary.BigEndian.Uint32) }
func (c *cursor) u64() uint64    { return fixed(c, 8, binary.BigEndian.Uint64) }
func (c *cursor) float() float64 { return math.Float64frombits(c.u64()) }

func appendFloat(b []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(b, math.Float64bits(v))
}

func fixed[T any](c *cursor, n int, get func([]byte) T) T {
	var zero T
	if b := c.take(n); b != nil {
		return get(b)
	}
	return zero
}
