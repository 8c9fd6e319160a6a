package source

import (
	"bytes"
	"testing"
	"time"
)

// The parameter sets of a progressive stream of 160x96 with one reference picture.
var (
	testSPS = []byte{0x67, 0x42, 0xc0, 0x0a, 0xda, 0x0a, 0x36, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0x28, 0x3c, 0x48, 0x9a, 0x80}
	testPPS = []byte{0x68, 0xce, 0x0f, 0x2c, 0x80}
)

// sequenceSet writes an H.264 sequence parameter set of 320x192 of the Main profile (clause 7.3.2.1.1).
func sequenceSet(id, references uint32, fields bool) []byte {
	w := bitWriter{b: []byte{0x67, 77, 0, 30}, used: 32}
	w.ue(id)
	w.ue(0) // log2_max_frame_num_minus4
	w.ue(2) // pic_order_cnt_type
	w.ue(references)
	w.flag(false)
	w.ue(19) // pic_width_in_mbs_minus1
	w.ue(5)  // pic_height_in_map_units_minus1
	w.flag(!fields)
	if fields {
		w.flag(false)
	}
	w.flag(true)
	w.flag(false)
	w.flag(false)
	w.u(1, 1)
	return w.b
}

func pictureSet(id, sequence uint32) []byte {
	w := bitWriter{b: []byte{0x68}, used: 8}
	w.ue(id)
	w.ue(sequence)
	w.u(0b11, 2)
	w.u(1, 1)
	return w.b
}

// Slice types (H.264 table 7-6).
const (
	typeP = 0
	typeI = 2
)

// sliceOf writes the start of a slice; field is 't', 'b' or 0 for a frame of a stream without fields.
func sliceOf(header byte, first, typ, pps, frame uint32, field byte) []byte {
	w := bitWriter{b: []byte{header}, used: 8}
	w.ue(first)
	w.ue(typ)
	w.ue(pps)
	w.u(frame, 4)
	if field != 0 {
		w.flag(true)
		w.flag(field == 'b')
	}
	w.u(0xabcd, 16)
	return w.b
}

func TestRecoveryPointsAreRebuiltBare(t *testing.T) {
	for _, c := range []struct {
		codec Codec
		p     recoveryPoint
	}{
		{H264, recoveryPoint{}}, {H264, recoveryPoint{count: 29, exact: true}}, {H264, recoveryPoint{count: 65535, broken: true}},
		{H265, recoveryPoint{}}, {H265, recoveryPoint{count: -3, exact: true}}, {H265, recoveryPoint{count: 32767, broken: true}},
	} {
		nalu := c.p.nalu(c.codec)
		if got, ok := findRecovery(c.codec, nalu); !ok || got != c.p || len(nalu) > 12 || KindOf(c.codec, nalu) != Message {
			t.Errorf("%s %+v: % x read as %+v, %v", c.codec, c.p, nalu, got, ok)
		}
		if bytes.Contains(nalu, []byte{0, 0, 0}) || bytes.Contains(nalu, []byte{0, 0, 1}) {
			t.Errorf("% x holds a start code", nalu)
		}
	}
}

func TestWhereDecodingMayBegin(t *testing.T) {
	many, one := sequenceSet(0, 4, false), sequenceSet(0, 1, false)
	now, later := recoveryPoint{exact: true}.nalu(H264), recoveryPoint{count: 12}.nalu(H264)
	i0, i1 := sliceOf(0x41, 0, typeI, 0, 3, 0), sliceOf(0x41, 60, typeI+5, 0, 3, 0)
	p1 := sliceOf(0x41, 60, typeP, 0, 3, 0)
	for _, c := range []struct {
		name         string
		sps          []byte
		nalus        [][]byte
		key, refresh bool
		message      bool // a recovery point goes on
	}{
		{name: "IDR", sps: many, nalus: [][]byte{sliceOf(0x65, 0, typeI, 0, 0, 0)}, key: true},
		{name: "P", sps: one, nalus: [][]byte{sliceOf(0x41, 0, typeP, 0, 1, 0)}},
		{name: "I, open GOP", sps: many, nalus: [][]byte{now, i0, i1}, key: true, message: true},
		{name: "recovery in a while", sps: many, nalus: [][]byte{later, i0, p1}, refresh: true, message: true},
		{name: "recovery now, but not all intra", sps: many, nalus: [][]byte{now, i0, p1}, refresh: true, message: true},
		{name: "I alone, several references", sps: many, nalus: [][]byte{i0, i1}, refresh: true},
		{name: "I alone, one reference", sps: one, nalus: [][]byte{i0, i1}, key: true, message: true},
		{name: "I that nothing refers to", sps: one, nalus: [][]byte{sliceOf(0x01, 0, typeI, 0, 3, 0)}, refresh: true},
		{name: "I and P slices", sps: one, nalus: [][]byte{i0, p1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewSorter(H264, c.sps, pictureSet(0, 0))
			p := s.Sort(c.nalus)
			if p.Key != c.key || p.Refresh != c.refresh || !p.Whole || !p.Sets {
				t.Errorf("%+v", p)
			}
			message := false
			for _, nalu := range s.Units(p) {
				message = message || KindOf(H264, nalu) == Message
			}
			if message != c.message {
				t.Errorf("recovery point %v", message)
			}
		})
	}
}

func TestFieldsOfAFrameAreJoined(t *testing.T) {
	s := NewSorter(H264, sequenceSet(0, 4, true), pictureSet(0, 0))
	var fields Fields
	var got []AccessUnit
	add := func(nalus ...[]byte) {
		p := s.Sort(nalus)
		got = append(got, fields.Add(AccessUnit{Codec: H264, NALUs: s.Units(p), Key: p.Key, Refresh: p.Refresh, PTS: time.Duration(len(got))}, p)...)
	}
	add(sliceOf(0x65, 0, typeI, 0, 0, 't')) // a keyframe: an IDR field and a P field
	add(sliceOf(0x41, 0, typeP, 0, 0, 'b'))
	add(sliceOf(0x41, 0, typeP, 0, 1, 't'), sliceOf(0x41, 0, typeP, 0, 1, 'b')) // both in one unit
	add(sliceOf(0x41, 0, typeP, 0, 2, 't'))                                     // its other field is lost
	add(sliceOf(0x41, 0, typeP, 0, 3, 'b'))                                     // bottom field first
	add(sliceOf(0x41, 0, typeP, 0, 3, 't'))
	got = append(got, fields.Flush()...)
	want := []struct {
		slices int
		key    bool
	}{{2, true}, {2, false}, {1, false}, {2, false}}
	if len(got) != len(want) {
		t.Fatalf("%d units, want %d", len(got), len(want))
	}
	for i, u := range got {
		slices := 0
		for _, nalu := range u.NALUs {
			if k := KindOf(H264, nalu); k == Slice || k == KeySlice {
				slices++
			}
		}
		if slices != want[i].slices || u.Key != want[i].key {
			t.Errorf("unit %d: %d slices, key %v", i, slices, u.Key)
		}
	}
	if head := got[0].NALUs; KindOf(H264, head[0]) != SequenceSet || KindOf(H264, head[1]) != PictureSet || len(head) != 4 {
		t.Error("the keyframe of two fields cannot be decoded alone")
	}
}

func TestParameterSetsAreKeptById(t *testing.T) {
	s := NewSorter(H264)
	sets := func(pps uint32) bool { return s.Sort([][]byte{sliceOf(0x65, 0, typeI, pps, 0, 0)}).Sets }
	s.Sort([][]byte{sequenceSet(0, 1, false), sequenceSet(3, 1, false), pictureSet(0, 0), pictureSet(1, 3)})
	if !sets(0) || !sets(1) || sets(2) {
		t.Fatal("the sets of a picture are not told apart")
	}
	s.Sort([][]byte{sequenceSet(3, 2, false)})
	if !sets(0) || sets(1) {
		t.Fatal("a picture set is offered although the sequence that it was for is gone")
	}
	s.Sort([][]byte{append(pictureSet(1, 3), make([]byte, maxSet)...)})
	if sets(1) {
		t.Fatal("a set of absurd size was kept")
	}
	for id := range uint32(2 * maxSets) {
		s.Sort([][]byte{pictureSet(id, 0)})
	}
	if n := s.sets.count(PictureSet); n > maxSets {
		t.Fatalf("%d sets are kept", n)
	}
}

func TestH265PicturesAreSorted(t *testing.T) {
	s := NewSorter(H265)
	message := recoveryPoint{count: 8}.nalu(H265)
	p := s.Sort([][]byte{message, {0x02, 1, 0xd0, 1}})
	if p.Key || !p.Refresh || !p.Whole || p.Sets {
		t.Errorf("%+v", p)
	}
	if p = s.Sort([][]byte{{0x2a, 1, 0xac, 1}}); !p.Key || p.Refresh { // CRA
		t.Errorf("%+v", p)
	}
}

func FuzzSorter(f *testing.F) {
	join := func(nalus ...[]byte) []byte { return bytes.Join(nalus, []byte{0, 0, 1}) }
	f.Add(join(testSPS, testPPS, []byte{0x65, 0x88, 0x84, 1}))
	f.Add(join(sequenceSet(0, 4, true), pictureSet(0, 0), sliceOf(0x65, 0, typeI, 0, 0, 't'), sliceOf(0x41, 0, typeP, 0, 0, 'b')))
	f.Add(join(recoveryPoint{count: 5}.nalu(H264), sliceOf(0x41, 0, typeI, 0, 3, 0)))
	f.Add(join([]byte{0x42, 1, 1, 1, 0x60, 0, 0, 3, 0, 0x90, 0, 0, 3, 0, 0, 3, 0, 0x1e, 0xa0, 0x20, 0x81, 5, 0x96}, recoveryPoint{count: -2}.nalu(H265), []byte{0x26, 1, 0xaf, 1}))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, c := range []Codec{H264, H265} {
			s := NewSorter(c)
			var fields Fields
			var out []AccessUnit
			nalus := bytes.Split(data, []byte{0, 0, 1})
			for i := range nalus {
				p := s.Sort(nalus[i : i+1])
				if len(p.Slices) > 0 {
					out = append(out, fields.Add(AccessUnit{Codec: c, NALUs: s.Units(p), Key: p.Key, Refresh: p.Refresh}, p)...)
				}
			}
			out = append(out, fields.Flush()...)
			var m Meter
			for _, u := range out {
				if u.Bytes() > 2*len(data)+16 || len(u.NALUs) > 3*maxSets+3 {
					t.Fatalf("unit of %d bytes and %d NAL units from %d", u.Bytes(), len(u.NALUs), len(data))
				}
				m.Add(u)
			}
			if len(out) > len(nalus) {
				t.Fatalf("%d units from %d", len(out), len(nalus))
			}
		}
	})
}

func FuzzRecoveryPoint(f *testing.F) {
	f.Add([]byte{0x06, 5, 3, 1, 2, 3, 6, 1, 0x84, 0x80})
	f.Add([]byte{0x4e, 1, 6, 1, 0x90, 0x80})
	f.Add([]byte{0x06, 255, 255, 255, 6, 255, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, c := range []Codec{H264, H265} {
			p, ok := findRecovery(c, data)
			if !ok {
				continue
			}
			nalu := p.nalu(c)
			if again, ok := findRecovery(c, nalu); !ok || again != p || len(nalu) > 16 {
				t.Fatalf("%+v is written as % x and read as %+v, %v", p, nalu, again, ok)
			}
		}
	})
}
