package sip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Rates of packets by source. One address may be the NAT of a thousand devices; an address of which no device is registered gets
// what a few of them need to do so.
const (
	trustedRate, trustedBurst   = 2000, 4000 // a second
	strangerRate, strangerBurst = 20, 100
	strangersRate               = 500 // of all of them
	strangersBurst              = 4000
	maxSources                  = 8192
	idleSource                  = time.Minute
)

// limits counts packets by source.
type limits struct {
	now func() time.Time

	mu       sync.Mutex
	sources  map[netip.Addr]*bucket
	trusted  map[netip.Addr]int
	overflow bucket
	all      bucket    // of strangers
	swept    time.Time // when idle sources were looked for
}

type bucket struct {
	tokens float64
	last   time.Time
}

func newLimits(now func() time.Time) *limits {
	return &limits{now: now, all: bucket{strangersBurst, now()}, sources: map[netip.Addr]*bucket{}, trusted: map[netip.Addr]int{}}
}

// trust says that one device more, or with -1 one less, is registered from an address.
func (l *limits) trust(a netip.Addr, by int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.trusted[a] += by; l.trusted[a] <= 0 {
		delete(l.trusted, a)
	}
}

func (l *limits) allow(a netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	rate, burst := float64(strangerRate), float64(strangerBurst)
	if l.trusted[a] > 0 {
		rate, burst = trustedRate, trustedBurst
	}
	b := l.sources[a]
	if b == nil {
		if l.room(now) {
			b = &bucket{tokens: burst, last: now}
			l.sources[a] = b
		} else {
			b = &l.overflow
		}
	}
	return b.take(now, rate, burst) && (l.trusted[a] > 0 || l.all.take(now, strangersRate, strangersBurst))
}

func (b *bucket) take(now time.Time, rate, burst float64) bool {
	b.tokens = min(burst, b.tokens+rate*max(0, now.Sub(b.last).Seconds()))
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

func (l *limits) room(now time.Time) bool {
	if len(l.sources) < maxSources || now.Sub(l.swept) < time.Second {
		return len(l.sources) < maxSources
	}
	l.swept = now
	for a, b := range l.sources {
		if now.Sub(b.last) > idleSource {
			delete(l.sources, a)
		}
	}
	return len(l.sources) < maxSources
}

// maxPeers is how many source addresses the library is shown through one packetConn: it remembers each until that ends.
const maxPeers = 32768

// draining is how long a packetConn keeps silent before it ends: whatever the library began has found its way to answer by then. Later
// it would open a socket of its own, which nobody closes.
const draining = 100 * time.Millisecond

var errRenew = errors.New("begin anew")

// packetConn lets packets through that are within the rate of their source, and asks for the answer to be sent where the packet came
// from (RFC 3581), also where a device behind a NAT does not: its own address leads nowhere.
type packetConn struct {
	net.PacketConn
	server *Server
	peers  map[netip.AddrPort]struct{}
	failed error
}

func (c *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.PacketConn.ReadFrom(b)
		if err != nil {
			return c.end(err)
		}
		peer := addrPort(from)
		if !c.server.limits.allow(peer.Addr()) {
			c.server.counts.flooded.Add(1)
			continue
		}
		if c.peers[peer] = struct{}{}; len(c.peers) > maxPeers {
			return c.end(errRenew)
		}
		return askForPort(b, n), from, nil
	}
}

// end tells the library that the socket is closed, when it has nothing under way.
func (c *packetConn) end(why error) (int, net.Addr, error) {
	c.failed = why
	time.Sleep(draining)
	return 0, nil, net.ErrClosed
}

func addrPort(a net.Addr) netip.AddrPort {
	if u, ok := a.(*net.UDPAddr); ok {
		ap := u.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	ap, _ := netip.ParseAddrPort(a.String())
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// askForPort adds rport to the topmost Via of a request in b[:n] that lacks it, if there is room.
func askForPort(b []byte, n int) int {
	line, _, _ := bytes.Cut(b[:n], []byte("\n"))
	if bytes.HasPrefix(line, []byte("SIP/")) {
		return n
	}
	at := len(line) + 1
	for at < n {
		header, _, ok := bytes.Cut(b[at:n], []byte("\n"))
		trimmed := bytes.TrimRight(header, "\r")
		if !ok || len(trimmed) == 0 {
			return n
		}
		name, value, _ := bytes.Cut(trimmed, []byte(":"))
		name = bytes.TrimSpace(name)
		if bytes.EqualFold(name, []byte("Via")) || bytes.EqualFold(name, []byte("v")) {
			return insertPort(b, n, at+len(trimmed)-len(value), value)
		}
		at += len(header) + 1
	}
	return n
}

const rport = ";rport"

// insertPort adds rport at the end of the first value of a Via that begins at b[at].
func insertPort(b []byte, n, at int, value []byte) int {
	first, _, _ := bytes.Cut(value, []byte(","))
	if bytes.Contains(bytes.ToLower(first), []byte(rport)) || n+len(rport) > len(b) {
		return n
	}
	end := at + len(bytes.TrimRight(first, " \t"))
	copy(b[end+len(rport):n+len(rport)], b[end:n])
	copy(b[end:], rport)
	return n + len(rport)
}

// serveUDP reads packets until ctx ends or the socket fails.
func (s *Server) serveUDP(ctx context.Context) error {
	for {
		conn := &packetConn{PacketConn: s.o.UDP, server: s, peers: map[netip.AddrPort]struct{}{}}
		err := s.serveOnce(conn)
		switch {
		case s.closing.Load(), ctx.Err() != nil, errors.Is(conn.failed, net.ErrClosed):
			return nil
		case errors.Is(conn.failed, errRenew), errors.Is(err, errPanic):
			continue
		case conn.failed != nil:
			return fmt.Errorf("gb28181: read packets: %w", conn.failed)
		}
	}
}

var errPanic = errors.New("a packet could not be read")

// serveOnce survives a packet that the library's parser does not.
func (s *Server) serveOnce(conn *packetConn) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.counts.unreadable.Add(1)
			err = errPanic
		}
	}()
	return s.ua.TransportLayer().ServeUDP(conn)
}

// patient gives each connection an end to its silence.
type patient struct {
	net.Listener
	silence time.Duration
}

func (p patient) Accept() (net.Conn, error) {
	c, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &patientConn{c, max(p.silence, time.Minute)}, nil
}

type patientConn struct {
	net.Conn
	silence time.Duration
}

func (c *patientConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c *patientConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
