package rtsp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
	"github.com/pion/rtp"

	"gridgate/edge/source"
)

func TestClassifyNamesTheCauseAndTellsNothing(t *testing.T) {
	const secret = "cam-17.lan"
	for _, c := range []struct {
		err  error
		want error
	}{
		{&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED), Addr: &net.UnixAddr{Name: secret}}, source.ErrUnreachable},
		{&net.DNSError{Name: secret, Err: "no such host " + secret}, source.ErrUnreachable},
		{io.EOF, source.ErrUnreachable},
		{errors.New("something about " + secret), source.ErrUnreachable},
		{liberrors.ErrClientBadStatusCode{Code: 401, Message: secret}, source.ErrAuth},
		{liberrors.ErrClientBadStatusCode{Code: 403, Message: secret}, source.ErrAuth},
		{liberrors.ErrClientBadStatusCode{Code: 461, Message: secret}, errTransport},
		{liberrors.ErrClientBadStatusCode{Code: 503, Message: secret}, source.ErrUnreachable},
		{liberrors.ErrClientSDPInvalid{Err: errors.New(secret)}, source.ErrUnsupported},
		{liberrors.ErrClientTCPTimeout{}, source.ErrStalled},
		{liberrors.ErrClientAuthSetup{Err: errors.New(secret)}, source.ErrAuth},
	} {
		got := classify(c.err)
		if !errors.Is(got, c.want) || strings.Contains(got.Error(), secret) {
			t.Errorf("%T: got %q, want %q", c.err, got, c.want)
		}
	}
}

func TestPictureSetsAreKeptById(t *testing.T) {
	var p parameterSets
	p.put(sequenceSet, []byte{0x67, 1, 2, 3}, 1)
	p.put(pictureSet, []byte{0x68, 0x80, 1}, 1) // id 0
	p.put(pictureSet, []byte{0x68, 0x40, 1}, 1) // id 1
	p.put(pictureSet, []byte{0x68, 0xff, 2}, 1) // id 0 again
	sets, ok := p.list(false)
	if !ok || len(sets) != 3 || sets[1][2] != 2 {
		t.Fatalf("%v % x", ok, sets)
	}
	p.put(sequenceSet, []byte{0x67, 9, 9, 9}, 1)
	if _, ok := p.list(false); ok {
		t.Fatal("picture sets of the old sequence are still offered")
	}
	p.put(pictureSet, make([]byte, maxSet+1), 1)
	if _, ok := p.list(false); ok {
		t.Fatal("a set of absurd size was kept")
	}
}

func TestEachGapIsNoticed(t *testing.T) {
	a := newTestAssembler(t)
	now := time.Unix(1000, 0)
	sps, pps, idr, p := []byte{0x67, 1, 2, 3}, []byte{0x68, 0x80, 1}, []byte{0x65, 0x88, 1}, []byte{0x41, 0x88, 1}
	for i, step := range []struct {
		seq  uint16
		nalu []byte
		want outcome
	}{
		{65530, sps, pending}, {65531, pps, pending}, {65532, idr, keyframe}, {65533, p, interframe},
		{65535, p, dropped}, {0, idr, keyframe}, {1, p, interframe},
		{3, p, dropped}, {4, p, dropped}, {5, idr, keyframe},
	} {
		pkt := &rtp.Packet{Header: rtp.Header{SequenceNumber: step.seq, Timestamp: uint32(i) * 3600, Marker: true}, Payload: step.nalu}
		if _, got := a.add(pkt, now); got != step.want {
			t.Errorf("packet %d: %d, want %d", step.seq, got, step.want)
		}
	}
}

func TestClockIgnoresJumps(t *testing.T) {
	start := time.Unix(1000, 0)
	var c mediaClock
	c.at(1<<32-90000, start)
	for i, step := range []struct {
		stamp uint32
		want  time.Duration
	}{
		{0, time.Second},                                // over the wrap
		{90000, 2 * time.Second},                        // steady
		{87000, 2*time.Second - time.Second/30},         // a picture shown before the last
		{87000 + 1<<30, 3*time.Second - time.Second/30}, // a jump: the second that passed counts
	} {
		if got := c.at(step.stamp, start.Add(time.Duration(i+1)*time.Second)); (got - step.want).Abs() > time.Millisecond {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}

func newTestAssembler(t testing.TB) *assembler {
	forma := &format.H264{PacketizationMode: 1}
	a, err := newAssembler(h264Syntax{}, func() (decoder, error) { return forma.CreateDecoder() }, 64<<10)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestEmptyFragmentsDoNotGrow(t *testing.T) {
	a := newTestAssembler(t)
	now := time.Unix(1000, 0)
	a.add(&rtp.Packet{Header: rtp.Header{SequenceNumber: 1}, Payload: []byte{0x7c, 0x85, 1}}, now)
	drops := 0
	for i := range 3 * maxPackets {
		if _, o := a.add(&rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(i + 2)}, Payload: []byte{0x7c, 0x05}}, now); o == dropped {
			drops++
		}
	}
	if drops == 0 || a.packets > maxPackets {
		t.Fatalf("%d drops, %d packets held", drops, a.packets)
	}
}

func TestUnitsWithoutUsableParametersAreHeldBack(t *testing.T) {
	a := newTestAssembler(t)
	now := time.Unix(1000, 0)
	seq := uint16(0)
	feed := func(nalu ...byte) outcome {
		seq++
		_, o := a.add(&rtp.Packet{Header: rtp.Header{SequenceNumber: seq, Timestamp: uint32(seq) * 3600, Marker: true}, Payload: nalu}, now)
		return o
	}
	steps := []struct {
		nalu []byte
		want outcome
	}{
		{[]byte{0x65, 0x88, 1}, dropped}, // a keyframe before any parameter set
		{[]byte{0x67, 1, 2, 3}, pending}, // sets alone are no picture
		{[]byte{0x68, 0x80, 1}, pending},
		{[]byte{0x41, 0x88, 1}, dropped}, // still waiting for a keyframe
		{[]byte{0x65, 0x08, 1}, dropped}, // its first slice is missing
		{[]byte{0x65, 0x88, 1}, keyframe},
		{[]byte{0x41, 0x88, 1}, interframe},
		{[]byte{0x06, 5, 4, 1}, pending}, // a vendor's own data is no picture and goes no further
		{[]byte{0x7c}, invalid},
		{[]byte{0x41, 0x88, 1}, dropped},
	}
	for i, s := range steps {
		if got := feed(s.nalu...); got != s.want {
			t.Errorf("step %d: % x gives %d, want %d", i, s.nalu, got, s.want)
		}
	}
}

// FuzzAssembler feeds packets cut from the input: a length byte, a flag byte, the payload.
func FuzzAssembler(f *testing.F) {
	f.Add([]byte{4, 1, 0x67, 1, 2, 3, 3, 1, 0x68, 0x80, 1, 3, 1, 0x65, 0x88, 1})
	f.Add([]byte{3, 0, 0x7c, 0x85, 9, 3, 1, 0x7c, 0x45, 9})
	f.Add([]byte{7, 1, 0x78, 0, 1, 0x65, 0, 1, 0x41})
	f.Fuzz(func(t *testing.T, data []byte) {
		a := newTestAssembler(t)
		now := time.Unix(1000, 0)
		for seq := uint16(0); len(data) > 2; seq++ {
			n, flags := min(int(data[0]), len(data)-2), data[1]
			pkt := &rtp.Packet{Header: rtp.Header{SequenceNumber: seq, Timestamp: uint32(flags) << 20, Marker: flags&1 != 0}, Payload: data[2 : 2+n]}
			data = data[2+n:]
			if flags&2 != 0 {
				seq++ // one is missing
			}
			unit, o := a.add(pkt, now)
			if got := o == keyframe; got != unit.Key {
				t.Fatalf("outcome %d with key %v", o, unit.Key)
			}
			if err := wellFormed(unit, o); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func wellFormed(u source.AccessUnit, o outcome) error {
	if (o == keyframe || o == interframe) == (len(u.NALUs) == 0) {
		return fmt.Errorf("outcome %d with %d NAL units", o, len(u.NALUs))
	}
	if u.Key && (len(u.NALUs) < 3 || (h264Syntax{}).kind(u.NALUs[0]) != sequenceSet) {
		return errors.New("a keyframe without its parameter sets")
	}
	return nil
}
