// Package forwarded finds out from which address a request comes where proxies stand before central.
//
// In: requests, and the networks of the proxies that are trusted. Out: the same requests with the client's address in RemoteAddr, so that
// everything behind (lockouts, limits, the audit log) reads it there. Nobody is trusted who is not named. It reads X-Forwarded-For and
// X-Forwarded-Proto alone: a proxy that writes them passes on Forwarded (RFC 7239) or X-Real-IP as the client made them up. It refuses no
// request and changes no header.
package forwarded

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// MaxHops is how many addresses of a chain are read, from the right.
const MaxHops = 16

// hintEvery is how often the log tells of a proxy that is not trusted; the metric counts them all.
const hintEvery = time.Hour

// Metric counts requests with forwarded addresses, by what was made of them; [Untrusted] is a value of its label "outcome".
const (
	Metric    = "gridgate_forwarded_requests_total"
	Untrusted = "untrusted"

	taken     = "taken"
	malformed = "malformed"
)

// Options of [New]. All but Trusted are demanded.
type Options struct {
	Trusted    []netip.Prefix // networks of proxies, as [Parse] returns them
	Registerer prometheus.Registerer
	Logger     *slog.Logger
	Now        func() time.Time
}

// Proxies knows which peers are proxies. It is safe for concurrent use.
type Proxies struct {
	o        Options
	requests *prometheus.CounterVec

	mu     sync.Mutex
	hinted time.Time
}

// New returns Proxies that count in o.Registerer.
func New(o Options) *Proxies {
	p := &Proxies{o: o, requests: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: Metric, Help: "Requests with X-Forwarded-For by what was made of it; untrusted: its sender is not in trusted_proxies; malformed: the proxy's own address counts.",
	}, []string{"outcome"})}
	for _, outcome := range []string{taken, Untrusted, malformed} {
		p.requests.WithLabelValues(outcome)
	}
	o.Registerer.MustRegister(p.requests)
	return p
}

// Parse reads a network, 10.0.0.0/8, or one address. ok is false for what is neither, for everybody, and for what matches no peer: an address
// with a zone, an IPv4 address in IPv6 form, bits beyond the mask.
func Parse(text string) (p netip.Prefix, ok bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, false
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	return p, p.Bits() > 0 && p == p.Masked() && !p.Addr().Is4In6()
}

// Handler gives next the client's address in RemoteAddr, with port 0, where a trusted proxy tells it.
func (p *Proxies) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, p.seen(r))
	})
}

func (p *Proxies) seen(r *http.Request) *http.Request {
	chain := r.Header.Values("X-Forwarded-For")
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	peer := plain(from.Addr())
	if err != nil || !p.trusts(peer) {
		if len(chain) > 0 || r.Header.Get("Forwarded") != "" {
			p.requests.WithLabelValues(Untrusted).Inc()
			p.hint(peer)
		}
		return r
	}
	if secured := r.Header.Values("X-Forwarded-Proto"); len(secured) == 1 && strings.EqualFold(secured[0], "https") {
		r = r.WithContext(context.WithValue(r.Context(), httpsKey{}, true))
	}
	if len(chain) == 0 {
		return r
	}
	client, whole := p.client(peer, chain)
	outcome := taken
	if !whole {
		outcome = malformed
	}
	p.requests.WithLabelValues(outcome).Inc()
	out := *r
	out.RemoteAddr = netip.AddrPortFrom(client, 0).String()
	return &out
}

// client walks the chain from the right, the peer's own word first, to the first address that is not a trusted proxy: what stands left of it
// was written by somebody who may lie. Where all are trusted it is the leftmost. whole is false if it had to stop before, at something that
// is no address or after [MaxHops]: then it is the last proxy that was known.
func (p *Proxies) client(peer netip.Addr, chain []string) (client netip.Addr, whole bool) {
	client = peer
	hops := 0
	for i := len(chain) - 1; i >= 0; i-- {
		for rest, more := chain[i], true; more; hops++ {
			if hops == MaxHops {
				return client, false
			}
			var text string
			rest, text, more = cutLast(rest)
			if text == "" { // RFC 9110 section 5.6.1.2: an empty element of a list is none
				continue
			}
			a, ok := address(text)
			if !ok {
				return client, false
			}
			if client = a; !p.trusts(a) {
				return client, true
			}
		}
	}
	return client, true
}

// cutLast takes the last element off a list.
func cutLast(list string) (rest, last string, more bool) {
	i := strings.LastIndexByte(list, ',')
	return list[:max(i, 0)], strings.Trim(list[i+1:], " \t"), i >= 0
}

// address reads what proxies write: an address, with a port or without, IPv6 in brackets or without.
func address(text string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		with, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		a = with.Addr()
	}
	a = plain(a)
	return a, !a.IsUnspecified() && !a.IsMulticast()
}

// plain leaves off what differs between ways to write one address. A zone is a name on another machine, and any text.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func (p *Proxies) trusts(a netip.Addr) bool {
	for _, network := range p.o.Trusted {
		if network.Contains(a) {
			return true
		}
	}
	return false
}

// hint tells, seldom, that a proxy may stand before central which nobody named.
func (p *Proxies) hint(peer netip.Addr) {
	now := p.o.Now()
	p.mu.Lock()
	due := p.hinted.IsZero() || now.Sub(p.hinted) >= hintEvery
	if due {
		p.hinted = now
	}
	p.mu.Unlock()
	if due {
		p.o.Logger.Warn("a request came with forwarded addresses from a peer that trusted_proxies does not name: if it is a proxy of yours, all its clients count as one address; told once an hour", "peer", peer.String())
	}
}

type httpsKey struct{}

// HTTPS says whether a trusted proxy told that the client of this request uses TLS.
func HTTPS(ctx context.Context) bool {
	told, _ := ctx.Value(httpsKey{}).(bool)
	return told
}
