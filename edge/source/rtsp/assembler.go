package rtsp

import (
	"errors"
	"fmt"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/pion/rtp"

	"gridgate/edge/source"
)

// decoder turns RTP packets into the NAL units of a picture.
type decoder interface {
	Decode(*rtp.Packet) ([][]byte, error)
}

// outcome is what became of a packet.
type outcome int

const (
	pending    outcome = iota // the picture is not complete, or there was none in the packet
	invalid                   // not a packet of the codec
	dropped                   // completed a picture that cannot be used
	interframe                // completed a picture
	keyframe                  // completed a keyframe
)

// maxPackets bounds the packets of one access unit: the library caps the bytes of a fragmented unit but not its fragments,
// and empty ones cost memory too.
const maxPackets = 8192

// assembler makes access units of one track from its packets in order. It is for one goroutine.
type assembler struct {
	syntax     syntax
	decoder    decoder
	newDecoder func() (decoder, error)
	maxUnit    int
	sets       parameterSets

	packets, bytes int    // since the last complete picture
	begun          bool   // there was a packet
	next           uint16 // sequence number of the next packet
	stamp          uint32 // RTP timestamp of the last packet
	broken         bool   // something of the picture under way is missing
	waiting        bool   // for a keyframe: what lies between refers to pictures that are missing
	clock          mediaClock
}

func newAssembler(s syntax, newDecoder func() (decoder, error), maxUnit int, sets ...[]byte) (*assembler, error) {
	dec, err := newDecoder()
	if err != nil {
		return nil, fmt.Errorf("%w: its way of packing is unknown", source.ErrUnsupported)
	}
	a := &assembler{syntax: s, decoder: dec, newDecoder: newDecoder, maxUnit: maxUnit, waiting: true}
	for _, set := range sets {
		if len(set) > 0 {
			a.sets.put(s.kind(set), set, s.header())
		}
	}
	return a, nil
}

// follow notices packets that are missing before pkt. The library tells of losses too, but of all in a window at once.
func (a *assembler) follow(pkt *rtp.Packet) {
	if a.begun && pkt.SequenceNumber != a.next {
		a.waiting = true
		a.broken = a.broken || a.packets > 0
	}
	a.begun, a.next = true, pkt.SequenceNumber+1
}

// add takes the next packet. The unit is set for interframe and keyframe.
func (a *assembler) add(pkt *rtp.Packet, now time.Time) (source.AccessUnit, outcome) {
	a.follow(pkt)
	stamp := pkt.Timestamp
	if a.packets > 0 && pkt.Timestamp != a.stamp {
		stamp = a.stamp // some cameras set no marker: the next picture's packet completes this one
	}
	a.stamp = pkt.Timestamp
	a.packets++
	a.bytes += len(pkt.Payload)
	if a.packets > maxPackets || a.bytes > a.maxUnit {
		a.restart()
		return source.AccessUnit{}, dropped
	}
	nalus, err := a.decoder.Decode(pkt)
	switch {
	case errors.Is(err, rtph264.ErrMorePacketsNeeded), errors.Is(err, rtph265.ErrMorePacketsNeeded),
		errors.Is(err, rtph264.ErrNonStartingPacketAndNoPrevious), errors.Is(err, rtph265.ErrNonStartingPacketAndNoPrevious):
		return source.AccessUnit{}, pending
	case err != nil:
		a.waiting, a.broken = true, true
		return source.AccessUnit{}, invalid
	}
	a.packets, a.bytes = 0, 0
	return a.finish(nalus, stamp, now)
}

// restart forgets a picture that grew too large.
func (a *assembler) restart() {
	if dec, err := a.newDecoder(); err == nil { // it succeeded before, with the same format
		a.decoder = dec
	}
	a.packets, a.bytes, a.broken, a.waiting = 0, 0, true, true
}

// finish judges a complete picture.
func (a *assembler) finish(nalus [][]byte, stamp uint32, now time.Time) (source.AccessUnit, outcome) {
	pts := a.clock.at(stamp, now)
	slices, key, whole := a.sort(nalus)
	if len(slices) == 0 {
		return source.AccessUnit{}, pending // parameter sets alone, or nothing of use
	}
	whole = whole && !a.broken
	a.broken = false
	if !whole || (a.waiting && !key) {
		a.waiting = true
		return source.AccessUnit{}, dropped
	}
	result := interframe
	if key {
		sets, ok := a.sets.list(a.syntax.codec() == source.H265)
		if !ok {
			a.waiting = true
			return source.AccessUnit{}, dropped
		}
		slices, result = append(sets, slices...), keyframe
	}
	a.waiting = false
	return source.AccessUnit{Codec: a.syntax.codec(), NALUs: slices, Key: key, PTS: pts, At: now}, result
}

// sort keeps the parameter sets and returns the slices; whole is false if the first slice of the picture is missing.
func (a *assembler) sort(nalus [][]byte) (slices [][]byte, key, whole bool) {
	for _, nalu := range nalus {
		if len(nalu) <= a.syntax.header() {
			continue
		}
		switch kind := a.syntax.kind(nalu); kind {
		case slice, keySlice:
			if len(slices) == 0 {
				whole = a.syntax.first(nalu)
			}
			slices = append(slices, nalu)
			key = key || kind == keySlice
		case videoSet, sequenceSet, pictureSet:
			a.sets.put(kind, nalu, a.syntax.header())
		}
	}
	return slices, key, whole
}

// mediaClock turns RTP timestamps of 90 kHz into media time. A camera's jump that time cannot explain is replaced by the time
// that passed here.
type mediaClock struct {
	started bool
	stamp   uint32
	arrived time.Time
	pts     time.Duration
}

func (c *mediaClock) at(stamp uint32, now time.Time) time.Duration {
	if !c.started {
		*c = mediaClock{started: true, stamp: stamp, arrived: now}
		return 0
	}
	elapsed := now.Sub(c.arrived)
	step := time.Duration(int32(stamp-c.stamp)) * time.Second / 90000
	if step < -2*time.Second || step > elapsed+10*time.Second {
		step = elapsed
	}
	c.stamp, c.arrived, c.pts = stamp, now, max(0, c.pts+step)
	return c.pts
}
