// Package media is the video half of GB/T 28181: what is offered and answered in session descriptions (GB/T 28181-2022 annex G,
// clause 9.2), and how MPEG program streams arrive in RTP over UDP or TCP (annexes C and D; RFC 3550, RFC 4571, RFC 4145).
//
// In: a device's answer and its packets. Out: coded pictures with their time stamps, and counts of what was wrong. A peer is
// believed only under the addresses that signalling knows; sizes, ports and what waits for its turn are bounded. Sound and
// private streams are skipped unread, nothing is decoded, nothing is sent but a connection, and no error repeats what came.
package media

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
)

// Transport is how RTP travels.
type Transport string

// The transports, seen from us: passive listens, active dials the device.
const (
	UDP        Transport = "udp"
	TCPPassive Transport = "tcp-passive"
	TCPActive  Transport = "tcp-active"
)

// Transports are all of them.
var Transports = []Transport{UDP, TCPPassive, TCPActive}

// payloadPS is the payload type of program streams in offers.
const payloadPS = 96

// Offer is what we ask a device for.
type Offer struct {
	Code      string     // who asks, or the channel that is asked: 20 digits
	Host      netip.Addr // under which the device reaches us
	Port      int
	Transport Transport
	SSRC      string // ten digits, see [SSRCs]
}

// Marshal writes a session description for live video. The line y= comes last: some devices refuse it elsewhere.
func (o Offer) Marshal() []byte {
	family := "IP4"
	if o.Host.Is6() {
		family = "IP6"
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("v=0")
	line("o=%s 0 0 IN %s %s", o.Code, family, o.Host)
	line("s=Play")
	line("c=IN %s %s", family, o.Host)
	line("t=0 0")
	profile := "TCP/RTP/AVP"
	if o.Transport == UDP {
		profile = "RTP/AVP"
	}
	line("m=video %d %s %d", o.Port, profile, payloadPS)
	line("a=recvonly")
	line("a=rtpmap:%d PS/90000", payloadPS)
	switch o.Transport {
	case TCPPassive:
		line("a=setup:passive")
		line("a=connection:new")
	case TCPActive:
		line("a=setup:active")
		line("a=connection:new")
	}
	line("y=%s", o.SSRC)
	return []byte(b.String())
}

// SSRCs gives each session a number of its own (GB/T 28181-2022 annex G): 0 for live video, digits 4 to 8 of the domain, four digits.
// It may be used from any goroutine.
type SSRCs struct {
	domain string

	mu   sync.Mutex
	next int
	used map[string]bool
}

// maxSessions is how many numbers a domain has.
const maxSessions = 10_000

// NewSSRCs makes the numbers of a domain, whose code has at least 8 digits.
func NewSSRCs(domain string) (*SSRCs, error) {
	if len(domain) < 8 || strings.Trim(domain, "0123456789") != "" {
		return nil, fmt.Errorf("a domain's code has 8 digits or more")
	}
	return &SSRCs{domain: domain[3:8], next: 1, used: map[string]bool{}}, nil
}

// Take returns a number that no session has; ok is false if all are taken. Give it back with [SSRCs.Free].
func (s *SSRCs) Take() (ssrc string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range maxSessions {
		ssrc = fmt.Sprintf("0%s%04d", s.domain, s.next)
		s.next = (s.next + 1) % maxSessions
		if !s.used[ssrc] {
			s.used[ssrc] = true
			return ssrc, true
		}
	}
	return "", false
}

// Free gives a number back.
func (s *SSRCs) Free(ssrc string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.used, ssrc)
}
