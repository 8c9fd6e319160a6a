package recording

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/abema/go-mp4"

	"gridgate/edge/source"
)

// track is the video track of an MP4 file.
type track struct {
	id        uint32
	timescale uint32
	begin     int64 // media time at which the presentation begins (edit list, ISO/IEC 14496-12, 8.6.6)
	length    int   // bytes of the length before each NAL unit
	codec     source.Codec
	sets      [][]byte // parameter sets of the description
	sorter    *source.Sorter
	samples   []sample
}

// sample is one access unit in the file, in units of the track's timescale.
type sample struct {
	offset int64
	size   uint32
	dts    int64
	shift  int64 // of the presentation time
}

// readMP4 sends the samples of the first track that can be decoded.
func readMP4(r io.ReadSeeker, send func(source.AccessUnit) error) error {
	t, err := parseMP4(r)
	if err != nil {
		return err
	}
	origin := t.origin()
	t.sorter = source.NewSorter(t.codec, t.sets...)
	var fields source.Fields
	for i, s := range t.samples {
		u, p, err := t.unit(r, s)
		if err != nil {
			return fmt.Errorf("picture %d: %w", i, err)
		}
		if len(p.Slices) == 0 {
			continue
		}
		u.PTS = scale(s.dts+s.shift-origin, t.timescale)
		if err := sendAll(fields.Add(u, p), send); err != nil {
			return err
		}
	}
	return sendAll(fields.Flush(), send)
}

func sendAll(units []source.AccessUnit, send func(source.AccessUnit) error) error {
	for _, u := range units {
		if err := send(u); err != nil {
			return err
		}
	}
	return nil
}

// origin is the media time of the first picture that is shown. Pictures before the edit list's beginning get times below zero.
func (t *track) origin() int64 {
	first := int64(math.MaxInt64)
	for _, s := range t.samples {
		first = min(first, s.dts+s.shift)
	}
	return max(first, t.begin)
}

func scale(v int64, timescale uint32) time.Duration {
	return time.Duration(float64(v) / float64(timescale) * float64(time.Second))
}

// unit reads one sample.
func (t *track) unit(r io.ReadSeeker, s sample) (source.AccessUnit, source.Picture, error) {
	var none source.Picture
	if s.size > maxUnit {
		return source.AccessUnit{}, none, fmt.Errorf("%d bytes, at most %d", s.size, maxUnit)
	}
	if _, err := r.Seek(s.offset, io.SeekStart); err != nil {
		return source.AccessUnit{}, none, err
	}
	b := make([]byte, s.size)
	if _, err := io.ReadFull(r, b); err != nil {
		return source.AccessUnit{}, none, fmt.Errorf("the file is cut short: %w", err)
	}
	nalus := [][]byte{b}
	if t.codec != source.MJPEG {
		nalus = t.split(b)
	}
	p := t.sorter.Sort(nalus)
	return source.AccessUnit{Codec: t.codec, NALUs: t.sorter.Units(p), Key: p.Key, Refresh: p.Refresh}, p, nil
}

// split cuts a sample into NAL units with their length before them (ISO/IEC 14496-15).
func (t *track) split(b []byte) (nalus [][]byte) {
	for len(b) >= t.length && len(nalus) < maxNALUs {
		n := 0
		for _, v := range b[:t.length] {
			n = n<<8 | int(v)
		}
		b = b[t.length:]
		if n > len(b) {
			break // what is left is damaged; the decoder gets what came before
		}
		if n > 0 {
			nalus = append(nalus, b[:n])
		}
		b = b[n:]
	}
	return nalus
}

// parseMP4 finds the video track and lists its samples. Damage never panics: the box reader's own panics become errors.
func parseMP4(r io.ReadSeeker) (t *track, err error) {
	defer func() {
		if v := recover(); v != nil {
			t, err = nil, errors.New("the MP4 file is damaged")
		}
	}()
	tops, err := mp4.ExtractBoxes(r, nil, []mp4.BoxPath{{mp4.BoxTypeMoov()}, {mp4.BoxTypeMoof()}})
	if err != nil && len(tops) == 0 {
		return nil, fmt.Errorf("read the boxes of the MP4 file: %w", err)
	}
	var moofs []*mp4.BoxInfo
	for _, box := range tops {
		switch {
		case box.Size > maxIndex:
			return nil, fmt.Errorf("the index of the MP4 file is larger than %d bytes", maxIndex)
		case box.Type == mp4.BoxTypeMoof():
			moofs = append(moofs, box)
		case t == nil:
			if t, err = videoTrack(r, box); err != nil {
				return nil, err
			}
		}
	}
	if t == nil {
		return nil, errors.New("the MP4 file has no index (moov): the recording was not closed")
	}
	if err := t.addFragments(r, moofs); err != nil {
		return nil, err
	}
	if len(t.samples) == 0 {
		return nil, errors.New("the video track of the MP4 file is empty")
	}
	return t, nil
}

// videoTrack returns the first track that can be decoded.
func videoTrack(r io.ReadSeeker, moov *mp4.BoxInfo) (*track, error) {
	traks, err := mp4.ExtractBox(r, moov, mp4.BoxPath{mp4.BoxTypeTrak()})
	if err != nil {
		return nil, fmt.Errorf("read the tracks of the MP4 file: %w", err)
	}
	for _, trak := range traks {
		t, err := parseTrack(r, trak)
		if err != nil {
			return nil, err
		}
		if t != nil {
			return t, nil
		}
	}
	return nil, fmt.Errorf("%w: the MP4 file has no H.264, H.265 or MJPEG track", source.ErrUnsupported)
}

// parseTrack returns nil for a track of another kind.
func parseTrack(r io.ReadSeeker, trak *mp4.BoxInfo) (*track, error) {
	stbl := mp4.BoxPath{mp4.BoxTypeMdia(), mp4.BoxTypeMinf(), mp4.BoxTypeStbl()}
	in := func(types ...mp4.BoxType) mp4.BoxPath { return append(append(mp4.BoxPath{}, stbl...), types...) }
	stsd := mp4.BoxTypeStsd()
	boxes, err := mp4.ExtractBoxesWithPayload(r, trak, []mp4.BoxPath{
		{mp4.BoxTypeTkhd()}, {mp4.BoxTypeEdts(), mp4.BoxTypeElst()}, {mp4.BoxTypeMdia(), mp4.BoxTypeMdhd()},
		in(stsd, mp4.BoxTypeAvc1(), mp4.BoxTypeAvcC()), in(stsd, mp4.StrToBoxType("avc3"), mp4.BoxTypeAvcC()),
		in(stsd, mp4.BoxTypeMp4v(), mp4.BoxTypeEsds()),
		in(stsd, mp4.BoxTypeHvc1(), mp4.BoxTypeHvcC()), in(stsd, mp4.BoxTypeHev1(), mp4.BoxTypeHvcC()),
		in(mp4.BoxTypeStts()), in(mp4.BoxTypeCtts()), in(mp4.BoxTypeStsc()), in(mp4.BoxTypeStsz()), in(mp4.BoxTypeStco()), in(mp4.BoxTypeCo64()),
	})
	if err != nil {
		return nil, fmt.Errorf("read a track of the MP4 file: %w", err)
	}
	t, tables := &track{}, sampleTables{}
	for _, b := range boxes {
		t.take(b.Payload)
		tables.take(b.Payload)
	}
	if plain, err := mp4.ExtractBox(r, trak, in(stsd, mp4.StrToBoxType("jpeg"))); err == nil && len(plain) > 0 {
		t.codec = source.MJPEG // QuickTime
	}
	if t.codec == "" {
		return nil, nil
	}
	if t.timescale == 0 {
		return nil, errors.New("the MP4 file has no time scale")
	}
	t.samples, err = tables.samples()
	return t, err
}

// take notes what a box tells about the track itself.
func (t *track) take(box any) {
	switch b := box.(type) {
	case *mp4.Tkhd:
		t.id = b.TrackID
	case *mp4.Mdhd:
		t.timescale = b.Timescale
	case *mp4.Elst:
		for i := range b.Entries {
			if m := b.GetMediaTime(i); m >= 0 {
				t.begin = m
				return
			}
		}
	case *mp4.AVCDecoderConfiguration:
		t.begins(source.H264, b.LengthSizeMinusOne)
		for _, set := range append(b.SequenceParameterSets, b.PictureParameterSets...) {
			t.sets = append(t.sets, set.NALUnit)
		}
	case *mp4.Esds:
		const jpeg = 0x6C // object type indication, ISO/IEC 14496-1 table 5
		for _, d := range b.Descriptors {
			if d.DecoderConfigDescriptor != nil && d.DecoderConfigDescriptor.ObjectTypeIndication == jpeg {
				t.codec = source.MJPEG
			}
		}
	case *mp4.HvcC:
		t.begins(source.H265, b.LengthSizeMinusOne)
		for _, array := range b.NaluArrays {
			for _, n := range array.Nalus {
				t.sets = append(t.sets, n.NALUnit)
			}
		}
	}
}

func (t *track) begins(c source.Codec, lengthSizeMinusOne uint8) {
	t.codec, t.length = c, int(lengthSizeMinusOne)+1
}

// sampleTables are the boxes of ISO/IEC 14496-12, 8.6 and 8.7, that together list the samples of a track.
type sampleTables struct {
	stts   *mp4.Stts
	ctts   *mp4.Ctts
	stsc   *mp4.Stsc
	stsz   *mp4.Stsz
	chunks []int64
}

func (s *sampleTables) take(box any) {
	switch b := box.(type) {
	case *mp4.Stts:
		s.stts = b
	case *mp4.Ctts:
		s.ctts = b
	case *mp4.Stsc:
		s.stsc = b
	case *mp4.Stsz:
		s.stsz = b
	case *mp4.Stco:
		for _, o := range b.ChunkOffset {
			s.chunks = append(s.chunks, int64(o))
		}
	case *mp4.Co64:
		for _, o := range b.ChunkOffset {
			s.chunks = append(s.chunks, int64(min(o, math.MaxInt64)))
		}
	}
}

// samples joins the tables. Where they disagree in length, the shortest counts: the rest cannot be located.
func (s *sampleTables) samples() ([]sample, error) {
	if s.stsz == nil || s.stsc == nil || s.stts == nil {
		return nil, nil // a fragmented file may have none
	}
	count := int(s.stsz.SampleCount)
	if count > maxSamples {
		return nil, fmt.Errorf("the track has %d pictures, at most %d", count, maxSamples)
	}
	if s.stsz.SampleSize == 0 {
		count = min(count, len(s.stsz.EntrySize))
	}
	out := s.located(count)
	s.timed(out)
	return out, nil
}

// located lists at most count samples with their place in the file.
func (s *sampleTables) located(count int) []sample {
	var out []sample
	run := 0
	for i, at := range s.chunks {
		for run+1 < len(s.stsc.Entries) && int(s.stsc.Entries[run+1].FirstChunk) <= i+1 {
			run++
		}
		if run >= len(s.stsc.Entries) {
			break
		}
		for range s.stsc.Entries[run].SamplesPerChunk {
			if len(out) == count {
				return out
			}
			size := s.stsz.SampleSize
			if size == 0 {
				size = s.stsz.EntrySize[len(out)]
			}
			out = append(out, sample{offset: at, size: size})
			at += int64(size)
		}
	}
	return out
}

// timed sets the times of samples.
func (s *sampleTables) timed(samples []sample) {
	i, dts := 0, int64(0)
	for _, e := range s.stts.Entries {
		for n := uint32(0); n < e.SampleCount && i < len(samples); n++ {
			samples[i].dts = dts
			dts += int64(e.SampleDelta)
			i++
		}
	}
	for ; i < len(samples); i++ {
		samples[i].dts = dts
	}
	if s.ctts == nil {
		return
	}
	i = 0
	for k, e := range s.ctts.Entries {
		shift := s.ctts.GetSampleOffset(k)
		for n := uint32(0); n < e.SampleCount && i < len(samples); n++ {
			samples[i].shift = shift
			i++
		}
	}
}

// be32 reads a big-endian number off b.
func be32(b []byte) (uint32, []byte) { return binary.BigEndian.Uint32(b), b[4:] }
