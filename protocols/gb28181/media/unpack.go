package media

import (
	"bytes"
	"time"

	"github.com/pion/rtp"

	"gridgate/protocols/gb28181/ps"
)

// Picture is a coded picture with the time at which it is shown.
type Picture struct {
	ps.Picture
	Stamp uint32 // ticks of 90 kHz, from the stream, or from RTP where the stream tells no time
	After bool   // packets before it are missing, so that it may refer to pictures that never came
}

// Counts of what was wrong with the packets of a session.
type Counts struct {
	Lost    uint64 // packets that never came
	Invalid uint64 // packets that hold something else
}

// Unpacker makes pictures of the RTP packets of one sender. It is for one goroutine.
type Unpacker struct {
	answer  Answer
	out     func(Picture)
	stream  *ps.Reader
	order   *order // nil: the transport keeps the order
	counts  Counts
	also    int // payload type that turned out to hold the stream; -1: none
	started bool
	ssrc    uint32

	stamp   uint32 // of the packet under way
	next    uint16 // sequence number that follows
	seen    uint64 // packets
	gaps    uint64 // between sequence numbers that follow each other
	changes int    // of RTP's time since the last picture
	after   bool   // packets are missing since the last picture
	markers markers
	times   times
}

// NewUnpacker makes one for what a device answered. Ordered: packets come as they were sent, as over TCP.
func NewUnpacker(a Answer, ordered bool, out func(Picture)) *Unpacker {
	u := &Unpacker{answer: a, out: out, also: -1}
	u.stream = ps.NewReader(u.picture)
	if !ordered {
		u.order = &order{out: u.take}
	}
	return u
}

// Counts returns what was wrong so far.
func (u *Unpacker) Counts() Counts { return u.counts }

// Add takes a packet as it came, and keeps nothing of it.
func (u *Unpacker) Add(pkt *rtp.Packet, now time.Time) {
	if !u.ours(pkt) {
		u.counts.Invalid++
		if !u.started || pkt.SSRC != u.ssrc {
			return
		}
		pkt = &rtp.Packet{Header: pkt.Header} // something else that is counted with the video: nothing is missing
	}
	if u.started && pkt.SSRC != u.ssrc {
		u.anew()
	}
	u.started, u.ssrc = true, pkt.SSRC
	if u.order != nil {
		u.order.push(pkt, now)
		return
	}
	u.take(pkt, u.missing(pkt))
}

// ours says whether a packet holds the program stream: by its payload type or, where a device uses another one than it answered,
// by the pack that begins in it.
func (u *Unpacker) ours(pkt *rtp.Packet) bool {
	if u.answer.carries(pkt.PayloadType) || int(pkt.PayloadType) == u.also {
		return true
	}
	if bytes.HasPrefix(pkt.Payload, packStart) {
		u.also = int(pkt.PayloadType)
		return true
	}
	return false
}

var packStart = []byte{0, 0, 1, 0xBA}

// anew begins with another sender.
func (u *Unpacker) anew() {
	u.stream.Lost()
	u.after = true
	u.markers, u.times, u.seen, u.gaps = markers{}, times{}, 0, 0
	if u.order != nil {
		u.order = &order{out: u.take}
	}
}

// missing counts gaps where nothing can overtake anything: the device left something out. One whose numbers make no sense is not asked.
func (u *Unpacker) missing(pkt *rtp.Packet) int {
	gap := pkt.SequenceNumber - u.next
	u.next = pkt.SequenceNumber + 1
	if u.seen++; u.seen == 1 || gap == 0 {
		return 0
	}
	if u.gaps++; u.gaps > 8 && u.gaps*2 > u.seen {
		return 0
	}
	return int(gap)
}

// take feeds a packet whose turn it is.
func (u *Unpacker) take(pkt *rtp.Packet, lost int) {
	if lost > 0 {
		u.counts.Lost += uint64(lost)
		if u.markers.pending && !u.markers.wrong {
			u.stream.Flush() // what is under way was complete
		}
		u.stream.Lost()
		u.after = true
		u.markers.forget()
	}
	if len(pkt.Payload) == 0 {
		return
	}
	begins := beginsPart(pkt.Payload)
	changed := pkt.Timestamp != u.stamp
	u.markers.follow(begins && changed)
	if begins && changed {
		u.changes++
		if !u.times.told || u.changes > 1 {
			u.stream.Flush() // a picture of another time, and the stream tells none
		}
	}
	u.stream.Write(pkt.Payload)
	u.stamp = pkt.Timestamp
	if pkt.Marker && u.markers.marked() {
		u.stream.Flush()
	}
}

// beginsPart says whether a payload begins with a start code of the program stream, not of the video in it.
func beginsPart(b []byte) bool {
	return len(b) > 3 && bytes.HasPrefix(b, packStart[:3]) && b[3] >= packStart[3]
}

func (u *Unpacker) picture(p ps.Picture) {
	after := u.after
	u.after, u.changes = false, 0
	u.out(Picture{Picture: p, Stamp: u.times.of(p, u.stamp), After: after})
}

// markers learns whether a device's markers say that a picture ends, as RFC 2250 has it, or stand anywhere.
type markers struct {
	pending bool // the last packet had one
	right   int  // how often one stood right
	wrong   bool // one stood wrong
}

const markersRight = 2

// marked notes a marker and says whether it may be believed.
func (m *markers) marked() bool {
	m.pending = true
	return m.right >= markersRight && !m.wrong
}

// follow notes the packet behind: whether it begins another picture.
func (m *markers) follow(begins bool) {
	switch {
	case !m.pending:
	case begins:
		m.right = min(m.right+1, markersRight)
	default:
		m.wrong = true
	}
	m.pending = false
}

// forget: what follows the marker is lost.
func (m *markers) forget() { m.pending = false }

// times chooses the clock of a stream: its own time stamps, and RTP's where the stream tells none or says the same again.
type times struct {
	offset uint32 // stream less RTP
	told   bool
	last   uint64
}

func (t *times) of(p ps.Picture, stamp uint32) uint32 {
	if p.Timed && (!t.told || p.PTS != t.last) {
		t.told, t.last = true, p.PTS
		t.offset = uint32(p.PTS) - stamp
	}
	return stamp + t.offset
}
