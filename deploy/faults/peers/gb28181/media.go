package gb28181

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"

	"gridgate/deploy/testkit/gbmedia"
	"gridgate/protocols/gb28181/media"
)

// Film is what a device sends to a server that invites it, over the transport that is offered.
type Film struct {
	Clip     gbmedia.Clip
	FPS      float64
	Quirks   gbmedia.Quirks
	Local    string // address from which it sends over UDP and dials; empty: any
	Answered string // address in its answer; empty: 127.0.0.1
}

// showing are the sessions in which a device sends, by Call-ID.
type showing struct {
	mu   sync.Mutex
	stop map[string]context.CancelFunc
}

func (s *showing) begin(call string, stop context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop == nil {
		s.stop = map[string]context.CancelFunc{}
	}
	s.stop[call] = stop
}

// end ends one, and no other: the end of a session may come after the next has begun.
func (s *showing) end(call string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stop := s.stop[call]; stop != nil {
		stop()
		delete(s.stop, call)
	}
}

// Show lets d send f in each session until BYE. Call it before Start.
func (d *Device) Show(f Film) {
	if f.Answered == "" {
		f.Answered = "127.0.0.1"
	}
	d.Answer = func(call string, offer []byte) []byte {
		o, err := media.ParseAnswer(offer)
		if err != nil {
			return nil
		}
		port, connect, err := f.connection(d.ctx, o)
		if err != nil {
			return nil
		}
		ctx, stop := context.WithCancel(d.ctx)
		d.shows.begin(call, stop)
		d.wg.Go(func() { defer stop(); f.send(ctx, connect, o.SSRC) })
		return fmt.Appendf(nil, "v=0\r\no=%s 0 0 IN IP4 %[2]s\r\ns=Play\r\nc=IN IP4 %[2]s\r\nt=0 0\r\nm=video %d %s 96\r\na=sendonly\r\n"+
			"a=rtpmap:96 PS/90000\r\ny=%010d\r\nf=v/2/5/25/1/4000a/1/8/1\r\n", d.ID, f.Answered, port, map[bool]string{false: "RTP/AVP", true: "TCP/RTP/AVP"}[o.TCP], o.SSRC)
	}
}

// send plays in one session. That its connection ends is how a session is over.
func (f Film) send(ctx context.Context, connect func() (net.Conn, error), ssrc uint32) {
	conn, err := connect()
	if err != nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	s := gbmedia.Sender{Clip: f.Clip, FPS: f.FPS, SSRC: ssrc, Quirks: f.Quirks}
	_ = s.Send(ctx, conn)
}

// connection opens the device's side of what is offered.
func (f Film) connection(ctx context.Context, o media.Answer) (port int, connect func() (net.Conn, error), err error) {
	to := net.JoinHostPort(o.Host.String(), strconv.Itoa(o.Port))
	if o.TCP && o.Setup == "active" {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, nil, err
		}
		return ln.Addr().(*net.TCPAddr).Port, func() (net.Conn, error) {
			defer ln.Close()
			defer context.AfterFunc(ctx, func() { _ = ln.Close() })()
			return ln.Accept()
		}, nil
	}
	dialer, network := net.Dialer{}, "udp"
	if f.Local != "" {
		dialer.LocalAddr = &net.UDPAddr{IP: net.ParseIP(f.Local)}
	}
	if o.TCP {
		network = "tcp"
		if f.Local != "" {
			dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(f.Local)}
		}
	}
	return 15060, func() (net.Conn, error) { return dialer.DialContext(ctx, network, to) }, nil
}
