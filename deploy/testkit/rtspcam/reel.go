package rtspcam

import (
	crand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
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
	clip    clip
	step    uint32 // ticks of the 90 kHz clock from unit to unit
	next    int    // index of the next unit in the clip
	sent    int    // units since the last rewind
	time    uint32 // RTP timestamp of the next unit; goes on over loop and rewind
	packets int
}

func (r *reel) rewind(c clip) { r.clip, r.next, r.sent = c, 0, 0 }

// unit returns the next access unit and moves on.
func (r *reel) unit() (nalus [][]byte, timestamp uint32) {
	nalus, timestamp = r.clip.units[r.next], r.time
	r.next = (r.next + 1) % len(r.clip.units)
	r.sent++
	r.time += r.step
	return nalus, timestamp
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
		nalus, timestamp := r.unit()
		if m.NoKeyframe && isKey(r.clip.codec, nalus) {
			continue
		}
		c.write(r, m.spoil(r.clip.codec, nalus), timestamp, m)
	}
}

func (c *Camera) write(r *reel, nalus [][]byte, timestamp uint32, m Misbehaviour) {
	if len(nalus) == 0 {
		return
	}
	packets, err := c.pack(nalus)
	if err != nil {
		return
	}
	for _, pkt := range packets {
		pkt.Timestamp = timestamp
		r.packets++
		if m.LoseEvery > 0 && r.packets%m.LoseEvery == 0 {
			continue
		}
		if m.Garbage && r.packets%2 == 0 {
			pkt.Payload = noise(1 + rand.IntN(len(pkt.Payload)))
		}
		_ = c.stream.WritePacketRTP(c.media, pkt) // fails only once the stream is closed
	}
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
