package rtsp

import (
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/sdp"
	"github.com/pion/rtp"

	"gridgate/edge/source"
)

// FuzzAssembler feeds packets cut from the input to each depacketiser: a length byte, a flag byte, the payload.
func FuzzAssembler(f *testing.F) {
	f.Add([]byte{4, 1, 0x67, 1, 2, 3, 3, 1, 0x68, 0x80, 1, 3, 1, 0x65, 0x88, 1})
	f.Add([]byte{3, 0, 0x7c, 0x85, 9, 3, 1, 0x7c, 0x45, 9})
	f.Add([]byte{7, 1, 0x78, 0, 1, 0x65, 0, 1, 0x41})
	f.Add(append(append(append([]byte{23, 1}, sps...), 5, 1, 0x68, 0xce, 0x0f, 0x2c, 0x80), 4, 1, 0x65, 0x88, 0x84, 1))
	f.Add([]byte{14, 1, 0, 0, 0, 0, 65, 50, 2, 2, 0, 4, 0xff, 0xff, 1, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, offer := range []format.Format{&format.H264{PayloadTyp: 96, PacketizationMode: 1}, &format.H265{PayloadTyp: 96}, &format.MJPEG{}} {
			r := newRig(t, offer)
			for rest := data; len(rest) > 2; r.seq++ {
				n, flags := min(int(rest[0]), len(rest)-2), rest[1]
				r.stamp = uint32(flags) << 20
				r.now = r.now.Add(time.Duration(flags) * time.Millisecond)
				r.packet(flags&1 != 0, rest[2:2+n])
				rest = rest[2+n:]
				if flags&2 != 0 {
					r.seq++ // one is missing
				}
			}
			checkBounds(t, r, len(data))
		}
	})
}

// checkBounds: nothing comes out that did not go in, but for parameter sets before each beginning and a JPEG's tables.
func checkBounds(t *testing.T, r *rig, size int) {
	t.Helper()
	for _, u := range r.units {
		if len(u.NALUs) == 0 || u.Bytes() > 2*size+1024 || u.PTS < 0 {
			t.Fatalf("unit of %d bytes in %d NAL units at %v, from %d", u.Bytes(), len(u.NALUs), u.PTS, size)
		}
		if u.Codec == source.H264 && u.Begins() && source.KindOf(source.H264, u.NALUs[0]) != source.SequenceSet {
			t.Fatal("a beginning without its parameter sets")
		}
	}
}

// FuzzSessionDescription feeds what a camera says that it offers (SDP, RFC 8866).
func FuzzSessionDescription(f *testing.F) {
	f.Add([]byte("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n" +
		"a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LACtoKGhAAAAMAEAAAAwCg8SJq,aM4PyA==\r\na=control:trackID=1\r\n"))
	f.Add([]byte("v=0\r\ns=-\r\nm=video 0 RTP/AVP 26\r\na=control:1\r\nm=video 0 RTP/AVP 97\r\na=rtpmap:97 H265/90000\r\na=fmtp:97 sprop-vps=QAE=; sprop-sps=QgE=; sprop-pps=RAE=\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var text sdp.SessionDescription
		var desc description.Session
		if text.Unmarshal(data) != nil || desc.Unmarshal(&text) != nil {
			return
		}
		_, _, offer, err := choose(&desc)
		if err != nil {
			return
		}
		if a, err := newAssembler(offer, 1<<10, func(source.AccessUnit, outcome) {}); err == nil {
			a.add(&rtp.Packet{Header: rtp.Header{Marker: true}, Payload: idr}, time.Unix(1000, 0))
		}
	})
}
