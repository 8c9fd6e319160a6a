package media_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"gridgate/deploy/testkit/psmux"
	"gridgate/protocols/gb28181/media"
)

// packet is an RTP packet of one byte of payload, which is its sequence number.
func packet(seq uint16, ssrc uint32) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0x80, 96}, seq)
	b = binary.BigEndian.AppendUint32(b, 9)
	return append(binary.BigEndian.AppendUint32(b, ssrc), byte(seq))
}

func framed(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

func interleaved(b []byte) []byte { return append([]byte{'$', 0}, framed(b)...) }

func TestFraming(t *testing.T) {
	large := append(packet(3, 7), make([]byte, 0x2450)...) // its length begins like RTSP's framing
	control := append([]byte{0x80, 200, 0, 6, 0, 0, 0, 7}, make([]byte, 20)...)
	for name, c := range map[string]struct {
		stream []byte
		want   [][]byte
		err    error
	}{
		"RFC 4571":            {slices.Concat(framed(packet(1, 7)), framed(packet(2, 7))), [][]byte{packet(1, 7), packet(2, 7)}, io.EOF},
		"RTSP's":              {slices.Concat(interleaved(packet(1, 7)), interleaved(packet(2, 7))), [][]byte{packet(1, 7), packet(2, 7)}, io.EOF},
		"both":                {slices.Concat(interleaved(packet(1, 7)), framed(packet(2, 7))), [][]byte{packet(1, 7), packet(2, 7)}, io.EOF},
		"a length of $":       {slices.Concat(framed(packet(1, 7)), framed(large)), [][]byte{packet(1, 7), large}, io.EOF},
		"empty packets":       {slices.Concat([]byte{0, 0}, framed(packet(1, 7)), []byte{0, 0}, framed(packet(2, 7))), [][]byte{packet(1, 7), packet(2, 7)}, io.EOF},
		"reports":             {slices.Concat(framed(control), framed(packet(2, 7))), [][]byte{control, packet(2, 7)}, io.EOF},
		"nonsense between":    {slices.Concat(framed(packet(1, 7)), []byte("\x01\x02nonsense of some length"), framed(packet(2, 7))), [][]byte{packet(1, 7), packet(2, 7)}, io.EOF},
		"another in nonsense": {slices.Concat(framed(packet(1, 7)), []byte("\x01\x02nonsense"), framed(packet(5, 8)), framed(packet(2, 7))), [][]byte{packet(1, 7), packet(2, 7)}, io.EOF},
		"nonsense at once":    {[]byte("GET / HTTP/1.1\r\nHost: somewhere\r\n\r\n"), nil, media.ErrFraming},
		"nonsense for ever":   {slices.Concat(framed(packet(1, 7)), bytes.Repeat([]byte("nonsense"), 1<<16)), [][]byte{packet(1, 7)}, media.ErrFraming},
	} {
		for reader, r := range map[string]io.Reader{"whole": bytes.NewReader(c.stream), "byte by byte": iotest.OneByteReader(bytes.NewReader(c.stream))} {
			f := media.NewFramer(r)
			var got [][]byte
			b, err := f.Next()
			for ; err == nil; b, err = f.Next() {
				got = append(got, bytes.Clone(b))
			}
			if !errors.Is(err, c.err) || !slices.EqualFunc(got, c.want, bytes.Equal) {
				t.Errorf("%s, %s: %d packets, %v", name, reader, len(got), err)
			}
		}
	}
}

// units of a stream of three pictures, each in a packet.
func pictures() (out [][]byte) {
	m := psmux.Muxer{}
	for i := range 3 {
		out = append(out, m.Picture([]byte{0, 0, 0, 1, 0x67, 1, 2, byte(i + 1), 0, 0, 0, 1, 0x65, byte(i + 1)}, uint64(1000+3600*i), i == 0))
	}
	return out
}

func pkt(seq uint16, stamp uint32, marker bool, payload []byte) *rtp.Packet {
	return &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: seq, Timestamp: stamp, Marker: marker, SSRC: 7}, Payload: payload}
}

func TestPicturesComeInTheirOrderWithTheirTimes(t *testing.T) {
	ps := pictures()
	for name, order := range map[string][]int{"in order": {0, 1, 2}, "late": {0, 2, 1}, "twice": {0, 1, 1, 0, 2}} {
		var got []media.Picture
		u := media.NewUnpacker(media.Answer{}, false, func(p media.Picture) { got = append(got, p) })
		for i, n := range order {
			u.Add(pkt(uint16(65535+n), uint32(n*3600), true, ps[n]), time.Unix(int64(i), 0))
		}
		u.Add(pkt(2, 10800, false, ps[0]), time.Unix(9, 0)) // the next picture shows that the last is complete
		if len(got) != 3 || got[0].Stamp != 1000 || got[2].Stamp != 8200 || u.Counts() != (media.Counts{}) {
			t.Errorf("%s: %+v, %+v", name, got, u.Counts())
		}
	}
}

func TestALossIsToldOnceItIsOne(t *testing.T) {
	ps := pictures()
	var got []media.Picture
	u := media.NewUnpacker(media.Answer{}, false, func(p media.Picture) { got = append(got, p) })
	start := time.Unix(1000, 0)
	u.Add(pkt(10, 0, true, ps[0]), start)
	u.Add(pkt(12, 3600, true, ps[1]), start.Add(40*time.Millisecond)) // 11 may be late
	if len(got) != 0 {
		t.Fatalf("%d pictures", len(got))
	}
	u.Add(pkt(13, 7200, true, ps[2]), start.Add(time.Second))
	u.Add(pkt(14, 10800, true, ps[0]), start.Add(2*time.Second))
	if len(got) != 4 || got[0].Broken || got[0].After || !got[1].After || got[2].After || u.Counts().Lost != 1 {
		t.Fatalf("%+v, %+v", got, u.Counts())
	}
	// a sender that begins anew, far away
	for i := range 40 {
		u.Add(pkt(uint16(40_000+i), uint32(14400+3600*i), true, ps[i%3]), start.Add(3*time.Second))
	}
	if len(got) < 6 {
		t.Errorf("%d pictures behind the jump", len(got))
	}
}

func TestOtherPayloadsAreNotTheStream(t *testing.T) {
	ps := pictures()
	n := 0
	u := media.NewUnpacker(media.Answer{Payloads: []media.Payload{{Type: 96, Coding: "PS"}, {Type: 98, Coding: "H264"}}}, true, func(media.Picture) { n++ })
	sound := pkt(1, 0, true, []byte{1, 2, 3})
	sound.PayloadType = 8
	u.Add(sound, time.Unix(1, 0))
	for i, p := range ps {
		u.Add(pkt(uint16(2+i), uint32(i), true, p), time.Unix(1, 0))
	}
	if u.Counts().Invalid != 1 || n != 3 {
		t.Errorf("%+v, %d pictures", u.Counts(), n)
	}
	for i, p := range ps { // sound between the pictures, counted with them
		sound.SequenceNumber = uint16(5 + 2*i)
		u.Add(sound, time.Unix(1, 0))
		u.Add(pkt(uint16(6+2*i), uint32(10+i), true, p), time.Unix(1, 0))
	}
	if u.Counts().Lost != 0 || n != 6 {
		t.Errorf("with sound between: %+v, %d pictures", u.Counts(), n)
	}
}

func TestPortsTakeTurnsAndEnd(t *testing.T) {
	ports, err := media.NewPorts(netip.MustParseAddr("127.0.0.1"), 41001, 41007) // 41002, 41004, 41006
	if err != nil || ports.Sessions() != 3 {
		t.Fatal(ports.Sessions(), err)
	}
	var open []*media.Receiver
	for range 3 {
		r, err := ports.Open(media.TCPActive)
		if err != nil || r.Port()%2 != 0 {
			t.Fatal(err)
		}
		open = append(open, r)
	}
	if _, err := ports.Open(media.TCPActive); !errors.Is(err, media.ErrNoPort) {
		t.Fatalf("a fourth: %v", err)
	}
	open[1].Close()
	open[1].Close()
	if r, err := ports.Open(media.TCPActive); err != nil || r.Port() != 41004 {
		t.Errorf("%v", err)
	}
	for _, wrong := range [][2]int{{0, 0}, {40000, 39999}, {65535, 65535}, {1, 70000}} {
		if _, err := media.NewPorts(netip.IPv4Unspecified(), wrong[0], wrong[1]); err == nil {
			t.Errorf("%v is no range", wrong)
		}
	}
}

// heard runs a receiver and returns the sequence numbers that it took, until n came or it ended.
func heard(t *testing.T, r *media.Receiver, p media.Peer, n int, send func()) (seqs []uint16) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error)
	go func() {
		done <- r.Run(ctx, p, func(pkt *rtp.Packet) {
			if seqs = append(seqs, pkt.SequenceNumber); len(seqs) == n {
				cancel()
			}
		})
	}()
	send()
	if err := <-done; err != nil && !errors.Is(err, media.ErrEnded) {
		t.Fatal(err)
	}
	r.Close()
	return seqs
}

func open(t *testing.T, transport media.Transport) (*media.Receiver, string) {
	t.Helper()
	ports, err := media.NewPorts(netip.MustParseAddr("127.0.0.1"), 41100, 41998)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ports.Open(transport)
	if err != nil {
		t.Fatal(err)
	}
	return r, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(r.Port())).String()
}

func dialFrom(t *testing.T, network, from, to string) net.Conn {
	t.Helper()
	host := net.ParseIP(from)
	var local net.Addr = &net.UDPAddr{IP: host}
	if network == "tcp" {
		local = &net.TCPAddr{IP: host}
	}
	conn, err := (&net.Dialer{LocalAddr: local}).Dial(network, to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestOnlyThePeerIsHeard(t *testing.T) {
	peer := media.PeerOf(media.Answer{Host: netip.MustParseAddr("127.0.0.1"), Port: 1}, netip.Addr{}, 7)
	t.Run("UDP", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { // for its clock, which stands still: nobody is silent for long
			r, at := open(t, media.UDP)
			stranger, first, second := dialFrom(t, "udp", "127.0.0.2", at), dialFrom(t, "udp", "127.0.0.1", at), dialFrom(t, "udp", "127.0.0.1", at)
			got := heard(t, r, peer, 3, func() {
				for _, s := range []struct {
					conn net.Conn
					b    []byte
				}{
					{stranger, packet(1, 7)}, {first, []byte("short")}, {first, packet(2, 8)}, {second, packet(3, 9)}, {second, packet(4, 7)},
					{first, packet(5, 8)}, {second, packet(6, 7)},
				} {
					if _, err := s.conn.Write(s.b); err != nil {
						t.Error(err)
					}
				}
			})
			if !slices.Equal(got, []uint16{2, 4, 6}) || r.Refused() != 4 {
				t.Errorf("%d, %d refused", got, r.Refused())
			}
		})
	})
	t.Run("TCP", func(t *testing.T) {
		r, at := open(t, media.TCPPassive)
		got := heard(t, r, peer, 1, func() {
			_, _ = dialFrom(t, "tcp", "127.0.0.2", at).Write(framed(packet(1, 7)))
			_, _ = dialFrom(t, "tcp", "127.0.0.1", at).Write(framed(packet(2, 7)))
		})
		if !slices.Equal(got, []uint16{2}) || r.Refused() != 1 {
			t.Errorf("%d, %d refused", got, r.Refused())
		}
	})
}

func FuzzFraming(f *testing.F) {
	f.Add(slices.Concat(framed(packet(1, 7)), interleaved(packet(2, 7)), []byte("nonsense"), framed(packet(3, 7))))
	f.Add([]byte{0, 0, 0, 0, '$', 0, 0, 12, 0x80})
	f.Fuzz(func(t *testing.T, stream []byte) {
		frames := media.NewFramer(bytes.NewReader(stream))
		total := 0
		for {
			b, err := frames.Next()
			if err != nil {
				break
			}
			if len(b) < 12 || b[0]>>6 != 2 {
				t.Fatalf("a packet of %d bytes", len(b))
			}
			total += len(b) + 2
		}
		if total+int(frames.Skipped) > len(stream) {
			t.Fatalf("%d bytes of packets and %d between in %d", total, frames.Skipped, len(stream))
		}
	})
}

// FuzzReceive feeds a connection's bytes through everything up to pictures.
func FuzzReceive(f *testing.F) {
	var stream []byte
	for i, p := range pictures() {
		raw, err := pkt(uint16(i), uint32(i*3600), true, p).Marshal()
		if err != nil {
			f.Fatal(err)
		}
		stream = append(stream, framed(raw)...)
	}
	f.Add(stream, true)
	f.Add(append(stream, stream...), false)
	f.Fuzz(func(t *testing.T, stream []byte, ordered bool) {
		size, count := 0, 0
		u := media.NewUnpacker(media.Answer{}, ordered, func(p media.Picture) {
			count++
			for _, n := range p.NALUs {
				size += len(n)
			}
		})
		now := time.Unix(1000, 0)
		for frames := media.NewFramer(bytes.NewReader(stream)); ; now = now.Add(7 * time.Millisecond) {
			b, err := frames.Next()
			if err != nil {
				break
			}
			var p rtp.Packet
			if p.Unmarshal(b) == nil {
				u.Add(&p, now)
			}
		}
		if size > len(stream) || count > len(stream) {
			t.Fatalf("%d pictures of %d bytes from %d", count, size, len(stream))
		}
	})
}
