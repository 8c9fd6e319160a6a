package rtsp

import (
	"errors"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmjpeg"
	"github.com/pion/rtp"

	"gridgate/edge/source"
)

// depacketiser turns the packets of a track into NAL units, those that a packet completes: none as a rule, or several.
type depacketiser interface {
	take(pkt *rtp.Packet) ([][]byte, error)
}

// track is what a camera offers and this package can take.
type track struct {
	codec source.Codec
	open  func() (depacketiser, error)
	sets  [][]byte // parameter sets of the session description
}

// trackOf returns false for a format of another kind.
func trackOf(f format.Format) (t track, ok bool) {
	switch f := f.(type) {
	case *format.H264:
		open := func() (depacketiser, error) {
			return newNALPackets(func() (nalDecoder, error) { return f.CreateDecoder() })
		}
		return track{codec: source.H264, open: open, sets: [][]byte{f.SPS, f.PPS}}, true
	case *format.H265:
		open := func() (depacketiser, error) {
			return newNALPackets(func() (nalDecoder, error) { return f.CreateDecoder() })
		}
		return track{codec: source.H265, open: open, sets: [][]byte{f.VPS, f.SPS, f.PPS}}, true
	case *format.MJPEG:
		open := func() (depacketiser, error) {
			dec, err := f.CreateDecoder()
			return &jpegPackets{dec: dec}, err
		}
		return track{codec: source.MJPEG, open: open}, true
	}
	return track{}, false
}

// nalPackets takes each packet for the last of its access unit: the library then hands out NAL units as they become complete.
// It would otherwise gather them itself, and refuse pictures of more than 25 slices.
type nalPackets struct {
	dec  nalDecoder
	open func() (nalDecoder, error)
}

// nalDecoder is the library's.
type nalDecoder interface {
	Decode(*rtp.Packet) ([][]byte, error)
}

func newNALPackets(open func() (nalDecoder, error)) (*nalPackets, error) {
	dec, err := open()
	return &nalPackets{dec: dec, open: open}, err
}

// largeNAL is the size in bytes from which the packets of a NAL unit are worth letting go of.
const largeNAL = 32 << 10

func (d *nalPackets) take(pkt *rtp.Packet) ([][]byte, error) {
	last := *pkt
	last.Marker = true
	nalus, err := d.dec.Decode(&last)
	if isPending(err) {
		return nil, nil
	}
	if len(nalus) == 1 && len(nalus[0]) >= largeNAL {
		d.forget()
	}
	return nalus, err
}

// forget lets go of the packets of a NAL unit that is complete: the library's list of fragments, although empty, would keep those
// of a keyframe in memory until the next one.
func (d *nalPackets) forget() {
	if dec, err := d.open(); err == nil { // it succeeded before, with the same format
		d.dec = dec
	}
}

// isPending tells that a packet is right and something else is still missing.
func isPending(err error) bool {
	for _, target := range []error{
		rtph264.ErrMorePacketsNeeded, rtph265.ErrMorePacketsNeeded, rtpmjpeg.ErrMorePacketsNeeded,
		rtph264.ErrNonStartingPacketAndNoPrevious, rtph265.ErrNonStartingPacketAndNoPrevious, rtpmjpeg.ErrNonStartingPacketAndNoPrevious,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// jpegPackets are those of RFC 2435. What the library leaves out is added here: restart markers (section 3.1.7), and tables that
// are sent once for many pictures (section 3.1.8).
type jpegPackets struct {
	dec     *rtpmjpeg.Decoder
	restart [2]byte // restart interval of the picture under way, as coded; zero without
	tables  []byte  // the last that were sent
	q       byte    // the quantization that they are for
}

var errJPEG = errors.New("not an RTP packet of a JPEG")

const jpegHead = 8 // bytes of the main header (section 3.1)

func (d *jpegPackets) take(pkt *rtp.Packet) ([][]byte, error) {
	head, rest, err := d.restarts(pkt.Payload)
	if err != nil {
		return nil, err
	}
	if head[1] == 0 && head[2] == 0 && head[3] == 0 { // the first fragment
		rest = d.withTables(head[5], rest)
	}
	plain := *pkt
	plain.Payload = append(head, rest...)
	jpeg, err := d.dec.Decode(&plain)
	if err != nil {
		if isPending(err) {
			err = nil
		}
		return nil, err
	}
	return [][]byte{d.withInterval(jpeg)}, nil
}

// restarts takes the restart header out of a packet.
func (d *jpegPackets) restarts(payload []byte) (head, rest []byte, err error) {
	if len(payload) < jpegHead || payload[4] > 127 || payload[5] == 127 {
		return nil, nil, errJPEG
	}
	head, rest = append(make([]byte, 0, len(payload)+128), payload[:jpegHead]...), payload[jpegHead:]
	d.restart = [2]byte{}
	if head[4] < 64 {
		return head, rest, nil
	}
	if len(rest) < 4 {
		return nil, nil, errJPEG
	}
	head[4] -= 64
	d.restart = [2]byte{rest[0], rest[1]}
	return head, rest[4:], nil
}

// withTables returns the payload of a first fragment with the tables that it leaves out.
func (d *jpegPackets) withTables(q byte, rest []byte) []byte {
	if q < 128 || len(rest) < 4 {
		return rest
	}
	n := int(rest[2])<<8 | int(rest[3])
	switch {
	case n == 0 && q == d.q && q != 255:
		return append(d.tables[:len(d.tables):len(d.tables)], rest[4:]...)
	case n > 0 && n <= 128 && 4+n <= len(rest):
		d.q, d.tables = q, append(d.tables[:0], rest[:4+n]...)
	}
	return rest
}

// withInterval puts the restart interval (DRI, ITU-T T.81 clause B.2.4.4) after the start of the image.
func (d *jpegPackets) withInterval(jpeg []byte) []byte {
	if d.restart == [2]byte{} || len(jpeg) < 2 {
		return jpeg
	}
	out := append(make([]byte, 0, len(jpeg)+6), jpeg[:2]...)
	return append(append(out, 0xFF, 0xDD, 0, 4, d.restart[0], d.restart[1]), jpeg[2:]...)
}
