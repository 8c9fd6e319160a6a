package media_test

import (
	"testing"
	"time"

	"github.com/pion/rtp"

	"gridgate/deploy/testkit/psmux"
	"gridgate/protocols/gb28181/media"
)

// BenchmarkUnpacker takes a second of a 4 Mbit/s stream: a keyframe of 100 kB and 24 pictures of 16 kB.
func BenchmarkUnpacker(b *testing.B) {
	var raw [][]byte
	m := psmux.Muxer{}
	for i := range 25 {
		size := 16_000
		if i == 0 {
			size = 100_000
		}
		nalu := append([]byte{0, 0, 0, 1, 0x65}, make([]byte, size)...)
		for k := range size {
			nalu[5+k] = byte(k*7) | 1
		}
		for stream := m.Picture(nalu, uint64(i*3600), i == 0); len(stream) > 0; {
			n := min(len(stream), 1400)
			p, err := pkt(uint16(len(raw)), uint32(i*3600), n == len(stream), stream[:n]).Marshal()
			if err != nil {
				b.Fatal(err)
			}
			raw, stream = append(raw, p), stream[n:]
		}
	}
	pictures, bytes := 0, 0
	u := media.NewUnpacker(media.Answer{}, false, func(media.Picture) { pictures++ })
	var p rtp.Packet
	now, seq := time.Unix(1000, 0), uint16(0)
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range raw {
			if err := p.Unmarshal(r); err != nil {
				b.Fatal(err)
			}
			p.SequenceNumber = seq
			seq++
			u.Add(&p, now)
			bytes += len(r)
		}
	}
	b.SetBytes(int64(bytes / max(1, b.N)))
	if pictures < 24*b.N {
		b.Fatalf("%d pictures", pictures)
	}
}
