package media_test

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"gridgate/protocols/gb28181/media"
)

func TestOffers(t *testing.T) {
	o := media.Offer{Code: "34020000002000000001", Host: netip.MustParseAddr("192.0.2.1"), Port: 30000, Transport: media.UDP, SSRC: "0200000001"}
	common := []string{"s=Play", "c=IN IP4 192.0.2.1", "a=recvonly", "a=rtpmap:96 PS/90000"}
	for transport, want := range map[media.Transport][]string{
		media.UDP:        {"m=video 30000 RTP/AVP 96"},
		media.TCPPassive: {"m=video 30000 TCP/RTP/AVP 96", "a=setup:passive", "a=connection:new"},
		media.TCPActive:  {"m=video 30000 TCP/RTP/AVP 96", "a=setup:active", "a=connection:new"},
	} {
		o.Transport = transport
		text := string(o.Marshal())
		for _, line := range append(want, common...) {
			if !strings.Contains(text, line+"\r\n") {
				t.Errorf("%s: no line %q in\n%s", transport, line, text)
			}
		}
		if !strings.HasSuffix(text, "\r\ny=0200000001\r\n") || strings.Contains(text, "setup") != (transport != media.UDP) {
			t.Errorf("%s:\n%s", transport, text)
		}
	}
}

func TestAnswers(t *testing.T) {
	address := netip.MustParseAddr("192.0.2.7")
	ps := []media.Payload{{Type: 96, Coding: "PS"}}
	for name, c := range map[string]struct {
		text string
		want media.Answer
		err  error
	}{
		"as the standard says": {
			"v=0\r\no=34020000001320000001 0 0 IN IP4 192.0.2.7\r\ns=Play\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\nm=video 15060 RTP/AVP 96\r\na=sendonly\r\na=rtpmap:96 PS/90000\r\ny=0200000001\r\nf=v/2/5/25/1/4096a///\r\n",
			media.Answer{Host: address, Port: 15060, Payloads: ps, SSRC: 200000001, HasSSRC: true, Direction: "sendonly"}, nil,
		},
		"y= and f= before the media, LF alone, blanks": {
			"v=0\ny = 0200000001\nf=\nm=video 15060 RTP/AVP 96\na= rtpmap: 96 ps/90000\nc=IN IP4 192.0.2.7/127\n",
			media.Answer{Host: address, Port: 15060, Payloads: ps, SSRC: 200000001, HasSSRC: true}, nil,
		},
		"TCP, several types, sound first": {
			"c=IN IP4 192.0.2.9\rm=audio 8000 RTP/AVP 8\rc=IN IP4 192.0.2.8\ra=rtpmap:8 PCMA/8000\ra=setup:passive\rm=video 6000/2 TCP/RTP/AVP 98 96\ra=SETUP:active\ra=connection:new\ra=rtpmap:98 H264/90000\ra=rtpmap:96 PS/90000\rc=IN IP4 192.0.2.7\r",
			media.Answer{Host: address, Port: 6000, TCP: true, Setup: "active", Payloads: []media.Payload{{Type: 98, Coding: "H264"}, {Type: 96, Coding: "PS"}}}, nil,
		},
		"hardly anything":      {"m=video 5490", media.Answer{Port: 5490}, nil},
		"no rtpmap":            {"m=video 5490 RTP/AVP 96", media.Answer{Port: 5490, Payloads: []media.Payload{{Type: 96}}}, nil},
		"nobody's address":     {"c=IN IP4 0.0.0.0\r\nm=video 5490 RTP/AVP 96", media.Answer{Port: 5490, Payloads: []media.Payload{{Type: 96}}}, nil},
		"a port beyond all":    {"m=video 99999 RTP/AVP 96\r\ny=99999999999", media.Answer{Payloads: []media.Payload{{Type: 96}}}, nil},
		"a name in GB18030":    {"s=\xd6\xd0\xb9\xfa\r\nm=video 1 RTP/AVP 96\r\na=filesize:-1", media.Answer{Port: 1, Payloads: []media.Payload{{Type: 96}}}, nil},
		"two videos":           {"m=video 1 RTP/AVP 96\r\nm=video 2 RTP/AVP 98\r\na=rtpmap:98 H264/90000", media.Answer{Port: 1, Payloads: []media.Payload{{Type: 96}}}, nil},
		"bare H.264":           {"m=video 1 RTP/AVP 98\r\na=rtpmap:98 H264/90000", media.Answer{Port: 1, Payloads: []media.Payload{{Type: 98, Coding: "H264"}}}, media.ErrNoPS},
		"sound alone":          {"m=audio 1 RTP/AVP 8", media.Answer{}, media.ErrNoVideo},
		"nothing":              {"", media.Answer{}, media.ErrNoVideo},
		"something else, long": {strings.Repeat("<Response/>\n", 100_000), media.Answer{}, media.ErrNoVideo},
	} {
		got, err := media.ParseAnswer([]byte(c.text))
		if !errors.Is(err, c.err) || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestOurOffersCanBeRead(t *testing.T) {
	o := media.Offer{Code: "34020000002000000001", Host: netip.MustParseAddr("2001:db8::1"), Port: 30002, Transport: media.TCPPassive, SSRC: "0200000001"}
	a, err := media.ParseAnswer(o.Marshal())
	if err != nil || a.Host != o.Host || a.Port != 30002 || !a.TCP || a.Setup != "passive" || a.SSRC != 200000001 {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestEachSessionHasANumberOfItsOwn(t *testing.T) {
	s, err := media.NewSSRCs("34020000002000000001")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 10_000 {
		ssrc, ok := s.Take()
		if !ok || len(ssrc) != 10 || !strings.HasPrefix(ssrc, "020000") || seen[ssrc] {
			t.Fatalf("%q, %v", ssrc, ok)
		}
		seen[ssrc] = true
	}
	if _, ok := s.Take(); ok {
		t.Error("one more than there are")
	}
	s.Free("0200001234")
	if ssrc, ok := s.Take(); !ok || ssrc != "0200001234" {
		t.Errorf("%q, %v", ssrc, ok)
	}
	if _, err := media.NewSSRCs("3402"); err == nil {
		t.Error("a domain of four digits")
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte("v=0\r\nc=IN IP4 192.0.2.7\r\nm=video 15060 RTP/AVP 96 98\r\na=sendonly\r\na=rtpmap:96 PS/90000\r\na=setup:active\r\ny=0200000001\r\nf=v/2/5\r\n"))
	f.Add([]byte("m=video 1/2 TCP/RTP/AVP 200\ny=\na=rtpmap:\nc=\n"))
	f.Add([]byte("c=IN IP4 ::%7\r\nm=video 15060 RTP/AVP 96\r\na=rtpmap:96 PS/90000\r\n")) // no address, whatever its zone
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := media.ParseAnswer(b)
		if err != nil && !errors.Is(err, media.ErrNoVideo) && !errors.Is(err, media.ErrNoPS) {
			t.Fatal(err)
		}
		if a.Port < 0 || a.Port > 65535 || len(a.Payloads) > 16 || len(a.Setup) > 16*4 || a.Host.IsUnspecified() {
			t.Fatalf("%+v", a)
		}
		p := media.PeerOf(a, netip.Addr{}, 7)
		if len(p.Addresses) > 1 || p.Dial.IsValid() && p.Dial.Port() == 0 {
			t.Fatalf("%+v", p)
		}
	})
}
