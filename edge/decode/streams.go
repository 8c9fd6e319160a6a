package decode

import (
	"time"

	"gridgate/edge/source"
)

// The bounds of the decoders that a worker keeps.
const (
	maxStreams   = 256
	maxHeld      = 384 << 20 // bytes, estimated
	idleLimit    = 10 * time.Second
	contextBytes = 1 << 20 // of a decoder without its pictures
	heldPictures = 5       // that a decoder keeps as references, as a rule
)

// streams holds one decoder per name, dropping the one unused for longest when there are too many or they are too big.
type streams struct {
	now  func() time.Time
	held map[string]*decoder
}

func newStreams(now func() time.Time) *streams {
	return &streams{now: now, held: map[string]*decoder{}}
}

// get returns the decoder of name; without one, decoding must begin with first.
func (s *streams) get(name string, codec source.Codec, first *unit, lib *libav) (*decoder, error) {
	s.dropIdle()
	d := s.held[name]
	if d != nil && d.codec != codec {
		s.drop(name)
		d = nil
	}
	switch {
	case d == nil && !first.begins():
		return nil, ErrForgotten
	case d == nil:
		var err error
		if d, err = lib.newDecoder(codec, fast); err != nil {
			return nil, err
		}
		d.startAnew(first)
		s.held[name] = d
	case first.flags&flagAnew != 0:
		d.startAnew(first)
	}
	d.used = s.now()
	s.shrink(name)
	return d, nil
}

func (s *streams) dropIdle() {
	limit := s.now().Add(-idleLimit)
	for name, d := range s.held {
		if d.used.Before(limit) {
			s.drop(name)
		}
	}
}

// shrink drops the decoders unused for longest until the bounds hold; keep stays.
func (s *streams) shrink(keep string) {
	for {
		total, oldest := 0, ""
		for name, d := range s.held {
			total += d.bytes
			if name != keep && (oldest == "" || d.used.Before(s.held[oldest].used)) {
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
	if d := s.held[name]; d.lib != nil {
		d.close()
	}
	delete(s.held, name)
}
