package onvif

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
)

// Discovery is how the camera answers the question who is there.
type Discovery struct {
	XAddrs string // as it writes them; %h stands for its own address
	Scopes string
	Types  string // default dn:NetworkVideoTransmitter
	Times  int    // it answers each question so often, default once
	Junk   bool   // and sends junk before
}

// Responder answers WS-Discovery on loopback.
type Responder struct {
	Addr netip.AddrPort

	conn *net.UDPConn
	wg   sync.WaitGroup
	mu   sync.Mutex
	last string
}

// NewResponder starts to answer. Close must be called.
func NewResponder(q Discovery) (*Responder, error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("answering discovery: %w", err)
	}
	r := &Responder{conn: conn, Addr: conn.LocalAddr().(*net.UDPAddr).AddrPort()}
	r.wg.Go(func() { r.serve(q) })
	return r, nil
}

// Close ends it.
func (r *Responder) Close() {
	r.conn.Close()
	r.wg.Wait()
}

// Last is the last question.
func (r *Responder) Last() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

func (r *Responder) serve(q Discovery) {
	buf := make([]byte, 16<<10)
	for {
		n, from, err := r.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		r.mu.Lock()
		r.last = string(buf[:n])
		r.mu.Unlock()
		if q.Junk {
			r.conn.WriteToUDPAddrPort([]byte("<junk"), from)
		}
		for range max(1, q.Times) {
			r.conn.WriteToUDPAddrPort([]byte(q.answer()), from)
		}
	}
}

func (q Discovery) answer() string {
	types := q.Types
	if types == "" {
		types = "dn:NetworkVideoTransmitter"
	}
	return `<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"` +
		` xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><e:Body><d:ProbeMatches><d:ProbeMatch>` +
		`<w:EndpointReference><w:Address>urn:uuid:4711</w:Address></w:EndpointReference><d:Types>` + types + `</d:Types><d:Scopes>` + q.Scopes + `</d:Scopes><d:XAddrs>` +
		strings.ReplaceAll(q.XAddrs, "%h", "127.0.0.1") + `</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>`
}
