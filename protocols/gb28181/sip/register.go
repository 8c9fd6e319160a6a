package sip

import (
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"gridgate/protocols/gb28181"
	"gridgate/protocols/kit/lockout"
	"gridgate/protocols/vendor"
)

// Expiries of a registration, in seconds: what a device asks for is granted within bounds.
const (
	usualExpiry = 3600
	leastExpiry = 60
	mostExpiry  = 7 * 24 * 3600
)

// onRegister answers a REGISTER (GB/T 28181-2016, 9.1).
func (s *Server) onRegister(req *sip.Request, tx sip.ServerTransaction) {
	id := gb28181.ID(req.From().Address.User)
	from := source(req)
	d := s.devices[id]
	if d == nil {
		s.counts.unknown.Add(1)
		answer(req, tx, 403, "Forbidden")
		return
	}
	header := req.GetHeader("Authorization")
	switch {
	case d.cfg.Secret == "":
		s.admit(req, tx, d, from)
	case header == nil:
		s.ask(req, tx, d, from, false)
	default:
		s.check(req, tx, d, from, header.Value())
	}
}

// ask challenges.
func (s *Server) ask(req *sip.Request, tx sip.ServerTransaction, d *device, from netip.AddrPort, stale bool) {
	answer(req, tx, 401, "Unauthorized", sip.NewHeader("WWW-Authenticate", s.challenge(d.cfg.ID, from.Addr(), stale)))
}

// check reads the answer to a challenge. Whoever guesses waits.
func (s *Server) check(req *sip.Request, tx sip.ServerTransaction, d *device, from netip.AddrPort, header string) {
	key := lockout.Key(d.cfg.ID, from.String())
	if s.lock.Try(key, s.o.Now()) > 0 {
		s.counts.refused.Add(1)
		answer(req, tx, 403, "Forbidden")
		return
	}
	verdict := s.judge(header, string(req.Method), d, from.Addr())
	if verdict != wrong {
		s.lock.Succeed(key)
	}
	switch verdict {
	case right:
		s.admit(req, tx, d, from)
	case stale, none:
		s.ask(req, tx, d, from, verdict == stale)
	default:
		s.counts.refused.Add(1)
		d.refuse()
		s.o.Log.Warn("a GB/T 28181 device gave a wrong password", "device", d.cfg.ID)
		answer(req, tx, 403, "Forbidden")
	}
}

// admit registers a device, or with Expires 0 lets it go.
func (s *Server) admit(req *sip.Request, tx sip.ServerTransaction, d *device, from netip.AddrPort) {
	expires := expiry(req)
	headers := []sip.Header{sip.NewHeader("Date", s.o.Now().In(d.zone()).Format("2006-01-02T15:04:05.000"))} // GB/T 28181-2016, 9.10
	if expires > 0 {
		expires = min(max(expires, leastExpiry), mostExpiry)
	}
	if c := req.Contact(); c != nil {
		contact := c.Clone()
		contact.Params = sip.NewParams()
		contact.Params.Add("expires", strconv.Itoa(expires))
		headers = append(headers, contact)
	}
	headers = append(headers, sip.NewHeader("Expires", strconv.Itoa(expires)))
	version := ""
	if h := req.GetHeader("X-GB-Ver"); h != nil {
		version = versionOf(h.Value())
		headers = append(headers, sip.NewHeader("X-GB-Ver", "3.0"))
	}
	if expires == 0 {
		s.lost(d, vendor.ErrUnreachable)
		answer(req, tx, 200, "OK", headers...)
		return
	}
	now := s.o.Now()
	fresh := d.join(arrival{
		from: from, network: req.Transport(), call: req.CallID().Value(), version: version,
		until: now.Add(time.Duration(expires) * time.Second), local: s.local(from),
	}, now, s.limits)
	answer(req, tx, 200, "OK", headers...)
	if fresh {
		s.o.Log.Info("a GB/T 28181 device has registered", "device", d.cfg.ID)
		s.o.OnChange(d.cfg.ID)
		s.greet(d)
	}
}

// expiry is what a REGISTER asks for, in seconds (RFC 3261, 10.2.1.1).
func expiry(req *sip.Request) int {
	if c := req.Contact(); c != nil {
		if v, ok := c.Params.Get("expires"); ok {
			if n, err := strconv.Atoi(v); err == nil && n >= 0 {
				return n
			}
		}
	}
	if h := req.GetHeader("Expires"); h != nil {
		if n, err := strconv.Atoi(h.Value()); err == nil && n >= 0 {
			return n
		}
	}
	return usualExpiry
}

// versionOf lets a version through: a digit, a dot, a digit.
func versionOf(s string) string {
	if len(s) == 3 && s[1] == '.' && s[0] >= '0' && s[0] <= '9' && s[2] >= '0' && s[2] <= '9' {
		return s
	}
	return ""
}

func source(req *sip.Request) netip.AddrPort {
	ap, _ := netip.ParseAddrPort(req.Source())
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// local is the address under which a device reaches us.
func (s *Server) local(peer netip.AddrPort) string {
	var bound net.Addr
	if s.o.UDP != nil {
		bound = s.o.UDP.LocalAddr()
	} else {
		bound = s.o.TCP.Addr()
	}
	host, port, _ := net.SplitHostPort(bound.String())
	if s.o.Advertise != "" {
		return net.JoinHostPort(s.o.Advertise, port)
	}
	if ip, err := netip.ParseAddr(host); err == nil && !ip.IsUnspecified() {
		return bound.String()
	}
	c, err := net.Dial("udp", peer.String()) // sends nothing: it asks which address a packet would leave from
	if err != nil {
		return bound.String()
	}
	defer c.Close()
	host, _, _ = net.SplitHostPort(c.LocalAddr().String())
	return net.JoinHostPort(host, port)
}
