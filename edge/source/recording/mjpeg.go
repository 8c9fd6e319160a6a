package recording

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"gridgate/edge/source"
)

// readMJPEG cuts a stream of JPEGs one after another (ITU-T T.81 annex B) into access units, timed by their number.
func readMJPEG(r io.Reader, fps float64, send func(source.AccessUnit) error) error {
	images := jpegSplitter{r: bufio.NewReaderSize(io.LimitReader(r, maxRaw), 1<<16)}
	sorter := source.NewSorter(source.MJPEG)
	c := newCounter(fps, send)
	for {
		image, err := images.next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return err
		}
		p := sorter.Sort([][]byte{image})
		if len(p.Slices) == 0 {
			continue // damaged
		}
		if err := c.sendAll([]source.AccessUnit{{Codec: source.MJPEG, NALUs: p.Slices, Key: true}}); err != nil {
			return err
		}
	}
	if c.frames == 0 {
		return fmt.Errorf("%w: it holds no picture", ErrNotVideo)
	}
	return nil
}

// jpegSplitter finds the end of each image by its segments: thumbnails inside of them have ends of their own.
type jpegSplitter struct {
	r     *bufio.Reader
	image []byte
}

var errLargeImage = fmt.Errorf("JPEG larger than %d bytes", maxUnit)

// next returns the next image; io.EOF after the last.
func (s *jpegSplitter) next() ([]byte, error) {
	if err := s.start(); err != nil {
		return nil, err
	}
	for {
		marker, err := s.marker()
		switch {
		case err != nil:
			return nil, err
		case marker == 0xD9:
			return s.image, nil
		case marker == 0xD8 || marker >= 0xD0 && marker <= 0xD7 || marker == 1:
			continue // stand alone, clause B.1.1.3
		}
		if err := s.segment(); err != nil {
			return nil, err
		}
	}
}

// start skips to a start of image.
func (s *jpegSplitter) start() error {
	s.image = nil
	for last := byte(0); ; {
		b, err := s.r.ReadByte()
		if err != nil {
			return err
		}
		if last == 0xFF && b == 0xD8 {
			s.image = []byte{0xFF, 0xD8}
			return nil
		}
		last = b
	}
}

// marker takes all up to the next marker: nothing between segments, and coded data after a scan's header.
func (s *jpegSplitter) marker() (byte, error) {
	for last := byte(0); ; {
		b, err := s.take()
		if err != nil {
			return 0, err
		}
		if last == 0xFF && b != 0 && b != 0xFF {
			return b, nil
		}
		last = b
	}
}

func (s *jpegSplitter) take() (byte, error) {
	if len(s.image) >= maxUnit {
		return 0, errLargeImage
	}
	b, err := s.r.ReadByte()
	if err == nil {
		s.image = append(s.image, b)
	}
	return b, err
}

func (s *jpegSplitter) segment() error {
	high, err := s.take()
	if err != nil {
		return err
	}
	low, err := s.take()
	if err != nil {
		return err
	}
	n := max(0, int(high)<<8+int(low)-2)
	if len(s.image)+n > maxUnit {
		return errLargeImage
	}
	at := len(s.image)
	s.image = append(s.image, make([]byte, n)...)
	_, err = io.ReadFull(s.r, s.image[at:])
	return err
}
