package recording

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"gridgate/edge/source"
)

// defaultFPS is the frame rate of a raw stream that does not tell one.
const defaultFPS = 25

// readAnnexB cuts a raw stream (ITU-T H.264 and H.265, annex B) into access units. Its times are counted in frames, by the
// rate in the parameter sets or else fps, since the form has none; pictures are therefore timed in decoding order.
func readAnnexB(r io.Reader, codec source.Codec, fps float64, send func(source.AccessUnit) error) error {
	nalus := newSplitter(io.LimitReader(r, maxRaw))
	c := cutter{codec: codec, fps: fps, rateSet: fps > 0, send: send}
	if !c.rateSet {
		c.fps = defaultFPS
	}
	for {
		nalu, err := nalus.next()
		if errors.Is(err, io.EOF) {
			return c.end()
		}
		if err != nil {
			return err
		}
		if err := c.add(nalu); err != nil {
			return err
		}
	}
}

// cutter gathers NAL units into access units.
type cutter struct {
	codec source.Codec
	fps   float64
	send  func(source.AccessUnit) error

	params  parameters
	nalus   [][]byte
	bytes   int
	slices  bool // the unit has picture data
	key     bool
	frames  int
	rateSet bool
}

func (c *cutter) add(nalu []byte) error {
	if c.codec == "" {
		c.codec = guessCodec(nalu)
	}
	c.params.codec = c.codec
	r, first := describe(c.codec, nalu)
	if c.slices && (first || r == rolePrefix || r == roleParams) {
		if err := c.flush(); err != nil {
			return err
		}
	}
	if r == roleParams {
		c.params.note(nalu)
		c.noteRate(nalu)
	}
	if len(c.nalus) == maxNALUs || c.bytes+len(nalu) > maxUnit {
		return fmt.Errorf("access unit %d is larger than %d bytes or %d NAL units", c.frames, maxUnit, maxNALUs)
	}
	c.nalus = append(c.nalus, nalu)
	c.bytes += len(nalu)
	c.slices = c.slices || r == roleSlice || r == roleKey
	c.key = c.key || r == roleKey
	return nil
}

func (c *cutter) end() error {
	if c.slices {
		if err := c.flush(); err != nil {
			return err
		}
	}
	if c.frames == 0 {
		return fmt.Errorf("%w: it holds no picture", ErrNotVideo)
	}
	return nil
}

func (c *cutter) flush() error {
	u := source.AccessUnit{
		Codec: c.codec, NALUs: c.nalus, Key: c.key,
		PTS: time.Duration(float64(c.frames) / c.fps * float64(time.Second)),
	}
	if u.Key {
		u.NALUs = c.params.complete(u.NALUs)
	}
	c.nalus, c.bytes, c.slices, c.key = nil, 0, false, false
	c.frames++
	return c.send(u)
}

// noteRate takes the frame rate from the first parameter set that tells a believable one.
func (c *cutter) noteRate(nalu []byte) {
	if c.rateSet {
		return
	}
	if fps := frameRate(c.codec, nalu); fps >= 1 && fps <= 240 {
		c.fps, c.rateSet = fps, true
	}
}

// frameRate is the rate in the video usability information of a sequence parameter set, or 0.
func frameRate(c source.Codec, nalu []byte) float64 {
	if c == source.H265 {
		var sps h265.SPS
		if h265.NALUType((nalu[0]>>1)&0x3F) != h265.NALUType_SPS_NUT || sps.Unmarshal(nalu) != nil {
			return 0
		}
		return sps.FPS()
	}
	var sps h264.SPS
	if h264.NALUType(nalu[0]&0x1F) != h264.NALUTypeSPS || sps.Unmarshal(nalu) != nil {
		return 0
	}
	return sps.FPS()
}

// guessCodec tells the codec by the first NAL unit: a video parameter set of H.265 has a type that H.264 does not begin with.
func guessCodec(nalu []byte) source.Codec {
	if t := h265.NALUType((nalu[0] >> 1) & 0x3F); nalu[0]&0x80 == 0 && (t == h265.NALUType_VPS_NUT || t == h265.NALUType_AUD_NUT) && len(nalu) > 1 && nalu[1] == 1 {
		return source.H265
	}
	return source.H264
}

// splitter cuts a byte stream at its start codes.
type splitter struct {
	r     *bufio.Reader
	begun bool
}

func newSplitter(r io.Reader) *splitter { return &splitter{r: bufio.NewReaderSize(r, 1<<16)} }

// next returns the next NAL unit that is not empty, without its start code and trailing zero bytes.
func (s *splitter) next() ([]byte, error) {
	var nalu []byte
	zeros := 0
	for {
		b, err := s.r.ReadByte()
		if err != nil {
			if s.begun && len(nalu) > 0 && errors.Is(err, io.EOF) {
				return nalu, nil
			}
			return nil, err
		}
		switch {
		case b == 0:
			zeros++
			continue
		case b == 1 && zeros >= 2:
			zeros = 0
			if s.begun && len(nalu) > 0 {
				return nalu, nil
			}
			s.begun, nalu = true, nil
			continue
		}
		for ; zeros > 0; zeros-- {
			nalu = append(nalu, 0)
		}
		nalu = append(nalu, b)
		if len(nalu) > maxUnit {
			return nil, fmt.Errorf("NAL unit larger than %d bytes", maxUnit)
		}
	}
}
