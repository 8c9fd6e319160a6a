package decode

import (
	"slices"
	"testing"
	"time"

	"gridgate/edge/source"
)

// FuzzNeeded reads NAL units and times off any bytes: what is chosen is in order, ends with a wanted picture, and begins with the
// first unit or with a keyframe.
func FuzzNeeded(f *testing.F) {
	f.Add(uint8(2), []byte{0x65, 1, 0, 0x41, 1, 3, 0x01, 1, 1, 0x01, 1, 2})
	f.Add(uint8(3), []byte{0x26, 1, 0, 0x02, 1, 4, 0x00, 2, 2, 0x28, 1, 9, 0x02, 1, 12})
	f.Add(uint8(4), []byte{0x67, 0, 0})
	f.Fuzz(func(t *testing.T, which uint8, b []byte) {
		o := op(which%4) + opKeyframe
		codec := []source.Codec{source.H264, source.H265, source.MJPEG}[which/4%3]
		var units []source.AccessUnit
		for part := range slices.Chunk(b, 3) {
			units = append(units, source.AccessUnit{
				Codec: codec, NALUs: [][]byte{part[:len(part)-len(part)/3]}, Key: part[0]&0x1F == 5 || part[0] == 0x26,
				PTS: time.Duration(part[len(part)-1]),
			})
		}
		if len(units) == 0 {
			return
		}
		at := []time.Duration{3, 40, 200}
		got := needed(o, units, at)
		if len(got) == 0 || !slices.IsSorted(got) || got[len(got)-1] >= len(units) {
			t.Fatalf("units %v of %d", got, len(units))
		}
		if o == opKeyframe {
			return
		}
		marks := wantedUnits(o, units, at)
		if !marks[got[len(got)-1]] {
			t.Errorf("the last unit, %d, is not wanted", got[len(got)-1])
		}
		for i, w := range marks {
			if w && !slices.Contains(got, i) {
				t.Errorf("unit %d is wanted and left out", i)
			}
		}
	})
}
