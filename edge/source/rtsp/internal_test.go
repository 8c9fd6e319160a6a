package rtsp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
	"github.com/pion/rtcp"
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

// The parameter sets of a stream of 160x96 with one reference picture, and slices as far as their headers.
var (
	sps  = []byte{0x67, 0x42, 0xc0, 0x0a, 0xda, 0x0a, 0x36, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0x28, 0x3c, 0x48, 0x9a, 0x80}
	pps  = []byte{0x68, 0xce, 0x0f, 0x2c, 0x80}
	idr  = []byte{0x65, 0x88, 0x84, 1}
	pred = []byte{0x41, 0x9a, 0x02, 1}
)

// rig feeds an assembler and remembers what became of the packets.
type rig struct {
	*assembler
	now   time.Time
	seq   uint16
	stamp uint32
	got   []outcome
	units []source.AccessUnit
}

func newRig(t testing.TB, f format.Format) *rig {
	t.Helper()
	r := &rig{now: time.Unix(1000, 0)}
	offer, ok := trackOf(f)
	if !ok {
		t.Fatalf("%T is no track", f)
	}
	var err error
	r.assembler, err = newAssembler(offer, 64<<10, func(u source.AccessUnit, o outcome) {
		r.got = append(r.got, o)
		if o == passed {
			r.units = append(r.units, u)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newH264(t testing.TB) *rig { return newRig(t, &format.H264{PayloadTyp: 96, PacketizationMode: 1}) }

// send feeds a packet with a marker that comes a 25th of a second after the one before, and returns what became of it.
func (r *rig) send(payload ...byte) string {
	r.seq++
	r.stamp += clockRate / 25
	r.now = r.now.Add(time.Second / 25)
	return r.packet(true, payload)
}

func (r *rig) packet(marker bool, payload []byte) string {
	r.got = nil
	r.add(&rtp.Packet{Header: rtp.Header{SequenceNumber: r.seq, Timestamp: r.stamp, Marker: marker}, Payload: payload}, r.now)
	names := []string{"invalid", "dropped", "passed"}
	var out []string
	for i, o := range r.got {
		name := names[o]
		if u := len(r.units) - len(r.got) + i; o == passed && u >= 0 && r.units[u].Key {
			name = "key"
		} else if o == passed && u >= 0 && r.units[u].Refresh {
			name = "refresh"
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

func TestEachGapIsNoticed(t *testing.T) {
	r := newH264(t)
	for _, step := range []struct {
		seq  uint16
		nalu []byte
		want string
	}{
		{65530, sps, ""}, {65531, pps, ""}, {65532, idr, "key"}, {65533, pred, "passed"},
		{65535, pred, "dropped"}, {0, idr, "key"}, {1, pred, "passed"},
		{3, pred, "dropped"}, {4, pred, "dropped"}, {5, idr, "key"},
	} {
		r.seq = step.seq - 1
		if got := r.send(step.nalu...); got != step.want {
			t.Errorf("packet %d: %q, want %q", step.seq, got, step.want)
		}
	}
}

func TestEmptyFragmentsDoNotGrow(t *testing.T) {
	r := newH264(t)
	r.packet(false, []byte{0x7c, 0x85, 1})
	drops := 0
	for range 3 * maxPackets {
		r.seq++
		if r.packet(false, []byte{0x7c, 0x05}) == "dropped" {
			drops++
		}
	}
	if drops == 0 || r.count > maxPackets {
		t.Fatalf("%d drops, %d packets held", drops, r.count)
	}
}

func TestUnitsWithoutUsableParametersAreHeldBack(t *testing.T) {
	r := newH264(t)
	for i, s := range []struct {
		nalu []byte
		want string
	}{
		{idr, "dropped"}, // a keyframe before any parameter set
		{sps, ""},        // sets alone are no picture
		{pps, ""},
		{pred, "dropped"},                  // still waiting for a keyframe
		{[]byte{0x65, 0x08, 1}, "dropped"}, // its first slice is missing
		{idr, "key"},
		{pred, "passed"},
		{[]byte{0x06, 5, 4, 1, 1, 1, 1, 0x80}, ""}, // a vendor's own data is no picture and goes no further
		{[]byte{0x7c}, "invalid"},
		{pred, "dropped"},
	} {
		if got := r.send(s.nalu...); got != s.want {
			t.Errorf("step %d: % x gives %q, want %q", i, s.nalu, got, s.want)
		}
	}
}

func TestPicturesWithoutMarkersEndWhereTheNextBegins(t *testing.T) {
	r := newH264(t)
	var got []string
	for _, nalu := range [][]byte{sps, pps, idr, pred, pred} {
		r.seq++
		r.now = r.now.Add(40 * time.Millisecond)
		if nalu[0] != 0x68 && nalu[0] != 0x65 {
			r.stamp += 3600
		}
		got = append(got, r.packet(false, nalu))
	}
	if want := []string{"", "", "", "key", "passed"}; !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
	if r.units[0].PTS != 0 || r.units[1].PTS != 40*time.Millisecond {
		t.Errorf("at %v and %v", r.units[0].PTS, r.units[1].PTS)
	}
}

func TestManySlicesAreOnePicture(t *testing.T) {
	r := newH264(t)
	r.send(sps...)
	r.send(pps...)
	r.stamp += 3600
	for i := range 68 {
		r.seq++
		nalu := idr
		if i > 0 {
			nalu = []byte{0x65, 0x42, 0x11, 1} // further into the picture
		}
		r.packet(i == 67, nalu)
	}
	if len(r.units) != 1 || len(r.units[0].NALUs) != 70 || !r.units[0].Key {
		t.Fatalf("%d units", len(r.units))
	}
}

// recovery is a message of a recovery point after so many frames, behind one of a vendor's.
func recovery(frames byte) []byte {
	return append([]byte{0x06, 5, 17, 'v', 'e', 'n', 'd', 'o', 'r', 's', ' ', 'o', 'w', 'n', 1, 2, 3, 4, 5, 'X', 6, 1}, frames, 0x80)
}

func TestDecodingBeginsAtARecoveryPoint(t *testing.T) {
	r := newH264(t)
	r.send(sps...)
	r.send(pps...)
	if got := r.send(pred...); got != "dropped" {
		t.Fatalf("before the recovery point: %q", got)
	}
	r.send(recovery(0b00110_0_0_0 | 1<<1)...) // ue(5), not exact; sent as an access unit of its own, as some cameras do
	if got := r.send(pred...); got != "refresh" {
		t.Fatalf("at the recovery point: %q", got)
	}
	unit := r.units[0]
	if len(unit.NALUs) != 4 || unit.NALUs[0][0] != 0x67 || unit.NALUs[1][0] != 0x68 || unit.NALUs[2][0] != 0x06 {
		t.Fatalf("% x", unit.NALUs)
	}
	if sei := unit.NALUs[2]; len(sei) > 8 || bytes.Contains(sei, []byte("vendor")) {
		t.Errorf("the message that goes on is % x", sei)
	}
	if got := r.send(pred...); got != "passed" {
		t.Errorf("after it: %q", got)
	}
}

func TestAStreamWithoutAnyBeginningIsBegunAfterAWhile(t *testing.T) {
	r := newRig(t, &format.H264{PayloadTyp: 96, PacketizationMode: 1, SPS: sps, PPS: pps})
	var at []time.Duration
	start := r.now
	for r.now.Sub(start) < 4*source.Patience {
		if r.send(pred...) == "refresh" {
			at = append(at, r.now.Sub(start))
		}
	}
	if len(at) != 3 || at[0] < source.Patience || at[0] > source.Patience+time.Second {
		t.Fatalf("decoding begins at %v", at)
	}
	if got := r.send(idr...); got != "key" {
		t.Fatal(got)
	}
	r.now = r.now.Add(time.Minute)
	if got := r.send(pred...); got != "passed" {
		t.Errorf("after a keyframe nothing is forced, got %q", got)
	}
}

func TestAStreamWithoutParameterSetsIsNeverBegun(t *testing.T) {
	r := newH264(t)
	for range 100 {
		r.now = r.now.Add(time.Second)
		if got := r.send(pred...); got != "dropped" {
			t.Fatal(got)
		}
	}
}

func TestALossWaitsAsLongAsGroupsAre(t *testing.T) {
	r := newH264(t)
	r.send(sps...)
	r.send(pps...)
	r.send(idr...)
	r.now = r.now.Add(30 * time.Second)
	r.send(idr...)
	r.seq++ // one is lost
	lost := r.now
	for r.now.Sub(lost) < 30*time.Second {
		if got := r.send(pred...); got != "dropped" {
			t.Fatalf("%v after the loss: %q", r.now.Sub(lost), got)
		}
	}
}

func TestTheCameraTellsItsTime(t *testing.T) {
	r := newRig(t, &format.H264{PayloadTyp: 96, PacketizationMode: 1, SPS: sps, PPS: pps})
	r.stamp = 1 << 30
	r.send(idr...)
	if u := r.units[0]; !u.Captured.IsZero() {
		t.Errorf("a time before any report: %v", u.Captured)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 500_000_000, time.UTC)
	ntp := uint64(at.Unix()+2208988800)<<32 | 1<<31
	r.stamp = 1<<32 - 7200
	r.now = r.now.Add(time.Second)
	r.camera.note(&rtcp.SenderReport{NTPTime: ntp, RTPTime: r.stamp})
	r.send(pred...) // the jump makes the report void
	r.camera.note(&rtcp.SenderReport{NTPTime: ntp, RTPTime: r.stamp})
	r.send(pred...)
	r.send(pred...) // over the wrap
	var got []time.Duration
	for _, u := range r.units[1:] {
		got = append(got, u.Captured.Sub(at))
	}
	if !r.units[1].Captured.IsZero() || got[1] != 40*time.Millisecond || got[2] != 80*time.Millisecond {
		t.Errorf("%v", got)
	}
	r.camera.note(&rtcp.SenderReport{NTPTime: 2208988800 << 32, RTPTime: r.stamp})
	r.send(pred...)
	if u := r.units[len(r.units)-1]; !u.Captured.IsZero() {
		t.Errorf("the time of a clock that was never set was believed: %v", u.Captured)
	}
}

func TestWhatCostsLeastIsChosen(t *testing.T) {
	video := func(f ...format.Format) *description.Media {
		return &description.Media{Type: description.MediaTypeVideo, Formats: f}
	}
	h264, h265, mjpeg := &format.H264{PayloadTyp: 96}, &format.H265{PayloadTyp: 97}, &format.MJPEG{}
	sound := &description.Media{Type: description.MediaTypeAudio, Formats: []format.Format{&format.Opus{PayloadTyp: 98}}}
	for _, c := range []struct {
		medias []*description.Media
		want   source.Codec
	}{
		{[]*description.Media{sound, video(mjpeg), video(h265), video(h264)}, source.H264},
		{[]*description.Media{video(mjpeg, h265)}, source.H265},
		{[]*description.Media{video(&format.VP8{PayloadTyp: 99}), video(mjpeg)}, source.MJPEG},
	} {
		if _, _, got, err := choose(&description.Session{Medias: c.medias}); err != nil || got.codec != c.want {
			t.Errorf("got %s, %v; want %s", got.codec, err, c.want)
		}
	}
	back := video(h264)
	back.IsBackChannel = true
	if _, _, _, err := choose(&description.Session{Medias: []*description.Media{sound, back}}); !errors.Is(err, source.ErrUnsupported) {
		t.Errorf("sound and a way back: %v", err)
	}
}

// TestJPEGsOfEveryFormOfRFC2435: tables sent once, restart markers, a packet that is lost.
func TestJPEGsOfEveryFormOfRFC2435(t *testing.T) {
	r := newRig(t, &format.MJPEG{})
	head := func(typ, q byte, offset byte) []byte { return []byte{0, 0, 0, offset, typ, q, 20, 12} }
	tables := append([]byte{0, 0, 0, 128}, bytes.Repeat([]byte{9}, 128)...)
	data := []byte{1, 2, 3, 4}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for i, step := range []struct {
		payload []byte
		want    string
		holds   []byte // in the JPEG
	}{
		{join(head(1, 50, 0), data), "key", data},
		{join(head(1, 200, 0), []byte{0, 0, 0, 0}, data), "invalid", nil}, // tables that were never sent
		{join(head(1, 200, 0), tables, data), "key", bytes.Repeat([]byte{9}, 64)},
		{join(head(1, 200, 0), []byte{0, 0, 0, 0}, data), "key", bytes.Repeat([]byte{9}, 64)},
		{join(head(65, 50, 0), []byte{0, 7, 0xFF, 0xFF}, data), "key", []byte{0xFF, 0xDD, 0, 4, 0, 7}},
		{join(head(1, 50, 9), data), "invalid", nil}, // what is before it is lost
		{join(head(1, 50, 0), data, []byte{0xFF, 0xFE, 0, 8}, []byte("plate!"), []byte{0xFF, 0xD9}), "key", data},
		{head(1, 127, 0), "invalid", nil},
		{[]byte{1, 2, 3}, "invalid", nil},
	} {
		got := r.send(step.payload...)
		if got != step.want {
			t.Errorf("step %d: %q, want %q", i, got, step.want)
			continue
		}
		if got == "key" {
			image := r.units[len(r.units)-1].NALUs[0]
			if !bytes.Contains(image, step.holds) || bytes.Contains(image, []byte("plate")) {
				t.Errorf("step %d: % x", i, image)
			}
		}
	}
}
