package ps_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gridgate/deploy/testkit/psmux"
	"gridgate/protocols/gb28181/ps"
)

var (
	start = []byte{0, 0, 0, 1}
	sps   = []byte{0x67, 0x42, 0xc0, 0x1e, 0xd9}
	pps   = []byte{0x68, 0xce, 0x38, 0x80}
)

// units are three pictures: a keyframe with its sets, one that needs two packets, a small one.
func units() (out [][][]byte) {
	large := []byte{0x41}
	for i := range 100_000 {
		large = append(large, byte(i%251)+1)
	}
	return [][][]byte{{sps, pps, {0x65, 1, 2, 3}}, {large}, {{0x41, 9, 9}}}
}

func annexB(nalus [][]byte) (out []byte) {
	for _, n := range nalus {
		out = append(append(out, start...), n...)
	}
	return out
}

// write is the stream of units, 3,600 ticks apart, from a stamp just before it wraps.
func write(m *psmux.Muxer) (packs [][]byte) {
	for i, u := range units() {
		packs = append(packs, m.Picture(annexB(u), (1<<33-3600+uint64(i)*3600)&(1<<33-1), i == 0))
	}
	return packs
}

// read feeds a stream in pieces of random sizes.
func read(stream []byte, flush bool) (got []ps.Picture) {
	r := ps.NewReader(func(p ps.Picture) { got = append(got, p) })
	random := rand.New(rand.NewPCG(1, 2))
	for len(stream) > 0 {
		n := min(len(stream), 1+random.IntN(1400))
		r.Write(stream[:n])
		stream = stream[n:]
	}
	if flush {
		r.Flush()
	}
	return got
}

func TestEveryWayOfWritingGivesTheSamePictures(t *testing.T) {
	for name, m := range map[string]*psmux.Muxer{
		"as the standard says":    {},
		"no map":                  {NoMap: true},
		"a map once":              {MapOnce: true},
		"packets without length":  {Endless: true},
		"MPEG-1 packs":            {MPEG1: true},
		"sound and private parts": {Sound: bytes.Repeat([]byte{7}, 320), Private: []byte("HKMI\x00\x00\x01\xbaprivate")},
		"all at once":             {NoMap: true, Endless: true, MPEG1: true, Sound: []byte{1, 2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			got := read(bytes.Join(write(m), nil), true)
			if len(got) != 3 {
				t.Fatalf("%d pictures", len(got))
			}
			for i, u := range units() {
				if p := got[i]; p.Codec != ps.H264 || p.Broken || !p.Timed || !slices.EqualFunc(p.NALUs, u, bytes.Equal) {
					t.Errorf("picture %d: codec %q, broken %v, timed %v, %d units", i, p.Codec, p.Broken, p.Timed, len(p.NALUs))
				}
			}
			if d := ps.Since(got[0].PTS, got[2].PTS); d != 80*time.Millisecond {
				t.Errorf("two pictures last %v", d)
			}
		})
	}
}

// TestPicturesThatShareTheirPackets: some writers fill packets without regard to pictures, and tell the time of one in each.
func TestPicturesThatShareTheirPackets(t *testing.T) {
	want := [][][]byte{{sps, pps, {0x65, 0x88, 2, 3}}}
	for i := range byte(40) { // two slices each, of growing size
		more := bytes.Repeat([]byte{0x55}, int(i)*9)
		want = append(want, [][]byte{append([]byte{0x41, 0x9a, i + 1}, more...), append([]byte{0x41, 0x42, i + 1}, more...)})
	}
	var stream [][]byte
	for _, u := range want {
		stream = append(stream, annexB(u))
	}
	wrong := 0
	for size := 31; size < 3000; size += 7 {
		got := read((&psmux.Muxer{}).Fill(stream, 9000, 3600, size), true)
		whole := 0
		for i := range got {
			if len(got) == len(want) && slices.EqualFunc(got[i].NALUs, want[i], bytes.Equal) {
				whole++
			}
		}
		if whole != len(want) {
			wrong++
			t.Logf("packets of %d bytes: %d of %d pictures, %d are right", size, len(got), len(want), whole)
		}
	}
	if wrong > 1 { // at 80 bytes the header of a second slice is cut, and is taken for a picture's beginning
		t.Errorf("wrong with %d sizes of packets", wrong)
	}
}

func TestCodecs(t *testing.T) {
	vps, sps265 := []byte{0x40, 1, 0x0c, 1}, []byte{0x42, 1, 1, 1}
	for name, c := range map[string]struct {
		mux   psmux.Muxer
		nalus [][]byte
		want  ps.Codec
	}{
		"H.265 by the map":           {psmux.Muxer{StreamType: 0x24}, [][]byte{{0x26, 1, 5}}, ps.H265},
		"H.265 by its sets":          {psmux.Muxer{NoMap: true}, [][]byte{vps, sps265, {0x26, 1, 5}}, ps.H265},
		"SVAC":                       {psmux.Muxer{StreamType: 0x80}, [][]byte{{0x26, 1, 5}}, ps.Other},
		"nothing that tells (yet)":   {psmux.Muxer{NoMap: true}, [][]byte{{0x41, 5}}, ps.Unknown},
		"H.264 with another ref_idc": {psmux.Muxer{NoMap: true}, [][]byte{{0x27, 0x42, 0}, {0x25, 5}}, ps.H264},
	} {
		got := read(c.mux.Picture(annexB(c.nalus), 1, true), true)
		if len(got) != 1 || got[0].Codec != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestWhatIsMissingBreaksOnePicture(t *testing.T) {
	packs := write(&psmux.Muxer{})
	var got []ps.Picture
	r := ps.NewReader(func(p ps.Picture) { got = append(got, p) })
	r.Write(packs[0])
	r.Flush()
	r.Write(packs[1][:50_000])
	r.Lost()
	r.Write(packs[1][60_000:])
	r.Flush()
	r.Write(packs[2])
	r.Flush()
	var whole int
	for _, p := range got {
		if !p.Broken {
			whole++
		}
	}
	if whole != 2 || got[len(got)-1].Broken || got[0].Broken {
		t.Errorf("%d of %d pictures are whole", whole, len(got))
	}
}

func TestMemoryIsBounded(t *testing.T) {
	var most int
	r := ps.NewReader(func(p ps.Picture) {
		n := 0
		for _, u := range p.NALUs {
			n += len(u)
		}
		most = max(most, n)
		if n > 1<<20 && !p.Broken {
			t.Error("an outgrown picture is not broken")
		}
	})
	m := psmux.Muxer{Endless: true}
	r.Write(m.Picture(annexB([][]byte{{0x41, 1}}), 1, true))
	for range 1000 {
		r.Write(bytes.Repeat([]byte{5}, 16<<10))
	}
	r.Flush()
	if most > ps.MaxPicture {
		t.Errorf("a picture of %d bytes", most)
	}
}

func FuzzReader(f *testing.F) {
	for _, m := range []*psmux.Muxer{{}, {Endless: true, Sound: []byte{1}}, {MPEG1: true, NoMap: true}} {
		f.Add(bytes.Join(write(m), nil)[:2000], 7)
		f.Add(m.Picture(annexB([][]byte{{0x41, 1}}), 5, false), 1)
	}
	f.Fuzz(func(t *testing.T, stream []byte, piece int) {
		var whole, pieces []ps.Picture
		r := ps.NewReader(func(p ps.Picture) { whole = append(whole, p) })
		r.Write(stream)
		r.Flush()
		r = ps.NewReader(func(p ps.Picture) { pieces = append(pieces, p) })
		for rest, n := stream, 1+(piece&0xfff); len(rest) > 0; {
			n = min(n, len(rest))
			r.Write(rest[:n])
			rest = rest[n:]
		}
		r.Flush()
		if len(whole) != len(pieces) {
			t.Fatalf("%d pictures at once, %d in pieces", len(whole), len(pieces))
		}
		for i := range whole {
			if !slices.EqualFunc(whole[i].NALUs, pieces[i].NALUs, bytes.Equal) || whole[i].PTS != pieces[i].PTS {
				t.Fatalf("picture %d differs", i)
			}
		}
	})
}
