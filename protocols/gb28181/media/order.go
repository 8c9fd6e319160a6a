package media

import (
	"bytes"
	"time"

	"github.com/pion/rtp"
)

// Bounds of what waits for packets that come late.
const (
	window   = 128                    // packets
	lateness = 300 * time.Millisecond // since the first that waits
	farAhead = 3000                   // a jump this far is a new beginning, not a loss
)

// order puts packets of one sender in order (RFC 3550 clause 5.1, sequence numbers) and leaves out those that came twice.
type order struct {
	started bool
	next    uint16
	held    map[uint16]*rtp.Packet
	since   time.Time // the oldest that is held came
	behind  int       // packets on end that came too late
	out     func(pkt *rtp.Packet, lost int)
}

// push takes a packet, whose payload it may clone but does not keep, and hands on those whose turn it is.
func (o *order) push(pkt *rtp.Packet, now time.Time) {
	if !o.started {
		o.started, o.next, o.held = true, pkt.SequenceNumber, map[uint16]*rtp.Packet{}
	}
	ahead := int16(pkt.SequenceNumber - o.next)
	if ahead < 0 || ahead > farAhead {
		o.strange(pkt)
		return
	}
	o.behind = 0
	if ahead > 0 {
		o.hold(pkt, now)
	} else {
		o.give(pkt, 0)
	}
	for len(o.held) >= window || len(o.held) > 0 && now.Sub(o.since) > lateness {
		o.skip()
		o.since = now
	}
}

// strange takes a packet that is late or far ahead: many on end are a sender that began anew.
func (o *order) strange(pkt *rtp.Packet) {
	if o.behind++; o.behind <= window/4 {
		return
	}
	o.behind = 0
	clear(o.held)
	o.give(pkt, 1)
}

func (o *order) hold(pkt *rtp.Packet, now time.Time) {
	if o.held[pkt.SequenceNumber] != nil {
		return
	}
	if len(o.held) == 0 {
		o.since = now
	}
	kept := &rtp.Packet{Header: pkt.Header, Payload: bytes.Clone(pkt.Payload)}
	o.held[pkt.SequenceNumber] = kept
}

// give hands a packet on, and those behind it that are there.
func (o *order) give(pkt *rtp.Packet, lost int) {
	for pkt != nil {
		o.next = pkt.SequenceNumber + 1
		o.out(pkt, lost)
		pkt, lost = o.held[o.next], 0
		delete(o.held, o.next)
	}
}

// skip gives up what is missing before the first packet that is held.
func (o *order) skip() {
	first, least := uint16(0), -1
	for seq := range o.held {
		if ahead := int(seq - o.next); least < 0 || ahead < least {
			first, least = seq, ahead
		}
	}
	pkt := o.held[first]
	delete(o.held, first)
	o.give(pkt, least)
}
