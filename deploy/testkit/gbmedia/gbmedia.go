// Package gbmedia sends a clip as a GB/T 28181 device does: a program stream in RTP over UDP or TCP, with what devices do wrong.
//
// In: access units and [Quirks]. Out: packets on a connection that the caller opened. It is for tests and simulators only.
package gbmedia

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"gridgate/deploy/testkit/psmux"
	"gridgate/deploy/testkit/rtspcam"
	"gridgate/edge/source"
)

// Quirks say how a device breaks the rules. The zero value behaves.
type Quirks struct {
	LoseEvery    int // leaves out every n-th packet
	LosePicture  int // leaves out every n-th picture whole
	SwapEvery    int // sends every n-th packet behind the next one
	TwiceEvery   int // sends every n-th packet twice
	SSRC         uint32
	OtherSSRC    bool // sends under SSRC whatever was asked for
	NoMarker     bool
	EveryMarker  bool  // each packet has one
	PayloadType  uint8 // default 96
	Straddle     bool  // packets go on over the ends of pictures
	Interleaved  bool  // over TCP, in RTSP's framing
	GarbageAfter int   // over TCP: bytes of nonsense behind so many packets, once
	StillPTS     bool  // the stream's own time stamps stand still
	Control      bool  // RTCP among the packets, over TCP
	Mux          psmux.Muxer
}

// Clip is what a sender plays.
type Clip struct {
	Units [][][]byte // access units of NAL units
	Codec source.Codec
}

// Load reads an Annex B file.
func Load(path string) (Clip, error) {
	units, codec, err := rtspcam.Units(path)
	return Clip{Units: units, Codec: codec}, err
}

// Sender plays a clip round and round.
type Sender struct {
	Clip   Clip
	FPS    float64 // pictures a second; 0: as fast as they can be written
	Once   bool
	SSRC   uint32
	Quirks Quirks

	conn    net.Conn
	framed  bool
	seq     uint16
	packets int
	late    []byte // waits for its turn behind the next one
	carry   []byte // of a packet that is not full
}

const (
	packetSize = 1400
	clockRate  = 90_000
	firstStamp = 1<<32 - 45_000 // wraps after half a second
)

// Send plays on conn, which is closed by the caller, until ctx ends or a write fails.
func (s *Sender) Send(ctx context.Context, conn net.Conn) error {
	_, s.framed = conn.(*net.TCPConn)
	s.conn = conn
	if s.Clip.Codec == source.H265 && s.Quirks.Mux.StreamType == 0 {
		s.Quirks.Mux.StreamType = 0x24
	}
	if s.Quirks.OtherSSRC {
		s.SSRC = s.Quirks.SSRC
	}
	rate := s.FPS
	if rate == 0 {
		rate = 25
	}
	begun := time.Now()
	for n := 0; !s.Once || n < len(s.Clip.Units); n++ {
		if err := s.wait(ctx, begun, n); err != nil {
			return err
		}
		stamp := uint64(firstStamp) + uint64(float64(n)*clockRate/rate)
		if err := s.picture(n, stamp); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sender) wait(ctx context.Context, begun time.Time, n int) error {
	if s.FPS > 0 {
		due := time.NewTimer(time.Until(begun.Add(time.Duration(float64(n) / s.FPS * float64(time.Second)))))
		defer due.Stop()
		select {
		case <-due.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

func (s *Sender) picture(n int, stamp uint64) error {
	unit := s.Clip.Units[n%len(s.Clip.Units)]
	var annexB []byte
	key := false
	for _, nalu := range unit {
		kind := source.KindOf(s.Clip.Codec, nalu)
		key = key || kind == source.KeySlice
		annexB = append(append(annexB, 0, 0, 0, 1), nalu...)
	}
	pts := stamp
	if s.Quirks.StillPTS {
		pts = 0
	}
	data := s.Quirks.Mux.Picture(annexB, pts, key)
	if q := s.Quirks.LosePicture; q > 0 && n%q == q-1 {
		s.seq += uint16(len(data)/packetSize + 1)
		return nil
	}
	return s.cut(data, uint32(stamp))
}

// cut makes packets of a picture.
func (s *Sender) cut(data []byte, stamp uint32) error {
	data = append(s.carry, data...)
	s.carry = nil
	for len(data) > 0 {
		if s.Quirks.Straddle && len(data) < packetSize {
			s.carry = data
			return nil
		}
		size := min(len(data), packetSize)
		last := size == len(data)
		marker := (last || s.Quirks.EveryMarker) && !s.Quirks.NoMarker
		if err := s.packet(data[:size], stamp, marker); err != nil {
			return err
		}
		data = data[size:]
	}
	return nil
}

// packet writes one (RFC 3550 clause 5.1), or what a quirk makes of it.
func (s *Sender) packet(payload []byte, stamp uint32, marker bool) error {
	typ := s.Quirks.PayloadType
	if typ == 0 {
		typ = 96
	}
	if marker {
		typ |= 0x80
	}
	b := binary.BigEndian.AppendUint16([]byte{0x80, typ}, s.seq)
	b = binary.BigEndian.AppendUint32(b, stamp)
	b = append(binary.BigEndian.AppendUint32(b, s.SSRC), payload...)
	s.seq++
	s.packets++
	q := s.Quirks
	switch {
	case every(q.LoseEvery, s.packets):
		return nil
	case every(q.SwapEvery, s.packets):
		s.late = b
		return nil
	case every(q.TwiceEvery, s.packets):
		if err := s.write(b); err != nil {
			return err
		}
	}
	if err := s.write(b); err != nil {
		return err
	}
	return s.behind()
}

func every(n, count int) bool { return n > 0 && count%n == 0 }

// behind writes what comes after a packet.
func (s *Sender) behind() error {
	if b := s.late; b != nil {
		s.late = nil
		if err := s.write(b); err != nil {
			return err
		}
	}
	if s.framed && s.Quirks.Control && s.packets%10 == 0 {
		report := binary.BigEndian.AppendUint32([]byte{0x80, 200, 0, 6}, s.SSRC)
		if err := s.write(append(report, make([]byte, 20)...)); err != nil {
			return err
		}
	}
	if s.framed && s.packets == s.Quirks.GarbageAfter {
		_, err := s.conn.Write([]byte("\x00\x07these bytes are not of any packet"))
		return err
	}
	return nil
}

// write sends a packet, with its length before it on a stream.
func (s *Sender) write(b []byte) error {
	if s.framed {
		head := []byte{}
		if s.Quirks.Interleaved {
			head = append(head, '$', 0)
		}
		b = append(binary.BigEndian.AppendUint16(head, uint16(len(b))), b...)
	}
	if _, err := s.conn.Write(b); err != nil {
		return fmt.Errorf("send a packet: %w", err)
	}
	return nil
}
