package rtspcam

import (
	"cmp"
	crand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"gridgate/edge/source"
)

// packer cuts an access unit into RTP packets without timestamps.
type packer func(nalus [][]byte) ([]*rtp.Packet, error)

const payloadType = 96

// describe builds the session description and the packer of a clip.
func describe(c clip, offer Offer) (*description.Media, packer, error) {
	switch {
	case offer == OfferAudioOnly:
		return &description.Media{Type: description.MediaTypeAudio, Formats: []format.Format{&format.G711{PayloadTyp: 8, SampleRate: 8000, ChannelCount: 1}}}, nil, nil
	case offer == OfferVP8:
		return video(&format.VP8{PayloadTyp: payloadType}), nil, nil
	case c.codec == source.MJPEG:
		forma := &format.MJPEG{}
		enc, err := forma.CreateEncoder()
		if err != nil {
			return nil, nil, fmt.Errorf("make RTP encoder: %w", err)
		}
		return video(forma), func(images [][]byte) ([]*rtp.Packet, error) { return enc.Encode(images[0]) }, nil
	case c.codec == source.H265:
		forma := &format.H265{PayloadTyp: payloadType}
		for _, set := range c.parameterSets() {
			switch set[0] >> 1 & 0x3f {
			case 32:
				forma.VPS = set
			case 33:
				forma.SPS = set
			case 34:
				forma.PPS = set
			}
		}
		enc, err := forma.CreateEncoder()
		if err != nil {
			return nil, nil, fmt.Errorf("make RTP encoder: %w", err)
		}
		return video(forma), enc.Encode, nil
	}
	forma := &format.H264{PayloadTyp: payloadType, PacketizationMode: 1}
	for _, set := range c.parameterSets() {
		if set[0]&0x1f == 7 {
			forma.SPS = set
		} else {
			forma.PPS = set
		}
	}
	enc, err := forma.CreateEncoder()
	if err != nil {
		return nil, nil, fmt.Errorf("make RTP encoder: %w", err)
	}
	return video(forma), enc.Encode, nil
}

func video(f format.Format) *description.Media {
	return &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{f}}
}

// reel is where a camera stands in its clip.
type reel struct {
	clip     clip
	step     float64 // ticks of the 90 kHz clock from unit to unit
	next     int     // index of the next unit in the clip
	sent     int     // units since the last rewind
	time     float64 // ticks until the next unit; goes on over loop and rewind, its low 32 bits are the RTP timestamp
	packets  int
	sequence uint16    // number of the next packet
	reported time.Time // when the last sender report went out
	stepped  bool      // the jump of the timestamps was made
}

func (r *reel) rewind(c clip) {
	r.clip, r.next, r.sent, r.stepped, r.reported = c, 0, 0, false, time.Time{}
}

func (r *reel) stamp() uint32 { return uint32(int64(r.time)) }

// advance moves on by one unit.
func (r *reel) advance(m Misbehaviour) {
	r.next = (r.next + 1) % len(r.clip.units)
	r.sent++
	r.time += r.step * cmp.Or(m.StampRate, 1)
	if m.StampStep != 0 && !r.stepped && r.sent >= m.StampAfter {
		r.time, r.stepped = r.time+float64(m.StampStep), true
	}
}

// send plays one unit with the misbehaviour in force.
func (c *Camera) send(r *reel) {
	m := *c.misbehave.Load()
	if c.pack == nil || (m.StallAfter > 0 && r.sent >= m.StallAfter) {
		return
	}
	if m.SwitchFile != "" && r.sent == m.SwitchAfter {
		if other, err := loadClip(m.SwitchFile); err == nil && other.codec == c.clip.codec {
			r.clip, r.next = other, 0
		}
	}
	for range max(1, m.Flood) {
		if !m.NoKeyframe || !isKey(r.clip.codec, r.clip.units[r.next]) {
			c.report(r, m)
			c.write(r, m)
		}
		r.advance(m)
	}
}

// packets cuts the next unit. What is sent as it stands is cut once for all rounds, and all cameras that play the clip.
func (c *Camera) packets(r *reel, m Misbehaviour) []*rtp.Packet {
	plain := !m.Garbage && !m.Truncate && !m.OutOfBand
	if cut, ok := r.clip.cut.Load(r.next); ok && plain {
		return cut.([]*rtp.Packet)
	}
	nalus := m.spoil(r.clip.codec, r.clip.units[r.next])
	if len(nalus) == 0 {
		return nil
	}
	packets, err := c.pack(nalus)
	if err != nil {
		return nil
	}
	if plain {
		r.clip.cut.Store(r.next, packets)
	}
	return packets
}

func (c *Camera) write(r *reel, m Misbehaviour) {
	for _, cut := range c.packets(r, m) {
		pkt := &rtp.Packet{Header: cut.Header, Payload: cut.Payload}
		pkt.Timestamp, pkt.SequenceNumber = r.stamp(), r.sequence
		r.packets++
		r.sequence++
		if m.LoseEvery > 0 && r.packets%m.LoseEvery == 0 {
			continue
		}
		if m.Garbage && r.packets%2 == 0 {
			pkt.Payload = noise(1 + rand.IntN(len(pkt.Payload)))
		}
		_ = c.stream.WritePacketRTP(c.media, pkt) // fails only once the stream is closed
	}
}

// report sends a sender report (RFC 3550 clause 6.4.1) if one is due: the camera's time at the next unit.
func (c *Camera) report(r *reel, m Misbehaviour) {
	period := cmp.Or(c.opt.Reports, 2*time.Second)
	now := time.Now()
	if period < 0 || now.Sub(r.reported) < period {
		return
	}
	r.reported = now
	for _, f := range c.stream.Stats().Medias[c.media].Formats {
		_ = c.stream.WritePacketRTCP(c.media, &rtcp.SenderReport{SSRC: f.LocalSSRC, NTPTime: ntp(now.Add(m.Clock)), RTPTime: r.stamp()})
	}
}

// ntp is t in seconds since 1900, 32 bits before and 32 behind the point (RFC 5905 section 6).
func ntp(t time.Time) uint64 {
	return uint64(t.Unix()+2208988800)<<32 | uint64(t.Nanosecond())<<32/1_000_000_000
}

// spoil returns nalus as the misbehaviour wants them; the clip itself stays whole.
func (m Misbehaviour) spoil(codec source.Codec, nalus [][]byte) [][]byte {
	if m.OutOfBand {
		nalus = slices.DeleteFunc(slices.Clone(nalus), func(n []byte) bool { return isParameterSet(codec, n) })
	}
	if !m.Garbage && !m.Truncate {
		return nalus
	}
	out := make([][]byte, len(nalus))
	for i, nalu := range nalus {
		switch {
		case m.Garbage:
			out[i] = noise(len(nalu))
		case isParameterSet(codec, nalu):
			out[i] = nalu
		default:
			out[i] = nalu[:max(1, len(nalu)/3)]
		}
	}
	return out
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = crand.Read(b) // never fails
	return b
}
