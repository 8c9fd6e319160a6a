package onvif

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Found is a device that answered.
type Found struct {
	From netip.Addr // whom the answer came from
	// Addresses of its device service, the likeliest first: at the address from which it answered, then as it said.
	Addresses []string
	Model     string // from its scopes; empty: it told none in a harmless form
	id        string
}

// Search says where and for how long to look. The zero value asks every interface for three seconds.
type Search struct {
	For time.Duration // default 3 s
	// Interfaces to ask by multicast, default all that are up and can.
	Interfaces []net.Interface
	// At are asked directly, instead: where multicast does not pass. A port of 0 means 3702.
	At []netip.AddrPort
}

// Bounds of a search.
const (
	maxFound      = 1024
	maxReplies    = 4096 // of one interface
	maxReply      = 64 << 10
	maxCandidates = 8
	discoveryPort = 3702 // WS-Discovery 2005/04, 2.4
)

var (
	group4 = netip.MustParseAddr("239.255.255.250")
	group6 = netip.MustParseAddr("ff02::c")
)

// Discover asks a network for its cameras (WS-Discovery 2005/04, 5; ONVIF Core, 7) and returns them in the order of their addresses. An
// error means that nobody could be asked.
func Discover(ctx context.Context, s Search) ([]Found, error) {
	if s.For <= 0 {
		s.For = 3 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, s.For)
	defer cancel()
	asks, err := s.asks()
	if err != nil {
		return nil, err
	}
	c := &collector{found: map[string]*Found{}}
	var wg sync.WaitGroup
	errs := make([]error, len(asks))
	for i, a := range asks {
		wg.Go(func() { errs[i] = a.run(ctx, c) })
	}
	wg.Wait()
	if failed := errors.Join(errs...); failed != nil && !slices.Contains(errs, nil) {
		return nil, fmt.Errorf("looking for cameras: %w", failed)
	}
	return c.all(), nil
}

// ask is one socket and whom it asks.
type ask struct {
	network string
	local   *net.UDPAddr
	ifi     *net.Interface // nil: asked directly
	to      []netip.AddrPort
}

func (s Search) asks() (asks []ask, err error) {
	if len(s.At) > 0 {
		a := ask{network: "udp"}
		for _, at := range s.At {
			if at.Port() == 0 {
				at = netip.AddrPortFrom(at.Addr(), discoveryPort)
			}
			a.to = append(a.to, at)
		}
		return []ask{a}, nil
	}
	interfaces := s.Interfaces
	if interfaces == nil {
		if interfaces, err = net.Interfaces(); err != nil {
			return nil, fmt.Errorf("listing the interfaces: %w", err)
		}
	}
	for _, ifi := range interfaces {
		if ifi.Flags&net.FlagUp != 0 && ifi.Flags&net.FlagMulticast != 0 && ifi.Flags&net.FlagLoopback == 0 {
			asks = append(asks, asksOf(ifi)...)
		}
	}
	if len(asks) == 0 {
		return nil, errors.New("looking for cameras: no interface is up that can multicast")
	}
	return asks, nil
}

// asksOf is one socket for each address of an interface by IPv4, and one for IPv6 on the link.
func asksOf(ifi net.Interface) (asks []ask) {
	addrs, err := ifi.Addrs()
	if err != nil {
		return nil
	}
	six := false
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		switch {
		case n.IP.To4() != nil:
			asks = append(asks, ask{network: "udp4", local: &net.UDPAddr{IP: n.IP}, ifi: &ifi, to: []netip.AddrPort{netip.AddrPortFrom(group4, discoveryPort)}})
		case n.IP.IsLinkLocalUnicast() && !six:
			six = true
			to := netip.AddrPortFrom(group6.WithZone(ifi.Name), discoveryPort)
			asks = append(asks, ask{network: "udp6", local: &net.UDPAddr{IP: n.IP, Zone: ifi.Name}, ifi: &ifi, to: []netip.AddrPort{to}})
		}
	}
	return asks
}

// run asks twice, since UDP gets lost, and collects until ctx ends.
func (a ask) run(ctx context.Context, c *collector) error {
	conn, err := net.ListenUDP(a.network, a.local)
	if err != nil {
		return errors.New("no socket could be opened")
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	if a.ifi != nil {
		if err := bind(conn, a); err != nil {
			return errors.New("the interface refuses multicast")
		}
	}
	sent := 0
	for range 2 {
		for _, to := range a.to {
			for _, types := range []string{`<d:Types>dn:NetworkVideoTransmitter</d:Types>`, ""} {
				if _, err := conn.WriteToUDPAddrPort([]byte(probe(types)), to); err == nil {
					sent++
				}
			}
		}
	}
	if sent == 0 {
		return errors.New("nothing could be sent")
	}
	c.collect(conn)
	return nil
}

func bind(conn *net.UDPConn, a ask) error {
	if a.network == "udp4" {
		return ipv4.NewPacketConn(conn).SetMulticastInterface(a.ifi)
	}
	return ipv6.NewPacketConn(conn).SetMulticastInterface(a.ifi)
}

// probe is the question: of cameras, and of whatever answers, since some firmware knows only one of them.
func probe(types string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"` +
		` xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><e:Header><w:MessageID>uuid:` + messageID() +
		`</w:MessageID><w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To><w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>` +
		`<e:Body><d:Probe>` + types + `</d:Probe></e:Body></e:Envelope>`
}

// collector gathers answers of several sockets.
type collector struct {
	mu    sync.Mutex
	found map[string]*Found
}

func (c *collector) collect(conn *net.UDPConn) {
	buf := make([]byte, maxReply)
	for range maxReplies {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		for _, f := range ReadMatches(buf[:n], from.Addr()) {
			c.add(f)
		}
	}
}

func (c *collector) add(f Found) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.found[f.id]
	switch {
	case before == nil && len(c.found) < maxFound:
		c.found[f.id] = &f
	case before != nil:
		for _, a := range f.Addresses {
			before.Addresses = put(before.Addresses, a)
		}
		if before.Model == "" {
			before.Model = f.Model
		}
	}
}

func (c *collector) all() []Found {
	out := make([]Found, 0, len(c.found))
	for _, f := range c.found {
		out = append(out, *f)
	}
	slices.SortFunc(out, func(a, b Found) int { return slices.Compare(a.Addresses, b.Addresses) })
	return out
}

// put appends what is new, within bounds.
func put(list []string, s string) []string {
	if s == "" || len(list) >= maxCandidates || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// ReadMatches reads an answer that came from an address: ProbeMatches or Hello. What is no camera is left out. It never fails: an
// answer that means nothing holds no device.
func ReadMatches(reply []byte, from netip.Addr) (found []Found) {
	root, _ := parse(reply)
	for _, name := range []string{"ProbeMatch", "Hello"} {
		for _, m := range root.all(name) {
			if f, ok := readMatch(m, from.Unmap()); ok && len(found) < maxItems {
				found = append(found, f)
			}
		}
	}
	return found
}

func readMatch(m *element, from netip.Addr) (Found, bool) {
	types, scopes, xaddrs := m.child("Types").value(), strings.Fields(m.child("Scopes").value()), m.child("XAddrs").value()
	if !strings.Contains(types, "NetworkVideoTransmitter") && !strings.Contains(strings.ToLower(strings.Join(scopes, " ")+xaddrs), "onvif") {
		return Found{}, false
	}
	f := Found{From: from, Addresses: candidates(strings.Fields(xaddrs), from), id: m.child("EndpointReference", "Address").value()}
	if len(f.id) > 128 || f.id == "" {
		f.id = from.String()
	}
	for _, s := range scopes {
		if model, ok := scope(s, "hardware"); ok {
			f.Model = model
		}
	}
	return f, true
}

// scope is what a scope of a category says (ONVIF Core, 7.3.2).
func scope(s, category string) (string, bool) {
	text, ok := strings.CutPrefix(s, "onvif://www.onvif.org/"+category+"/")
	if !ok {
		return "", false
	}
	text, err := url.PathUnescape(text)
	return shown(text), err == nil
}

// candidates orders the addresses of a device: at the host that answered; as told; link-local ones last.
func candidates(xaddrs []string, from netip.Addr) (out []string) {
	var told, local []string
	for _, x := range xaddrs[:min(len(xaddrs), maxItems)] {
		u, err := url.Parse(x)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
			continue
		}
		u.User = nil
		own := *u
		own.Host = hostPort(from.String(), u.Port())
		out = put(out, own.String())
		host, err := netip.ParseAddr(u.Hostname())
		switch {
		case err == nil && host.WithZone("") == from.WithZone(""):
		case err == nil && host.IsLinkLocalUnicast():
			if host.Is6() && from.Zone() != "" {
				u.Host = hostPort(host.WithZone(from.Zone()).String(), u.Port())
			}
			local = put(local, u.String())
		default:
			told = put(told, u.String())
		}
	}
	for _, s := range slices.Concat(told, local) {
		out = put(out, s)
	}
	if len(out) == 0 {
		u := url.URL{Scheme: "http", Host: hostPort(from.String(), ""), Path: "/onvif/device_service"}
		out = put(out, u.String())
	}
	return out
}
