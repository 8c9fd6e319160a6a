package rtsp

import (
	"bytes"
	"fmt"
	"time"

	"github.com/pion/rtp"

	"gridgate/edge/source"
)

// outcome is what became of a packet or a picture.
type outcome int

const (
	invalid outcome = iota // a packet that is not of the codec
	dropped                // a picture that cannot be used
	passed                 // a picture
)

// Bounds of one access unit: the library caps the bytes of a fragmented unit but not its fragments, and empty ones cost memory,
// too.
const (
	maxPackets = 8192
	maxNALUs   = 1024
)

// patience is how long a stream that has shown no picture at which decoding may begin is waited for: longer than the usual
// groups of pictures. A decoder then begins anywhere, and its picture becomes whole as things move.
const patience = 12 * time.Second

// assembler makes access units of one track from its packets in order. It is for one goroutine.
type assembler struct {
	track   track
	packets depacketiser
	maxUnit int
	out     func(source.AccessUnit, outcome) // the unit is set if it passed
	camera  *cameraClock

	sorter *source.Sorter
	fields source.Fields
	clock  mediaClock

	nalus        [][]byte // of the picture under way
	count, bytes int      // packets and bytes of it
	begun        bool     // there was a packet
	next         uint16   // sequence number of the next packet
	stamp        uint32   // RTP timestamp of the picture under way
	broken       bool     // something of the picture under way is missing
	start        begin
}

// begin tells when decoding may begin.
type begin struct {
	waiting bool          // what comes refers to pictures that are missing
	since   time.Time     // it waits
	last    time.Time     // decoding could begin
	longest time.Duration // between two such units
	forced  bool          // it began where no unit said that it may
}

func newAssembler(t track, maxUnit int, out func(source.AccessUnit, outcome)) (*assembler, error) {
	dec, err := t.open()
	if err != nil {
		return nil, fmt.Errorf("%w: its way of packing is unknown", source.ErrUnsupported)
	}
	return &assembler{
		track: t, packets: dec, maxUnit: maxUnit, out: out, camera: &cameraClock{},
		sorter: source.NewSorter(t.codec, t.sets...), start: begin{waiting: true},
	}, nil
}

// add takes the next packet.
func (a *assembler) add(pkt *rtp.Packet, now time.Time) {
	began := a.begun
	a.follow(pkt, now)
	if began && pkt.Timestamp != a.stamp {
		a.finish(now) // some cameras set no marker: the next picture's packet completes this one
	}
	a.stamp = pkt.Timestamp
	a.count++
	a.bytes += len(pkt.Payload)
	if a.count > maxPackets || a.bytes > a.maxUnit || len(a.nalus) > maxNALUs {
		a.restart(now)
		return
	}
	nalus, err := a.packets.take(pkt)
	if err != nil {
		a.broken = true
		a.wait(now)
		a.out(source.AccessUnit{}, invalid)
	}
	for _, nalu := range nalus {
		a.nalus = append(a.nalus, compact(nalu))
	}
	if pkt.Marker {
		a.finish(now)
	}
}

// compact returns nalu without the rest of the buffer that it stands in: what is small would hold a whole datagram in memory.
func compact(nalu []byte) []byte {
	if cap(nalu) > 2*len(nalu)+64 {
		return bytes.Clone(nalu)
	}
	return nalu
}

// follow notices packets that are missing before pkt. The library tells of losses too, but of all in a window at once.
func (a *assembler) follow(pkt *rtp.Packet, now time.Time) {
	if a.begun && pkt.SequenceNumber != a.next {
		a.wait(now)
		a.broken = a.broken || a.count > 0
	}
	a.begun, a.next = true, pkt.SequenceNumber+1
}

// wait drops what comes until decoding may begin again. What a field waits for cannot come any more.
func (a *assembler) wait(now time.Time) {
	for _, u := range a.fields.Flush() {
		a.out(u, passed)
	}
	if !a.start.waiting {
		a.start.waiting, a.start.since = true, now
	}
}

// restart forgets a picture that grew too large.
func (a *assembler) restart(now time.Time) {
	if dec, err := a.track.open(); err == nil { // it succeeded before, with the same format
		a.packets = dec
	}
	a.nalus, a.count, a.bytes, a.broken = nil, 0, 0, true
	a.wait(now)
	a.out(source.AccessUnit{}, dropped)
}

// finish ends the picture under way, if there is one.
func (a *assembler) finish(now time.Time) {
	nalus, broken := a.nalus, a.broken
	a.nalus, a.count, a.bytes, a.broken = nil, 0, 0, false
	if len(nalus) == 0 {
		return
	}
	p := a.sorter.Sort(nalus)
	if len(p.Slices) == 0 {
		return // parameter sets alone, or nothing of use
	}
	pts := a.clock.at(a.stamp, now)
	if !a.usable(&p, p.Whole && !broken, now) {
		a.wait(now)
		a.out(source.AccessUnit{}, dropped)
		return
	}
	unit := source.AccessUnit{
		Codec: a.track.codec, NALUs: a.sorter.Units(p), Key: p.Key, Refresh: p.Refresh, PTS: pts, At: now,
		Captured: a.camera.at(a.stamp, a.clock.jumps),
	}
	for _, u := range a.fields.Add(unit, p) {
		a.out(u, passed)
	}
}

// usable says whether a decoder can do anything with a picture, and makes it a beginning where none comes.
func (a *assembler) usable(p *source.Picture, whole bool, now time.Time) bool {
	begins := p.Key || p.Refresh
	if !whole || (begins && !p.Sets) {
		return false
	}
	s := &a.start
	if s.since.IsZero() {
		s.since = now
	}
	if !begins && p.Sets && s.overdue(now) {
		p.Refresh, s.forced = true, true
	} else if begins {
		s.forced = false
	}
	if p.Key || p.Refresh {
		s.noted(now)
	}
	return !s.waiting
}

// overdue says whether decoding has to begin where no unit says that it may: the stream never does, or not for longer than it
// ever took. Such a stream begins again now and then, so that nobody has to keep it whole.
func (s *begin) overdue(now time.Time) bool {
	if s.waiting {
		return now.Sub(s.since) > max(patience, s.longest+s.longest/4)
	}
	return s.forced && now.Sub(s.last) > patience
}

func (s *begin) noted(now time.Time) {
	if !s.last.IsZero() && !s.waiting {
		s.longest = max(s.longest, now.Sub(s.last))
	}
	s.last, s.waiting = now, false
}
