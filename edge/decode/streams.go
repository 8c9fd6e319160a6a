package decode

import (
	"fmt"
	"time"

	"gridgate/edge/source"
)

// The bounds of the decoders that a worker keeps for streams.
const (
	maxStreams   = 64
	maxHeld      = 320 << 20 // bytes, estimated
	idleLimit    = 60 * time.Second
	contextBytes = 3 << 20 // of a decoder without its pictures
	heldPictures = 6       // that a decoder keeps as references, as a rule
)

// streams holds one decoder per stream, dropping the one unused for longest when there are too many or they are too big.
type streams struct {
	now  func() time.Time
	held map[string]*held
}

type held struct {
	decoder *decoder
	used    time.Time
	bytes   int
}

func newStreams(now func() time.Time) *streams {
	return &streams{now: now, held: map[string]*held{}}
}

// get returns the decoder of name; without one, decoding must begin at a keyframe.
func (s *streams) get(name string, codec source.Codec, key bool, lib *libav) (*decoder, error) {
	s.dropIdle()
	h := s.held[name]
	if h != nil && h.decoder.codec != codec {
		s.drop(name)
		h = nil
	}
	if h == nil {
		if !key {
			return nil, fmt.Errorf("%w: a stream must begin with a keyframe", ErrBadStream)
		}
		d, err := lib.newDecoder(codec, fast)
		if err != nil {
			return nil, err
		}
		h = &held{decoder: d, bytes: contextBytes}
		s.held[name] = h
	}
	h.used = s.now()
	s.shrink(name)
	return h.decoder, nil
}

// measure notes how much memory the decoder of name takes, by the size of its pictures.
func (s *streams) measure(name string, p raw) {
	if h := s.held[name]; h != nil {
		h.bytes = contextBytes + heldPictures*p.width*p.height*p.layout.bytes*3/2
	}
}

func (s *streams) dropIdle() {
	limit := s.now().Add(-idleLimit)
	for name, h := range s.held {
		if h.used.Before(limit) {
			s.drop(name)
		}
	}
}

// shrink drops the decoders unused for longest until the bounds hold; keep stays.
func (s *streams) shrink(keep string) {
	for {
		total, oldest := 0, ""
		for name, h := range s.held {
			total += h.bytes
			if name != keep && (oldest == "" || h.used.Before(s.held[oldest].used)) {
				oldest = name
			}
		}
		if oldest == "" || (len(s.held) <= maxStreams && total <= maxHeld) {
			return
		}
		s.drop(oldest)
	}
}

func (s *streams) drop(name string) {
	if h := s.held[name]; h.decoder != nil {
		h.decoder.close()
	}
	delete(s.held, name)
}
