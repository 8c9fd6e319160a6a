package media

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Answer is what a device says that it will send. What it does not say, or says badly, is zero.
type Answer struct {
	Host      netip.Addr // of the sender
	Port      int        // of the sender; 0: it sends nothing
	TCP       bool
	Setup     string // active or passive, as the device sees itself
	Payloads  []Payload
	SSRC      uint32 // of the line y=, if HasSSRC
	HasSSRC   bool
	Direction string // sendonly, recvonly, sendrecv or inactive
}

// Payload is a payload type and how it is coded, in upper case, empty if the answer does not say.
type Payload struct {
	Type   uint8
	Coding string
}

// Bounds of an answer.
const (
	maxAnswer   = 64 << 10 // bytes that are looked at
	maxPayloads = 16
)

// The reasons for which an answer cannot be used.
var (
	ErrNoVideo = errors.New("the device's answer has no video")
	ErrNoPS    = errors.New("the device answers with something else than a program stream")
)

// ParseAnswer reads a session description as devices write it: lines in any order and with any ends, y= and f= anywhere, fields
// missing, text in any charset.
func ParseAnswer(b []byte) (Answer, error) {
	s := scanner{in: session}
	b = b[:min(len(b), maxAnswer)]
	for line := range strings.FieldsFuncSeq(string(b), func(r rune) bool { return r == '\r' || r == '\n' }) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && len(strings.TrimSpace(key)) == 1 {
			s.line(strings.ToLower(strings.TrimSpace(key))[0], strings.TrimSpace(value))
		}
	}
	return s.answer()
}

// where a line stands.
type where int

const (
	session where = iota
	video
	elsewhere // in a media that is no video, or a second video
)

type scanner struct {
	in      where
	found   bool
	address netip.Addr // of the session; that of the video goes first
	out     Answer
}

func (s *scanner) line(key byte, value string) {
	switch key {
	case 'm':
		s.media(value)
	case 'c':
		s.connection(value)
	case 'y':
		s.ssrc(value)
	case 'a':
		if s.in != elsewhere {
			s.attribute(value)
		}
	}
}

// media reads "video 5490 RTP/AVP 96 98".
func (s *scanner) media(value string) {
	s.in = elsewhere
	words := strings.Fields(value)
	if s.found || len(words) < 2 || !strings.EqualFold(words[0], "video") {
		return
	}
	s.in, s.found = video, true
	port, _, _ := strings.Cut(words[1], "/") // a number of ports may follow
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		s.out.Port = int(n)
	}
	if len(words) < 3 {
		return
	}
	s.out.TCP = strings.Contains(strings.ToUpper(words[2]), "TCP")
	for _, word := range words[3:] {
		if n, err := strconv.ParseUint(word, 10, 7); err == nil {
			s.payload(uint8(n), "")
		}
	}
}

// payload notes a type or, if it is known, its coding.
func (s *scanner) payload(typ uint8, coding string) {
	at := slices.IndexFunc(s.out.Payloads, func(p Payload) bool { return p.Type == typ })
	switch {
	case at >= 0 && coding != "":
		s.out.Payloads[at].Coding = coding
	case at < 0 && len(s.out.Payloads) < maxPayloads:
		s.out.Payloads = append(s.out.Payloads, Payload{Type: typ, Coding: coding})
	}
}

// connection reads "IN IP4 192.0.2.7", perhaps with a time to live behind a slash.
func (s *scanner) connection(value string) {
	words := strings.Fields(value)
	if len(words) == 0 || s.in == elsewhere {
		return
	}
	text, _, _ := strings.Cut(words[len(words)-1], "/")
	address, err := netip.ParseAddr(text)
	if address = address.Unmap().WithZone(""); err != nil || address.IsUnspecified() {
		return
	}
	if s.in == video {
		s.out.Host = address
	} else {
		s.address = address
	}
}

// ssrc reads the ten digits; fewer are seen, too.
func (s *scanner) ssrc(value string) {
	if n, err := strconv.ParseUint(value, 10, 32); err == nil && len(value) <= 10 {
		s.out.SSRC, s.out.HasSSRC = uint32(n), true
	}
}

func (s *scanner) attribute(value string) {
	name, rest, _ := strings.Cut(value, ":")
	rest = strings.TrimSpace(rest)
	switch name = strings.ToLower(strings.TrimSpace(name)); name {
	case "setup":
		s.out.Setup = strings.ToLower(strings.Clone(rest[:min(len(rest), 16)]))
	case "sendonly", "recvonly", "sendrecv", "inactive":
		s.out.Direction = name
	case "rtpmap":
		typ, coding, ok := strings.Cut(rest, " ")
		coding, _, _ = strings.Cut(strings.TrimSpace(coding), "/")
		if n, err := strconv.ParseUint(typ, 10, 7); err == nil && ok {
			s.payload(uint8(n), strings.ToUpper(coding[:min(len(coding), 32)]))
		}
	}
}

// answer judges what was read.
func (s *scanner) answer() (Answer, error) {
	if !s.found {
		return Answer{}, ErrNoVideo
	}
	if !s.out.Host.IsValid() {
		s.out.Host = s.address
	}
	if len(s.out.Payloads) > 0 && !slices.ContainsFunc(s.out.Payloads, Payload.stream) {
		return s.out, ErrNoPS
	}
	return s.out, nil
}

// stream says whether p may be a program stream: it says so, or says nothing.
func (p Payload) stream() bool { return p.Coding == "" || p.named() }

func (p Payload) named() bool { return p.Coding == "PS" || p.Coding == "MP2P" }

// carries says whether packets of a payload type may hold the program stream: the types that are named so, or else those of which
// nothing is said and the usual one.
func (a Answer) carries(typ uint8) bool {
	at := slices.IndexFunc(a.Payloads, func(p Payload) bool { return p.Type == typ })
	switch {
	case at < 0:
		return typ == payloadPS
	case a.Payloads[at].Coding == "":
		return !slices.ContainsFunc(a.Payloads, Payload.named)
	}
	return a.Payloads[at].named()
}
