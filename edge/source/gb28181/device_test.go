package gb28181_test

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gridgate/deploy/testkit/gbmedia"
	"gridgate/edge/source/gb28181"
	"gridgate/protocols/gb28181/media"
	"gridgate/protocols/gb28181/sip"
)

// device answers invitations and sends a clip in each session.
type device struct {
	t      *testing.T
	clip   gbmedia.Clip
	fps    float64
	quirks gbmedia.Quirks
	once   bool
	answer func(string) string // what it says in the place of a good answer
	refuse error
	mute   bool

	last           atomic.Pointer[dialog]
	invited, ended atomic.Int32
	wg             sync.WaitGroup
}

type dialog struct {
	d      *device
	answer string
	done   chan struct{}
	stop   context.CancelFunc
	once   sync.Once
}

func (g *dialog) Answer() []byte        { return []byte(g.answer) }
func (g *dialog) RemoteAddr() string    { return "127.0.0.1" }
func (g *dialog) Done() <-chan struct{} { return g.done }

func (g *dialog) Bye(context.Context) error {
	g.once.Do(func() { g.d.ended.Add(1); g.stop(); close(g.done) })
	return nil
}

// hangUp ends the newest session from the device's side.
func (d *device) hangUp() {
	g := d.last.Load()
	g.once.Do(func() { g.stop(); close(g.done) })
}

// Invite implements [gb28181.Inviter].
func (d *device) Invite(ctx context.Context, r sip.InviteRequest) (sip.Dialog, error) {
	d.invited.Add(1)
	if d.refuse != nil {
		return nil, d.refuse
	}
	offer, err := media.ParseAnswer(r.Offer)
	if err != nil || !offer.HasSSRC || fmt.Sprintf("%010d", offer.SSRC) != r.SSRC {
		d.t.Errorf("an offer that no device could take: %v", err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	g := &dialog{d: d, done: make(chan struct{}), stop: stop}
	d.last.Store(g)
	port, connect := d.connection(offer)
	g.answer = fmt.Sprintf("v=0\r\no=34020000001320000001 0 0 IN IP4 10.0.0.7\r\ns=Play\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"+
		"m=video %d RTP/AVP 96\r\na=sendonly\r\na=rtpmap:96 PS/90000\r\ny=%s\r\nf=v/2/6/25/1/4000a/1/8/1\r\n", port, r.SSRC)
	if d.answer != nil {
		g.answer = d.answer(g.answer)
	}
	d.wg.Go(func() {
		defer stop()
		conn, err := connect()
		if err != nil || d.mute {
			return
		}
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
		s := gbmedia.Sender{Clip: d.clip, FPS: d.fps, SSRC: offer.SSRC, Quirks: d.quirks, Once: d.once}
		_ = s.Send(ctx, conn) // it ends with the session
		if !d.once {
			return
		}
		<-ctx.Done()
	})
	return g, nil
}

// connection opens the device's side of the transport that was offered.
func (d *device) connection(offer media.Answer) (port int, connect func() (net.Conn, error)) {
	to := netip.AddrPortFrom(offer.Host, uint16(offer.Port)).String()
	switch {
	case !offer.TCP:
		return 15060, func() (net.Conn, error) { return net.Dial("udp", to) }
	case offer.Setup == "passive":
		return 9, func() (net.Conn, error) { return net.Dial("tcp", to) }
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		d.t.Error(err)
	}
	return ln.Addr().(*net.TCPAddr).Port, func() (net.Conn, error) { defer ln.Close(); return ln.Accept() }
}

// shared are the ports and stream numbers of all tests: they take turns, so that what the device of one sends too late meets no other.
var shared = sync.OnceValues(func() (gb28181.Media, error) {
	host := netip.MustParseAddr("127.0.0.1")
	ports, err := media.NewPorts(host, 34000, 43998)
	if err != nil {
		return gb28181.Media{}, err
	}
	ssrcs, err := media.NewSSRCs("34020000002000000001")
	return gb28181.Media{Code: "34020000002000000001", Host: host, Ports: ports, SSRCs: ssrcs}, err
})

// newSource makes a source on the device.
func newSource(t *testing.T, d *device, o gb28181.Options) *gb28181.Source {
	t.Helper()
	d.t = t
	m, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	o.Stall = cmp.Or(o.Stall, time.Minute) // a busy machine is no stall
	o.Inviter, o.Device, o.Channel, o.Media = d, "34020000001320000001", "34020000001310000001", m
	src, err := gb28181.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.wg.Wait)
	return src
}

// replaced returns an answer with something else in it.
func replaced(pairs ...string) func(string) string {
	return strings.NewReplacer(pairs...).Replace
}
