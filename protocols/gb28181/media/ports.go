package media

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
)

// Ports are those on which media arrives: the even ones of a range, one for each session. It may be used from any goroutine.
type Ports struct {
	bind        netip.Addr
	first, last int

	mu   sync.Mutex
	next int
	used map[int]bool
}

// ErrNoPort says that every port of the range is taken.
var ErrNoPort = errors.New("no port for media is free")

// NewPorts takes a range, both ends included, and the address to listen on, which may be unspecified.
func NewPorts(bind netip.Addr, first, last int) (*Ports, error) {
	first += first % 2
	if first < 2 || last > 65535 || last < first || !bind.IsValid() {
		return nil, fmt.Errorf("ports %d to %d are no range with an even port", first, last)
	}
	return &Ports{bind: bind, first: first, last: last, next: first, used: map[int]bool{}}, nil
}

// Sessions is how many can be open at once.
func (p *Ports) Sessions() int { return (p.last-p.first)/2 + 1 }

// Open takes a port and listens on it, unless the transport is active. Ports take turns, so that what a device sends too late
// meets no other session.
func (p *Ports) Open(t Transport) (*Receiver, error) {
	for range p.Sessions() {
		port, ok := p.take()
		if !ok {
			return nil, ErrNoPort
		}
		r := &Receiver{transport: t, port: port}
		if err := r.listen(p.bind); err != nil { // another program has it
			p.free(port)
			continue
		}
		r.free = sync.OnceFunc(func() { p.free(port) })
		return r, nil
	}
	return nil, ErrNoPort
}

func (p *Ports) take() (port int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range p.Sessions() {
		port = p.next
		if p.next += 2; p.next > p.last {
			p.next = p.first
		}
		if !p.used[port] {
			p.used[port] = true
			return port, true
		}
	}
	return 0, false
}

func (p *Ports) free(port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.used, port)
}

func (r *Receiver) listen(bind netip.Addr) (err error) {
	at := netip.AddrPortFrom(bind, uint16(r.port))
	switch r.transport {
	case UDP:
		if r.udp, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at)); err == nil {
			_ = r.udp.SetReadBuffer(readBuffer) // as much as the system allows
		}
	case TCPPassive:
		r.tcp, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
	case TCPActive:
	default:
		err = fmt.Errorf("unknown transport")
	}
	return err
}
