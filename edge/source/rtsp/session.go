package rtsp

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"

	"gridgate/edge/source"
)

// session is one connection to the camera.
type session struct {
	opt    Options
	url    *base.URL
	client *gortsplib.Client
	emit   source.Emit
	units  *assembler
	meter  *source.Watch
	stats  *source.Meter
	udp    bool

	redirects atomic.Int32
	playing   atomic.Bool // the camera said yes to PLAY
	stopped   atomic.Bool
	conn      atomic.Pointer[meteredConn] // the newest
}

// maxRedirects bounds redirects within the camera itself, which the library would follow for ever.
const maxRedirects = 3

func newSession(s *Source, transport Transport, emit source.Emit) *session {
	ss := &session{opt: s.opt, url: s.url.Clone(), emit: emit, udp: transport == UDP, stats: s.stats}
	ss.meter = source.NewWatch(source.WatchOptions{Stall: s.opt.Stall, NoKeyframe: s.opt.NoKeyframe, MaxRate: s.opt.MaxRate, OnTrouble: s.opt.OnTrouble})
	ss.client = &gortsplib.Client{
		Scheme: s.url.Scheme, Host: s.url.Host, Transport: transportOf(transport), UserAgent: "gridgate",
		// The library's read timeout is also its own stall watchdog: ours comes first.
		ReadTimeout: max(s.opt.Connect, s.opt.Stall+s.opt.Stall/2), WriteTimeout: s.opt.Connect,
		InitialUDPReadTimeout: s.opt.Stall + s.opt.Stall/2,
		DialContext:           ss.dialer(s.dial),
		TLSConfig:             s.tls.Config(),
		OnResponse:            ss.checkRedirect,
		OnPacketsLost:         func(n uint64) { ss.meter.Lost.Add(n) },
		OnDecodeError:         func(error) { ss.meter.Invalid.Add(1) },
		OnTransportSwitch:     func(error) {},
	}
	return ss
}

func transportOf(t Transport) *gortsplib.Transport {
	out := gortsplib.TransportTCP
	if t == UDP {
		out = gortsplib.TransportUDP
	}
	return &out
}

func withCredentials(u *base.URL, user, password string) *base.URL {
	u = u.Clone()
	if user != "" {
		u.User = url.UserPassword(user, password)
	}
	return u
}

// run plays until ctx ends or the stream fails. The client is closed, and its goroutines have ended, when it returns.
func (ss *session) run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	if err := ss.client.Start2(); err != nil {
		stop(nil)
		return classify(err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop(nil)
	// The library's calls take no context: closing the client ends them.
	wg.Go(func() { <-ctx.Done(); ss.close() })

	connecting := time.AfterFunc(ss.opt.Connect, func() { stop(errConnect) })
	err := ss.play()
	ss.playing.Store(err == nil)
	if !connecting.Stop() {
		stop(errConnect) // its own goroutine may not have come to that yet
	} else if err == nil {
		wg.Go(func() { stop(ss.meter.Run(ctx)) })
		err = ss.client.Wait()
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return classify(err)
}

// close ends the client. Before PLAY there is nothing to take leave of, and the library would wait without end for a camera that
// does not finish the TLS handshake.
func (ss *session) close() {
	ss.stopped.Store(true)
	if conn := ss.conn.Load(); conn != nil && !ss.playing.Load() {
		_ = conn.Close()
	}
	ss.client.Close()
}

// play goes through DESCRIBE, SETUP of the one video track, and PLAY.
func (ss *session) play() error {
	desc, _, err := ss.client.Describe(ss.url)
	if err != nil {
		return err
	}
	media, forma, offer, err := choose(desc)
	if err != nil {
		return err
	}
	if ss.units, err = newAssembler(offer, ss.opt.MaxUnit, ss.deliver); err != nil {
		return err
	}
	if err := ss.setup(desc.BaseURL, media); err != nil {
		return err
	}
	ss.client.OnPacketRTP(media, forma, ss.packet)
	ss.client.OnPacketRTCP(media, ss.units.camera.note)
	ss.meter.Start()
	_, err = ss.client.Play(nil)
	return err
}

// codecs in the order in which they are chosen: what costs least to receive and decode comes last only if there is nothing else.
var codecs = []source.Codec{source.H264, source.H265, source.MJPEG}

// choose picks the first video track that can be decoded. No other is set up: sound and a vendor's own data stay at the camera.
func choose(desc *description.Session) (*description.Media, format.Format, track, error) {
	for _, codec := range codecs {
		for _, media := range desc.Medias {
			if media.Type != description.MediaTypeVideo || media.IsBackChannel {
				continue
			}
			for _, forma := range media.Formats {
				if t, ok := trackOf(forma); ok && t.codec == codec {
					return media, forma, t, nil
				}
			}
		}
	}
	return nil, nil, track{}, fmt.Errorf("%w: it offers neither H.264 nor H.265 nor MJPEG", source.ErrUnsupported)
}

// setup names the UDP ports itself: left to choose, the library tries without end when none can be opened.
func (ss *session) setup(baseURL *base.URL, media *description.Media) error {
	var err error
	for range 20 {
		port := 20000 + 2*rand.IntN(20000)
		_, err = ss.client.Setup(baseURL, media, port, port+1)
		var op *net.OpError
		if !errors.As(err, &op) || op.Op != "listen" {
			return err
		}
	}
	return err
}

// packet is called by the library from one goroutine per session.
func (ss *session) packet(pkt *rtp.Packet) {
	if ss.udp { // over TCP the connection is measured
		ss.meter.Bytes.Add(uint64(len(pkt.Payload)))
	}
	ss.units.add(pkt, time.Now())
}

// deliver takes what the assembler made of the packets.
func (ss *session) deliver(u source.AccessUnit, o outcome) {
	ss.meter.Note(o)
	if o == passed {
		ss.stats.Add(u)
		ss.emit(u)
	}
}

// checkRedirect takes the address out of a redirect that leads to another host, or round and round: the library would go
// there with the credentials. Without it the answer is an ordinary failure.
func (ss *session) checkRedirect(res *base.Response) {
	if res.StatusCode < 300 || res.StatusCode >= 400 {
		return
	}
	to, err := base.ParseURL(first(res.Header["Location"]))
	if err != nil || to.Scheme != ss.url.Scheme || hostPort(to) != hostPort(ss.url) || ss.redirects.Add(1) > maxRedirects {
		delete(res.Header, "Location")
	}
}

func hostPort(u *base.URL) string {
	port := "554"
	if u.Scheme == secureScheme {
		port = "322"
	}
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// dialer measures all bytes of the connection, so that a flood of anything is seen.
func (ss *session) dialer(dial func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		metered := &meteredConn{Conn: conn, bytes: &ss.meter.Bytes}
		metered.in = bufio.NewReaderSize(metered.Conn, readAhead)
		ss.conn.Store(metered)
		if ss.stopped.Load() {
			_ = conn.Close()
		}
		return metered, nil
	}
}

// readAhead is how many bytes are read at once: the library reads packet by packet, and each system call costs more than a copy.
const readAhead = 32 << 10

type meteredConn struct {
	net.Conn
	in    *bufio.Reader
	bytes *atomic.Uint64
}

func (c *meteredConn) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.bytes.Add(uint64(n))
	return n, err
}
