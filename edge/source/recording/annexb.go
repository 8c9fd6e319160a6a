package recording

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"gridgate/edge/source"
)

// defaultFPS is the frame rate of a raw stream that does not tell one.
const defaultFPS = 25

// readAnnexB cuts a raw stream (ITU-T H.264 and H.265, annex B) into access units. Its times are counted in frames, by the
// rate in the parameter sets or else fps, since the form has none; pictures are therefore timed in decoding order.
func readAnnexB(r io.Reader, codec source.Codec, fps float64, send func(source.AccessUnit) error) error {
	nalus := newSplitter(io.LimitReader(r, maxRaw))
	c := cutter{codec: codec, counter: newCounter(fps, send)}
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
	codec   source.Codec
	counter counter

	sorter *source.Sorter
	fields source.Fields
	nalus  [][]byte
	bytes  int
	slices bool // the unit has picture data
	units  int
}

func (c *cutter) add(nalu []byte) error {
	if c.sorter == nil {
		if c.codec == "" {
			c.codec = guessCodec(nalu)
		}
		c.sorter = source.NewSorter(c.codec)
	}
	kind := source.KindOf(c.codec, nalu)
	slice := kind == source.Slice || kind == source.KeySlice
	if c.slices && kind != source.Other && (!slice || source.FirstSlice(c.codec, nalu) && !isPartition(c.codec, nalu)) {
		if err := c.flush(); err != nil {
			return err
		}
	}
	if kind == source.SequenceSet {
		c.counter.note(source.FrameRate(c.codec, nalu))
	}
	if len(c.nalus) == maxNALUs || c.bytes+len(nalu) > maxUnit {
		return fmt.Errorf("access unit %d is larger than %d bytes or %d NAL units", c.units, maxUnit, maxNALUs)
	}
	c.nalus = append(c.nalus, nalu)
	c.bytes += len(nalu)
	c.slices = c.slices || slice
	return nil
}

// isPartition says whether an H.264 slice is a later part of a partitioned one, which begins with a number of another meaning
// (slice_id, ITU-T H.264 clause 7.3.2.9.2).
func isPartition(c source.Codec, nalu []byte) bool {
	typ := nalu[0] & 0x1f
	return c == source.H264 && (typ == 3 || typ == 4)
}

func (c *cutter) end() error {
	if c.slices {
		if err := c.flush(); err != nil {
			return err
		}
	}
	if c.units == 0 {
		return fmt.Errorf("%w: it holds no picture", ErrNotVideo)
	}
	return c.counter.sendAll(c.fields.Flush())
}

func (c *cutter) flush() error {
	p := c.sorter.Sort(c.nalus)
	c.nalus, c.bytes, c.slices = nil, 0, false
	c.units++
	u := source.AccessUnit{Codec: c.codec, NALUs: c.sorter.Units(p), Key: p.Key, Refresh: p.Refresh}
	return c.counter.sendAll(c.fields.Add(u, p))
}

// counter times pictures by their number.
type counter struct {
	fps     float64
	rateSet bool
	frames  int
	send    func(source.AccessUnit) error
}

func newCounter(fps float64, send func(source.AccessUnit) error) counter {
	if fps > 0 {
		return counter{fps: fps, rateSet: true, send: send}
	}
	return counter{fps: defaultFPS, send: send}
}

// note takes the first rate that is told.
func (c *counter) note(fps float64) {
	if !c.rateSet && fps > 0 {
		c.fps, c.rateSet = fps, true
	}
}

func (c *counter) sendAll(units []source.AccessUnit) error {
	for _, u := range units {
		u.PTS = time.Duration(float64(c.frames) / c.fps * float64(time.Second))
		c.frames++
		if err := c.send(u); err != nil {
			return err
		}
	}
	return nil
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
		if len(nalu)+zeros >= maxUnit {
			return nil, fmt.Errorf("NAL unit larger than %d bytes", maxUnit)
		}
		for ; zeros > 0; zeros-- {
			nalu = append(nalu, 0)
		}
		nalu = append(nalu, b)
	}
}
