package media

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
)

// readBuffer is what the system may keep of a UDP port: a keyframe of a large camera.
const readBuffer = 2 << 20

// latchSilence is how long the sender must be silent before another one is heard under the same address.
const latchSilence = 2 * time.Second

// Peer is from where the media of a session may come.
type Peer struct {
	Addresses []netip.Addr // the one that was answered, and the one that signals
	Dial      netip.AddrPort
	SSRC      uint32 // the one that was offered or answered; others are heard only if it is silent
}

// PeerOf is where the media of an answer comes from; signalling is the address from which the device signals, as we see it. Behind
// NAT the answered one may mean nothing here: then the other is right.
func PeerOf(a Answer, signalling netip.Addr, offered uint32) Peer {
	p := Peer{SSRC: offered}
	if a.HasSSRC {
		p.SSRC = a.SSRC
	}
	for _, address := range []netip.Addr{a.Host, signalling.Unmap().WithZone("")} {
		if address.IsValid() && !address.IsUnspecified() && !address.IsMulticast() {
			p.Addresses = append(p.Addresses, address)
		}
	}
	if len(p.Addresses) > 0 && a.Port > 0 {
		p.Dial = netip.AddrPortFrom(p.Addresses[0], uint16(a.Port))
	}
	return p
}

func (p Peer) allows(a netip.Addr) bool { return slices.Contains(p.Addresses, a.Unmap().WithZone("")) }

// Receiver is the port of one session. Close it when the session is over.
type Receiver struct {
	transport Transport
	port      int
	udp       *net.UDPConn
	tcp       *net.TCPListener
	free      func()

	bytes    atomic.Uint64
	refused  atomic.Uint64
	unframed atomic.Uint64
}

// Port is the one to offer. Where we dial it is a number alone.
func (r *Receiver) Port() int { return r.port }

// Ordered says that the transport keeps the order of packets.
func (r *Receiver) Ordered() bool { return r.transport != UDP }

// Bytes counts what came from the peer; it may be read from any goroutine.
func (r *Receiver) Bytes() uint64 { return r.bytes.Load() }

// Refused counts packets and connections of others, and bytes of a connection that belong to no packet.
func (r *Receiver) Refused() uint64 { return r.refused.Load() + r.unframed.Load() }

// Close frees the port.
func (r *Receiver) Close() {
	if r.udp != nil {
		_ = r.udp.Close()
	}
	if r.tcp != nil {
		_ = r.tcp.Close()
	}
	r.free()
}

// Run gives each RTP packet of the peer to take, which may keep nothing of it, until ctx ends (nil) or the connection fails. It leaves
// no goroutine behind and runs once.
func (r *Receiver) Run(ctx context.Context, p Peer, take func(*rtp.Packet)) error {
	var err error
	switch r.transport {
	case UDP:
		err = r.datagrams(ctx, p, take)
	case TCPPassive:
		err = r.accept(ctx, p, take)
	case TCPActive:
		err = r.dial(ctx, p, take)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// ErrEnded says that a connection failed or ended. Its cause is not repeated: it may hold an address.
var ErrEnded = errors.New("the connection of the media ended")

func (r *Receiver) datagrams(ctx context.Context, p Peer, take func(*rtp.Packet)) error {
	defer context.AfterFunc(ctx, func() { _ = r.udp.Close() })()
	buf := make([]byte, 1<<16)
	from := latch{peer: p}
	var pkt rtp.Packet
	for {
		n, addr, err := r.udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return ErrEnded
		}
		b := buf[:n]
		if !isRTP(b) || !from.hears(addr, binary.BigEndian.Uint32(b[8:]), time.Now()) {
			r.refused.Add(1)
			continue
		}
		r.hand(b, &pkt, take)
	}
}

// hand parses a packet and passes it on.
func (r *Receiver) hand(b []byte, pkt *rtp.Packet, take func(*rtp.Packet)) {
	r.bytes.Add(uint64(len(b)))
	if *pkt = (rtp.Packet{}); pkt.Unmarshal(b) == nil {
		take(pkt)
		return
	}
	r.refused.Add(1)
}

func isRTP(b []byte) bool { return len(b) >= minRTP && b[0]>>6 == 2 && !isControl(b) }

// latch holds on to one sender: the first under an allowed address, from whatever port NAT gave it. A sender with the right SSRC takes
// the place of one with another; else another one must wait until the first is silent.
type latch struct {
	peer Peer
	on   bool
	from netip.AddrPort
	ssrc uint32
	last time.Time
}

func (l *latch) hears(from netip.AddrPort, ssrc uint32, now time.Time) bool {
	if !l.peer.allows(from.Addr()) {
		return false
	}
	if l.on && from == l.from && ssrc == l.ssrc {
		l.last = now
		return true
	}
	better := l.ssrc != l.peer.SSRC && ssrc == l.peer.SSRC
	if l.on && !better && now.Sub(l.last) < latchSilence {
		return false
	}
	l.on, l.from, l.ssrc, l.last = true, from, ssrc, now
	return true
}

// accept waits for the peer's connection and closes those of others.
func (r *Receiver) accept(ctx context.Context, p Peer, take func(*rtp.Packet)) error {
	defer context.AfterFunc(ctx, func() { _ = r.tcp.Close() })()
	for {
		conn, err := r.tcp.AcceptTCP()
		if err != nil {
			return ErrEnded
		}
		if from, ok := conn.RemoteAddr().(*net.TCPAddr); ok && p.allows(from.AddrPort().Addr()) {
			_ = r.tcp.Close()
			return r.read(ctx, conn, take)
		}
		r.refused.Add(1)
		_ = conn.Close()
	}
}

// dialTimeout bounds one try to call the device; there are two at most.
const dialTimeout = 4 * time.Second

func (r *Receiver) dial(ctx context.Context, p Peer, take func(*rtp.Packet)) error {
	if !p.Dial.IsValid() {
		return fmt.Errorf("the device's answer names no port to call")
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	var err error
	for _, address := range p.Addresses { // the answered one may be behind NAT
		var conn net.Conn
		if conn, err = dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(address, p.Dial.Port()).String()); err == nil {
			return r.read(ctx, conn, take)
		}
	}
	return fmt.Errorf("call the device for its media: %w", ErrEnded)
}

func (r *Receiver) read(ctx context.Context, conn net.Conn, take func(*rtp.Packet)) error {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	frames := NewFramer(conn)
	var pkt rtp.Packet
	for {
		b, err := frames.Next()
		r.unframed.Store(frames.Skipped)
		switch {
		case errors.Is(err, ErrFraming):
			return err
		case err != nil:
			return ErrEnded
		case isRTP(b):
			r.hand(b, &pkt, take)
		}
	}
}
