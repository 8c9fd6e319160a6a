package gb28181

import (
	"bytes"
	"testing"
	"time"

	"github.com/pion/rtp"

	"gridgate/deploy/testkit/psmux"
	"gridgate/edge/source"
	"gridgate/protocols/gb28181/media"
)

// The parameter sets of a stream of 160x96, and slices as far as their headers.
var (
	sps  = []byte{0x67, 0x42, 0xc0, 0x0a, 0xda, 0x0a, 0x36, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0x28, 0x3c, 0x48, 0x9a, 0x80}
	pps  = []byte{0x68, 0xce, 0x0f, 0x2c, 0x80}
	idr  = []byte{0x65, 0x88, 0x84, 1}
	pred = []byte{0x41, 0x9a, 0x02, 1}
)

func annexB(nalus ...[]byte) []byte {
	return append([]byte{0, 0, 0, 1}, bytes.Join(nalus, []byte{0, 0, 0, 1})...)
}

// FuzzSession feeds packets cut from the input, a length byte and a flag byte before each, to everything behind the socket.
func FuzzSession(f *testing.F) {
	for _, m := range []psmux.Muxer{{}, {NoMap: true, Endless: true}, {StreamType: 0x24}} {
		var seed []byte
		for i, picture := range [][]byte{annexB(sps, pps, idr), annexB(pred), annexB(pred)} {
			b := m.Picture(picture, uint64(3600*i), i == 0)
			seed = append(append(seed, byte(len(b)), 1|byte(i)<<4), b...)
		}
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, data []byte, ordered bool) {
		var units []source.AccessUnit
		ss := &session{
			emit: func(u source.AccessUnit) { units = append(units, u) }, stats: &source.Meter{}, stop: func(error) {},
			watch: source.NewWatch(source.WatchOptions{}), now: time.Unix(1000, 0),
		}
		ss.packets = media.NewUnpacker(media.Answer{}, ordered, ss.picture)
		seq := uint16(65530)
		for rest := data; len(rest) > 2; seq++ {
			n, flags := min(int(rest[0]), len(rest)-2), rest[1]
			ss.now = ss.now.Add(time.Duration(flags) * time.Millisecond)
			ss.packets.Add(&rtp.Packet{
				Header:  rtp.Header{SequenceNumber: seq, Timestamp: uint32(flags>>4) * 3600, Marker: flags&1 != 0, PayloadType: 96 + flags&2, SSRC: uint32(flags & 4)},
				Payload: rest[2 : 2+n],
			}, ss.now)
			rest = rest[2+n:]
			if flags&8 != 0 {
				seq += 3
			}
		}
		size := 0
		for _, u := range units {
			size += u.Bytes()
			if len(u.NALUs) == 0 || u.PTS < 0 || u.Begins() && source.KindOf(u.Codec, u.NALUs[0]) < source.VideoSet {
				t.Fatalf("a unit of %d NAL units at %v", len(u.NALUs), u.PTS)
			}
		}
		if bound := len(data) + len(units)*(64<<10); size > bound {
			t.Fatalf("%d bytes of units from %d", size, len(data))
		}
	})
}
