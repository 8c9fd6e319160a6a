package clip

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gridgate/edge/source"
)

// unitsOf makes access units of fuzzed bytes: the first byte tells the codec, start codes of three bytes separate NAL units, and
// each slice has a unit to itself, with the sets before it.
func unitsOf(data []byte) (units []source.AccessUnit) {
	if len(data) == 0 {
		return nil
	}
	codec := source.H264
	if data[0]&1 == 1 {
		codec = source.H265
	}
	coded := true // the last unit has its slice
	for i, nalu := range bytes.Split(data[1:], []byte{0, 0, 1}) {
		if nalu = bytes.TrimRight(nalu, "\x00"); i == 0 && len(nalu) == 0 {
			continue
		}
		if coded {
			pts := time.Duration(i*i%7) * 100 * time.Millisecond
			units = append(units, source.AccessUnit{Codec: codec, Key: len(units)%3 == 0, PTS: pts, At: time.Unix(int64(i), 0)})
		}
		u := &units[len(units)-1]
		u.NALUs = append(u.NALUs, nalu)
		coded = len(nalu) > 0 && (codec == source.H264 && nalu[0]&0x1f < 6 || codec == source.H265 && nalu[0]>>1 < 32)
	}
	return units
}

// FuzzUnits gives bytes of a camera to all that looks at them before the muxer, and the muxer what is left. It goes past the net of
// [Maker.Seal], so that a panic of a library is found.
func FuzzUnits(f *testing.F) {
	for i, name := range []string{"plain.h264", "reordered.h264", "plain.h265", "reordered.h265"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(append([]byte{byte(i / 2)}, data...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		units := unitsOf(data)
		const limit = 1 << 20
		tr, err := read(units, limit)
		if err != nil {
			return
		}
		if tr.size() > limit || len(tr.samples) == 0 || tr.width < 1 || tr.height < 1 {
			t.Fatalf("%d bytes, %d samples, %dx%d", tr.size(), len(tr.samples), tr.width, tr.height)
		}
		for i, s := range tr.samples {
			if s.pts < s.dts || i > 0 && s.dts <= tr.samples[i-1].dts {
				t.Fatalf("sample %d is decoded at %v and shown at %v", i, s.dts, s.pts)
			}
		}
		if err := mux(t.Context(), io.Discard, tr); err != nil {
			t.Fatal(err)
		}
	})
}

// TestTheCorpusIsValid keeps the fuzz target from fuzzing nothing but the first check.
func TestTheCorpusIsValid(t *testing.T) {
	for i, name := range []string{"plain.h264", "reordered.h264", "plain.h265", "reordered.h265"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		tr, err := read(unitsOf(append([]byte{byte(i / 2)}, data...)), 1<<20)
		if err != nil || len(tr.samples) != 5 {
			t.Errorf("%s: %+v, %v", name, tr, err)
		}
	}
}

func TestForwardRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, act := range map[string]func(*forward) error{
		"a header of another size": func(f *forward) error { _, err := f.Write([]byte("mdat")); return err },
		"a place in the middle":    func(f *forward) error { _, err := f.Seek(4, io.SeekStart); return err },
		"another size": func(f *forward) error {
			_, _ = f.Seek(0, io.SeekStart)
			_, err := f.Write([]byte{0, 0, 0, 9})
			return err
		},
		"an end without a size": func(f *forward) error { _, _ = f.Write(make([]byte, 20)); return f.check() },
	} {
		if err := act(&forward{w: io.Discard, mdat: 100}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
