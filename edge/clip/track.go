package clip

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"gridgate/edge/source"
)

// Bounds of what makes a track.
const (
	maxSamples    = 20_000
	maxSet        = 4096 // bytes of a parameter set
	maxPictureSet = 16
	maxSide       = 16384 // pixels
)

// track is what the muxer is given: all of it was validated.
type track struct {
	codec         source.Codec
	width, height int
	record        []byte // decoder configuration (ISO/IEC 14496-15)
	samples       []sample
}

// sample is one coded picture without parameter sets.
type sample struct {
	nalus    [][]byte
	bytes    int // with the length before each NAL unit
	key      bool
	pts, dts time.Duration
	at       time.Time
}

// size is how many bytes the file has at most, fixedBytes aside.
func (t *track) size() (n int64) {
	for _, s := range t.samples {
		n += int64(s.bytes) + sampleBytes
	}
	return n
}

// sets are the parameter sets of a track.
type sets struct {
	video, sequence []byte
	pictures        [][]byte
}

// within says whether o has all that s has.
func (s sets) within(o sets) bool {
	same := func(own, other []byte) bool { return own == nil || bytes.Equal(own, other) }
	foreign := func(p []byte) bool {
		return !slices.ContainsFunc(o.pictures, func(q []byte) bool { return bytes.Equal(p, q) })
	}
	return same(s.video, o.video) && same(s.sequence, o.sequence) && !slices.ContainsFunc(s.pictures, foreign)
}

// syntax is what this package knows of a codec. Its methods get NAL units of at least one byte.
type syntax interface {
	kind(nalu []byte) (kind, error)
	// describe validates parameter sets and returns the size of the picture and the decoder configuration record.
	describe(sets) (width, height int, record []byte, err error)
	// slice validates the beginning of a slice, once the sets are described.
	slice(nalu []byte) error
}

// kind is what is done with a NAL unit.
type kind int

const (
	other kind = iota // not part of a clip: supplemental information, in which vendors put their own data, and the like
	slice
	videoSet
	sequenceSet
	pictureSet
)

// read validates units and takes them up to limit bytes. A unit that is not valid is left out; it ends where another track would
// begin.
func read(units []source.AccessUnit, limit int64) (*track, error) {
	if len(units) == 0 || !units[0].Begins() {
		return nil, errors.New("the units begin no stream")
	}
	t := &track{codec: units[0].Codec}
	var s syntax
	switch t.codec {
	case source.H264:
		s = &h264Syntax{}
	case source.H265:
		s = &h265Syntax{}
	default:
		return nil, fmt.Errorf("a clip of %s is not supported", t.codec)
	}
	first, _, err := cut(s, units[0])
	if err != nil {
		return nil, fmt.Errorf("read parameter sets: %w", err)
	}
	if t.width, t.height, t.record, err = s.describe(first); err != nil {
		return nil, fmt.Errorf("read parameter sets: %w", err)
	}
	t.take(s, first, units, limit)
	if len(t.samples) == 0 {
		return nil, errors.New("no picture is valid")
	}
	t.order()
	return t, nil
}

// take adds what is valid of units.
func (t *track) take(s syntax, first sets, units []source.AccessUnit, limit int64) {
	var total int64
	for _, u := range units {
		if u.Codec != t.codec || len(t.samples) == maxSamples {
			return
		}
		own, nalus, err := cut(s, u)
		if err != nil || len(nalus) == 0 {
			continue
		}
		if !own.within(first) {
			return // another picture size, for example
		}
		if slices.ContainsFunc(nalus, func(n []byte) bool { return s.slice(n) != nil }) {
			continue
		}
		if len(t.samples) == 0 && !u.Begins() {
			continue
		}
		added := sample{nalus: nalus, key: u.Key, pts: u.PTS, at: u.At}
		for _, n := range nalus {
			added.bytes += 4 + len(n)
		}
		if total += int64(added.bytes) + sampleBytes; total > limit {
			return
		}
		t.samples = append(t.samples, added)
	}
}

// cut separates the parameter sets of u from its slices and drops all else.
func cut(s syntax, u source.AccessUnit) (own sets, nalus [][]byte, err error) {
	for _, n := range u.NALUs {
		if len(n) == 0 {
			return own, nil, errors.New("an empty NAL unit")
		}
		k, err := s.kind(n)
		if err != nil {
			return own, nil, err
		}
		if k > slice && len(n) > maxSet {
			return own, nil, fmt.Errorf("a parameter set of %d bytes", len(n))
		}
		switch k {
		case slice:
			nalus = append(nalus, n)
		case videoSet:
			own.video = n
		case sequenceSet:
			if own.sequence != nil && !bytes.Equal(own.sequence, n) {
				return own, nil, errors.New("two sequence parameter sets")
			}
			own.sequence = n
		case pictureSet:
			if own.pictures = append(own.pictures, n); len(own.pictures) > maxPictureSet {
				return own, nil, fmt.Errorf("more than %d picture parameter sets", maxPictureSet)
			}
		}
	}
	return own, nalus, nil
}

// tick is the finest step of time in the file.
const tick = time.Second/90000 + 1

// order gives each sample its decoding time: the presentation times in ascending order, moved so far back that none is presented
// before it is decoded. With the whole clip at hand this needs no picture order counts, and cannot fail.
func (t *track) order() {
	sorted := make([]time.Duration, len(t.samples))
	for i, s := range t.samples {
		sorted[i] = s.pts
	}
	slices.Sort(sorted)
	shift := time.Duration(0)
	for i, s := range t.samples {
		if i > 0 {
			sorted[i] = max(sorted[i], sorted[i-1]+tick)
		}
		shift = max(shift, sorted[i]-s.pts)
	}
	begin := sorted[0]
	for i := range t.samples {
		s := &t.samples[i]
		s.dts = sorted[i] - begin
		s.pts += shift - begin
	}
}
