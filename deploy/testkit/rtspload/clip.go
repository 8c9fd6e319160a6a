package rtspload

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"

	"gridgate/edge/source"
	"gridgate/edge/source/recording"
)

const payloadType = 96

// clip is a loop cut into packets. Nothing of it changes once it is made: the paths that play it copy the packets' heads.
type clip struct {
	sets  [][]byte // parameter sets of its first unit
	codec source.Codec
	units [][]*rtp.Packet
}

// loadClip reads a raw stream and leaves out the first units; what is left must begin with a keyframe.
func loadClip(ctx context.Context, file string, skip int) (*clip, error) {
	var units []source.AccessUnit
	if err := (recording.Source{Path: file}).Run(ctx, func(u source.AccessUnit) { units = append(units, u) }); err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(file), err)
	}
	if len(units) <= skip || !units[skip].Key {
		return nil, fmt.Errorf("%s: unit %d of %d is no keyframe", filepath.Base(file), skip, len(units))
	}
	units = units[skip:]
	c := &clip{codec: units[0].Codec, sets: units[0].NALUs}
	encode, err := c.encoder()
	if err != nil {
		return nil, err
	}
	for i, u := range units {
		packets, err := encode(u.NALUs)
		if err != nil {
			return nil, fmt.Errorf("%s: pack unit %d: %w", filepath.Base(file), i, err)
		}
		c.units = append(c.units, packets)
	}
	return c, nil
}

func (c *clip) encoder() (func([][]byte) ([]*rtp.Packet, error), error) {
	if c.codec == source.H265 {
		enc, err := (&format.H265{PayloadTyp: payloadType}).CreateEncoder()
		if err != nil {
			return nil, err
		}
		return enc.Encode, nil
	}
	enc, err := (&format.H264{PayloadTyp: payloadType, PacketizationMode: 1}).CreateEncoder()
	if err != nil {
		return nil, err
	}
	return enc.Encode, nil
}

// media describes the clip to one path's viewers.
func (c *clip) media() *description.Media {
	return &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{c.format()}}
}

func (c *clip) format() format.Format {
	if c.codec == source.H265 {
		f := &format.H265{PayloadTyp: payloadType}
		for _, set := range c.sets {
			switch set[0] >> 1 & 0x3f {
			case 32:
				f.VPS = set
			case 33:
				f.SPS = set
			case 34:
				f.PPS = set
			}
		}
		return f
	}
	f := &format.H264{PayloadTyp: payloadType, PacketizationMode: 1}
	for _, set := range c.sets {
		switch set[0] & 0x1f {
		case 7:
			f.SPS = set
		case 8:
			f.PPS = set
		}
	}
	return f
}
