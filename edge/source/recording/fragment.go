package recording

import (
	"errors"
	"fmt"
	"io"

	"github.com/abema/go-mp4"
)

// Flags of a track fragment run (ISO/IEC 14496-12, 8.8.8).
const (
	runDataOffset  = 0x000001
	runFirstFlags  = 0x000004
	runDuration    = 0x000100
	runSize        = 0x000200
	runSampleFlags = 0x000400
	runShift       = 0x000800
)

var errFragment = errors.New("a fragment of the MP4 file is damaged")

// addFragments appends the samples of movie fragments, as cameras write them so that a cut file stays readable.
func (t *track) addFragments(r io.ReadSeeker, moofs []*mp4.BoxInfo) error {
	for _, moof := range moofs {
		trafs, err := mp4.ExtractBox(r, moof, mp4.BoxPath{mp4.BoxTypeTraf()})
		if err != nil {
			return fmt.Errorf("%w: %w", errFragment, err)
		}
		for _, traf := range trafs {
			if err := t.addFragment(r, moof, traf); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *track) addFragment(r io.ReadSeeker, moof, traf *mp4.BoxInfo) error {
	boxes, err := mp4.ExtractBoxesWithPayload(r, traf, []mp4.BoxPath{{mp4.BoxTypeTfhd()}, {mp4.BoxTypeTfdt()}})
	if err != nil {
		return fmt.Errorf("%w: %w", errFragment, err)
	}
	f := fragment{base: int64(moof.Offset), dts: t.endOfLast()}
	for _, b := range boxes {
		switch box := b.Payload.(type) {
		case *mp4.Tfhd:
			if box.TrackID != t.id {
				return nil
			}
			f.size, f.duration = box.DefaultSampleSize, box.DefaultSampleDuration
			if box.GetFlags()&mp4.TfhdBaseDataOffsetPresent != 0 {
				f.base = int64(box.BaseDataOffset)
			}
		case *mp4.Tfdt:
			f.dts = int64(box.BaseMediaDecodeTimeV0) + int64(box.BaseMediaDecodeTimeV1)
		}
	}
	runs, err := mp4.ExtractBox(r, traf, mp4.BoxPath{mp4.BoxTypeTrun()})
	if err != nil {
		return fmt.Errorf("%w: %w", errFragment, err)
	}
	for _, run := range runs {
		b := make([]byte, run.Size-run.HeaderSize)
		if _, err := run.SeekToPayload(r); err != nil {
			return fmt.Errorf("%w: %w", errFragment, err)
		}
		if _, err := io.ReadFull(r, b); err != nil {
			return fmt.Errorf("%w: %w", errFragment, err)
		}
		if err := t.addRun(&f, b); err != nil {
			return err
		}
	}
	return nil
}

// endOfLast is where the next fragment begins if it does not say.
func (t *track) endOfLast() int64 {
	if n := len(t.samples); n > 1 {
		return 2*t.samples[n-1].dts - t.samples[n-2].dts
	}
	return 0
}

// fragment holds what applies to the runs of one track fragment.
type fragment struct {
	base     int64 // offset in the file that data offsets count from
	next     int64 // where the data of the next run begins, if it does not say
	dts      int64
	size     uint32
	duration uint32
}

// addRun appends the samples of one run. The box is read here and not by the library, which would take a count of four
// billion entries of no bytes at its word.
func (t *track) addRun(f *fragment, b []byte) error {
	if len(b) < 8 {
		return errFragment
	}
	head, b := be32(b)
	version, flags := head>>24, head&0xFFFFFF
	count, b := be32(b)
	at := f.next
	if flags&runDataOffset != 0 && len(b) >= 4 {
		var v uint32
		v, b = be32(b)
		at = f.base + int64(int32(v))
	}
	if flags&runFirstFlags != 0 && len(b) >= 4 {
		_, b = be32(b)
	}
	width := 0
	for _, flag := range []uint32{runDuration, runSize, runSampleFlags, runShift} {
		if flags&flag != 0 {
			width += 4
		}
	}
	if int64(count)*int64(width) > int64(len(b)) || len(t.samples)+int(count) > maxSamples {
		return errFragment
	}
	for range count {
		var s sample
		s, b = f.sample(b, flags, version)
		s.offset = at
		t.samples = append(t.samples, s)
		at += int64(s.size)
	}
	f.next = at
	return nil
}

// sample reads one entry of a run off b, which is long enough.
func (f *fragment) sample(b []byte, flags, version uint32) (sample, []byte) {
	s := sample{size: f.size, dts: f.dts}
	duration := f.duration
	if flags&runDuration != 0 {
		duration, b = be32(b)
	}
	if flags&runSize != 0 {
		s.size, b = be32(b)
	}
	if flags&runSampleFlags != 0 {
		_, b = be32(b)
	}
	if flags&runShift != 0 {
		var v uint32
		v, b = be32(b)
		s.shift = int64(v)
		if version > 0 {
			s.shift = int64(int32(v))
		}
	}
	f.dts += int64(duration)
	return s, b
}
