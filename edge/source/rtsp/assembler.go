package rtsp

import (
	"bytes"
	"fmt"
	"time"

	"github.com/pion/rtp"

	"gridgate/edge/source"
)

// outcome is what became of a packet or a picture.
type outcome = source.Outcome

const (
	invalid = source.Invalid
	dropped = source.Dropped
	passed  = source.Passed
)

// Bounds of one access unit: the library caps the bytes of a fragmented unit but not its fragments, and empty ones cost memory,
// too.
const (
	maxPackets = 8192
	maxNALUs   = 1024
)

// assembler makes access units of one track from its packets in order. It is for one goroutine.
type assembler struct {
	track   track
	packets depacketiser
	maxUnit int
	out     func(source.AccessUnit, outcome) // the unit is set if it passed
	camera  *cameraClock

	units *source.Assembler

	nalus        [][]byte // of the picture under way
	count, bytes int      // packets and bytes of it
	begun        bool     // there was a packet
	next         uint16   // sequence number of the next packet
	stamp        uint32   // RTP timestamp of the picture under way
	broken       bool     // something of the picture under way is missing
}

func newAssembler(t track, maxUnit int, out func(source.AccessUnit, outcome)) (*assembler, error) {
	dec, err := t.open()
	if err != nil {
		return nil, fmt.Errorf("%w: its way of packing is unknown", source.ErrUnsupported)
	}
	camera := &cameraClock{}
	units := source.NewAssembler(source.AssemblerOptions{Codec: t.codec, Sets: t.sets, Out: out, Captured: camera.at})
	return &assembler{track: t, packets: dec, maxUnit: maxUnit, out: out, camera: camera, units: units}, nil
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
		a.units.Wait(now)
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
		a.units.Wait(now)
		a.broken = a.broken || a.count > 0
	}
	a.begun, a.next = true, pkt.SequenceNumber+1
}

// restart forgets a picture that grew too large.
func (a *assembler) restart(now time.Time) {
	if dec, err := a.track.open(); err == nil { // it succeeded before, with the same format
		a.packets = dec
	}
	a.nalus, a.count, a.bytes, a.broken = nil, 0, 0, true
	a.units.Wait(now)
	a.out(source.AccessUnit{}, dropped)
}

// finish ends the picture under way, if there is one.
func (a *assembler) finish(now time.Time) {
	nalus, broken := a.nalus, a.broken
	a.nalus, a.count, a.bytes, a.broken = nil, 0, 0, false
	if len(nalus) == 0 {
		return
	}
	a.units.Add(nalus, !broken, a.stamp, now)
}
