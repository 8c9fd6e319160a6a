package media

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// Framer cuts a TCP connection into packets: a length of two bytes before each (RFC 4571), or that of RTSP (`$`, channel, length;
// RFC 2326 section 10.12), which some devices send. After damage it looks for the next packet of the same sender.
type Framer struct {
	in   *bufio.Reader
	used int // bytes of the last packet, which are still in the reader
	ssrc uint32
	seen bool // a packet came, so that ssrc is known

	// Skipped counts bytes that belong to no packet.
	Skipped uint64
}

const (
	minRTP    = 12
	maxFrame  = 1<<16 + 3
	maxResync = 256 << 10 // bytes that are searched for the next packet
)

// ErrFraming says that a connection holds no packets.
var ErrFraming = errors.New("the connection holds something else than RTP")

// NewFramer reads r.
func NewFramer(r io.Reader) *Framer { return &Framer{in: bufio.NewReaderSize(r, maxFrame+1)} }

// Next returns the next packet, which is good until the next call.
func (f *Framer) Next() ([]byte, error) {
	if err := f.skip(f.used); err != nil {
		return nil, err
	}
	f.used = 0
	for searched := 0; ; {
		head, err := f.head(searched > 0)
		if err != nil {
			return nil, err
		}
		before, size := frameOf(head)
		if before > 0 && (searched == 0 || f.same(head[before:])) {
			return f.packet(before, size)
		}
		step := 1
		if searched == 0 && head[0] == 0 && head[1] == 0 {
			step = 2 // an empty packet
		} else if searched++; !f.seen || searched > maxResync {
			return nil, ErrFraming
		} else {
			f.Skipped++
		}
		if err := f.skip(step); err != nil {
			return nil, err
		}
	}
}

// head looks at what the smallest packet has; while it searches, at as much of one in RTSP's framing.
func (f *Framer) head(searches bool) ([]byte, error) {
	head, err := f.in.Peek(2 + minRTP)
	if err == nil && searches && head[0] == '$' {
		head, err = f.in.Peek(4 + minRTP)
	}
	return head, err
}

// frameOf says how many bytes stand before a packet and how many it has; before is 0 if none begins here.
func frameOf(b []byte) (before, size int) {
	if n := int(binary.BigEndian.Uint16(b)); n >= minRTP && b[2]>>6 == 2 {
		return 2, n
	}
	if n := int(binary.BigEndian.Uint16(b[2:])); b[0] == '$' && n >= minRTP && b[4]>>6 == 2 {
		return 4, n
	}
	return 0, 0
}

// same says whether a packet, of which the head is there, is of the sender that was heard.
func (f *Framer) same(b []byte) bool {
	return len(b) >= minRTP && binary.BigEndian.Uint32(b[8:]) == f.ssrc
}

func (f *Framer) packet(before, size int) ([]byte, error) {
	b, err := f.in.Peek(before + size)
	if err != nil {
		return nil, err
	}
	b = b[before:]
	f.used = before + size
	if !isControl(b) {
		f.ssrc, f.seen = binary.BigEndian.Uint32(b[8:]), true
	}
	return b, nil
}

// isControl says whether a packet is one of RTCP (RFC 5761 section 4).
func isControl(b []byte) bool { return b[1] >= 192 && b[1] <= 223 }

func (f *Framer) skip(n int) error {
	_, err := f.in.Discard(n)
	return err
}
